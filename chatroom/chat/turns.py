"""
Whose turn it is, where not everybody can be served at once.
"""

from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock


@define(eq=False)
class OneByOne:
    """
    Of those who share a key one at a time, in the order in which they come.
    """

    _locks: dict[Hashable, DeferredLock] = field(factory=dict, init=False)

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """
        @return: a context that is entered when it is one's turn, and ends it.
        """
        lock = self._locks.setdefault(key, DeferredLock())
        await lock.acquire()
        try:
            yield
        finally:
            lock.release()
            if not lock.locked:
                self._locks.pop(key, None)


@define(eq=False)
class Shared:
    """
    So many at a time; those who wait are served in turn from each place that they
    come from, so that no place, however many come from there, holds up the others.

    @ivar free: how many more may be served now.
    """

    free: int
    _waiting: "dict[Hashable, deque[Deferred[None]]]" = field(factory=dict, init=False)
    _is_giving: bool = field(default=False, init=False)

    @asynccontextmanager
    async def turn(self, place: Hashable) -> AsyncIterator[None]:
        """
        @return: a context that is entered when it is one's turn, and ends it.
        """
        mine: Deferred[None] = Deferred()
        self._waiting.setdefault(place, deque()).append(mine)
        self._give()
        try:
            await mine
        except BaseException:
            self._leave(place, mine)
            raise
        try:
            yield
        finally:
            self.free += 1
            self._give()

    def _leave(self, place: Hashable, mine: "Deferred[None]") -> None:
        """
        Somebody waits no longer.
        """
        queue = self._waiting[place]
        queue.remove(mine)
        if not queue:
            del self._waiting[place]

    def _give(self) -> None:
        # Who is served may be done at once, and then this is called from within.
        if self._is_giving:
            return
        self._is_giving = True
        while self.free and self._waiting:
            self.free -= 1
            self._next().callback(None)
        self._is_giving = False

    def _next(self) -> "Deferred[None]":
        place = next(iter(self._waiting))
        queue = self._waiting.pop(place)
        first = queue.popleft()
        if queue:
            # Behind all other places.
            self._waiting[place] = queue
        return first
