"""
Rooms and who is in them.
"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update

from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    NewMember,
    Role,
    Room,
    RoomKind,
    RoomListing,
    Standing,
    User,
)
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import ROOM, room
from chatroom.store.schema import bans, invitations, members, rooms, users

#: What somebody is in a room.
_STANDING = (
    *ROOM,
    members.c.role,
    members.c.muted_until,
    bans.c.until,
    invitations.c.created_at.label("invited_at"),
    users.c.is_administrator,
    users.c.disabled_at,
)

#: Members who may log in.
_ACTIVE = members.join(users, (users.c.id == members.c.user_id) & users.c.disabled_at.is_(None))


@frozen
class RoomQueries(Queries):
    """
    Rooms, and who is a member of them.
    """

    def add_room(
        self, *, name: str, key: str, kind: RoomKind, now: int, pair_key: str | None = None
    ) -> Room:
        """
        Make a room without members.

        @param now: in milliseconds.
        @param pair_key: of whom it is, for one that is that of two.
        """
        values = {
            "name": name,
            "key": key,
            "kind": kind.value,
            "created_at": now,
            "pair_key": pair_key,
        }
        return Room(id=self._insert(rooms, values), name=name, kind=kind, created_at=now)

    def add_members(
        self, room_id: int, new: Sequence[NewMember], *, by: int | None = None
    ) -> None:
        """
        Make members of users who are none, at least one.

        @param by: who does that; nobody, for those whom it happens to by itself.
        """
        rows = [
            {
                "room_id": room_id,
                "user_id": each.user_id,
                "role": each.role.value,
                "added_by": None if by == each.user_id else by,
                "joined_seq": each.seq,
                "read_seq": each.seq,
            }
            for each in new
        ]
        self._connection.execute(insert(members), rows)

    def remove_member(self, room_id: int, user_id: int) -> None:
        """
        Have a user be no member any more.
        """
        self._connection.execute(delete(members).where(_is_member(room_id, user_id)))

    def set_role(self, room_id: int, user_id: int, role: Role) -> None:
        """
        Have a member be something else in a room.
        """
        changed = update(members).where(_is_member(room_id, user_id)).values(role=role.value)
        self._connection.execute(changed)

    def has_owner(self, room_id: int) -> bool:
        """
        Whether anybody owns a room, of those who may log in.
        """
        is_owner = (members.c.room_id == room_id) & (members.c.role == Role.OWNER.value)
        query = select(users.c.id).select_from(_ACTIVE).where(is_owner).limit(1)
        return self._connection.scalar(query) is not None

    def longest_member(self, room_id: int) -> User | None:
        """
        @return: who has been a member of a room for longest, of those who may log in, if
            anybody is.
        """
        query = select(users.c.id, users.c.name).select_from(_ACTIVE)
        query = query.where(members.c.room_id == room_id)
        found = self._users(query.order_by(members.c.joined_seq, members.c.user_id).limit(1))
        return found[0] if found else None

    def room_named(self, key: str) -> Room | None:
        """
        Find a room by the key of its name.
        """
        row = self._connection.execute(select(*ROOM).where(rooms.c.key == key)).one_or_none()
        return None if row is None else room(row)

    def room_ids(self, user_id: int) -> set[int]:
        """
        @return: the rooms that a user is a member of.
        """
        query = select(members.c.room_id).where(members.c.user_id == user_id)
        return set(self._connection.scalars(query))

    def joined_rooms(self, user_id: int) -> list[RoomListing]:
        """
        @return: the rooms that a user is a member of, by id.
        """
        return self._listings(rooms.c.id.in_(_joined_by(user_id)))

    def visible_rooms(self, user_id: int) -> list[RoomListing]:
        """
        @return: the rooms that a user may know of, by id.
        """
        return self._listings(may_know(user_id))

    def member_count(self, room_id: int) -> int:
        """
        @return: how many members a room has.
        """
        query = select(func.count()).select_from(members).where(members.c.room_id == room_id)
        return int(self._connection.execute(query).scalar_one())

    def chosen_room_count(self, user_id: int) -> int:
        """
        @return: of how many rooms a user is a member by their own doing; private chats,
            which nobody can leave, do not count.
        """
        is_chosen = members.c.added_by.is_(None) & (members.c.room_id != PUBLIC_ROOM_ID)
        is_group = (rooms.c.id == members.c.room_id) & (rooms.c.kind != RoomKind.PRIVATE.value)
        query = select(func.count()).select_from(members.join(rooms, is_group))
        query = query.where((members.c.user_id == user_id) & is_chosen)
        return int(self._connection.execute(query).scalar_one())

    def standing(
        self,
        user_id: int,
        *,
        room_id: int | None = None,
        key: str | None = None,
        is_actor: bool = True,
    ) -> Standing | None:
        """
        What a user is in a room, which is named by id or by the key of its name.

        @param is_actor: whether it is who wants to do something: then one who may not
            log in any more is nothing.
        @return: C{None} if there is no such room.
        """
        is_it = rooms.c.key == key if room_id is None else rooms.c.id == room_id
        # From the user, so that there is a row whatever they ask for: where there is no
        # room it takes as long to find that out as where there is one that they may not
        # know of.
        places = users.outerjoin(rooms, is_it)
        for table in (members, bans, invitations):
            is_theirs = (table.c.room_id == rooms.c.id) & (table.c.user_id == users.c.id)
            places = places.outerjoin(table, is_theirs)
        query = select(*_STANDING).select_from(places).where(users.c.id == user_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        is_gone = is_actor and row.disabled_at is not None
        standing = Standing(
            room=Room(
                id=row.id or 0,
                name=row.name or "",
                kind=RoomKind(row.kind or RoomKind.DELETED.value),
                created_at=row.created_at or 0,
                topic=row.topic or "",
            ),
            role=None if row.role is None or is_gone else Role(row.role),
            muted_until=row.muted_until,
            banned_until=row.until,
            is_invited=row.invited_at is not None and not is_gone,
            is_administrator=bool(row.is_administrator) and not is_gone,
        )
        return standing if row.id is not None else None

    def _listings(self, condition: ColumnElement[bool]) -> list[RoomListing]:
        query = (
            select(*ROOM, func.count(members.c.user_id).label("member_count"))
            .select_from(rooms.outerjoin(members, members.c.room_id == rooms.c.id))
            .where(condition)
            .group_by(*ROOM)
            .order_by(rooms.c.id)
        )
        return [
            RoomListing(room=room(row), member_count=row.member_count)
            for row in self._connection.execute(query)
        ]


def _is_member(room_id: int, user_id: int) -> ColumnElement[bool]:
    return (members.c.room_id == room_id) & (members.c.user_id == user_id)


def may_know(user_id: int) -> ColumnElement[bool]:
    """
    @return: what says of a room that a user may know of it.
    """
    invited = select(invitations.c.room_id).where(invitations.c.user_id == user_id)
    return (
        (rooms.c.kind == RoomKind.GROUP.value)
        | rooms.c.id.in_(_joined_by(user_id))
        | rooms.c.id.in_(invited)
    )


def _joined_by(user_id: int) -> Select[Any]:
    return select(members.c.room_id).where(members.c.user_id == user_id)
