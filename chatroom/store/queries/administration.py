"""
What those need who look after the server: every account, every room.
"""

from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, case, delete, select, update

from chatroom.store.models import PUBLIC_ROOM_ID, Ban, Login, Role, Room, RoomKind, User
from chatroom.store.oversight import AccountState, RoomState
from chatroom.store.queries.logins import login_of, login_query
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import ROOM, room
from chatroom.store.schema import bans, invitations, members, rooms, sessions, users


@frozen
class AdministrationQueries(Queries):
    """
    Accounts and rooms, whoever may know of them.
    """

    def is_administrator(self, user_id: int) -> bool:
        """
        Whether somebody looks after the server, and may log in.
        """
        is_one = (users.c.is_administrator == 1) & users.c.disabled_at.is_(None)
        query = select(users.c.id).where((users.c.id == user_id) & is_one)
        return self._connection.scalar(query) is not None

    def account_named(self, key: str) -> AccountState | None:
        """
        Find an account that was not deleted by the key of its name.
        """
        found = self._accounts((users.c.key == key) & users.c.deleted_at.is_(None), 1)
        return found[0] if found else None

    def accounts(self, limit: int, *, after: int = 0) -> list[AccountState]:
        """
        @param after: the id that theirs are greater than.
        @return: accounts, deleted ones too, by id.
        """
        return self._accounts(users.c.id > after, limit)

    def set_disabled(self, user_id: int, at: int | None) -> None:
        """
        Have somebody not log in from a time on; C{None} is that they may.
        """
        self._change_user(user_id, disabled_at=at)

    def set_administrator(self, user_id: int, *, is_one: bool) -> None:
        """
        Have somebody look after the server, or no longer.
        """
        self._change_user(user_id, is_administrator=int(is_one))

    def delete_account(self, user_id: int, now: int) -> None:
        """
        Have somebody be nobody's account any more. The name stays taken, and what they
        said stays theirs; the membership of the public room ends.

        @param now: in milliseconds.
        """
        self._change_user(
            user_id, disabled_at=now, deleted_at=now, is_administrator=0, password_hash=""
        )
        for table in (bans, invitations):
            self._connection.execute(delete(table).where(table.c.user_id == user_id))
        is_it = (members.c.room_id == PUBLIC_ROOM_ID) & (members.c.user_id == user_id)
        self._connection.execute(delete(members).where(is_it))

    def group_rooms_of(self, user_id: int) -> list[tuple[Room, Role]]:
        """
        @return: the rooms that somebody is a member of, and what they are there, by id;
            without the public one and private chats.
        """
        query = select(*ROOM, members.c.role).select_from(
            rooms.join(members, members.c.room_id == rooms.c.id)
        )
        is_group = (rooms.c.id != PUBLIC_ROOM_ID) & (rooms.c.kind != RoomKind.PRIVATE.value)
        query = query.where((members.c.user_id == user_id) & is_group).order_by(rooms.c.id)
        return [(room(row), Role(row.role)) for row in self._connection.execute(query)]

    def group_rooms(self, limit: int, *, after: int = 0) -> list[RoomState]:
        """
        @param after: the id that theirs are greater than.
        @return: rooms that are no private chats, by id.
        """
        kinds = (RoomKind.GROUP.value, RoomKind.INVITE.value)
        query = select(*ROOM).where((rooms.c.id > after) & rooms.c.kind.in_(kinds))
        rows = self._connection.execute(query.order_by(rooms.c.id).limit(limit)).all()
        return [self._state(room(row)) for row in rows]

    def all_logins(
        self, now: int, limit: int, *, after: int = 0, user_id: int | None = None
    ) -> list[Login]:
        """
        @param now: in milliseconds.
        @param after: the id that theirs are greater than.
        @param user_id: whose; C{None} is anybody's.
        @return: logins that have not expired, by id.
        """
        query = login_query().where((sessions.c.id > after) & (sessions.c.expires_at > now))
        if user_id is not None:
            query = query.where(sessions.c.user_id == user_id)
        rows = self._connection.execute(query.order_by(sessions.c.id).limit(limit))
        return [login_of(row) for row in rows]

    def all_bans(
        self,
        now: int,
        limit: int,
        *,
        after: tuple[int, int] = (0, 0),
        room_id: int | None = None,
    ) -> list[tuple[Room, Ban]]:
        """
        @param now: in milliseconds.
        @param after: the ids of the room and of the user behind which theirs are.
        @param room_id: where; C{None} is anywhere.
        @return: who may be no member of which room, by the ids of room and user.
        """
        joined = bans.join(users, users.c.id == bans.c.user_id)
        joined = joined.join(rooms, rooms.c.id == bans.c.room_id)
        columns = (*ROOM, users.c.id.label("user_id"), users.c.name.label("user_name"))
        is_behind = (bans.c.room_id > after[0]) | (
            (bans.c.room_id == after[0]) & (bans.c.user_id > after[1])
        )
        query = select(*columns, bans.c.until).select_from(joined)
        query = query.where((bans.c.until > now) & is_behind)
        if room_id is not None:
            query = query.where(bans.c.room_id == room_id)
        query = query.order_by(bans.c.room_id, bans.c.user_id).limit(limit)
        return [
            (room(row), Ban(user=User(id=row.user_id, name=row.user_name), until=row.until))
            for row in self._connection.execute(query)
        ]

    def stand_in(self, room_id: int) -> User:
        """
        @return: by whom it stands in a room's log what nobody in particular has done: an
            owner, else any member, else the first of all users.
        """
        is_in = (members.c.user_id == users.c.id) & (members.c.room_id == room_id)
        query = select(users.c.id, users.c.name).select_from(users.outerjoin(members, is_in))
        first = case((members.c.role == Role.OWNER.value, 0), (members.c.role.is_not(None), 1))
        query = query.order_by(first.is_(None), first, users.c.id)
        return self._users(query.limit(1))[0]

    def _state(self, found: Room) -> RoomState:
        count = self._count(members, members.c.room_id == found.id)
        is_owner = (members.c.room_id == found.id) & (members.c.role == Role.OWNER.value)
        joined = users.join(members, members.c.user_id == users.c.id)
        query = select(users.c.id, users.c.name).select_from(joined).where(is_owner)
        owners = self._users(query.order_by(users.c.id))
        return RoomState(room=found, member_count=count, owners=owners)

    def _accounts(self, condition: ColumnElement[bool], limit: int) -> list[AccountState]:
        query = select(users).where(condition).order_by(users.c.id).limit(limit)
        return [
            AccountState(
                user=User(id=row.id, name=row.name),
                password_hash=row.password_hash,
                created_at=row.created_at,
                is_administrator=bool(row.is_administrator),
                is_disabled=row.disabled_at is not None,
                is_deleted=row.deleted_at is not None,
            )
            for row in self._connection.execute(query)
        ]

    def _change_user(self, user_id: int, **values: Any) -> None:
        self._connection.execute(update(users).where(users.c.id == user_id).values(values))
