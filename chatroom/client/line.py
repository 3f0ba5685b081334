"""
One connection: lines out, messages in. Nothing that comes in is trusted.
"""

from collections import deque
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.client.silence import Silence
from chatroom.errors import InvalidMessage, LineTooLong, UnknownType
from chatroom.wire.codec import Reply, Request, decode_message, encode
from chatroom.wire.messages import PingRequest, PongRequest
from chatroom.wire.unknown import Place, decode_place

#: A server that sends a longer line is none.
MOST_LINE_BYTES = 16 * 2**20

#: How long a line may be where the server has not said it.
USUAL_LINE_BYTES = 2**16


class Listener(Protocol):
    """
    Who is told what comes.
    """

    def connected(self, line: "Line") -> None:
        """There is a connection."""

    def heard(self, line: "Line", message: Reply) -> None:
        """The server says something."""

    def passed(self, line: "Line", place: Place) -> None:
        """Something happened in a room, of a kind that is not known here."""

    def lost(self, line: "Line", reason: Failure) -> None:
        """There is no connection any more."""


class Line(TwistedProtocol):
    """
    A connection to a server.

    @ivar silence: tells whether the server is there; to be started.
    @ivar most_bytes: of a line that the server takes, as far as is known.
    """

    log = Logger()

    def __init__(self, listener: Listener, clock: IReactorTime) -> None:
        self._listener = listener
        self._clock = clock
        self._rest = bytearray()
        self._lines: deque[bytes] = deque()
        self.most_bytes = USUAL_LINE_BYTES
        self._is_paused = self._is_working = self._is_over = False
        self.silence = Silence(
            clock,
            ask=lambda: self.send(PingRequest(nonce="quiet")),
            give_up=lambda: self.drop("the server is silent"),
            tell=lambda: self.send(PongRequest()),
        )

    @property
    def _transport(self) -> Any:
        return self.transport

    def connectionMade(self) -> None:
        """
        Tell the listener.
        """
        if ITCPTransport.providedBy(self._transport):
            self._transport.setTcpNoDelay(True)
            self._transport.setTcpKeepAlive(True)
        self._listener.connected(self)

    def send(self, message: Request) -> None:
        """
        Send a message, if the connection is still there.

        @raise ValueError: if it holds something that JSON cannot, such as a lone surrogate.
        @raise LineTooLong: if the server would not take it. (What it refuses for that, it
            does not name: the answer could not be told from others.)
        """
        data = self.check(message)
        if not self._is_over:
            self._transport.write(data)

    def check(self, message: Request) -> bytes:
        """
        @return: what L{send} would send; it raises what that would.
        """
        data = encode(message, now=self._clock.seconds())
        if len(data) > self.most_bytes + 1:
            raise LineTooLong(limit=self.most_bytes)
        return data

    def drop(self, why: str) -> None:
        """
        Have no more to do with this connection.
        """
        if not self._is_over:
            self._is_over = True
            self.log.info("connection dropped: {why}", why=why)
            self._transport.abortConnection()

    def pause(self) -> None:
        """
        Read no more for now.
        """
        if not self._is_paused and not self._is_over:
            self._is_paused = self.silence.is_deaf = True
            self._transport.pauseProducing()

    def resume(self) -> None:
        """
        Read on.
        """
        if self._is_paused and not self._is_over:
            self._is_paused = self.silence.is_deaf = False
            self.silence.noise()
            self._transport.resumeProducing()
            self._work()

    def dataReceived(self, data: bytes) -> None:
        """
        Cut lines.
        """
        self.silence.noise()
        first, *others = data.split(b"\n")
        self._rest += first
        if others:
            self._lines.append(bytes(self._rest))
            self._lines.extend(others[:-1])
            self._rest = bytearray(others[-1])
        if len(self._rest) > MOST_LINE_BYTES:
            self.drop("the server sends a line without end")
        self._work()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Tell the listener.
        """
        self._is_over = True
        self._lines.clear()
        self.silence.stop()
        self._listener.lost(self, reason)

    def _work(self) -> None:
        if self._is_working:
            return
        self._is_working = True
        try:
            while self._lines and not self._is_paused and not self._is_over:
                self._take(self._lines.popleft())
        finally:
            self._is_working = False

    def _take(self, line: bytes) -> None:
        try:
            message = decode_message(line)
        except UnknownType:
            self._pass(line)
        except InvalidMessage as error:
            self.log.warn("the server sent no message: {reason}", reason=error.reason)
            self.drop("the server does not speak the protocol")
        else:
            if isinstance(message, Reply):
                self._listener.heard(self, message)

    def _pass(self, line: bytes) -> None:
        place = decode_place(line)
        if place is not None:
            self._listener.passed(self, place)
