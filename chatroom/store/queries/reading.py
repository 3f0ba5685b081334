"""
How far people have read.
"""

from collections.abc import Collection, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import FromClause, ScalarSelect, Select, bindparam, func, select, update

from chatroom.store.models import (
    MESSAGES,
    MOST_UNREAD,
    Head,
    Mark,
    Progress,
    Role,
    Room,
    Standing,
)
from chatroom.store.portions import wanted_rows
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import ROOM, room
from chatroom.store.schema import BigId, events, invitations, members, mentions, rooms, users

#: A room, and what somebody is in it.
_PLACE = (
    *ROOM,
    rooms.c.last_seq,
    members.c.user_id,
    members.c.role,
    members.c.joined_seq,
    members.c.read_seq,
)


#: What else somebody is there who may be no member.
_ASKER = (
    users.c.id.label("asked_id"),
    users.c.is_administrator,
    invitations.c.created_at.label("invited_at"),
)


@frozen
class ReadingQueries(Queries):
    """
    What is read, and what is not.
    """

    def heads(self, user_id: int) -> list[Head]:
        """
        @return: a user's rooms, by id.
        """
        query = _heads(_JOINED).where(members.c.user_id == user_id).order_by(rooms.c.id)
        return [_head(row) for row in self._connection.execute(query)]

    def head(self, user_id: int, room_id: int) -> Head | None:
        """
        @return: one of a user's rooms; C{None} if they are no member.
        """
        return self.heads_at([(room_id, user_id)]).get((room_id, user_id))

    def heads_at(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], Head]:
        """
        @param places: pairs of (room id, user id).
        @return: only those of members.
        """
        found: dict[tuple[int, int], Head] = {}
        for wanted, values in wanted_rows(places, BigId):
            is_it = (members.c.room_id == wanted.c[0]) & (members.c.user_id == wanted.c[1])
            joined = wanted.join(members, is_it).join(rooms, rooms.c.id == members.c.room_id)
            for row in self._connection.execute(_heads(joined), values):
                found[row.id, row.user_id] = _head(row)
        return found

    def progress(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], Progress]:
        """
        How far each user has read each room, for pairs of (room id, user id).

        @return: those whose room there is.
        """
        found: dict[tuple[int, int], Progress] = {}
        known: dict[int, Room] = {}
        for wanted, values in wanted_rows(places, BigId):
            is_theirs = (members.c.room_id == rooms.c.id) & (members.c.user_id == wanted.c[1])
            is_invited = (invitations.c.room_id == rooms.c.id) & (
                invitations.c.user_id == wanted.c[1]
            )
            joined = (
                wanted.join(rooms, rooms.c.id == wanted.c[0])
                .join(users, users.c.id == wanted.c[1])
                .outerjoin(members, is_theirs)
                .outerjoin(invitations, is_invited)
            )
            query = select(*_PLACE, *_ASKER).select_from(joined)
            for row in self._connection.execute(query, values):
                place = known.get(row.id) or known.setdefault(row.id, room(row))
                found[row.id, row.asked_id] = _progress(row, place)
        return found

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


_JOINED = rooms.join(members, members.c.room_id == rooms.c.id)


def _heads(joined: FromClause) -> Select[Any]:
    """
    @param joined: with rooms and members.
    """
    counts = (_unread().label("unread"), _mentions().label("mentions"))
    return select(*_PLACE, *counts).select_from(joined)


def _unread() -> ScalarSelect[Any]:
    """
    @return: how many messages of others there are, but no further than they are counted.
    """
    is_unread = (
        (events.c.room_id == members.c.room_id)
        & (events.c.seq > members.c.read_seq)
        & (events.c.sender_id != members.c.user_id)
        & events.c.kind.in_([each.value for each in MESSAGES])
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
        joined_seq=row.joined_seq,
        last_seq=row.last_seq,
        read_seq=row.read_seq,
        unread=row.unread,
        mentions=row.mentions,
    )


def _progress(row: Any, place: Room) -> Progress:
    return Progress(
        standing=Standing(
            room=place,
            role=None if row.role is None else Role(row.role),
            is_invited=row.invited_at is not None,
            is_administrator=bool(row.is_administrator),
        ),
        last_seq=row.last_seq,
        read_seq=row.read_seq or 0,
    )
