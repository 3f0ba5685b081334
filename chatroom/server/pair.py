"""
A connection within the process: two transports, of which each is the other's wire.

What is written to one comes to the protocol of the other in a later turn of the reactor,
a portion a turn; whoever writes more than is read is told to pause. All else is as with a
real one: what was written before an end arrives before it.
"""

from collections.abc import Iterable
from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.clock import cancel

#: How many bytes come to a protocol in a turn, and how many may wait for it before the
#: producer at the other end is told to pause.
PORTION = 64 * 1024


@implementer(ITransport, IConsumer, IPushProducer)
class LocalTransport:
    """
    One end of a connection.

    @ivar protocol: who is told what comes; to be set before anything does.
    @ivar disconnecting: whether it closes as soon as all is read at the other end.
    @ivar disconnected: whether it is closed.
    """

    protocol: Any = None
    disconnecting = disconnected = False
    _other: "LocalTransport"
    _producer: Any = None
    _is_streaming = _is_paused = False
    _is_reading = True
    _is_mute = _was_told_mute = _was_told_end = False
    _reason: Exception | None = None
    _turn: IDelayedCall | None = None

    def __init__(self, clock: IReactorTime, host: IAddress, peer: IAddress) -> None:
        self._clock = clock
        self._host = host
        self._peer = peer
        #: What the other has written, and the protocol was not told yet.
        self._coming = bytearray()

    # What a protocol asks for

    def write(self, data: bytes) -> None:
        """
        Send; to who is gone, it ends the connection.
        """
        if self.disconnected or self._has_said_all:
            return
        if self._other.disconnected:
            self._lose(ConnectionLost())
            return
        self._other._coming += data
        self._other._work_later()
        is_much = len(self._other._coming) > PORTION
        if is_much and self._is_streaming and not self._is_paused:
            self._is_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """
        Send, in one go.
        """
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """
        Close when all that was written is read, and no producer has more; what comes
        meanwhile is for nobody.
        """
        if not self.disconnecting and not self.disconnected:
            self.disconnecting = True
            self._work_later()
            self._other._work_later()

    def loseWriteConnection(self) -> None:
        """
        Send no more, and still read.
        """
        if not self._is_mute and not self.disconnected:
            self._is_mute = True
            self._work_later()
            self._other._work_later()

    def abortConnection(self) -> None:
        """
        Close now; what is on its way is lost.
        """
        if not self.disconnected and self._reason is None:
            self._lose(ConnectionAborted())
            self._other._lose(ConnectionLost())

    def getPeer(self) -> IAddress:
        """
        @return: where the other end is.
        """
        return self._peer

    def getHost(self) -> IAddress:
        """
        @return: where this end is.
        """
        return self._host

    # How it is held up

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        Tell a producer when to pause and to go on.

        @raise RuntimeError: if there is another one.
        """
        if self._producer is not None:
            raise RuntimeError("there is a producer already")
        if self.disconnected:
            producer.stopProducing()
            return
        self._producer, self._is_streaming, self._is_paused = producer, streaming, False
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """
        Tell it no more.
        """
        self._producer = None
        self._is_streaming = self._is_paused = False
        self._work_later()
        self._other._work_later()

    def pauseProducing(self) -> None:
        """
        Give the protocol nothing more for now.
        """
        self._is_reading = False

    def resumeProducing(self) -> None:
        """
        Go on.
        """
        self._is_reading = True
        self._work_later()

    def stopProducing(self) -> None:
        """
        Close.
        """
        self.loseConnection()

    # What happens in a turn of its own

    @property
    def _has_said_all(self) -> bool:
        """
        Whether nothing more is written.
        """
        is_closing = self.disconnecting and self._producer is None
        return self._is_mute or is_closing or self.disconnected

    @property
    def _is_all_read(self) -> bool:
        return self._other.disconnected or not self._other._coming

    def _work_later(self) -> None:
        if self._turn is None and not self.disconnected:
            self._turn = self._clock.callLater(0, self._work)

    def _lose(self, reason: Exception) -> None:
        """
        Be closed as soon as may be, whatever is on its way.
        """
        if self._reason is None and not self.disconnected:
            self._reason = reason
            self._work_later()

    def _work(self) -> None:
        self._turn = None
        if self._reason is None:
            self._read()
        if self._reason is None and self._has_said_all and self._is_all_read:
            self._tell_mute()
        if self._reason is not None:
            self._end(self._reason)

    def _read(self) -> None:
        if self.disconnecting:
            self._coming.clear()
        elif self._is_reading and self._coming:
            self._receive()
        if self._coming:
            if self._is_reading:
                self._work_later()
            return
        self._other._was_read()
        if self._other._has_said_all and self._is_reading and not self._was_told_end:
            self._was_told_end = True
            self._tell_end()

    def _receive(self) -> None:
        data = bytes(self._coming[:PORTION])
        del self._coming[:PORTION]
        try:
            self.protocol.dataReceived(data)
        except BaseException:
            # As a reactor has it: whose protocol fails loses the connection.
            self.abortConnection()
            raise

    def _was_read(self) -> None:
        """
        All that was written has come to the other's protocol.
        """
        if self._producer is not None and (self._is_paused or not self._is_streaming):
            self._is_paused = False
            self._producer.resumeProducing()
        if self._has_said_all:
            self._work_later()

    def _tell_end(self) -> None:
        """
        The other sends no more.
        """
        if self.disconnecting or self._reason is not None:
            return
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is None:
            self._lose(ConnectionDone())
        else:
            protocol.readConnectionLost()

    def _tell_mute(self) -> None:
        """
        All is read that will ever be written here.
        """
        if self.disconnecting:
            self._reason = ConnectionDone()
        elif not self._was_told_mute:
            self._was_told_mute = True
            protocol = IHalfCloseableProtocol(self.protocol, None)
            if protocol is not None:
                protocol.writeConnectionLost()

    def _end(self, reason: Exception) -> None:
        self.disconnected = True
        cancel(self._turn)
        self._coming.clear()
        producer, self._producer = self._producer, None
        self._other._work_later()
        if producer is not None:
            producer.stopProducing()
        self.protocol.connectionLost(Failure(reason))


def local_pair(
    clock: IReactorTime, first: IAddress, second: IAddress
) -> tuple[LocalTransport, LocalTransport]:
    """
    @param clock: its turns are the reactor's.
    @param first: where the first end is, and C{second} the other.
    @return: both ends of a connection.
    """
    one, other = LocalTransport(clock, first, second), LocalTransport(clock, second, first)
    one._other, other._other = other, one
    return one, other
