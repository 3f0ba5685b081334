"""
The operator's commands for tests: with a server that runs, and without one, in a time that
only tests advance.
"""

import io
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.admin.command import parser
from chatroom.admin.desk import Desk
from chatroom.admin.exits import USAGE, Failed
from chatroom.admin.inside import connect
from chatroom.admin.reach import Reach
from chatroom.admin.tasks import Way, attempt, prepare, settings_of
from chatroom.server.service import ChatService
from tests.lanes import InlineLane
from tests.servers import CHEAP, START


@define
class Shown:
    """
    What a command has come to.
    """

    status: int
    lines: list[str]
    error: str


@define(eq=False)
class Running:
    """
    The way to a server that runs.
    """

    _chat: ChatService
    _clock: Clock
    _show: Callable[[str], None]

    async def do(self, work: Callable[[Desk], Awaitable[None]]) -> None:
        """
        Ask what is to be asked.
        """
        desk = Desk(self._clock, self._show)
        connect(self._chat, self._clock, desk)
        await desk.greet()
        await work(desk)


@define(eq=False)
class Shell:
    """
    Where commands are given.

    @ivar chat: the server that runs; C{None} if none does.
    @ivar url: of the database.
    """

    test: SynchronousTestCase
    url: str
    clock: Clock
    chat: ChatService | None = None
    environment: dict[str, str] = field(factory=dict)

    def run(self, *words: str, typed: str = "") -> Shown:
        """
        @param typed: what is on standard input.
        """
        lines: list[str] = []
        error = io.StringIO()
        self.test.patch(sys, "stderr", error)
        self.test.patch(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode()), "utf-8"))
        chosen = parser().parse_args([*words, "--database", self.url, "--admin-socket=off"])
        try:
            prepare(chosen)
        except Failed as failed:
            return Shown(failed.status, lines, str(failed))
        status = self._await(attempt(self._way(chosen, lines.append), chosen))
        return Shown(status, lines, error.getvalue())

    def _way(self, chosen: Namespace, show: Callable[[str], None]) -> Way:
        if self.chat is not None:
            return Running(self.chat, self.clock, show)
        parts: dict[str, Any] = {
            "make_lane": _lane,
            "cost": CHEAP,
            "now": self.clock.seconds,
        }
        return Reach(self.clock, settings_of(chosen, self.environment), show, parts)

    def _await(self, coroutine: Any) -> int:
        done: Deferred[int] = Deferred.fromCoroutine(coroutine)
        for _ in range(400):
            if done.called:
                break
            self.clock.advance(0.05)
        return self.test.successResultOf(done)


def _lane(name: str, count: int) -> InlineLane:
    """
    @return: none that is a thread.
    """
    return InlineLane()


def new_clock() -> Clock:
    """
    @return: a clock that goes as a server's in memory.
    """
    clock = Clock()
    clock.rightNow = START
    return clock


def usage_status(*words: str) -> int | str | None:
    """
    @return: what the parser ends with.
    """
    try:
        parser().parse_args(words)
    except SystemExit as end:
        return end.code
    return USAGE + 100
