"""
What wrong passwords cost.

Some are free; then whoever guesses has to wait before each next try, and longer
each time. An address waits for its own wrong passwords, whoever they were for, but
not before it may log in those it has logged in before. For a user who was guessed
at, by whomever, only those addresses wait that have been wrong themselves: nobody
can keep others from logging in.

Only what was found wrong counts. So that this bounds the tries, those of one user
from one address are to be looked at one after the other.
"""

from collections.abc import Hashable
from math import ceil, inf

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.newest import Newest
from chatroom.chat.rates import NO_TIME
from chatroom.errors import TooManyTries

#: How long the next try waits at the most, in seconds.
LONGEST_WAIT = 15.0

#: After so many seconds one wrong password is forgotten.
FORGETTING_SECONDS = 60.0

#: How many wrong passwords beyond the free ones still make a difference.
_MOST_COUNTED = 10


@define(eq=False)
class _Wrong:
    """
    Wrong passwords, and when the last one came.
    """

    count: float
    at: float


@define(eq=False)
class _Counts:
    """
    Wrong passwords by what they have in common.
    """

    free: int
    _counts: Newest[_Wrong] = field(factory=Newest, init=False)

    def add(self, key: Hashable, now: float) -> None:
        count = self._count(key, now) + 1
        self._counts.put(key, _Wrong(min(count, self.free + _MOST_COUNTED), now))

    def last(self, key: Hashable) -> float:
        """
        @return: when the last one came.
        """
        wrong = self._counts.get(key)
        return -inf if wrong is None else wrong.at

    def pause(self, key: Hashable, now: float) -> float:
        """
        @return: how long after the last one the next may come, in seconds.
        """
        beyond = ceil(self._count(key, now)) - self.free
        return 0.0 if beyond < 0 else min(2.0**beyond, LONGEST_WAIT)

    def _count(self, key: Hashable, now: float) -> float:
        wrong = self._counts.get(key)
        if wrong is None:
            return 0.0
        return max(0.0, wrong.count - (now - wrong.at) / FORGETTING_SECONDS)


@define(eq=False)
class Guesses:
    """
    Who has tried how many wrong passwords.

    @ivar free: how many nobody has to wait for; 0 is any number.
    """

    _clock: IReactorTime
    free: int
    _by_address: _Counts = field(init=False)
    _by_user: _Counts = field(init=False)
    #: When a user's last wrong password came from an address.
    _last: Newest[float] = field(factory=Newest, init=False)
    _known: Newest[bool] = field(factory=Newest, init=False)

    @_by_address.default
    @_by_user.default
    def _make_counts(self) -> _Counts:
        return _Counts(self.free)

    def check(self, key: str, address: str | None) -> None:
        """
        See whether a password may be tried now.

        @param key: of the user's name; there need be no such user.
        @param address: where from; C{None} if it does not wait for others' tries.
        @raise TooManyTries: if it has to wait.
        """
        wait = self._wait(key, address, self._clock.seconds()) if self.free else 0.0
        if wait > NO_TIME:
            raise TooManyTries(retry_after=wait)

    def was_wrong(self, key: str, address: str | None) -> None:
        """
        It was a guess.
        """
        now = self._clock.seconds()
        if self.free:
            self._by_user.add(key, now)
            self._last.put((key, address), now)
        if self.free and address is not None:
            self._by_address.add(address, now)

    def was_right(self, key: str, address: str | None) -> None:
        """
        Who is there knows the password.
        """
        if self.free:
            self._last.discard((key, address))
            self._known.put((key, address), True)

    def _wait(self, key: str, address: str | None, now: float) -> float:
        last = self._last.get((key, address))
        after = -inf if last is None else last + self._by_user.pause(key, now)
        if address is not None and (key, address) not in self._known:
            its_own = self._by_address.last(address) + self._by_address.pause(address, now)
            after = max(after, its_own)
        return after - now
