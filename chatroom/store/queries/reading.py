"""
How far people have read.
"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, select, update

from chatroom.store.models import MOST_UNREAD, EventKind, Head, Mark, Role
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import ROOM, room
from chatroom.store.schema import events, members, mentions, rooms


@frozen
class ReadingQueries(Queries):
    """
    What is read, and what is not.
    """

    def heads(self, user_id: int) -> list[Head]:
        """
        @return: a user's rooms, by id.
        """
        return self._heads(members.c.user_id == user_id)

    def head(self, user_id: int, room_id: int) -> Head | None:
        """
        @return: one of a user's rooms; C{None} if they are no member.
        """
        found = self._heads((members.c.user_id == user_id) & (members.c.room_id == room_id))
        return found[0] if found else None

    def mark_read(self, marks: Sequence[Mark]) -> None:
        """
        Note how far members have read, at least one; nobody ever has read less.
        """
        is_it = (members.c.user_id == bindparam("user")) & (members.c.room_id == bindparam("room"))
        is_further = members.c.read_seq < bindparam("seq")
        self._connection.execute(
            update(members).where(is_it & is_further).values(read_seq=bindparam("seq")),
            [{"user": each.user_id, "room": each.room_id, "seq": each.seq} for each in marks],
        )

    def _heads(self, condition: ColumnElement[bool]) -> list[Head]:
        joined = rooms.join(members, members.c.room_id == rooms.c.id)
        columns = (*ROOM, rooms.c.last_seq, members.c.role, members.c.read_seq)
        counts = (_unread().label("unread"), _mentions().label("mentions"))
        query = select(*columns, *counts).select_from(joined).where(condition)
        return [_head(row) for row in self._connection.execute(query.order_by(rooms.c.id))]


def _unread() -> ScalarSelect[Any]:
    """
    @return: how many messages of others there are, but no further than they are counted.
    """
    is_unread = (
        (events.c.room_id == members.c.room_id)
        & (events.c.seq > members.c.read_seq)
        & (events.c.sender_id != members.c.user_id)
        & (events.c.kind == EventKind.MESSAGE.value)
        & events.c.deleted_at.is_(None)
    )
    # Here both are those of the row outside.
    first = select(events.c.id).where(is_unread).limit(MOST_UNREAD).correlate(members).subquery()
    return select(func.count()).select_from(first).scalar_subquery()


def _mentions() -> ScalarSelect[Any]:
    is_unread = (
        (mentions.c.user_id == members.c.user_id)
        & (mentions.c.room_id == members.c.room_id)
        & (mentions.c.seq > members.c.read_seq)
    )
    return select(func.count()).select_from(mentions).where(is_unread).scalar_subquery()


def _head(row: Any) -> Head:
    return Head(
        room=room(row),
        role=Role(row.role),
        last_seq=row.last_seq,
        read_seq=row.read_seq,
        unread=row.unread,
        mentions=row.mentions,
    )
