"""
Real processes, started as an operator starts them.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

#: Whose C{twistd} is started: that of the environment of the tests, or of another.
PYTHON = os.environ.get("CHATROOM_TEST_PYTHON", sys.executable)
TWISTD = str(Path(PYTHON).parent / "twistd")

#: How long anything may take.
SECONDS = 20

#: How long a server may take to stop.
STOP_SECONDS = 10


class Outcome(NamedTuple):
    """
    How a process ended.

    @ivar status: its exit status, or minus the signal that ended it.
    """

    status: int
    out: str
    err: str


class Process(ProcessProtocol):
    """
    A process, and what it has written so far.

    @ivar pid: its number.
    @ivar ended: its outcome, when it has ended and nobody holds its output open.
    """

    def __init__(self, reactor: Any) -> None:
        self.out = b""
        self.err = b""
        self.ended: Deferred[Outcome] = Deferred()
        self.is_running = True
        self._reactor = reactor
        self._waiting: list[Deferred[None]] = []

    def connectionMade(self) -> None:
        """It has a number."""
        assert self.transport is not None
        self.pid: int = self.transport.pid

    async def says(self, pattern: str) -> str:
        """
        Wait for a line of its output.

        @param pattern: a regular expression.
        @return: the first group of it.
        """
        while True:
            found = re.search(pattern, self.out.decode("utf-8"))
            if found:
                return found[1]
            assert self.is_running, f"it ended: {self.err!r} {self.out!r}"
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting.addTimeout(SECONDS, self._reactor))
            await waiting

    async def stop(self, number: int = signal.SIGTERM) -> Outcome:
        """
        Send it a signal, unless it has ended, and wait for its end.
        """
        if self.is_running:
            os.kill(self.pid, number)
        return await self.outcome(STOP_SECONDS)

    async def outcome(self, seconds: float = SECONDS) -> Outcome:
        """
        Wait for its end.
        """
        return await self.ended.addTimeout(seconds, self._reactor)

    def outReceived(self, data: bytes) -> None:
        """It writes."""
        self.out += data
        self._tell()

    def errReceived(self, data: bytes) -> None:
        """It complains."""
        self.err += data

    def processEnded(self, reason: Failure) -> None:
        """It is over."""
        self.is_running = False
        value: Any = reason.value
        status = value.exitCode
        if isinstance(value, ProcessTerminated) and value.signal is not None:
            status = -value.signal
        self.ended.callback(Outcome(status, self.out.decode(), self.err.decode()))
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


@define(eq=False)
class Place:
    """
    A directory in which an operator works.

    @ivar started: every process that was started from here.
    """

    reactor: Any
    path: Path
    started: list[Process] = field(factory=list)

    def start(self, *command: str, **environment: str) -> Process:
        """
        Start a process here.

        @param environment: variables that it has besides ours.
        """
        assert IReactorProcess.providedBy(self.reactor)
        process = Process(self.reactor)
        ours = {k: v for k, v in os.environ.items() if not _is_about_tests(k)}
        env = {**ours, "PYTHONIOENCODING": "utf-8", **environment}
        self.reactor.spawnProcess(process, command[0], command, env, str(self.path))
        self.started.append(process)
        return process

    async def run(self, *command: str, **environment: str) -> Outcome:
        """
        Run a command to its end.
        """
        return await self.start(*command, **environment).outcome()

    async def until(self, happened: Callable[[], bool]) -> None:
        """
        Wait for what nobody tells: look every now and then.
        """
        assert IReactorTime.providedBy(self.reactor)
        for _ in range(SECONDS * 50):
            if happened():
                return
            await deferLater(self.reactor, 0.02)
        raise AssertionError("it did not happen")

    async def leave(self) -> None:
        """
        End what was started here and has not ended.
        """
        for process in self.started:
            if process.is_running:
                os.kill(process.pid, signal.SIGKILL)
                await process.outcome()
        for file in self.path.glob("*.pid"):
            # A daemon that is just ending removes its file.
            with suppress(FileNotFoundError, ProcessLookupError):
                pid = int(file.read_text())
                if pid not in {process.pid for process in self.started}:
                    os.kill(pid, signal.SIGKILL)


def _is_about_tests(variable: str) -> bool:
    return variable.startswith("CHATROOM_") or variable == "PYTHONPATH"
