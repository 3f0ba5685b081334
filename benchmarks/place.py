"""
Where benchmarks run: a directory that is gone afterwards, on a disk with a speed.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.checkout import OURS, Checkout
from benchmarks.figures import middle, milliseconds
from benchmarks.server import Server, cores
from chatroom import __version__


def add_arguments(parser: argparse.ArgumentParser, *, has_one: bool = True) -> None:
    """
    Declare what can be chosen of a place.

    @param has_one: whether there is one server there, so that it may have a database
        from elsewhere.
    """
    parser.add_argument(
        "--directory", help="where the database is made [the system's for temporary files]"
    )
    if has_one:
        parser.add_argument(
            "--database",
            help="the URL of another one, which has to be empty [SQLite in --directory]",
        )
    else:
        parser.set_defaults(database=None)


@contextmanager
def server(
    choices: argparse.Namespace,
    settings: Mapping[str, object],
    *,
    checkout: Checkout = OURS,
    certificate: "tuple[Path, Path] | None" = None,
) -> Iterator[Server]:
    """
    Have a server that is not started yet, and is gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=choices.directory) as name:
        database = choices.database or f"sqlite:///{name}/chatroom.db"
        made = Server(Path(name), database, settings, checkout, certificate)
        try:
            yield made
        finally:
            if made.is_running:
                made.kill()


def described(server: Server) -> str:
    """
    @return: what else the figures depend on, in a few lines.
    """
    mine, load = cores()
    where = f"the server on processor {_listed(mine)}, the load on {_listed(load)}"
    lines = [
        f"chatroom {__version__}, Python {platform.python_version()}, {_processor()}: {where}",
        f"database {server.database.partition(':')[0]}; writing 4 KiB through to the disk takes "
        + milliseconds(synced_write(server.directory)),
    ]
    if mine == load:
        lines.append("There is one processor: the load takes from the server what it needs.")
    return "\n".join(lines)


def synced_write(directory: Path, times: int = 50) -> float:
    """
    @return: how many seconds the disk takes for the least that a commit needs; next
        to nothing means that it is none, as in a directory that is memory.
    """
    taken = []
    path = directory / "synced"
    with open(path, "wb", buffering=0) as file:
        for _ in range(times):
            begun = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    path.unlink()
    return middle(taken)


def _listed(processors: set[int]) -> str:
    return ", ".join(map(str, sorted(processors)))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
