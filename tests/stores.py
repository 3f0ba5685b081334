"""
Databases of each kind: a suite runs on all of them by inheriting from one of the
classes here. What it needs of another program is here too.
"""

import sqlite3
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from attrs import frozen
from sqlalchemy import create_engine, make_url
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.store.database import Database
from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    Event,
    EventKind,
    NewMember,
    Role,
    Room,
    RoomKind,
    User,
)
from chatroom.store.repository import Repository
from chatroom.store.schema import metadata
from tests.clusters import need_postgresql, shared_cluster
from tests.lanes import InlineLane
from tests.servers import new_file

T = TypeVar("T")

NOW = 1640995200000


class OnSQLite(SynchronousTestCase):
    """
    Tests with files.
    """

    def new_url(self) -> str:
        """
        @return: where there is no database yet.
        """
        return new_file(self)

    def new_empty_url(self) -> str:
        """
        @return: where nothing has been made.
        """
        return self.new_url()

    def another_program(self, url: str) -> "Program":
        """
        @return: another program that has the database open.
        """
        connection = sqlite3.connect(make_url(url).database or "", isolation_level=None)
        self.addCleanup(connection.close)
        return Program(connection.execute)


class OnPostgreSQL(OnSQLite):
    """
    Tests with databases of a server that the tests have made.
    """

    def setUp(self) -> Any:
        """
        Skip them where there is no PostgreSQL.
        """
        need_postgresql()
        return super().setUp()

    def new_url(self) -> str:
        """
        @return: where there is a database as a first start leaves it.
        """
        return self._until_the_end(shared_cluster().new_database(TEMPLATE=_template()))

    def new_empty_url(self) -> str:
        """
        @return: where there is a database with nothing in it.
        """
        return self._until_the_end(shared_cluster().new_database())

    def _until_the_end(self, name: str) -> str:
        self.addCleanup(shared_cluster().drop, name)
        return shared_cluster().url(name)

    def another_program(self, url: str) -> "Program":
        """
        @return: another program that is connected to the database.
        """
        connection = shared_cluster().connect(make_url(url).database or "")
        self.addCleanup(connection.close)
        return Program(connection.execute)


@cache
def _template() -> str:
    """
    @return: the name of a database that is up to date; a copy of it is made sooner
        than another one.
    """
    name = shared_cluster().new_database()
    database = Database(shared_cluster().url(name), InlineLane(), InlineLane())
    database.open(now=NOW)
    database.close()
    return name


@frozen
class Program:
    """
    Another program that uses a database.
    """

    _execute: Callable[[str], Any]

    def do(self, *statements: str) -> None:
        """
        Execute statements.
        """
        for each in statements:
            self._execute(each)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """
        @return: the rows.
        """
        return list(self._execute(query).fetchall())


def differences(url: str) -> list[Any]:
    """
    @return: in what a database differs from what the schema says.
    """

    def is_described(name: str | None, kind: str, _: object) -> bool:
        # The index of words is each database's own.
        return kind != "table" or not (name or "").startswith("search")

    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_described})
        found = compare_metadata(context, metadata)
    engine.dispose()
    return list(found)


class StoreTestCase(OnSQLite):
    """
    A test with a database.
    """

    def setUp(self) -> None:
        """
        Make one.
        """
        self.url = self.new_url()
        self.database = self.open(self.url)

    def open(self, url: str) -> Database:
        """
        Open a database until the end of the test.
        """
        database = Database(url, InlineLane(), InlineLane())
        database.open(now=NOW)
        self.addCleanup(database.close)
        return database

    def posts_and_history(self) -> Callable[[Repository], None]:
        """
        @return: every statement that a post takes, a login, a look at a room and a
            resumption.
        """
        alice, bob = self.add_user("alice"), self.add_user("bob")
        room = self.add_room("dev", alice, bob)

        def work(store: Repository) -> None:
            store.lock_rooms([room.id, PUBLIC_ROOM_ID])
            store.sent_before([(alice.id, "a"), (alice.id, "b"), (bob.id, "c")])
            store.roles([(room.id, alice.id), (room.id, bob.id), (1, bob.id)])
            store.last_event_id()
            new = [message(alice, room, n, n, f"c{n}") for n in (1, 2)]
            store.append(new, {1: b"", 2: b""}, last_seqs={room.id: 2})
            for place in ({}, {"before": 2}, {"after": 1}, {"around": 2}):
                store.page(room.id, 50, **place)
            store.events_after(room.id, 0, 200)
            store.message(1)
            store.reactions_to([1, 2])
            store.has_reacted(1, bob.id, "!")
            store.spans(alice.id)
            store.span(room.id)
            store.heads(alice.id)
            store.has_event(1)
            store.standing(alice.id, key="dev")
            store.room_ids(alice.id)
            store.account("alice")

        return work

    def done(self, deferred: "Deferred[T]") -> T:
        """
        @return: the result, which is there.
        """
        return self.successResultOf(deferred)

    def add_user(self, name: str) -> User:
        """
        Make an account.
        """

        def add(store: Repository) -> User:
            return store.add_user(name=name, key=name.lower(), password_hash="h", now=NOW)

        return self.done(self.database.write(add))

    def add_room(self, name: str, *members: User) -> Room:
        """
        Make a room.
        """

        def add(store: Repository) -> Room:
            room = store.add_room(name=name, key=name.lower(), kind=RoomKind.GROUP, now=NOW)
            if members:
                store.add_members(room.id, joining(*members))
            return room

        return self.done(self.database.write(add))


def joining(*users: User, role: Role = Role.MEMBER) -> list[NewMember]:
    """
    @return: those who are to be members of a room that nothing has happened in.
    """
    return [NewMember(user_id=user.id, role=role, seq=0) for user in users]


def message(user: User, room: Room, event_id: int, seq: int, name: str | None = None) -> Event:
    """
    @return: something said.
    """
    return Event(
        id=event_id,
        room_id=room.id,
        room_name=room.name,
        seq=seq,
        kind=EventKind.MESSAGE,
        sender=user,
        content=f"message {event_id}",
        created_at=NOW,
        client_message_id=name,
    )
