"""
How long to wait before the next try.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import define

#: The first wait, and the longest, in seconds.
FIRST, MOST = 0.5, 60.0

#: How long a server may have one wait, in seconds.
MOST_ASKED = 3600.0

#: A session that has held for this long, in seconds, was no failure.
STEADY_SECONDS = 10.0


class Chance(Protocol):
    """
    What is needed of a L{random.Random}.
    """

    def uniform(self, a: float, b: float, /) -> float:
        """Any number between two."""

    def getrandbits(self, k: int, /) -> int:
        """Any number of so many bits."""


#: Tells the wait, in seconds, by how many tries have failed in a row.
RetryPolicy = Callable[[int], float]


def exponential(random: Chance, first: float = FIRST, most: float = MOST) -> RetryPolicy:
    """
    Wait twice as long after each failure, and each client a little differently: so they
    do not all come at once when a server is back.

    @return: a policy whose waits lie between half of the limit and the limit, which is
        C{first}, then twice that, and so on up to C{most}.
    """

    def wait(failures: int) -> float:
        limit = min(most, first * 2.0 ** min(failures - 1, 64))
        return random.uniform(limit / 2, limit)

    return wait


@define(eq=False)
class Backoff:
    """
    Counts the tries that have failed.
    """

    policy: RetryPolicy
    _failures: int = 0
    _least: float = 0.0

    def __call__(self, attempt: int = 0) -> float:
        """
        Have failed once more.

        @param attempt: how often a connection could not be made. What counts here are
            also those which were lost soon.
        @return: how long to wait, in seconds.
        """
        self._failures += 1
        least, self._least = self._least, 0.0
        return max(self.policy(self._failures), least)

    def wait_at_least(self, seconds: float | None) -> None:
        """
        Have the next wait be at least as long as the server says.
        """
        self._least = min(max(self._least, seconds or 0.0), MOST_ASKED)

    def lasted(self, seconds: float) -> None:
        """
        Judge a session by how long it has been ready.
        """
        if seconds >= STEADY_SECONDS:
            self._failures = 0
