"""
A chat without a server: the service runs in the command's own process, on no port.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from chatroom.admin.desk import Desk
from chatroom.assembly import assemble
from chatroom.server.service import ChatService
from chatroom.server.session import Session
from chatroom.settings import Settings
from chatroom.store.presence import require_database


@define(eq=False)
class Inside:
    """
    The service, with the operator as its only peer.
    """

    chat: ChatService

    @classmethod
    def open(cls, reactor: Any, settings: Settings, desk: Desk, **parts: Any) -> "Inside":
        """
        Take the database, as a server does. Blocks.

        @param parts: as of L{assemble}.
        @raise chatroom.errors.StartError: if there is none, or it can't be opened.
        """
        require_database(settings.database)
        # What is kept is the server's to decide.
        settings = evolve(
            settings, retention_days=0.0, retention_events=0, stall_log_milliseconds=0
        )
        chat = assemble(settings, reactor, **parts)
        chat.startService()
        connect(chat, reactor, desk)
        return cls(chat)

    def close(self) -> "Deferred[None]":
        """
        Finish, and let go of the database.
        """
        return self.chat.stopService()


def connect(chat: ChatService, clock: IReactorTime, desk: Desk) -> None:
    """
    Have a desk be the operator's, in a service that runs in this process.
    """
    wire = _Wire(clock, desk.hear, desk.lose)
    wire.session = session = chat.converse(wire, wire, lambda: 0, "local", is_operator=True)
    desk.send = lambda line: session.receive([line.rstrip(b"\n")])


@define(eq=False)
class _Wire:
    """
    Both ends of a connection that is none. What is sent is heard in a later turn.
    """

    _clock: IReactorTime
    _hear: Callable[[bytes], None]
    _lose: Callable[[], None]
    session: Session | None = field(default=None, init=False)
    _is_closed: bool = field(default=False, init=False)

    def write(self, data: bytes) -> None:
        """
        Pass it on.
        """
        self._clock.callLater(0, self._hear, data)

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """
        It need never pause: everything is heard.
        """

    def unregisterProducer(self) -> None:
        """
        Nor be told anything.
        """

    def loseConnection(self) -> None:
        """
        Close, when all that was written is heard.
        """
        if not self._is_closed:
            self._is_closed = True
            self._clock.callLater(0, self._close)

    def abortConnection(self) -> None:
        """
        Close.
        """
        self.loseConnection()

    def pauseProducing(self) -> None:
        """
        Nothing is asked before an answer, so nothing waits here.
        """

    def resumeProducing(self) -> None:
        """
        Likewise.
        """

    def _close(self) -> None:
        self._lose()
        if self.session is not None:
            self.session.lose()
