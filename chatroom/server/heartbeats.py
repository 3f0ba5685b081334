"""
Whether those are still there who say nothing: clients of the hello dialect are asked,
and must be heard of.
"""

from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chatroom.clock import cancel
from chatroom.wire.codec import Reply
from chatroom.wire.messages import Ping

#: How often one looks in the time after which somebody is asked.
_LOOKS = 4


class Heard(Protocol):
    """
    A session, as it concerns whether anybody is there.
    """

    @property
    def lines_heard(self) -> int:
        """
        How many lines have come of it.
        """

    @property
    def is_waited_for(self) -> bool:
        """
        Whether it is our turn to do something: then it need not be heard of.
        """

    def tell(self, reply: Reply) -> None:
        """
        Push a message to the peer.
        """

    def turn_away(self, slug: str) -> None:
        """
        Say why, and close.
        """


@define(eq=False)
class _Silence:
    """
    For how many looks nothing was heard of a session.
    """

    lines: int
    looks: int = 0


@define(eq=False)
class Heartbeats:
    """
    The sessions that are to be heard of now and then.

    @ivar seconds: of silence after which one is asked; after twice of it one is taken
        to be gone. 0 is never.
    """

    _clock: IReactorTime
    seconds: float
    _silences: dict[Heard, _Silence] = field(factory=dict, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    def watch(self, session: Heard) -> None:
        """
        Have a session be heard of from now on.
        """
        if self.seconds:
            self._silences[session] = _Silence(session.lines_heard)
            self._look_later()

    def forget(self, session: Heard) -> None:
        """
        Never mind a session, which may be one that is not known.
        """
        self._silences.pop(session, None)
        if not self._silences:
            cancel(self._timer)
            self._timer = None

    def _look_later(self) -> None:
        if self._timer is None and self._silences:
            self._timer = self._clock.callLater(self.seconds / _LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        for session, silence in tuple(self._silences.items()):
            if session.lines_heard != silence.lines or session.is_waited_for:
                silence.lines, silence.looks = session.lines_heard, 0
                continue
            silence.looks += 1
            if silence.looks >= 2 * _LOOKS:
                del self._silences[session]
                session.turn_away("silent")
            elif silence.looks == _LOOKS:
                session.tell(Ping())
        self._look_later()
