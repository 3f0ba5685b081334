"""
The log, read for those who follow it and are behind.
"""

from collections.abc import Mapping, Sequence

from attrs import define, frozen

from chatroom.store.database import Database
from chatroom.store.models import Event, Span, User
from chatroom.store.repository import Repository

#: How many events are read at a time, and of how many characters at the most if all of
#: them are as long as can be.
_PAGE_EVENTS = 200
_PAGE_CHARS = 1 << 20


@frozen
class LogPage:
    """
    Some of a room's log.

    @ivar span: what there was of the log when this was read.
    @ivar events: in their order, without gaps.
    """

    span: Span
    events: Sequence[Event]


@define(eq=False)
class Replays:
    """
    What was missed.

    @ivar content_chars: of a message, at the most.
    """

    _database: Database
    content_chars: int

    async def spans(self, user: User) -> Mapping[int, Span]:
        """
        @return: what there is of the log of each of a user's rooms, by room id.
        @raise StoreUnavailable: if the database failed.
        """
        return await self._database.read(lambda store: store.spans(user.id))

    async def page(self, room_id: int, after_seq: int) -> LogPage:
        """
        @return: what happened in a room behind a place, as far as it is kept, and as
            much as goes into a page.
        @raise StoreUnavailable: if the database failed.
        """
        most = max(1, min(_PAGE_EVENTS, _PAGE_CHARS // self.content_chars))

        def read(store: Repository) -> LogPage:
            return LogPage(store.span(room_id), store.events_after(room_id, after_seq, most))

        return await self._database.read(read)
