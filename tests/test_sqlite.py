"""
What is SQLite's own: files.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.event import listens_for, remove
from twisted.trial.unittest import SynchronousTestCase

from chatroom.errors import StartError, StoreUnavailable
from chatroom.store.backends import backend_for
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import User
from chatroom.store.repository import Repository
from tests.lanes import InlineLane
from tests.stores import NOW, StoreTestCase, joining


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
        plans = self.plans(self.posts_and_history())
        self.assertGreater(len(plans), 10)
        for plan in plans:
            self.assertNotRegex(plan, "SCAN (events|members|rooms|users)")
            if "INDEX uq_events_sender_id_client_message_id" in plan:
                self.assertIn("client_message_id=?", plan)


class DatabaseTests(StoreTestCase):
    """
    Transactions, and what goes wrong with them in a file.
    """

    def test_commit_uncertain(self) -> None:
        """
        A COMMIT that fails says so, and nothing of it stays behind.
        """

        def work(store: Repository) -> None:
            # A deferred constraint is looked at when all is done.
            store._connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            store.add_members(99, joining(User(id=99, name="nobody")))

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


class FileTests(SynchronousTestCase):
    """
    From a path to a database that is up to date.
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

    def test_only_for_its_owner(self) -> None:
        """
        Nobody but its owner reads the file.
        """
        database = self.make()
        database.open(now=NOW)
        self.addCleanup(database.close)
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

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
            self.assertRaises(StartError, backend_for, url)
        self.assertEqual(backend_for("sqlite:///chat.db").name, os.path.realpath("chat.db"))
