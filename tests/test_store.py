"""
What is kept, in real databases of each kind.
"""

from chatroom.errors import StartError, StoreUnavailable
from chatroom.store.database import Database
from chatroom.store.errors import StoreRejected
from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    Numbers,
    Role,
    Room,
    RoomKind,
    Standing,
    User,
)
from chatroom.store.repository import Repository
from tests.lanes import InlineLane
from tests.stores import NOW, OnPostgreSQL, OnSQLite, StoreTestCase, differences, joining, message


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
            store.add_members(room.id, joining(alice))
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

        def check(store: Repository) -> None:
            self.assertEqual(store.last_event_id(), 60)
            self.assertEqual(store.lock_rooms([room.id, 99]), {room.id: (room, 60)})
            self.assertEqual(store.page(room.id, 50).messages, new[10:])
            self.assertEqual((store.has_event(60), store.has_event(61)), (True, False))
            before = store.sent_before([(alice.id, "c7"), (alice.id, "x"), (99, "c7")])
            self.assertEqual(
                [(k, v.event) for k, v in before.items()], [((alice.id, "c7"), new[6])]
            )

        self.done(self.database.look(check))

    def test_counts(self) -> None:
        """
        Members of a room are counted, and the rooms that users have chosen.
        """
        alice, bob = self.add_user("alice"), self.add_user("bob")
        room = self.add_room("dev", alice)
        read = self.database.read
        self.assertEqual(self.done(read(lambda store: store.member_count(room.id))), 1)

        def join(store: Repository) -> None:
            store.add_members(room.id, joining(bob), by=alice.id)

        self.done(self.database.write(join))
        self.assertEqual(self.done(read(lambda store: store.chosen_room_count(alice.id))), 1)
        self.assertEqual(self.done(read(lambda store: store.chosen_room_count(bob.id))), 0)

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


class RepositoryOnPostgreSQLTests(OnPostgreSQL, RepositoryTests):
    """
    Each query, as PostgreSQL answers it.
    """


class DatabaseTests(StoreTestCase):
    """
    Transactions and what goes wrong with them.
    """

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
        program = self.another_program(self.url)
        program.do("ALTER TABLE users RENAME TO gone")
        self.failureResultOf(self.database.read(Repository.users), StoreUnavailable)
        program.do("ALTER TABLE gone RENAME TO users")
        self.assertEqual(self.done(self.database.read(Repository.users)), [])

    def test_closed(self) -> None:
        """
        A database that is closed is unavailable.
        """
        self.database.close()
        self.failureResultOf(self.database.read(Repository.users), StoreUnavailable)


class DatabaseOnPostgreSQLTests(OnPostgreSQL, DatabaseTests):
    """
    The same with PostgreSQL.
    """


class OpeningTests(OnSQLite):
    """
    From nothing to a database that is up to date.
    """

    def setUp(self) -> None:
        """
        Have a place.
        """
        self.url = self.new_empty_url()

    def make(self) -> Database:
        """
        @return: a database that is not open.
        """
        return Database(self.url, InlineLane(), InlineLane())

    def test_what_the_schema_says(self) -> None:
        """
        The migrations make what the schema describes.
        """
        database = self.make()
        database.open(now=NOW)
        database.close()
        self.assertEqual(differences(self.url), [])

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

    def test_of_the_future(self) -> None:
        """
        A database of a newer version is left alone.
        """
        database = self.make()
        database.open(now=NOW)
        database.close()
        self.another_program(self.url).do("UPDATE alembic_version SET version_num = '9999'")
        error = self.assertRaises(StartError, self.make().open, now=NOW)
        self.assertIn("9999", str(error))


class OpeningOnPostgreSQLTests(OnPostgreSQL, OpeningTests):
    """
    The same with PostgreSQL.
    """
