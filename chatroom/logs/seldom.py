"""
Only so many events of one name in a time, lest whoever can bring them about fills
the disk. What is left out is counted, and the count is written.

The name is the key, or, of events of others, the module that tells them: nothing
that a peer could choose, so there are few. Of those that tell an address each address
has a share, lest one hide what another does.
"""

import time
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any

from attrs import define, field
from twisted.logger import ILogObserver, LogEvent
from zope.interface import implementer

from chatroom.logs.journal import Journal
from chatroom.logs.lines import kind_of
from chatroom.logs.table import HARD_WON, OTHERS, SHARE, WINDOW

#: Has something called after so many seconds; asked from any thread.
Later = Callable[[float, Callable[[], None]], object]


def later_in(reactor: Any) -> Later:
    """
    @return: what has things called in the reactor's thread.
    """
    return lambda seconds, call: reactor.callFromThread(reactor.callLater, seconds, call)


@define(eq=False)
class _Window:
    """
    What came under one name since a moment.
    """

    began: float
    written: int = 0
    left_out: int = 0
    by_address: dict[object, int] = field(factory=dict)


@implementer(ILogObserver)
@define(eq=False)
class Seldom:
    """
    An observer that passes on to another what is not too much.

    The first events of a time are passed on at once. When the time is over, or at
    the latest when the next event comes, it says how many more there were; before
    an event that is never left out, such as the one that the server has stopped,
    it says so of all.

    @ivar seconds: the time, which must not jump.
    @ivar later: has the counts written in time though nothing else happens.
    """

    _observer: ILogObserver
    _seconds: Callable[[], float] = time.monotonic
    _later: Later | None = None
    _windows: dict[str, _Window] = field(factory=dict, init=False)
    _lock: RLock = field(factory=RLock, init=False)
    _journal: Journal = field(init=False)

    @_journal.default
    def _make_journal(self) -> Journal:
        return Journal("chatroom.logs", observer=self._observer)

    def __call__(self, event: LogEvent) -> None:
        """
        Pass an event on, or count it.
        """
        kind = kind_of(event)
        name = kind.name if kind is not None else str(event.get("log_namespace", "-"))
        most = OTHERS if kind is None else kind.most
        with self._lock:
            if most is None:
                self._sum_up(list(self._windows))
            else:
                self._sum_up(self._over())
            if most is None or self._may_be_written(name, most, event.get("address")):
                self._observer(event)

    def _may_be_written(self, name: str, most: int, address: object) -> bool:
        window = self._windows.setdefault(name, _Window(self._seconds()))
        share = window.by_address.get(address, 0)
        if window.written < most and (address is None or share < _share(most)):
            window.written += 1
            window.by_address[address] = share + 1
            return True
        window.left_out += 1
        if window.left_out == 1 and self._later is not None:
            rest = max(0.0, window.began + WINDOW - self._seconds())
            self._later(rest, lambda: self._in_time(name, window))
        return False

    def _in_time(self, name: str, window: _Window) -> None:
        # Of that window, though the two clocks may not quite agree that it is over.
        with self._lock:
            if self._windows.get(name) is window:
                self._sum_up([name])

    def _over(self) -> list[str]:
        """
        @return: the names whose time is over.
        """
        now = self._seconds()
        return [name for name, each in self._windows.items() if now - each.began >= WINDOW]

    def _sum_up(self, names: Iterable[str]) -> None:
        for name in names:
            window = self._windows.pop(name)
            if window.left_out:
                seconds = round(self._seconds() - window.began, 1)
                self._journal.note("left_out", count=window.left_out, of=name, seconds=seconds)


def _share(most: int) -> int:
    return most if most >= HARD_WON else SHARE
