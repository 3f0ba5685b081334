"""
How often something may happen.
"""

from math import inf

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

#: Of how many is kept in mind what they did. Of more than that, who was not
#: heard of for longest starts anew.
MOST_KEYS = 10_000

#: What sums of times in floats may lack, in seconds; it is no reason to wait.
NO_TIME = 1e-6


@define(eq=False)
class Rate:
    """
    So many at once, and so many a second for long, for each of many.

    @ivar burst: how many at once; 0 is no limit.
    @ivar per_second: how many for long; 0 is no limit.
    """

    _clock: IReactorTime
    burst: float
    per_second: float
    #: When each would be as if it had done nothing, had it kept to the rate.
    _due: dict[object, float] = field(factory=dict, init=False)

    def take(self, key: object) -> float:
        """
        Do it once, if that is not too often.

        @return: 0.0 if it may be done, else the seconds after which it may.
        """
        if not self.burst or not self.per_second:
            return 0.0
        now = self._clock.seconds()
        due = max(self._due.pop(key, -inf), now)
        wait = due - now - (self.burst - 1) / self.per_second
        is_free = wait <= NO_TIME
        self._due[key] = due + 1 / self.per_second if is_free else due
        self._forget(now)
        return 0.0 if is_free else wait

    def give_back(self, key: object) -> None:
        """
        It was not done after all.
        """
        if key in self._due:
            self._due[key] -= 1 / self.per_second

    def _forget(self, now: float) -> None:
        """
        Let go of who has done nothing for long, a few at a time.
        """
        for key in list(_first(self._due, 2)):
            if self._due[key] <= now or len(self._due) > MOST_KEYS:
                del self._due[key]


def _first(keys: dict[object, float], count: int) -> list[object]:
    return [key for key, _ in zip(keys, range(count), strict=False)]
