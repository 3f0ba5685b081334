"""
What wrong passwords cost.

Some tries are free; then whoever guesses has to wait before each next one, and
longer each time. An address waits for its own wrong passwords, whoever they were
for, but not before it may log in those it has logged in before. For a user who was
guessed at, by whomever, only those addresses wait that have guessed themselves:
nobody can keep others from logging in.
"""

from math import ceil

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.rates import NO_TIME
from chatroom.errors import TooManyTries

#: How long the next try waits at the most, in seconds.
LONGEST_WAIT = 15.0

#: After so many seconds one wrong password is forgotten.
FORGETTING_SECONDS = 60.0

#: How many are kept in mind, of each sort. Of more, the oldest are forgotten.
MOST_KEPT = 10_000

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
    _counts: dict[object, _Wrong] = field(factory=dict, init=False)

    def add(self, key: object, now: float) -> None:
        count = self._count(key, now) + 1
        self._counts.pop(key, None)
        self._counts[key] = _Wrong(min(count, self.free + _MOST_COUNTED), now)
        _keep_newest(self._counts)

    def take_back(self, key: object) -> None:
        wrong = self._counts.get(key)
        if wrong is not None:
            wrong.count -= 1

    def forget(self, key: object) -> None:
        self._counts.pop(key, None)

    def last(self, key: object) -> float:
        """
        @return: when the last one came; long ago, if never.
        """
        wrong = self._counts.get(key)
        return -LONGEST_WAIT if wrong is None else wrong.at

    def pause(self, key: object, now: float) -> float:
        """
        @return: how long after the last one the next may come, in seconds.
        """
        beyond = ceil(self._count(key, now)) - self.free
        return 0.0 if beyond < 0 else min(2.0**beyond, LONGEST_WAIT)

    def _count(self, key: object, now: float) -> float:
        wrong = self._counts.get(key)
        if wrong is None:
            return 0.0
        return max(0.0, wrong.count - (now - wrong.at) / FORGETTING_SECONDS)


@define(eq=False)
class Guesses:
    """
    Who has tried how many wrong passwords.

    @ivar free: how many cost nothing; with 0, none of them does.
    """

    _clock: IReactorTime
    free: int
    _by_address: _Counts = field(init=False)
    _by_user: _Counts = field(init=False)
    _by_both: _Counts = field(init=False)
    _known: dict[object, None] = field(factory=dict, init=False)

    @_by_address.default
    @_by_user.default
    @_by_both.default
    def _make_counts(self) -> _Counts:
        return _Counts(self.free)

    def begin(self, key: str, address: str | None) -> None:
        """
        Count a try for a user before it is known to be wrong, since many may be under
        way. (Those from one address for many users may all be right.)

        @param key: of the user's name; there need be no such user.
        @param address: where from; C{None} if it does not wait for others' tries.
        @raise TooManyTries: if it has to wait; then it does not count.
        """
        if not self.free:
            return
        now = self._clock.seconds()
        wait = self._wait(key, address, now)
        if wait > NO_TIME:
            raise TooManyTries(retry_after=wait)
        self._by_user.add(key, now)
        self._by_both.add((key, address), now)

    def was_wrong(self, address: str | None) -> None:
        """
        It was a guess.
        """
        if address is not None and self.free:
            self._by_address.add(address, self._clock.seconds())

    def take_back(self, key: str, address: str | None) -> None:
        """
        Nobody has looked whether it was wrong.
        """
        self._by_user.take_back(key)
        self._by_both.take_back((key, address))

    def was_right(self, key: str, address: str | None) -> None:
        """
        It was no guess, and who is there knows the password.
        """
        self.take_back(key, address)
        both = (key, address)
        self._by_both.forget(both)
        self._known.pop(both, None)
        self._known[both] = None
        _keep_newest(self._known)

    def _wait(self, key: str, address: str | None, now: float) -> float:
        both = (key, address)
        after = self._by_both.last(both) + self._by_user.pause(key, now)
        if address is not None and both not in self._known:
            its_own = self._by_address.last(address) + self._by_address.pause(address, now)
            after = max(after, its_own)
        return after - now


def _keep_newest(table: "dict[object, _Wrong] | dict[object, None]") -> None:
    if len(table) > MOST_KEPT:
        del table[next(iter(table))]
