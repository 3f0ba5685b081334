"""
The end of what is kept.
"""

from collections.abc import Sequence

from attrs import frozen
from sqlalchemy import delete, select, update

from chatroom.store.models import Span
from chatroom.store.queries.files import FileQueries
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.search import SearchQueries
from chatroom.store.schema import events, mentions, reactions, rooms


@frozen
class RetentionQueries(Queries):
    """
    What is cut off the beginning of a room's log.
    """

    def crowded_rooms(self, most: int) -> dict[int, Span]:
        """
        @return: the rooms whose logs have more events than C{most}.
        """
        is_long = rooms.c.last_seq - rooms.c.first_seq >= most
        return self._spans(select(rooms).where(is_long))

    def old_rooms(self, before: int) -> dict[int, Span]:
        """
        @return: the rooms whose logs begin before a time.
        """
        is_first = (events.c.room_id == rooms.c.id) & (events.c.seq == rooms.c.first_seq)
        # Not as a join, which SQLite would begin with all events.
        began = select(events.c.created_at).where(is_first).scalar_subquery()
        return self._spans(select(rooms).where(began < before))

    def cut_before(self, room_id: int, time: int, limit: int) -> int:
        """
        @return: the first place of a room's log that is no older than C{time}, or
            C{limit} places behind its beginning.
        """
        query = select(events.c.seq, events.c.created_at).where(events.c.room_id == room_id)
        query = query.where(events.c.seq >= self._first_seq(room_id))
        found = self._connection.execute(query.order_by(events.c.seq).limit(limit)).all()
        young = (row.seq for row in found if row.created_at >= time)
        return next(young, found[-1].seq + 1 if found else 0)

    def cut(self, room_id: int, first_seq: int) -> None:
        """
        Have a room's log begin at a place, with nothing left of what was before.
        """
        is_cut = (events.c.room_id == room_id) & (events.c.seq < first_seq)
        # On PostgreSQL what was cut before is still there, to be passed over.
        is_cut &= events.c.seq >= self._first_seq(room_id)
        ids = list(self._connection.scalars(select(events.c.id).where(is_cut)))
        if ids:
            self._forget(room_id, first_seq, ids)
            self._connection.execute(delete(events).where(is_cut))
        is_later = (rooms.c.id == room_id) & (rooms.c.first_seq < first_seq)
        self._connection.execute(update(rooms).where(is_later).values(first_seq=first_seq))

    def _first_seq(self, room_id: int) -> int:
        query = select(rooms.c.first_seq).where(rooms.c.id == room_id)
        return int(self._connection.execute(query).scalar_one())

    def _forget(self, room_id: int, first_seq: int, ids: Sequence[int]) -> None:
        SearchQueries(self._connection).forget(ids)
        is_theirs = (mentions.c.room_id == room_id) & (mentions.c.seq < first_seq)
        self._connection.execute(delete(mentions).where(is_theirs))
        self._connection.execute(delete(reactions).where(reactions.c.message_id.in_(ids)))
        FileQueries(self._connection).forget_files(ids)

    def _spans(self, query: object) -> dict[int, Span]:
        found = self._connection.execute(query).all()  # type: ignore[call-overload]
        return {row.id: Span(first_seq=row.first_seq, last_seq=row.last_seq) for row in found}
