"""
Notices that the other side is gone, where no packet says so.
"""

from collections.abc import Callable

from attrs import define
from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: No server can have a client ask more often than this, in seconds.
LEAST = 1.0

#: How often one looks where the server has named no time, in seconds.
USUAL = 30.0


@define(eq=False)
class Silence:
    """
    Counts the seconds in which nothing was heard.

    @ivar ask: called after C{seconds} of silence.
    @ivar give_up: called after twice as long.
    @ivar tell: called every C{seconds} while one does not listen oneself: the other side
        is not to think that one is gone.
    @ivar is_deaf: whether one does not listen.
    """

    clock: IReactorTime
    ask: Callable[[], None]
    give_up: Callable[[], None]
    tell: Callable[[], None]
    is_deaf: bool = False
    _seconds: float = 0.0
    _heard_at: float = 0.0
    _timer: IDelayedCall | None = None

    def start(self, seconds: float) -> None:
        """
        Begin to count.

        @param seconds: 0 is never to ask.
        """
        self.stop()
        self._seconds = max(seconds, LEAST) if seconds > 0 else 0.0
        self.noise()
        if self._seconds:
            self._wait(self._seconds)

    def noise(self) -> None:
        """
        Have heard something.
        """
        self._heard_at = self.clock.seconds()

    def stop(self) -> None:
        """
        Count no more.
        """
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _wait(self, seconds: float) -> None:
        self._timer = self.clock.callLater(seconds, self._check)

    def _check(self) -> None:
        self._timer = None
        if self.is_deaf:
            self.noise()
            self.tell()
        quiet = self.clock.seconds() - self._heard_at
        if quiet >= 2 * self._seconds:
            self.give_up()
        elif quiet >= self._seconds:
            self._wait(2 * self._seconds - quiet)
            self.ask()
        else:
            self._wait(self._seconds - quiet)
