"""
C{chatroom}, and C{python -m chatroom}: the server in the foreground, as C{twistd -n
chatroom} would have it; or, where the first argument names one, another command.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen
from twisted.scripts.twistd import run


@frozen
class Command:
    """
    What C{chatroom} can do besides to serve.

    @ivar run: is called with the arguments that follow, and returns the exit status.
    @ivar purpose: what for, in one line.
    """

    run: Callable[[Sequence[str]], int]
    purpose: str


def _torture(arguments: Sequence[str]) -> int:
    # Imported where it is needed: a server has no use for a client.
    from chatroom.torture.command import main as torture

    return torture(arguments)


def _admin(arguments: Sequence[str]) -> int:
    from chatroom.admin.command import main as admin

    return admin(arguments)


#: By name.
COMMANDS: Mapping[str, Command] = {
    "admin": Command(_admin, "look after users, rooms and sessions, whether a server runs or not"),
    "torture": Command(_torture, "see whether a server keeps its promises, whatever goes wrong"),
}


def main() -> int:
    """
    Do what the command line says.

    @return: the exit status.
    """
    arguments = sys.argv[1:]
    command = COMMANDS.get(arguments[0]) if arguments else None
    return _serve(arguments) if command is None else command.run(arguments[1:])


def _serve(arguments: Sequence[str]) -> int:
    if "--help" in arguments:
        sys.stdout.write(_listed())
    sys.argv[1:] = ["--nodaemon", "--pidfile=", "chatroom", *arguments]
    run()
    return 0


def _listed() -> str:
    lines = [f"  chatroom {name} [options]: {each.purpose}" for name, each in COMMANDS.items()]
    return "\n".join(["Commands:", "  chatroom [options]: serve", *lines, "", ""])


if __name__ == "__main__":
    sys.exit(main())
