"""
Keeps a session with the server: after one is lost, there is another as soon as can be.
"""

from typing import Protocol

from attrs import define, field
from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.client.backoff import Backoff
from chatroom.client.conversation import Conversation
from chatroom.client.endpoint import Watched
from chatroom.client.entrance import Entrance
from chatroom.client.errors import UNKNOWN, NetworkError, Refusal, dismissal
from chatroom.client.events import Disconnected
from chatroom.client.gate import Gate
from chatroom.client.line import Line
from chatroom.client.session import Session
from chatroom.client.tracker import Tracker
from chatroom.errors import ErrorCode
from chatroom.wire.codec import Reply
from chatroom.wire.messages import FileData, FileEnd, HelloRequest, Ping, Pong
from chatroom.wire.unknown import Place

#: How long a server may say nothing that matters before it has let one in and told what
#: was missed, in seconds.
ENTRANCE_SECONDS = 60.0

#: How long a connection may take to close, in seconds.
CLOSING_SECONDS = 2.0


class Owner(Protocol):
    """
    Who needs a session.
    """

    def session_ready(self, session: Session) -> None:
        """There is a session."""

    def session_lost(self) -> None:
        """There is none any more, for now."""

    def file_came(self, message: FileData | FileEnd) -> None:
        """Some of a file has come."""

    def gave_up(self, error: Refusal) -> None:
        """There will be none: the server refuses for good."""

    def moved(self) -> None:
        """Something was heard."""


@define(eq=False)
class Reconnecting:
    """
    Connects and logs in, again and again.

    @ivar gate: is open while there is a session; has an error when there will be none.
    @ivar session: that of the connection there is, even if it is not ready yet.
    @ivar was_ready: whether there has been a session already.
    """

    _clock: IReactorTime
    _endpoint: IStreamClientEndpoint
    _hello: HelloRequest
    _entrance: Entrance
    _tracker: Tracker
    _backoff: Backoff
    _owner: Owner
    log = Logger()
    gate: Gate[Session] = field(factory=Gate)
    session: Session | None = None
    was_ready: bool = False
    _patience: IDelayedCall | None = None
    _watched: Watched = field(init=False)
    _service: ClientService = field(init=False)

    def __attrs_post_init__(self) -> None:
        factory = Factory.forProtocol(lambda: Line(self, self._clock))
        factory.noisy = False
        self._watched = Watched(self._endpoint)
        self._service = ClientService(self._watched, factory, self._backoff, self._clock)

    def start(self) -> None:
        """
        Connect.
        """
        self.gate.error = None
        self._service.startService()

    async def stop(self) -> None:
        """
        Connect no more.
        """
        self.gate.fail(NetworkError())
        patience = self._clock.callLater(CLOSING_SECONDS, self._abort)
        await self._service.stopService()
        if patience.active():
            patience.cancel()
        # Twisted's service is not done before this turn is over: it may not be told again.
        await deferLater(self._clock, 0.0)

    def wait(self, seconds: float | None) -> "Deferred[Session]":
        """
        @param seconds: how long to wait at the most; C{None} is for ever.
        @return: the session, as soon as there is one; fails with a L{NetworkError} if
            there is none in time, or a L{Refusal} if there will be none.
        """
        waiting = self.gate.wait()
        if seconds is not None:
            waiting.addTimeout(seconds, self._clock, self._too_late)
        return waiting

    def connected(self, line: Line) -> None:
        """
        Log in.
        """
        conversation = Conversation(line, self._clock)
        session = self.session = Session(conversation, self._entrance, self._tracker)
        entering = Deferred.fromCoroutine(self._enter(session))
        entering.addErrback(self._failed, session)

    def heard(self, line: Line, message: Reply) -> None:
        """
        Hand on what the server says.
        """
        if self.session is not None:
            if not isinstance(message, Ping | Pong):
                self._be_patient()
            if isinstance(message, FileData | FileEnd):
                self._owner.file_came(message)
            else:
                self.session.heard(message)
            self._owner.moved()

    def passed(self, line: Line, place: Place) -> None:
        """
        Hand on that something happened.
        """
        if self.session is not None:
            self.session.passed(place)
            self._owner.moved()

    def lost(self, line: Line, reason: Failure) -> None:
        """
        Be without a session, and wait for the next try.
        """
        session, self.session = self.session, None
        assert session is not None
        self.gate.shut()
        self._owner.session_lost()
        self._tracker.following.disconnected()
        self._judge(session)
        session.end(_network_error(reason.value))
        if session.is_told:
            why = reason.getErrorMessage() if session.goodbye is None else session.goodbye.text
            self._tracker.audience.tell(Disconnected(reason=why))
        if self.gate.error is not None:
            self._tracker.audience.end()

    def _judge(self, session: Session) -> None:
        if session.ready_at is not None:
            self._backoff.lasted(self._clock.seconds() - session.ready_at)
        goodbye = session.goodbye
        if goodbye is not None and goodbye.reconnect:
            self._backoff.wait_at_least(goodbye.reconnect_after)
        elif goodbye is not None:
            self._give_up(dismissal(goodbye))

    async def _enter(self, session: Session) -> None:
        drop = session.conversation.line.drop
        patience = self._clock.callLater(ENTRANCE_SECONDS, drop, "the server lets nobody in")
        self._patience = patience
        try:
            await session.log_in(self._hello)
            await session.follow()
        finally:
            if patience.active():
                patience.cancel()
        session.ready_at = self._clock.seconds()
        self.was_ready = True
        self._owner.session_ready(session)
        self.gate.open(session)

    def _be_patient(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.reset(ENTRANCE_SECONDS)

    def _failed(self, failure: Failure, session: Session) -> None:
        error = failure.value
        if isinstance(error, Refusal) and self._is_final(error):
            self._give_up(error)
        elif isinstance(error, Refusal):
            self._backoff.wait_at_least(error.retry_after)
            session.conversation.line.drop(f"refused for now: {error.reason}")
        elif not isinstance(error, NetworkError):
            self.log.failure("no session can be had", failure)
        session.conversation.line.drop("no session can be had")

    def _is_final(self, error: Refusal) -> bool:
        """
        A server that is at fault may be mended. One of the seed does not say why: it may be
        busy, where the same password was right before.
        """
        if error.temporary or error.number == ErrorCode.SERVER_ERROR:
            return False
        return not (error.reason == UNKNOWN and self.was_ready)

    def _give_up(self, error: Refusal) -> None:
        self.log.warn("the server refuses for good: {reason}", reason=error.reason)
        self.gate.fail(error)
        self._owner.gave_up(error)
        stopping = self._service.stopService()
        stopping.addErrback(lambda failure: self.log.failure("stopping failed", failure))

    def _abort(self) -> None:
        if self.session is not None:
            self.session.conversation.line.drop("it does not close")

    def _too_late(self, result: object, seconds: float) -> object:
        if isinstance(result, Failure) and result.check(CancelledError):
            raise _network_error(self._watched.failure)
        return result


def _network_error(cause: BaseException | None) -> NetworkError:
    error = NetworkError()
    error.__cause__ = cause
    return error
