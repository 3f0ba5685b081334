"""
What waits to be sent to one peer, and what becomes of a peer that does not read.

The transport is handed only so much at a time; all else waits in a queue of our
own, whose pushes are bounded.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from chatroom.clock import cancel
from chatroom.logs.journal import Journal
from chatroom.server.cork import Cork
from chatroom.settings import Settings

#: How many bytes are handed to the transport at a time; it says that it has enough
#: when it has more than as many, which is at the second time.
PORTION = 64 * 1024

#: How many bytes may wait before no further request is taken from this peer.
_CROWD = 64 * 1024

#: How many bytes may wait of what could be read later instead: beyond that, a session
#: that follows the log leaves it there.
_FULL = 256 * 1024

#: How often one looks, in the time in which a peer may read nothing.
_LOOKS = 5

#: A peer for whom too many pushes wait is still a good one if it is seen to have
#: read something in so many seconds, and not so many times too many wait. (What is
#: seen depends on the kernel, which tells of some 40 KiB at a time.)
_PATIENCE = 5.0
_INDULGENCE = 4


class Transport(Protocol):
    """
    What is asked of a transport. (One that can C{abortConnection}, as all real
    ones can, is told to where it does not make progress.)
    """

    def write(self, data: bytes) -> None:
        """Send, or keep until that is possible."""

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Tell a producer when to pause and when to go on."""

    def unregisterProducer(self) -> None:
        """Tell it no more."""

    def loseConnection(self) -> None:
        """Close, when all that was written is sent."""


def _ignore() -> None:
    """
    Nobody wants to know.
    """


@implementer(IPushProducer)
@define(eq=False, repr=False)
class Outgoing:
    """
    The way out of one session.

    @ivar unsent: tells how much the transport still has; it need not be exact,
        if only it changes when some of it is sent.
    @ivar peer: whom it leads to, for the operator.
    @ivar idle_again: called when what was L{offer}ed in vain may be taken.
    """

    _log = Journal()

    _transport: Transport
    _unsent: Callable[[], int]
    _cork: Cork
    _clock: IReactorTime
    _settings: Settings
    _peer: str
    _drained: Callable[[], None] = field(default=_ignore, init=False)
    idle_again: Callable[[], None] | None = field(default=None, init=False)
    _queue: list[tuple[bytes | memoryview, bool]] = field(factory=list, init=False)
    _queued: int = field(default=0, init=False)
    _pushes: int = field(default=0, init=False)
    _held: list[bytes] | None = field(default=None, init=False)
    _release: IDelayedCall | None = field(default=None, init=False)
    _moved: float = field(default=0.0, init=False)
    _is_corked: bool = field(default=False, init=False)
    _is_paused: bool = field(default=False, init=False)
    _is_closing: bool = field(default=False, init=False)
    _is_lost: bool = field(default=False, init=False)
    _left: int = field(default=0, init=False)
    _looks: int = field(default=_LOOKS, init=False)
    _stall: IDelayedCall | None = field(default=None, init=False)
    _deadline: IDelayedCall | None = field(default=None, init=False)

    def start(self, drained: Callable[[], None]) -> None:
        """
        Be told of the transport's progress.

        @param drained: is called when there is room again after L{is_crowded}.
        """
        self._drained = drained
        self._transport.registerProducer(self, True)

    def come_from(self, peer: str) -> None:
        """
        Know better whom it leads to.
        """
        self._peer = peer

    @property
    def has_room(self) -> bool:
        """
        Whether what could be read later may as well be sent now.
        """
        return self._queued <= min(_FULL, self._settings.push_bytes or _FULL)

    @property
    def is_idle(self) -> bool:
        """
        Whether the peer has been sent all there is.
        """
        return not self._queue and not self._is_paused

    @property
    def is_crowded(self) -> bool:
        """
        Whether the peer should read before it asks for more.
        """
        return self._queued > _CROWD

    def answer(self, lines: bytes) -> None:
        """
        Send what was asked for, however much it is. (Who follows the log has asked for
        what happens, and is sent it while there is room.)
        """
        self._put(lines, False)

    def push(self, lines: bytes) -> None:
        """
        Send what was not asked for; a peer for whom too much of it waits is
        cut off.
        """
        if self._is_closing:
            return
        self._pushes += len(lines)
        if self._held is None and not self._queue:
            self._put(lines, True)
        elif self._is_too_much():
            self._cut("slow_reader")
        elif self._held is not None:
            self._held.append(lines)
        else:
            self._put(lines, True)

    def show(self, lines: bytes) -> None:
        """
        Send what is for this moment only: to a peer that has something to read yet, not
        at all.
        """
        if self.is_idle and self._held is None and not self._unsent():
            self._put(lines, False)

    def offer(self, lines: bytes) -> bool:
        """
        Send what has time, if nothing else waits.

        @return: whether it was taken; if not, it is to be offered again.
        """
        is_open = not (self._is_lost or self._is_closing)
        is_taken = is_open and self.is_idle and self._held is None and not self._unsent()
        if is_taken:
            self._put(lines, False)
        return is_taken

    def _is_too_much(self) -> bool:
        bound = self._settings.push_bytes
        if not bound or self._pushes <= bound:
            return False
        self._note_progress()
        has_stalled = self._clock.seconds() - self._moved > _PATIENCE
        return has_stalled or self._pushes > bound * _INDULGENCE

    def hold(self, seconds: float) -> None:
        """
        Keep pushes back, in their order, for so long or until L{release}.
        """
        self.release()
        self._held = []
        self._moved = self._clock.seconds()
        self._release = self._clock.callLater(seconds, self.release)

    def release(self) -> None:
        """
        Send the pushes that were kept back, if any.
        """
        cancel(self._release)
        self._release = None
        held, self._held = self._held, None
        for lines in held or ():
            self._put(lines, True)

    def close(self, *, within: float | None = None) -> None:
        """
        Close the connection when all is sent; pushes that are kept back are not.

        @param within: how many seconds that may take, if not as many as there
            is progress in.
        """
        if self._is_lost:
            return
        if within is not None and self._deadline is None:
            self._deadline = self._clock.callLater(within, self.abort)
        if not self._is_closing:
            self._is_closing = True
            self._held = None
            self._close_if_sent()

    def lost(self) -> None:
        """
        The connection is gone.
        """
        self._is_lost = self._is_closing = True
        self._queue.clear()
        self._held = None
        for timer in (self._release, self._stall, self._deadline):
            cancel(timer)

    def pauseProducing(self) -> None:
        """
        The transport has enough for now.
        """
        self._is_paused = True
        self._moved = self._clock.seconds()
        if self._stall is None:
            self._watch()

    def resumeProducing(self) -> None:
        """
        The transport has sent all it had.
        """
        self._is_paused = False
        self._moved = self._clock.seconds()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        self._send()

    def stopProducing(self) -> None:
        """
        The transport is gone, and will say so to its protocol.
        """
        self._is_paused = True

    def flush(self) -> None:
        """
        Send what was kept together.
        """
        self._is_corked = False
        self._send()

    def _put(self, lines: bytes, is_push: bool) -> None:
        if self._is_closing:
            return
        if self._is_paused and not self._queue:
            self._moved = self._clock.seconds()
        self._queue.append((lines, is_push))
        self._queued += len(lines)
        if not self._cork.is_in:
            self._pump()
        elif not self._is_corked:
            self._is_corked = True
            self._cork.hold(self)

    def _send(self) -> None:
        if self._queued <= _CROWD and not self._is_closing:
            self._pump()
        else:
            was_crowded = self.is_crowded
            self._pump()
            self._close_if_sent()
            if was_crowded and not self.is_crowded:
                self._drained()
        if self.idle_again is not None and self.is_idle:
            self.idle_again()

    def _pump(self) -> None:
        while self._queue and not self._is_paused:
            self._transport.write(self._portion())

    def _portion(self) -> bytes:
        """
        Take the next bytes for the transport, neither much more nor much less
        than it is to have.
        """
        if self._queued <= PORTION:
            return self._all()
        taken: list[bytes | memoryview] = []
        room, count = PORTION, 0
        while room > 0:
            lines, is_push = self._queue[count]
            if len(lines) > room:
                # A view, for a copy of all the rest each time would be quadratic.
                view = memoryview(lines)
                self._queue[count] = (view[room:], is_push)
                lines = view[:room]
            else:
                count += 1
            taken.append(lines)
            room -= len(lines)
            if is_push:
                self._pushes -= len(lines)
        del self._queue[:count]
        self._queued -= PORTION - room
        return b"".join(taken)

    def _all(self) -> bytes:
        data = b"".join([lines for lines, _ in self._queue])
        self._queue.clear()
        self._queued = 0
        self._pushes = sum(map(len, self._held or ()))
        return data

    def _close_if_sent(self) -> None:
        if self._is_closing and not self._queue:
            self._transport.unregisterProducer()
            self._transport.loseConnection()
            if self._stall is None:
                self._watch()

    def _note_progress(self) -> None:
        """
        See whether the peer has read something since this was asked last.
        """
        left = self._unsent()
        if left != self._left:
            self._left, self._moved, self._looks = left, self._clock.seconds(), _LOOKS

    def _watch(self) -> None:
        """
        Look now and then whether the peer reads, for as long as it has to.
        """
        self._note_progress()
        self._looks = _LOOKS
        self._look_later()

    def _look_later(self) -> None:
        seconds = self._settings.stall_seconds
        if seconds and not self._is_lost:
            self._stall = self._clock.callLater(seconds / _LOOKS, self._look)

    def _look(self) -> None:
        self._stall = None
        self._looks -= 1
        self._note_progress()
        if self._looks:
            self._look_later()
        else:
            self._cut("no_progress")

    def _cut(self, reason: str) -> None:
        self._log.note("cut_off", address=self._peer, reason=reason)
        self.abort()

    def abort(self) -> None:
        """
        Close the connection now, whatever waits.
        """
        self._is_closing = True
        self._queue.clear()
        self._queued = self._pushes = 0
        self._held = None
        close = getattr(self._transport, "abortConnection", self._transport.loseConnection)
        close()
