"""
The log, read for those who follow it and are behind.

Many are behind at the same place: all who were in a room when the server was started
anew, or a network came back. So a page is read once for all who ask for it meanwhile,
and kept for those who ask next. It stays true: what happens later comes behind it, and
a page of a room in which a message was changed is forgotten.
"""

from collections.abc import Mapping, Sequence

from attrs import define, field
from twisted.internet.defer import Deferred

from chatroom.chat.pushes import followed_lines, is_named_by
from chatroom.store.database import Database
from chatroom.store.models import Event, EventKind, Span, User
from chatroom.store.repository import Repository

#: How many events are read at a time, and of how many characters at the most if all of
#: them are as long as can be.
_PAGE_EVENTS = 200
_PAGE_CHARS = 1 << 20

#: How many bytes of pages are kept.
MOST_BYTES = 8 << 20

#: What changes what an earlier event looks like, or has it be none.
_CHANGES = {EventKind.EDIT, EventKind.DELETE, EventKind.END}


@define(eq=False)
class LogPage:
    """
    Some of a room's log.

    @ivar span: what there was of the log when this was read.
    @ivar events: in their order, without gaps.
    @ivar lines: as everybody sees them who has not named any of them.
    """

    span: Span
    events: Sequence[Event]
    lines: bytes

    @property
    def last_seq(self) -> int:
        """
        The place of the last event; 0 if there is none.
        """
        return self.events[-1].seq if self.events else 0

    def lines_for(self, user_id: int, last_seq: int) -> bytes:
        """
        @return: the lines of the page up to a place, as a user sees them.
        """
        if self.last_seq > last_seq:
            some = [each for each in self.events if each.seq <= last_seq]
            return followed_lines(some, user_id, replay=True)
        if any(is_named_by(user_id, each) for each in self.events):
            return followed_lines(self.events, user_id, replay=True)
        return self.lines


@define(eq=False)
class _Reading:
    """
    A page that is being read, and who waits for it.

    @ivar is_true: whether nothing has changed meanwhile that may be in it.
    """

    waiting: "list[Deferred[LogPage]]" = field(factory=list)
    is_true: bool = True


@define(eq=False)
class Replays:
    """
    What was missed.

    @ivar content_chars: of a message, at the most.
    """

    _database: Database
    content_chars: int
    _readings: dict[tuple[int, int], _Reading] = field(factory=dict, init=False)
    #: Those that were asked for last, by the room and the place before them.
    _pages: dict[tuple[int, int], LogPage] = field(factory=dict, init=False)
    _bytes: int = field(default=0, init=False)

    async def spans(self, user: User) -> Mapping[int, Span]:
        """
        @return: what there is of the log of each of a user's rooms, by room id.
        @raise StoreUnavailable: if the database failed.
        """
        return await self._database.read(lambda store: store.spans(user.id))

    async def page(self, room_id: int, after_seq: int) -> LogPage:
        """
        @return: what happened in a room behind a place, as far as it is kept, and as
            much as goes into a page; there may be more by now.
        @raise StoreUnavailable: if the database failed.
        """
        place = (room_id, after_seq)
        page = self._pages.pop(place, None)
        if page is not None:
            # Behind all others, as it was asked for last.
            self._pages[place] = page
            return page
        reading = self._readings.get(place)
        if reading is not None:
            waiting: Deferred[LogPage] = Deferred()
            reading.waiting.append(waiting)
            return await waiting
        return await self._read_for_all(place)

    def learn(self, events: Sequence[Event]) -> None:
        """
        Know what has happened.
        """
        for room_id in {each.room_id for each in events if each.kind in _CHANGES}:
            for place in [each for each in self._pages if each[0] == room_id]:
                self._bytes -= len(self._pages.pop(place).lines)
            for place in [each for each in self._readings if each[0] == room_id]:
                # It goes to those who wait for it, and to nobody who asks from now on.
                self._readings.pop(place).is_true = False

    async def _read_for_all(self, place: tuple[int, int]) -> LogPage:
        reading = self._readings[place] = _Reading()
        try:
            page = await self._read(*place)
        except BaseException as error:
            self._forget(place, reading)
            for each in reading.waiting:
                each.errback(error)
            raise
        self._forget(place, reading)
        if reading.is_true and page.events:
            self._keep(place, page)
        for each in reading.waiting:
            each.callback(page)
        return page

    def _forget(self, place: tuple[int, int], reading: _Reading) -> None:
        if self._readings.get(place) is reading:
            del self._readings[place]

    async def _read(self, room_id: int, after_seq: int) -> LogPage:
        most = max(1, min(_PAGE_EVENTS, _PAGE_CHARS // self.content_chars))

        def read(store: Repository) -> LogPage:
            span, events = store.span(room_id), store.events_after(room_id, after_seq, most)
            return LogPage(span, events, followed_lines(events, 0, replay=True))

        return await self._database.read(read)

    def _keep(self, place: tuple[int, int], page: LogPage) -> None:
        self._pages[place] = page
        self._bytes += len(page.lines)
        while self._bytes > MOST_BYTES:
            oldest = next(iter(self._pages))
            self._bytes -= len(self._pages.pop(oldest).lines)
