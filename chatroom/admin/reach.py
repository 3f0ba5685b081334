"""
How a command reaches a chat: the server that runs, by its socket; where none runs, the
database itself, as a server would have it.
"""

import errno
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from chatroom.admin.desk import Desk
from chatroom.admin.exits import UNREACHABLE, Failed
from chatroom.admin.inside import Inside
from chatroom.errors import DatabaseInUse, StartError
from chatroom.server.reached import socket_path
from chatroom.settings import Settings

#: For how long one waits for a server that is about to listen, or for another command
#: that has the database, and how often one looks; in seconds.
WAITING_SECONDS = 10.0
LOOKING_SECONDS = 0.2

#: How long the path of a socket may be.
_MOST_BYTES = 107

#: What a connection fails with where nobody listens.
_NOBODY = (errno.ENOENT, errno.ECONNREFUSED)


class _Line(TwistedProtocol):
    """
    A connection to a server that runs.
    """

    transport: Any

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """
        Have somewhere to send to.
        """
        self._desk.send = self.transport.write

    def dataReceived(self, data: bytes) -> None:
        """
        Pass it on.
        """
        self._desk.hear(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Have the desk know.
        """
        self._desk.lose()
        self.gone.callback(None)

    def close(self) -> "Deferred[None]":
        """
        End it.

        @return: when it has ended.
        """
        self.transport.loseConnection()
        return self.gone


@define(eq=False)
class Reach:
    """
    Finds a way.

    @ivar show: takes a line of the result.
    @ivar parts: what the service is assembled of where no server runs, as of
        L{chatroom.assembly.assemble}.
    """

    _reactor: Any
    _settings: Settings
    _show: Callable[[str], None]
    _parts: "dict[str, Any]" = field(factory=dict)
    _close: "Callable[[], Deferred[None]] | None" = field(default=None, init=False)

    async def do(self, work: "Callable[[Desk], Awaitable[None]]") -> None:
        """
        Ask what is to be asked.

        @raise Failed: if it comes to nothing.
        """
        desk = await self._open()
        try:
            await work(desk)
        finally:
            await self.close()

    def close(self) -> "Deferred[None]":
        """
        Let go of what was reached, if anything was.
        """
        close, self._close = self._close, None
        return succeed(None) if close is None else close()

    async def _open(self) -> Desk:
        until = self._reactor.seconds() + WAITING_SECONDS
        while True:
            try:
                desk = await self._from_outside()
                return desk or await self._from_inside()
            except (DatabaseInUse, _NotYet) as error:
                if self._reactor.seconds() >= until:
                    raise Failed(UNREACHABLE, self._without(str(error))) from error
            except StartError as error:
                raise Failed(UNREACHABLE, str(error)) from error
            await deferLater(self._reactor, LOOKING_SECONDS)

    def _without(self, why: str) -> str:
        path = socket_path(self._settings)
        where = f"nobody answers at {path}" if path else "its admin socket is not known"
        return f"{why}, and {where}: --admin-socket names another path"

    async def _from_outside(self) -> Desk | None:
        """
        @return: what leads to the server; C{None} if none listens.
        """
        path = socket_path(self._settings)
        if path is None or len(os.fsencode(path)) > _MOST_BYTES:
            return None
        desk = Desk(self._reactor, self._show)
        endpoint = UNIXClientEndpoint(self._reactor, path)
        try:
            line: Any = await connectProtocol(endpoint, _Line(desk))
        except ConnectError as error:
            number = error.osError if isinstance(error.osError, int) else None
            if number in _NOBODY:
                return None
            raise Failed(UNREACHABLE, f"cannot connect to {path}: {_told(error)}") from error
        self._close = line.close
        try:
            await desk.greet()
        except Failed as error:
            await self.close()
            # It is only just starting, or about to stop.
            raise _NotYet(f"the server at {path} does not answer") from error
        return desk

    async def _from_inside(self) -> Desk:
        desk = Desk(self._reactor, self._show)
        inside = Inside.open(self._reactor, self._settings, desk, **self._parts)
        self._close = inside.close
        await desk.greet()
        return desk


class _NotYet(Exception):
    """
    A server listens, and does not answer.
    """


def _told(error: ConnectError) -> str:
    with suppress(TypeError, ValueError):
        return os.strerror(int(error.osError))
    return str(error)
