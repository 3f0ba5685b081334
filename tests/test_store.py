"""
What is kept, in real SQLite files.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.event import listens_for, remove
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.errors import StartError, StoreUnavailable
from chatroom.store.database import Database, parse_url
from chatroom.store.errors import CommitUncertain, StoreRejected
from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    Event,
    EventKind,
    Numbers,
    Role,
    Room,
    RoomKind,
    Standing,
    User,
)
from chatroom.store.repository import Repository
from chatroom.store.schema import metadata
from tests.lanes import InlineLane

T = TypeVar("T")

NOW = 1640995200000


class StoreTestCase(SynchronousTestCase):
    """
    A test with a database.
    """

    def setUp(self) -> None:
        """
        Make one.
        """
        self.path = str(Path(self.mktemp()).absolute())
        self.database = self.open(self.path)

    def open(self, path: str) -> Database:
        """
        Open a database until the end of the test.
        """
        database = Database(f"sqlite:///{path}", InlineLane(), InlineLane())
        database.open(now=NOW)
        self.addCleanup(database.close)
        return database

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
                store.add_members(room.id, {user.id: Role.MEMBER for user in members})
            return room

        return self.done(self.database.write(add))


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


class RepositoryTests(StoreTestCase):
    """
    Each query.
    """

    def test_account(self) -> None:
        """
        An account is found by its key, with its name as it was written.
        """
        user = self.add_user("Alice")
        account = self.done(self.database.read(lambda store: store.account("alice")))
        assert account is not None
        self.assertEqual(account.user, user)
        self.assertEqual((account.password_hash, account.is_enabled), ("h", True))
        self.assertIsNone(self.done(self.database.read(lambda store: store.account("Alice"))))

    def test_new_user_is_in_public(self) -> None:
        """
        Everybody is a member of the public room.
        """
        user = self.add_user("alice")
        ids = self.done(self.database.read(lambda store: store.room_ids(user.id)))
        self.assertEqual(ids, {PUBLIC_ROOM_ID})

    def test_unique_name(self) -> None:
        """
        Two accounts can't have one key, whoever tries.
        """
        self.add_user("alice")
        failed = self.database.write(
            lambda store: store.add_user(name="A", key="alice", password_hash="", now=0)
        )
        self.failureResultOf(failed, StoreRejected)

    def test_users(self) -> None:
        """
        Users are listed by id, all or those of a room.
        """
        alice, bob, carol = (self.add_user(name) for name in ("alice", "bob", "carol"))
        room = self.add_room("dev", carol, alice)
        self.assertEqual(self.done(self.database.read(Repository.users)), [alice, bob, carol])
        members = self.done(self.database.read(lambda store: store.members(room.id)))
        self.assertEqual(members, [alice, carol])

    def test_users_named(self) -> None:
        """
        Any number of users are found at once by their keys.
        """
        alice = self.add_user("Alice")
        keys = {"alice", *(f"nobody{n}" for n in range(1200))}
        found = self.done(self.database.read(lambda store: store.users_named(keys)))
        self.assertEqual(found, {"alice": alice})

    def test_standing(self) -> None:
        """
        One is something in a room, or nothing, or there is no room.
        """
        alice, bob = self.add_user("alice"), self.add_user("bob")
        room = self.add_room("dev", alice)

        def standing(user: User, key: str) -> Standing | None:
            return self.done(self.database.read(lambda store: store.standing(user.id, key=key)))

        self.assertEqual(standing(alice, "dev"), Standing(room=room, role=Role.MEMBER))
        self.assertEqual(standing(bob, "dev"), Standing(room=room, role=None))
        self.assertIsNone(standing(bob, "ops"))

    def test_listings(self) -> None:
        """
        Rooms are listed by id with their members counted; what one may not
        know of is not.
        """
        alice, bob = self.add_user("alice"), self.add_user("bob")
        dev = self.add_room("dev", alice)
        empty = self.add_room("empty")

        def private(store: Repository) -> Room:
            room = store.add_room(name="-", key="-", kind=RoomKind.PRIVATE, now=NOW)
            store.add_members(room.id, {alice.id: Role.MEMBER})
            return room

        pair = self.done(self.database.write(private))

        def counts(user: User) -> list[tuple[int, int]]:
            listings = self.done(self.database.read(lambda store: store.visible_rooms(user.id)))
            return [(listing.room.id, listing.member_count) for listing in listings]

        public = [(PUBLIC_ROOM_ID, 2), (dev.id, 1), (empty.id, 0)]
        self.assertEqual(counts(alice), [*public, (pair.id, 1)])
        self.assertEqual(counts(bob), public)
        joined = self.done(self.database.read(lambda store: store.joined_rooms(alice.id)))
        self.assertEqual([each.room.id for each in joined], [PUBLIC_ROOM_ID, dev.id, pair.id])
        self.assertEqual(
            self.done(self.database.read(lambda store: store.numbers(alice.id))),
            Numbers(joined_private=1, joined_group=2, users=2, rooms=4),
        )

    def test_log(self) -> None:
        """
        What is appended is in the room's history, and in its position.
        """
        alice = self.add_user("alice")
        room = self.add_room("dev", alice)
        new = [message(alice, room, n, n, f"c{n}") for n in range(1, 61)]

        def append(store: Repository) -> None:
            self.assertEqual(store.last_event_id(), 0)
            store.append(new, {each.id: b"d" for each in new}, last_seqs={room.id: 60})

        self.done(self.database.write(append))

        def look(store: Repository) -> None:
            self.assertEqual(store.last_event_id(), 60)
            self.assertEqual(store.lock_rooms([room.id, 99]), {room.id: (room, 60)})
            self.assertEqual(store.newest_messages(room.id, 50), new[10:])
            self.assertEqual((store.has_event(60), store.has_event(61)), (True, False))
            before = store.sent_before([(alice.id, "c7"), (alice.id, "x"), (99, "c7")])
            self.assertEqual(
                [(k, v.event) for k, v in before.items()], [((alice.id, "c7"), new[6])]
            )

        self.done(self.database.read(look))

    def test_unique_seq(self) -> None:
        """
        The database itself refuses a place in the log that is taken.
        """
        alice = self.add_user("alice")
        room = self.add_room("dev", alice)

        def append(store: Repository) -> None:
            for event_id in (1, 2):
                store.append([message(alice, room, event_id, 1)], {}, last_seqs={room.id: 1})

        self.failureResultOf(self.database.write(append), StoreRejected)

    def test_roles(self) -> None:
        """
        Many standings are read at once.
        """
        alice = self.add_user("alice")
        places = [(PUBLIC_ROOM_ID, n) for n in range(1, 1500)]
        roles = self.done(self.database.read(lambda store: store.roles(places)))
        self.assertEqual(roles, {(PUBLIC_ROOM_ID, alice.id): Role.MEMBER})

    def test_savepoint(self) -> None:
        """
        What fails in a savepoint is undone, the rest is kept.
        """

        def work(store: Repository) -> None:
            store.add_user(name="a", key="a", password_hash="", now=0)
            with self.assertRaises(ZeroDivisionError), store.savepoint():
                store.add_user(name="b", key="b", password_hash="", now=0)
                raise ZeroDivisionError

        self.done(self.database.write(work))
        self.assertEqual([u.name for u in self.done(self.database.read(Repository.users))], ["a"])


class PlanTests(StoreTestCase):
    """
    However much is stored, what a post costs stays the same.
    """

    def plans(self, work: Callable[[Repository], object]) -> list[str]:
        """
        @return: how SQLite goes about the statements of some work.
        """
        engine = self.database._writer
        assert engine is not None
        seen: list[str] = []

        @listens_for(engine, "before_cursor_execute")
        def explain(_: object, cursor: Any, statement: str, values: Any, *__: object) -> None:
            each = values[0] if isinstance(values, list) else values
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", each)
            seen.extend(row[3] for row in cursor.fetchall())

        self.done(self.database.write(work))
        remove(engine, "before_cursor_execute", explain)
        return seen

    def test_posts(self) -> None:
        """
        No statement of a post, nor of a history, reads a table from end to end.
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
            store.newest_messages(room.id, 50)
            store.has_event(1)
            store.standing(alice.id, key="dev")
            store.room_ids(alice.id)
            store.account("alice")

        plans = self.plans(work)
        self.assertGreater(len(plans), 10)
        for plan in plans:
            self.assertNotRegex(plan, "SCAN (events|members|rooms|users)")
            if "INDEX uq_events_sender_id_client_message_id" in plan:
                self.assertIn("client_message_id=?", plan)


class DatabaseTests(StoreTestCase):
    """
    Transactions and what goes wrong with them.
    """

    def execute(self, *statements: str) -> sqlite3.Connection:
        """
        Be another program with the database open.
        """
        connection = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(connection.close)
        for each in statements:
            connection.execute(each)
        return connection

    def test_undone(self) -> None:
        """
        Work that raises is undone, and its exception comes back.
        """

        def work(store: Repository) -> None:
            store.add_user(name="a", key="a", password_hash="", now=0)
            raise ZeroDivisionError

        self.failureResultOf(self.database.write(work), ZeroDivisionError)
        self.assertEqual(self.done(self.database.read(Repository.users)), [])

    def test_readers_do_not_write(self) -> None:
        """
        A transaction for reading can't write.
        """
        failed = self.database.read(
            lambda store: store.add_user(name="a", key="a", password_hash="", now=0)
        )
        self.failureResultOf(failed, StoreUnavailable)
        self.assertEqual(len(self.flushLoggedErrors()), 0)

    def test_unavailable_and_well_again(self) -> None:
        """
        A database that fails is unavailable for as long as it does.
        """
        self.execute("ALTER TABLE users RENAME TO gone")
        self.failureResultOf(self.database.read(Repository.users), StoreUnavailable)
        self.execute("ALTER TABLE gone RENAME TO users")
        self.assertEqual(self.done(self.database.read(Repository.users)), [])

    def test_commit_uncertain(self) -> None:
        """
        A COMMIT that fails says so, and nothing of it stays behind.
        """

        def work(store: Repository) -> None:
            # A deferred constraint is looked at when all is done.
            store._connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            store.add_members(99, {99: Role.MEMBER})

        self.failureResultOf(self.database.write(work), CommitUncertain)
        self.add_user("alice")
        self.assertEqual(len(self.done(self.database.read(Repository.users))), 1)

    def test_full(self) -> None:
        """
        A full database is unavailable, loses nothing, and goes on when there is room.
        """
        self.add_user("alice")
        assert self.database._writer is not None
        with self.database._writer.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        def fill(store: Repository) -> None:
            for number in range(200):
                store.add_user(name="x" * 30, key=f"{number}", password_hash="x" * 200, now=0)

        failed = self.failureResultOf(self.database.write(fill))
        self.assertTrue(failed.check(StoreUnavailable, CommitUncertain))
        self.assertEqual(len(self.done(self.database.read(Repository.users))), 1)
        # The limit is the connection's own, and that is not used again.
        self.done(self.database.write(fill))
        self.assertEqual(len(self.done(self.database.read(Repository.users))), 201)

    def test_closed(self) -> None:
        """
        A database that is closed is unavailable.
        """
        self.database.close()
        self.failureResultOf(self.database.read(Repository.users), StoreUnavailable)

    def test_durable(self) -> None:
        """
        A commit is on the disk before it is told.
        """
        assert self.database._writer is not None
        with self.database._writer.connect() as connection:
            found = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        self.assertEqual(found, ["wal", 2, 1])


class OpeningTests(SynchronousTestCase):
    """
    From nothing to a database that is up to date.
    """

    def setUp(self) -> None:
        """
        Have a path.
        """
        self.path = str(Path(self.mktemp()).absolute())

    def make(self, path: str | None = None) -> Database:
        """
        @return: a database that is not open.
        """
        return Database(f"sqlite:///{path or self.path}", InlineLane(), InlineLane())

    def test_what_the_schema_says(self) -> None:
        """
        The migrations make what the schema describes.
        """
        database = self.make()
        database.open(now=NOW)
        database.close()
        engine = create_engine(f"sqlite:///{self.path}")
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            self.assertEqual(compare_metadata(context, metadata), [])
        engine.dispose()

    def test_again(self) -> None:
        """
        A database is opened again as it was left.
        """
        epochs = []
        for _ in range(2):
            database = self.make()
            database.open(now=NOW)
            found = database.read(
                lambda store: store._connection.exec_driver_sql(
                    "SELECT value FROM meta WHERE name = 'epoch'"
                ).scalar_one()
            )
            epochs.append(self.successResultOf(found))
            database.close()
        self.assertEqual(epochs[0], epochs[1])
        self.assertTrue(epochs[0])

    def test_only_for_its_owner(self) -> None:
        """
        Nobody but its owner reads the file.
        """
        database = self.make()
        database.open(now=NOW)
        self.addCleanup(database.close)
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_second_server(self) -> None:
        """
        A second server on a database is refused, until the first one is gone.
        """
        first, second = self.make(), self.make()
        first.open(now=NOW)
        error = self.assertRaises(StartError, second.open, now=NOW)
        self.assertIn("another server", str(error))
        first.close()
        second.open(now=NOW)
        second.close()

    def test_from_another_directory(self) -> None:
        """
        A path is that of the start, wherever the process goes afterwards.
        """
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        database = self.make(os.path.relpath(self.path))
        database.open(now=NOW)
        self.addCleanup(database.close)
        os.chdir("/")
        self.assertEqual(self.successResultOf(database.read(Repository.users)), [])

    def test_by_another_name(self) -> None:
        """
        A link leads to the same database, and so to the same lock.
        """
        first = self.make()
        first.open(now=NOW)
        self.addCleanup(first.close)
        os.symlink(self.path, self.path + "-link")
        self.assertRaises(StartError, self.make(self.path + "-link").open, now=NOW)

    def test_refused_twice(self) -> None:
        """
        A start that is refused takes nothing from one that follows.
        """
        first, second = self.make(), self.make()
        first.open(now=NOW)
        self.assertRaises(StartError, second.open, now=NOW)
        second.close()
        self.assertRaises(StartError, second.open, now=NOW)
        first.close()
        second.open(now=NOW)
        second.close()

    def test_not_a_database(self) -> None:
        """
        A file that is something else is left alone.
        """
        Path(self.path).write_bytes(b"precious" * 1000)
        error = self.assertRaises(StartError, self.make().open, now=NOW)
        self.assertIn("not a database", str(error))
        self.assertEqual(Path(self.path).read_bytes(), b"precious" * 1000)

    def test_no_directory(self) -> None:
        """
        A database in no directory can't be opened.
        """
        error = self.assertRaises(StartError, self.make("/nowhere/at/all.db").open, now=NOW)
        self.assertIn("/nowhere/at/all.db", str(error))

    def test_of_the_future(self) -> None:
        """
        A database of a newer version is left alone.
        """
        database = self.make()
        database.open(now=NOW)
        database.close()
        with sqlite3.connect(self.path) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        error = self.assertRaises(StartError, self.make().open, now=NOW)
        self.assertIn("9999", str(error))

    def test_urls(self) -> None:
        """
        What is no file in SQLite is refused with a word on what is.
        """
        for url in (
            "",
            "x",
            "sqlite:///a?b.db",
            "sqlite://",
            "sqlite:///:memory:",
            "mysql://h/d",
            "sqlite:///a?b=c",
        ):
            self.assertRaises(StartError, parse_url, url)
        self.assertEqual(parse_url("sqlite:///chat.db").database, "chat.db")
