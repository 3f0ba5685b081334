"""
Makes happen what is to go wrong.
"""

import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from chatroom.torture.files import ForeignLock, empty_disk, fill_disk
from chatroom.torture.person import Person
from chatroom.torture.plan import Fault
from chatroom.torture.proxy import Link, Proxy, Way
from chatroom.torture.schedule import Stroke
from chatroom.torture.server import RESTART_SECONDS, Server

#: How long another program tries to get its lock, and how often, in seconds.
_LOCK_SECONDS, _LOCK_STEP = 2.0, 0.01

#: By how much everything is later, in seconds.
_DELAY_SECONDS = 0.4

_WAYS = ((Way.FROM_CLIENT,), (Way.FROM_SERVER,), tuple(Way))


@define(eq=False)
class Tormentor:
    """
    Goes through a schedule.

    @ivar counts: how often what has happened.
    @ivar tell: called with each stroke.
    """

    clock: Any
    server: Server
    people: Sequence[Person]
    proxies: Sequence[Proxy]
    database: Path | None
    tell: Callable[[float, Stroke], None]
    counts: "Counter[Fault]" = field(factory=Counter)
    _lasting: "list[Deferred[None]]" = field(factory=list)
    _locks: int = 0
    _unlocked_at: float = -1.0

    async def go_through(self, strokes: Sequence[Stroke]) -> None:
        """
        Do everything in its time, and have it be over.
        """
        begun = self.clock.seconds()
        for stroke in strokes:
            wait = begun + stroke.at - self.clock.seconds()
            if wait > 0:
                await deferLater(self.clock, wait)
            self.tell(self.clock.seconds() - begun, stroke)
            self._lasting.append(Deferred.fromCoroutine(_STROKES[stroke.fault](self, stroke)))
        for each in self._lasting:
            await each

    def is_locked_since(self, when: float) -> bool:
        """
        @return: whether another program had the database locked at any time since.
        """
        return self._locks > 0 or self._unlocked_at >= when

    async def _kill(self, stroke: Stroke) -> None:
        while self.server.pid is None:
            await deferLater(self.clock, RESTART_SECONDS / 4)
        self.counts[Fault.KILL] += 1
        self.server.kill()

    async def _stop(self, stroke: Stroke) -> None:
        pid = self.server.pid
        self.counts[Fault.STOP] += 1
        self.server.signal(signal.SIGSTOP)
        await deferLater(self.clock, stroke.seconds)
        if self.server.pid == pid:
            self.server.signal(signal.SIGCONT)

    async def _cut(self, stroke: Stroke) -> None:
        for link in self._links(stroke):
            self.counts[Fault.CUT] += 1
            link.cut(abruptly=stroke.variant % 2 == 0)

    async def _tear(self, stroke: Stroke) -> None:
        for link in self._links(stroke):
            self.counts[Fault.TEAR] += 1
            link.tear(stroke.size)

    async def _stall(self, stroke: Stroke) -> None:
        links = self._links(stroke)
        self.counts[Fault.STALL] += len(links)
        for link in links:
            link.hold()
        await deferLater(self.clock, stroke.seconds)
        for link in links:
            link.release()

    async def _half_open(self, stroke: Stroke) -> None:
        # Who is not logged in yet is given up by other means, which take longer.
        for link in self._links(stroke):
            if link.tap.is_in:
                self.counts[Fault.HALF_OPEN] += 1
                link.deafen(*_WAYS[stroke.variant % len(_WAYS)])

    async def _delay(self, stroke: Stroke) -> None:
        links = self._links(stroke)
        self.counts[Fault.DELAY] += len(links)
        for link in links:
            link.delay(_DELAY_SECONDS)
        await deferLater(self.clock, stroke.seconds)
        for link in links:
            link.delay(0)

    async def _lock(self, stroke: Stroke) -> None:
        if self.database is None:
            return
        lock = ForeignLock(self.database)
        for _ in range(round(_LOCK_SECONDS / _LOCK_STEP)):
            if lock.take():
                break
            await deferLater(self.clock, _LOCK_STEP)
        else:
            return
        self.counts[Fault.LOCK] += 1
        self._locks += 1
        await deferLater(self.clock, stroke.seconds)
        lock.release()
        self._locks -= 1
        self._unlocked_at = self.clock.seconds()

    async def _fill_disk(self, stroke: Stroke) -> None:
        pid = self.server.pid
        # A server that has no room to start with can't start, and says so.
        if self.database is None or pid is None or not self.server.is_serving:
            return
        self.counts[Fault.FULL_DISK] += 1
        fill_disk(pid, self.database, is_broken=stroke.variant % 2 == 0)
        await deferLater(self.clock, stroke.seconds)
        if self.server.pid == pid:
            empty_disk(pid)

    async def _crash(self, stroke: Stroke) -> None:
        for victim in stroke.victims:
            self.counts[Fault.CRASH] += 1
            self.people[victim].crash()

    def _links(self, stroke: Stroke) -> list[Link]:
        links = [link for each in stroke.victims for link in self.proxies[each].links]
        return [link for link in links if link.half_open_at is None]


_STROKES: dict[Fault, Callable[[Tormentor, Stroke], "Coroutine[Deferred[Any], Any, None]"]] = {
    Fault.KILL: Tormentor._kill,
    Fault.STOP: Tormentor._stop,
    Fault.CUT: Tormentor._cut,
    Fault.TEAR: Tormentor._tear,
    Fault.STALL: Tormentor._stall,
    Fault.HALF_OPEN: Tormentor._half_open,
    Fault.DELAY: Tormentor._delay,
    Fault.LOCK: Tormentor._lock,
    Fault.FULL_DISK: Tormentor._fill_disk,
    Fault.CRASH: Tormentor._crash,
}
