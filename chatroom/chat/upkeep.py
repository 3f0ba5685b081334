"""
What the store needs now and then: the index of words purged of what was deleted; rooms
erased that were deleted; and the beginnings of logs cut off that are not to be kept.

All of it is done a little at a time, in transactions of some milliseconds with pauses
between them, so that nobody who posts has to wait for it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.pauses import Pauses, Stopped
from chatroom.clock import Now
from chatroom.errors import ChatError
from chatroom.logs.journal import Journal
from chatroom.settings import Settings
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Event, EventKind
from chatroom.store.repository import Repository

T = TypeVar("T")

#: When the first look is, in seconds after the start, and how often there is one.
FIRST_SECONDS = 10.0
LOOK_SECONDS = 60.0

#: How long the words of a message that was deleted may still be in the index, about,
#: though nobody finds them; and how much of it is gone through in one step.
PURGE_SECONDS = 600.0
PURGED = 200

#: How long nothing is done between two steps, in seconds.
PAUSE_SECONDS = 0.05

#: How many events are cut off in one step.
CUT = 200

#: How many events of a room that was deleted are erased in one step, and after how many
#: seconds that begins.
ERASED = 200
ERASE_SECONDS = 1.0

_DAY = 86_400_000

#: After what there is something to do, and in how many seconds: what takes words out of
#: the index, and the end of a room.
_CHANGES = {
    EventKind.EDIT: PURGE_SECONDS,
    EventKind.DELETE: PURGE_SECONDS,
    EventKind.END: ERASE_SECONDS,
}


def _purge_some(pages: int, store: Repository) -> bool:
    return store.purge(pages)


def _erase_some(room_id: int, store: Repository) -> bool:
    return store.erase_some(room_id, ERASED)


@define(eq=False)
class Upkeep:
    """
    Looks after the store, as long as there is anything to look after.
    """

    _logger = Journal()

    _database: Database
    _clock: IReactorTime
    _now: Now
    _settings: Settings
    _pauses: Pauses = field(init=False)
    _running: "Deferred[None] | None" = field(default=None, init=False)
    _is_done: bool = field(default=True, init=False)
    #: Whether a room has ended that was not looked for yet, and whether something of one
    #: is left in the index.
    _is_owed: bool = field(default=False, init=False)
    _is_unpurged: bool = field(default=False, init=False)
    _purged_at: float = field(default=-PURGE_SECONDS, init=False)

    @_pauses.default
    def _make_pauses(self) -> Pauses:
        return Pauses(self._clock)

    def start(self) -> None:
        """
        Begin, in a while.
        """
        self._pauses.start()
        self._begin(FIRST_SECONDS)

    def learn(self, events: Sequence[Event]) -> None:
        """
        Know what has happened, for there may be something to do again.
        """
        kinds = {each.kind for each in events} & _CHANGES.keys()
        self._is_owed |= EventKind.END in kinds
        if kinds and self._is_done:
            self._begin(min(_CHANGES[each] for each in kinds))
        elif EventKind.END in kinds:
            self._pauses.end()

    def stop(self) -> Deferred[None]:
        """
        Begin nothing more.

        @return: when what was begun is done, or has failed.
        """
        self._pauses.stop()
        running, self._running = self._running, None
        return running or succeed(None)

    def _begin(self, seconds: float) -> None:
        if not self._pauses.is_stopping:
            self._is_done = False
            self._running = Deferred.fromCoroutine(self._run(seconds))

    async def _run(self, seconds: float) -> None:
        try:
            await self._pauses.rest(seconds)
            while not await self._look() or self._has_more:
                await self._pauses.rest(LOOK_SECONDS)
        except Stopped:
            return
        finally:
            self._is_done = True

    @property
    def _has_more(self) -> bool:
        return self._is_limited or self._is_owed or self._is_unpurged

    @property
    def _is_limited(self) -> bool:
        return bool(self._settings.retention_days or self._settings.retention_events)

    async def _look(self) -> bool:
        """
        Do all that there is to do.

        @return: whether that went well; if not, there is another time.
        """
        try:
            if self._is_limited:
                await self._cut_all()
            await self._erase_all()
            if self._clock.seconds() - self._purged_at >= PURGE_SECONDS:
                await self._purge()
        except (ChatError, CommitUncertain):
            # The database has told why. What may be done already is not done twice.
            return False
        except Stopped:
            raise
        except Exception:
            self._logger.note_failure("upkeep_failed")
            return False
        return True

    async def _purge(self) -> None:
        """
        Have the index hold no words any more that nobody is to find.
        """
        self._is_unpurged = False
        count = await self._database.read(lambda store: store.forgotten_count())
        pages = -PURGED
        while count and await self._step(partial(_purge_some, pages)):
            pages = PURGED
        if count:
            self._purged_at = self._clock.seconds()
            await self._step(lambda store: store.note_purged(count))

    async def _erase_all(self) -> None:
        """
        Erase the rooms that were deleted.
        """
        self._is_owed = False
        for room_id in await self._database.search(lambda store: store.closed_rooms()):
            while await self._step(partial(_erase_some, room_id)):
                pass
            self._is_unpurged = True
            self._logger.note("room_erased", room=room_id)

    async def _cut_all(self) -> None:
        """
        Cut off what is not to be kept, and tell how much it was.
        """
        counts: dict[int, int] = {}
        try:
            for room_id in await self._database.search(self._long_rooms):
                while count := await self._step(partial(self._cut_some, room_id)):
                    counts[room_id] = counts.get(room_id, 0) + count
        finally:
            if counts:
                self._logger.note("log_cut", count=sum(counts.values()), rooms=len(counts))

    def _long_rooms(self, store: Repository) -> list[int]:
        most, oldest = self._settings.retention_events, self._oldest
        found: set[int] = set()
        if most:
            found |= store.crowded_rooms(most).keys()
        if oldest is not None:
            found |= store.old_rooms(oldest).keys()
        return sorted(found)

    @property
    def _oldest(self) -> int | None:
        """
        The time, in milliseconds, before which nothing is kept.
        """
        days = self._settings.retention_days
        return int(self._now() * 1000 - days * _DAY) if days else None

    def _cut_some(self, room_id: int, store: Repository) -> int:
        """
        @return: how many events were cut off the beginning of a room's log.
        """
        most, oldest = self._settings.retention_events, self._oldest
        span = store.span(room_id)
        place = span.first_seq
        if most:
            place = max(place, span.last_seq - most + 1)
        if oldest is not None and place < span.first_seq + CUT:
            place = max(place, store.cut_before(room_id, oldest, CUT))
        place = min(place, span.first_seq + CUT)
        if place > span.first_seq:
            store.cut(room_id, place)
        return place - span.first_seq

    async def _step(self, work: Callable[[Repository], T]) -> T:
        """
        Do something in a transaction, and let others have their turn.
        """
        done = await self._database.write(work)
        await self._pauses.rest(PAUSE_SECONDS)
        return done
