"""
What a task of the operator is, and how it is done from a command line.
"""

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from chatroom.admin.desk import Desk
from chatroom.admin.exits import DONE, INTERRUPTED, UNREACHABLE, USAGE, Failed
from chatroom.admin.reach import Reach
from chatroom.admin.secret import confirm, read_password
from chatroom.admin.shown import for_programs, table, visible
from chatroom.settings import Settings
from chatroom.tap import Options


class Way(Protocol):
    """
    What leads to a chat, such as a L{Reach}.
    """

    async def do(self, work: Callable[[Desk], Awaitable[None]]) -> None:
        """
        Ask what is to be asked.

        @raise Failed: if it comes to nothing.
        """


@frozen
class Task:
    """
    Something to ask a chat.

    @ivar purpose: what for, in one line.
    @ivar describe: adds its arguments to a parser.
    @ivar work: asks.
    @ivar has_password: whether it needs one.
    @ivar question: what is to be confirmed first, with the arguments in it, if it can't be
        undone.
    """

    purpose: str
    describe: Callable[[ArgumentParser], None]
    work: Callable[[Desk, Namespace], Awaitable[None]]
    has_password: bool = False
    question: str | None = None


def describe_tasks(parser: ArgumentParser, tasks: Mapping[str, Task]) -> None:
    """
    Add tasks to a parser.
    """
    some = parser.add_subparsers(dest="task_name", required=True, metavar="WHAT")
    for name, task in tasks.items():
        each = some.add_parser(name, help=task.purpose, description=task.purpose)
        describe_task(each, task)


def describe_task(parser: ArgumentParser, task: Task) -> None:
    """
    Add the arguments of a task to a parser.
    """
    task.describe(parser)
    add_places(parser, SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    if task.question is not None:
        parser.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
    parser.set_defaults(task=task)


def add_places(parser: ArgumentParser, default: str | None = None) -> None:
    """
    Add the options that say which chat is meant.
    """
    parser.add_argument(
        "--database",
        default=default,
        metavar="URL",
        help="where everything is stored, as the server has it [CHATROOM_DATABASE]",
    )
    parser.add_argument(
        "--admin-socket",
        default=default,
        metavar="PATH",
        help="where the server is reached, as it has it [CHATROOM_ADMIN_SOCKET]",
    )


def settings_of(chosen: Namespace, environment: Mapping[str, str] = os.environ) -> Settings:
    """
    @return: what the server has that is meant, as far as it is known here.
    @raise Failed: if that can't be.
    """
    options = Options(environment)
    words = []
    for name in ("database", "admin_socket"):
        value = getattr(chosen, name, None)
        if value is not None:
            words.append(f"--{name.replace('_', '-')}={value}")
    try:
        options.parseOptions(words)
    except SystemExit as end:
        raise Failed(USAGE, str(end.code).removeprefix("chatroom: ")) from end
    settings: Settings = options.settings
    return settings


def run_task(chosen: Namespace) -> int:
    """
    Do what the command line says.

    @return: the exit status.
    """
    try:
        prepare(chosen)
        settings = settings_of(chosen)
    except Failed as failed:
        return _say(failed)
    except KeyboardInterrupt:
        return INTERRUPTED
    statuses: list[int] = []
    try:
        react(_run, (settings, chosen, statuses))
    except SystemExit as end:
        if end.code and not statuses:
            raise
    return statuses[0] if statuses else INTERRUPTED


def prepare(chosen: Namespace) -> None:
    """
    Have what the operator has to be asked for, before anything begins.

    @raise Failed: if it is not given.
    """
    task: Task = chosen.task
    if task.question is not None:
        shown = {name: visible(value) for name, value in vars(chosen).items()}
        confirm(task.question.format(**shown), is_sure=chosen.yes)
    chosen.password = read_password() if task.has_password else None


async def _run(reactor: Any, settings: Settings, chosen: Namespace, statuses: list[int]) -> None:
    reach = Reach(reactor, settings, _show)

    def end() -> "Deferred[None]":
        # Before there is another status, by Ctrl-C.
        statuses.append(INTERRUPTED)
        return reach.close()

    reactor.addSystemEventTrigger("before", "shutdown", end)
    try:
        statuses.append(await attempt(reach, chosen))
    except BrokenPipeError:
        # Whoever reads has seen enough; nothing is left to be written at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        statuses.append(DONE)


def _show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def attempt(way: Way, chosen: Namespace) -> int:
    """
    @return: the exit status of a task.
    """

    async def work(desk: Desk) -> None:
        await chosen.task.work(desk, chosen)

    try:
        await way.do(work)
    except Failed as failed:
        return _say(failed)
    return DONE


def tell(desk: Desk, chosen: Namespace, done: object, sentence: str) -> None:
    """
    Show what was done.

    @param done: the same, for programs.
    """
    desk.show(for_programs(done) if chosen.json else sentence)


class Lines:
    """
    A list, as it comes: for programs at once, for people when its columns are known.
    """

    def __init__(self, desk: Desk, chosen: Namespace, *heads: str) -> None:
        self._desk = desk
        self._is_json = chosen.json
        self._heads = heads
        self._rows: list[tuple[object, ...]] = []

    def add(self, thing: object, *cells: object) -> None:
        """
        Add a line.
        """
        if self._is_json:
            self._desk.show(for_programs(thing))
        else:
            self._rows.append(cells)

    def end(self) -> None:
        """
        There are no more.
        """
        if not self._is_json:
            for line in table(self._heads, self._rows):
                self._desk.show(line)


def _say(failed: Failed) -> int:
    sys.stderr.write(f"chatroom admin: {visible(failed.why)}\n")
    assert failed.status <= UNREACHABLE
    return failed.status
