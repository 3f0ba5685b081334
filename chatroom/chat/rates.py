"""
How often something may happen.
"""

from collections.abc import Hashable
from math import inf

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.newest import Newest

#: What sums of times in floats may lack, in seconds; it is no reason to wait.
NO_TIME = 1e-6


@define(eq=False)
class Rate:
    """
    So many at once, and so many a second for long, for each of many.

    @ivar burst: how many at once; 0 is no limit at all.
    @ivar per_second: how many for long; likewise.
    """

    _clock: IReactorTime
    burst: float
    per_second: float
    #: When each would be as if it had done nothing, had it kept to the rate.
    _due: Newest[float] = field(factory=Newest, init=False)

    def take(self, key: Hashable) -> float:
        """
        Do it once, if that is not too often.

        @return: 0.0 if it may be done, else the seconds after which it may.
        """
        if not self.burst or not self.per_second:
            return 0.0
        now = self._clock.seconds()
        due = max(self._due.get(key) or -inf, now)
        wait = due - now - (self.burst - 1) / self.per_second
        if wait > NO_TIME:
            return wait
        self._due.put(key, due + 1 / self.per_second)
        return 0.0

    def give_back(self, key: Hashable) -> None:
        """
        It was not done after all.
        """
        due = self._due.get(key)
        if due is not None:
            self._due.put(key, due - 1 / self.per_second)
