"""
The command line: C{chatroom admin}.
"""

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NoReturn

from attrs import frozen

from chatroom.admin import backup, checking, exporting, importing
from chatroom.admin.exits import USAGE
from chatroom.admin.people import SESSIONS, USERS
from chatroom.admin.places import AUDIT, BANS, ROOMS
from chatroom.admin.tasks import Task, add_places, describe_task, describe_tasks, run_task


@frozen
class Subcommand:
    """
    Something that the operator can do.

    @ivar purpose: what for, in one line.
    @ivar describe: adds the arguments to a parser.
    @ivar run: does it with what was given, and returns the exit status.
    """

    purpose: str
    describe: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


def _of(purpose: str, tasks: Mapping[str, Task]) -> Subcommand:
    """
    @return: a sub-command with tasks of its own.
    """
    return Subcommand(purpose, partial(describe_tasks, tasks=tasks), run_task)


#: By name, in the order of C{--help}.
SUBCOMMANDS: Mapping[str, Subcommand] = {
    "users": _of("look after accounts", USERS),
    "rooms": _of("look after rooms", ROOMS),
    "sessions": _of("see who has logged in, and end that", SESSIONS),
    "bans": _of("see who may not be where, and end that", BANS),
    "audit": Subcommand(AUDIT.purpose, partial(describe_task, task=AUDIT), run_task),
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
    add_places(result)
    some = result.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    for name, each in SUBCOMMANDS.items():
        each.describe(some.add_parser(name, help=each.purpose, description=each.purpose))
    return result
