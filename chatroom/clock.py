"""
Two kinds of time: the one that people read, which may be set, and the one that
durations are measured in, which nobody sets.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

from twisted.internet.interfaces import IDelayedCall

#: Tells the time that people read, in Unix seconds. It may jump.
Now = Callable[[], float]


def cancel(timer: IDelayedCall | None) -> None:
    """
    Have it not happen, if it has not.
    """
    if timer is not None and timer.active():
        timer.cancel()


def keep_steady(reactor: Any) -> None:
    """
    Have a reactor's timers run by a clock that nobody sets.

    Twisted's own are due at a time of day: when the clock is set back by an
    hour, nothing that waits happens for an hour, and when it is set forward,
    everything does at once. Call this before the reactor runs.

    @param reactor: provides L{twisted.internet.interfaces.IReactorTime}, and
        keeps time by its own C{seconds}, as Twisted's reactors do.
    """
    ahead = reactor.seconds() - monotonic()
    reactor.seconds = lambda: monotonic() + ahead
