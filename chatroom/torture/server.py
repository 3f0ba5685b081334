"""
The server as its operator has it: a process, which is started again when it has ended.
"""

import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

import chatroom

#: Below the ports that the system gives out by itself: who tries to connect to one
#: of those while nobody listens there may end up connected to itself.
_PORTS = range(20_000, 32_000)

#: How long it takes until a server that has ended is started again, in seconds.
RESTART_SECONDS = 0.2

#: What keeps greedy peers down; here everybody is one.
_OFF = (
    "connections-per-address",
    "anonymous-per-address",
    "anonymous-connections",
    "sessions-per-user",
    "login-tries",
    "registrations-per-hour",
    "post-burst",
    "post-rate",
    "room-members",
    "rooms-per-user",
)

_SERVING = re.compile(rb'"event": "serving"')
_FAULT = re.compile(r'"level": "(?:error|critical)", "event": (?:"(\w+)"|null)')

#: What the server complains of where the fault is not its own. (That it could not start
#: is looked at where it ends.)
EXPECTED = ("database_failed", "commit_unknown", "cannot_start")


class Server(ProcessProtocol):
    """
    A server that runs, whatever happens, until it is stopped.

    @ivar port: where it listens; always the same.
    @ivar starts: how often it was started.
    @ivar ends: how it has ended by itself, in words.
    @ivar ended: called when it has, with these words and with whether it had served.
    @ivar began_at: when the process was started.
    """

    def __init__(self, reactor: Any, directory: Path, database: str, heartbeat: float) -> None:
        self._reactor = reactor
        self._directory = directory
        self.port = _free_port()
        self._arguments = _arguments(self.port, heartbeat)
        self._database = database
        self.log = directory / "server.log"
        self.starts = 0
        self.ends: list[str] = []
        self.ended: Callable[[str, bool], None] = lambda why, _: self.ends.append(why)
        self.began_at = 0.0
        self.is_serving = False
        self._process: Any = None
        self._is_wanted = False
        self._is_killed = False
        self._restart: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []
        self._end: Deferred[None] | None = None
        self._last = b""

    @property
    def pid(self) -> int | None:
        """
        The number of the process, if there is one.
        """
        return None if self._process is None else int(self._process.pid)

    def start(self) -> None:
        """
        Run, from now on.
        """
        self._is_wanted = True
        self._spawn()

    def serving(self) -> "Deferred[None]":
        """
        @return: fires when it serves.
        """
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        if self.is_serving:
            self._tell()
        return waiting

    def kill(self) -> None:
        """
        Kill it.
        """
        self._is_killed = True
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """
        Send it a signal, if it is there.
        """
        if self._process is not None:
            with suppress(ProcessExitedAlready):
                self._process.signalProcess(number)

    async def stop(self, seconds: float = 20.0) -> None:
        """
        End it as an operator does, or by force, and start it no more.
        """
        self._is_wanted = False
        if self._restart is not None and self._restart.active():
            self._restart.cancel()
        if self._process is not None:
            self._end = Deferred()
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            forcing = self._reactor.callLater(seconds, self._force)
            await self._end
            if forcing.active():
                forcing.cancel()

    def abandon(self) -> None:
        """
        Leave nothing behind when this process ends.
        """
        self._is_wanted = False
        self.signal(signal.SIGKILL)

    def faults(self) -> list[str]:
        """
        @return: what the log complains of that is the server's own fault.
        """
        return [line for name, line in self._complaints() if name not in EXPECTED]

    def failures(self) -> int:
        """
        @return: how often the log complains of the database.
        """
        return sum(name in EXPECTED for name, _ in self._complaints())

    def _complaints(self) -> Iterator[tuple[str | None, str]]:
        if self.log.exists():
            for line in self.log.read_text("utf-8", "replace").splitlines():
                found = _FAULT.search(line)
                if found is not None:
                    yield found[1], line[:2000]

    def outReceived(self, data: bytes) -> None:
        """
        Keep its log. It writes to us, and not to a file, since it may not write to files
        while its disk is full.
        """
        with open(self.log, "ab") as file:
            file.write(data)
        self._last = (self._last + data)[-4000:]
        if not self.is_serving and _SERVING.search(self._last):
            self.is_serving = True
            self._tell()

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        """
        Start it again.
        """
        had_served, self.is_serving, self._process = self.is_serving, False, None
        if self._end is not None:
            self._end.callback(None)
        if not self._is_killed and self._is_wanted:
            last = self._last.decode("utf-8", "replace").splitlines() or [str(reason.value)]
            self.ended(last[-1], had_served)
        if self._is_wanted:
            self._restart = self._reactor.callLater(RESTART_SECONDS, self._spawn)

    def _spawn(self) -> None:
        self._is_killed, self._last = False, b""
        self.starts += 1
        self.began_at = self._reactor.seconds()
        environment = _environment(self._database)
        command = [sys.executable, "-m", "chatroom", *self._arguments]
        self._process = self._reactor.spawnProcess(
            self, command[0], command, environment, str(self._directory)
        )

    def _force(self) -> None:
        self.ends.append("it did not stop when it was told to")
        self.signal(signal.SIGKILL)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


def _arguments(port: int, heartbeat: float) -> list[str]:
    arguments = ["--port", str(port), "--log-format", "json"]
    arguments += ["--heartbeat-seconds", str(heartbeat), "--language", "en"]
    for name in _OFF:
        arguments += [f"--{name}", "0"]
    return arguments


def _environment(database: str) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CHATROOM_")}
    # The server that belongs to this module, wherever that was imported from.
    paths = [str(Path(chatroom.__file__).parent.parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    # Not on the command line, which everybody on this machine may read.
    environment["CHATROOM_DATABASE"] = database
    return environment


def _free_port() -> int:
    for port in SystemRandom().sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit("chatroom torture: no port is free")
