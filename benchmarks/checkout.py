"""
Which checkout of the project a server is of: this one, or another to compare it with.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

import chatroom
from benchmarks.trouble import Trouble
from chatroom.settings import options

#: What keeps greedy peers down, and so is off where a benchmark is one; those that
#: a server has are turned off.
LIMITS = (
    "connections_per_address",
    "anonymous_per_address",
    "anonymous_connections",
    "sessions_per_user",
    "post_rate",
    "post_burst",
    "room_members",
    "rooms_per_user",
    "registrations_per_hour",
    "login_tries",
)

_OPTIONS = """
import json, chatroom.settings
names = [each.name for each in chatroom.settings.options()]
print(json.dumps([chatroom.__file__, chatroom.__version__, names]))
"""


@frozen(kw_only=True)
class Checkout:
    """
    The project at some time.

    @ivar name: as it is called beside another.
    @ivar path: the folder that has its package.
    @ivar options: the settings that its server has.
    """

    name: str
    path: Path
    version: str
    options: frozenset[str] = field(repr=False)

    @classmethod
    def at(cls, path: Path) -> "Checkout":
        """
        @return: the one in a folder.
        @raise Trouble: if there is none.
        """
        path = path.resolve()
        if not (path / "chatroom").is_dir():
            raise Trouble(f"benchmarks: {path} is no checkout of the project")
        where, version, names = _ask(path, _OPTIONS, None)
        if Path(where).parent.parent.resolve() != path:
            raise Trouble(f"benchmarks: {path} has no package of its own")
        return cls(name=path.name, path=path, version=version, options=frozenset(names))

    def known(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """
        @return: of some settings those that this server has.
        """
        return {name: value for name, value in wanted.items() if name in self.options}

    def no_limits(self) -> dict[str, object]:
        """
        @return: the settings that turn every limit off which a benchmark would meet.
        """
        return self.known(dict.fromkeys(LIMITS, 0))

    def environment(self) -> dict[str, str]:
        """
        @return: that of a process which is to import this package, with no settings.
        """
        return _environment(self.path)

    def ask(self, code: str, given: object) -> Any:
        """
        Have a process of this checkout do something that it knows better.

        @param code: what reads JSON from standard input, and prints JSON.
        @raise Trouble: if it fails.
        """
        return _ask(self.path, code, given)


def _environment(path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHATROOM_")}
    others = [kept["PYTHONPATH"]] if kept.get("PYTHONPATH") else []
    return {**kept, "PYTHONPATH": os.pathsep.join([str(path), *others])}


def _ask(path: Path, code: str, given: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=path,
        env=_environment(path),
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        raise Trouble(f"benchmarks: {path.name}: {why.removeprefix('benchmarks: ')}")
    return json.loads(done.stdout)


#: The one that these benchmarks are of.
OURS = Checkout(
    name="this",
    path=Path(chatroom.__file__).parent.parent,
    version=chatroom.__version__,
    options=frozenset(each.name for each in options()),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be compared.
    """
    parser.add_argument(
        "--against",
        metavar="PATH",
        type=Path,
        help="another checkout of the project, to be measured in turns with this one",
    )


def compared(choices: argparse.Namespace) -> list[Checkout]:
    """
    @return: what is to be measured, this one last.
    @raise Trouble: if the other is none, or there is no room for it.
    """
    if choices.against is None:
        return [OURS]
    if choices.database:
        raise Trouble("benchmarks: --database is of one server, and with --against there are two")
    return [Checkout.at(choices.against), OURS]
