"""
The command line: C{chatroom admin}.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from attrs import frozen

from chatroom.admin import backup, checking, exporting, importing
from chatroom.admin.exits import USAGE


@frozen
class Subcommand:
    """
    Something that the operator can do.

    @ivar purpose: what for, in one line.
    @ivar describe: adds the arguments to a parser.
    @ivar run: does it with what was given, and returns the exit status.
    """

    purpose: str
    describe: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


#: By name, in the order of C{--help}.
SUBCOMMANDS: Mapping[str, Subcommand] = {
    "backup": Subcommand(
        "copy the database, beside a running server", backup.describe, backup.run
    ),
    "check": Subcommand(
        "see whether what is stored is as it has to be", checking.describe, checking.run
    ),
    "export": Subcommand(
        "write everything, or one room, as lines of JSON", exporting.describe, exporting.run
    ),
    "import": Subcommand("fill a new database with an export", importing.describe, importing.run),
}


class Parser(argparse.ArgumentParser):
    """
    Has one line for whoever has mistyped, as the server does.
    """

    def error(self, message: str) -> NoReturn:
        """
        End.
        """
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str]) -> int:
    """
    Do what the operator asks.

    @return: the exit status, as in L{chatroom.admin.exits}.
    """
    chosen = parser().parse_args(arguments)
    return SUBCOMMANDS[chosen.subcommand].run(chosen)


def parser() -> Parser:
    """
    @return: what reads the command line.
    """
    result = Parser(prog="chatroom admin", description="Look after a chat from a shell.")
    some = result.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    for name, each in SUBCOMMANDS.items():
        each.describe(some.add_parser(name, help=each.purpose, description=each.purpose))
    return result
