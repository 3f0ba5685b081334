"""
Every query, each on the one connection of a transaction that somebody else
began and will end. Values go in and come out as L{chatroom.store.models}.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from attrs import frozen
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    bindparam,
    func,
    insert,
    select,
    update,
)

from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    Account,
    Event,
    EventKind,
    Numbers,
    Role,
    Room,
    RoomKind,
    RoomListing,
    SentBefore,
    Standing,
    User,
)
from chatroom.store.portions import portions, wanted_rows
from chatroom.store.schema import BigId, counters, events, members, rooms, users

_EVENT_ID = "events.id"
_ROOM = (rooms.c.id, rooms.c.name, rooms.c.kind, rooms.c.created_at)
_EVENT = (events, rooms.c.name.label("room_name"), users.c.name.label("sender_name"))
_EVENT_TABLES = events.join(rooms, rooms.c.id == events.c.room_id).join(
    users, users.c.id == events.c.sender_id
)


@frozen
class Repository:
    """
    The store, as one transaction sees it.
    """

    _connection: Connection

    def savepoint(self) -> AbstractContextManager[object]:
        """
        @return: a context whose writes are undone if it raises.
        """
        return self._connection.begin_nested()

    # Users

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
        self.add_members(PUBLIC_ROOM_ID, {user.id: Role.MEMBER})
        return user

    def set_password_hash(self, user_id: int, password_hash: str) -> None:
        """
        Replace what a login is checked against.
        """
        self._connection.execute(
            update(users).where(users.c.id == user_id).values(password_hash=password_hash)
        )

    def users(self) -> list[User]:
        """
        @return: everybody, by id.
        """
        return self._users(select(users.c.id, users.c.name).order_by(users.c.id))

    def users_named(self, keys: Collection[str]) -> dict[str, User]:
        """
        @return: who has these names, by the name's key.
        """
        found: dict[str, User] = {}
        for some in portions(sorted(keys)):
            query = select(users.c.id, users.c.name, users.c.key).where(users.c.key.in_(some))
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
        return Numbers(
            joined_private=by_kind.get(RoomKind.PRIVATE, 0),
            joined_group=by_kind.get(RoomKind.GROUP, 0),
            users=self._count(users),
            rooms=self._count(rooms),
        )

    # Rooms

    def add_room(self, *, name: str, key: str, kind: RoomKind, now: int) -> Room:
        """
        Make a room without members.

        @param now: in milliseconds.
        """
        values = {"name": name, "key": key, "kind": kind.value, "created_at": now}
        return Room(id=self._insert(rooms, values), name=name, kind=kind, created_at=now)

    def add_members(
        self, room_id: int, roles: Mapping[int, Role], *, by: int | None = None
    ) -> None:
        """
        Make members of users who are none.

        @param roles: what each is, by user id; at least one.
        @param by: who does that; nobody, for those whom it happens to by itself.
        """
        rows = [
            {
                "room_id": room_id,
                "user_id": user_id,
                "role": role.value,
                "added_by": None if by == user_id else by,
            }
            for user_id, role in roles.items()
        ]
        self._connection.execute(insert(members), rows)

    def room_named(self, key: str) -> Room | None:
        """
        Find a room by the key of its name.
        """
        row = self._connection.execute(select(*_ROOM).where(rooms.c.key == key)).one_or_none()
        return None if row is None else _room(row)

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
        is_public = rooms.c.kind == RoomKind.GROUP.value
        return self._listings(is_public | rooms.c.id.in_(_joined_by(user_id)))

    def member_count(self, room_id: int) -> int:
        """
        @return: how many members a room has.
        """
        query = select(func.count()).select_from(members).where(members.c.room_id == room_id)
        return int(self._connection.execute(query).scalar_one())

    def chosen_room_count(self, user_id: int) -> int:
        """
        @return: of how many rooms a user is a member by their own doing.
        """
        is_chosen = members.c.added_by.is_(None) & (members.c.room_id != PUBLIC_ROOM_ID)
        query = select(func.count()).select_from(members)
        query = query.where((members.c.user_id == user_id) & is_chosen)
        return int(self._connection.execute(query).scalar_one())

    def standing(
        self, user_id: int, *, room_id: int | None = None, key: str | None = None
    ) -> Standing | None:
        """
        What a user is in a room, which is named by id or by the key of its name.

        @return: C{None} if there is no such room.
        """
        is_it = rooms.c.key == key if room_id is None else rooms.c.id == room_id
        is_theirs = (members.c.room_id == rooms.c.id) & (members.c.user_id == user_id)
        query = select(*_ROOM, members.c.role).select_from(rooms.outerjoin(members, is_theirs))
        row = self._connection.execute(query.where(is_it)).one_or_none()
        if row is None:
            return None
        return Standing(room=_room(row), role=None if row.role is None else Role(row.role))

    # The log

    def lock_rooms(self, ids: Iterable[int]) -> dict[int, tuple[Room, int]]:
        """
        Keep every other transaction from writing to rooms.

        @return: the rooms there are, each with the last seq in its log, by id.
        """
        found: dict[int, tuple[Room, int]] = {}
        for some in portions(sorted(ids)):
            query = select(*_ROOM, rooms.c.last_seq).where(rooms.c.id.in_(some))
            for row in self._connection.execute(query.order_by(rooms.c.id).with_for_update()):
                found[row.id] = (_room(row), row.last_seq)
        return found

    def roles(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], Role]:
        """
        What each user is in each room, for pairs of (room id, user id).

        @return: only those who are members.
        """
        found: dict[tuple[int, int], Role] = {}
        for wanted, values in wanted_rows(places, BigId):
            is_it = (members.c.room_id == wanted.c[0]) & (members.c.user_id == wanted.c[1])
            query = select(members).select_from(wanted.join(members, is_it))
            for row in self._connection.execute(query, values):
                found[row.room_id, row.user_id] = Role(row.role)
        return found

    def sent_before(self, names: Collection[tuple[int, str]]) -> dict[tuple[int, str], SentBefore]:
        """
        Look for what is stored already, for pairs of (sender id, client message id).
        """
        found: dict[tuple[int, str], SentBefore] = {}
        for wanted, values in wanted_rows(names, String()):
            is_it = (events.c.sender_id == wanted.c[0]) & (
                events.c.client_message_id == wanted.c[1]
            )
            query = select(*_EVENT).select_from(
                wanted.join(events, is_it)
                .join(rooms, rooms.c.id == events.c.room_id)
                .join(users, users.c.id == events.c.sender_id)
            )
            for row in self._connection.execute(query, values):
                before = SentBefore(event=_event(row), digest=row.digest)
                found[row.sender_id, row.client_message_id] = before
        return found

    def last_event_id(self) -> int:
        """
        @return: the highest id that any event has had.
        """
        query = select(counters.c.value).where(counters.c.name == _EVENT_ID).with_for_update()
        return int(self._connection.execute(query).scalar_one())

    def append(
        self,
        new: Sequence[Event],
        digests: Mapping[int, bytes],
        *,
        last_seqs: Mapping[int, int],
    ) -> None:
        """
        Write events that have their ids and places, at least one of them.

        @param digests: what was sent under a client message id, by event id.
        @param last_seqs: where the log of each room now ends, by room id.
        """
        self._connection.execute(insert(events), [_row(each, digests) for each in new])
        self._connection.execute(
            update(rooms).where(rooms.c.id == bindparam("room")).values(last_seq=bindparam("seq")),
            [{"room": room_id, "seq": seq} for room_id, seq in last_seqs.items()],
        )
        highest = max(each.id for each in new)
        self._connection.execute(
            update(counters).where(counters.c.name == _EVENT_ID).values(value=highest)
        )

    def has_event(self, event_id: int) -> bool:
        """
        Whether an event is stored.
        """
        query = select(events.c.id).where(events.c.id == event_id)
        return self._connection.scalar(query) is not None

    def newest_messages(self, room_id: int, limit: int) -> list[Event]:
        """
        @return: the last messages of a room, oldest first.
        """
        query = (
            select(*_EVENT)
            .select_from(_EVENT_TABLES)
            .where(events.c.room_id == room_id, events.c.kind == EventKind.MESSAGE.value)
            .order_by(events.c.seq.desc())
            .limit(limit)
        )
        found = [_event(row) for row in self._connection.execute(query)]
        return found[::-1]

    # What several of them need

    def _insert(self, table: Any, values: Mapping[str, object]) -> int:
        key = self._connection.execute(insert(table).values(values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def _count(self, table: Any) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table)).scalar_one())

    def _users(self, query: Select[Any]) -> list[User]:
        return [User(id=row.id, name=row.name) for row in self._connection.execute(query)]

    def _listings(self, condition: ColumnElement[bool]) -> list[RoomListing]:
        query = (
            select(*_ROOM, func.count(members.c.user_id).label("member_count"))
            .select_from(rooms.outerjoin(members, members.c.room_id == rooms.c.id))
            .where(condition)
            .group_by(*_ROOM)
            .order_by(rooms.c.id)
        )
        return [
            RoomListing(room=_room(row), member_count=row.member_count)
            for row in self._connection.execute(query)
        ]


def _joined_by(user_id: int) -> Select[Any]:
    return select(members.c.room_id).where(members.c.user_id == user_id)


def _room(row: Any) -> Room:
    return Room(id=row.id, name=row.name, kind=RoomKind(row.kind), created_at=row.created_at)


def _event(row: Any) -> Event:
    return Event(
        id=row.id,
        room_id=row.room_id,
        room_name=row.room_name,
        seq=row.seq,
        kind=EventKind(row.kind),
        sender=User(id=row.sender_id, name=row.sender_name),
        subject_id=row.subject_id,
        content=row.content,
        created_at=row.created_at,
        client_message_id=row.client_message_id,
    )


def _row(event: Event, digests: Mapping[int, bytes]) -> dict[str, object]:
    return {
        "id": event.id,
        "room_id": event.room_id,
        "seq": event.seq,
        "kind": event.kind.value,
        "sender_id": event.sender.id,
        "subject_id": event.subject_id,
        "content": event.content,
        "created_at": event.created_at,
        "client_message_id": event.client_message_id,
        "digest": digests.get(event.id),
    }
