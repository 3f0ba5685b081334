"""
Accounts and members.
"""

from collections.abc import Collection

from attrs import frozen
from sqlalchemy import func, select, update

from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    Account,
    NewMember,
    Numbers,
    Role,
    RoomKind,
    User,
)
from chatroom.store.portions import portions
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rooms import RoomQueries, may_know
from chatroom.store.schema import members, rooms, users


@frozen
class UserQueries(Queries):
    """
    Who there is.
    """

    def account(self, key: str) -> Account | None:
        """
        Find an account by the key of its name.
        """
        row = self._connection.execute(select(users).where(users.c.key == key)).one_or_none()
        if row is None:
            return None
        return Account(
            user=User(id=row.id, name=row.name),
            password_hash=row.password_hash,
            is_enabled=row.disabled_at is None,
        )

    def add_user(self, *, name: str, key: str, password_hash: str, now: int) -> User:
        """
        Make an account, and with it a membership of the public room.

        @param now: in milliseconds.
        """
        values = {"name": name, "key": key, "password_hash": password_hash, "created_at": now}
        user = User(id=self._insert(users, values), name=name)
        last_seq = self._connection.scalar(
            select(rooms.c.last_seq).where(rooms.c.id == PUBLIC_ROOM_ID)
        )
        new = NewMember(user_id=user.id, role=Role.MEMBER, seq=last_seq or 0)
        RoomQueries(self._connection).add_members(PUBLIC_ROOM_ID, [new])
        return user

    def set_password_hash(
        self, user_id: int, password_hash: str, *, instead_of: str | None = None
    ) -> bool:
        """
        Replace what a login is checked against.

        @param instead_of: the hash that is to be replaced; C{None} is any.
        @return: whether it was there to be replaced.
        """
        is_it = users.c.id == user_id
        if instead_of is not None:
            is_it &= users.c.password_hash == instead_of
        changed = update(users).where(is_it).values(password_hash=password_hash)
        return int(self._connection.execute(changed).rowcount) > 0

    def users(self) -> list[User]:
        """
        @return: everybody whose account was not deleted, by id.
        """
        query = select(users.c.id, users.c.name).where(users.c.deleted_at.is_(None))
        return self._users(query.order_by(users.c.id))

    def users_named(self, keys: Collection[str], *, may_log_in: bool = False) -> dict[str, User]:
        """
        @param may_log_in: whether only those count who may.
        @return: who has these names, by the name's key.
        """
        found: dict[str, User] = {}
        for some in portions(sorted(keys)):
            query = select(users.c.id, users.c.name, users.c.key).where(users.c.key.in_(some))
            if may_log_in:
                query = query.where(users.c.disabled_at.is_(None))
            for row in self._connection.execute(query):
                found[row.key] = User(id=row.id, name=row.name)
        return found

    def members(self, room_id: int) -> list[User]:
        """
        @return: the members of a room, by id.
        """
        joined = users.join(members, members.c.user_id == users.c.id)
        query = select(users.c.id, users.c.name).select_from(joined)
        return self._users(query.where(members.c.room_id == room_id).order_by(users.c.id))

    def numbers(self, user_id: int) -> Numbers:
        """
        Count what there is, and what a user has joined.
        """
        joined = rooms.join(members, members.c.room_id == rooms.c.id)
        query = (
            select(rooms.c.kind, func.count())
            .select_from(joined)
            .where(members.c.user_id == user_id)
            .group_by(rooms.c.kind)
        )
        by_kind = {RoomKind(kind): count for kind, count in self._connection.execute(query)}
        private = by_kind.get(RoomKind.PRIVATE, 0)
        return Numbers(
            joined_private=private,
            joined_group=sum(by_kind.values()) - private,
            users=self._count(users, users.c.deleted_at.is_(None)),
            # What one may not know of one may not count either.
            rooms=self._count(rooms, may_know(user_id)),
        )
