"""
What is PostgreSQL's own: sessions, their lock, and what it says of failures.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.event import listens_for, remove
from twisted.logger import ILogObserver, LogEvent, eventAsText, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from chatroom.errors import StartError, StoreUnavailable
from chatroom.store.backends import backend_for, without_password
from chatroom.store.database import Database
from chatroom.store.errors import StoreRejected
from chatroom.store.repository import Repository
from tests.clusters import shared_cluster
from tests.lanes import InlineLane
from tests.stores import NOW, OnPostgreSQL, StoreTestCase, joining, message

#: A password, and what a user has said: to be seen nowhere.
SECRET = "Xyzzy-Canary"


class UrlTests(SynchronousTestCase):
    """
    Which URLs are taken, and what of them is shown.
    """

    def test_names(self) -> None:
        """
        It is known by all but its password and its options.
        """
        for url, name in (
            ("postgresql+psycopg:///chat", "postgresql+psycopg:///chat"),
            ("postgresql://h/chat?sslmode=require", "postgresql://h/chat"),
            (f"postgresql+psycopg://a:{SECRET}@h/chat", "postgresql+psycopg://a:***@h/chat"),
            (f"postgresql+psycopg://a:%40{SECRET}@h:1/c", "postgresql+psycopg://a:***@h:1/c"),
            (f"postgresql+psycopg:///c?password={SECRET}", "postgresql+psycopg:///c"),
        ):
            self.assertEqual(backend_for(url).name, name)

    def test_refused(self) -> None:
        """
        What can't be used is refused, and of a password nothing is told.
        """
        for url, why in (
            (f"postgresql+psycopg://a:{SECRET}@h", "does not name a database"),
            (f"postgresql+psycopg://a:{SECRET}@h/", "does not name a database"),
            (f"postgresql+psycopg://a:{SECRET}@h:port/c", "is not the URL"),
            (f"postgresql+psycopg://a:{SECRET}@{SECRET}@h/c", "write it as %40"),
            (f"a:{SECRET}@h/c", "is not the URL"),
            (f"postgresql+psycopg2://a:{SECRET}@h/c", "postgresql+psycopg are"),
            (f"mysql://a:{SECRET}@h/c", "not supported"),
        ):
            error = self.assertRaises(StartError, backend_for, url)
            self.assertIn(why, str(error))
            self.assertNotIn(SECRET, str(error))

    def test_without_password(self) -> None:
        """
        Whatever it is, a password is not in what is shown of it.
        """
        self.assertEqual(without_password("sqlite:///a@b:c?d.db"), "sqlite:///a@b:c?d.db")
        self.assertEqual(without_password(f"x://u:p/{SECRET}?@h/c"), "x://u:***@h/c")
        self.assertEqual(without_password(f"x://h/c?password=@{SECRET}"), "x://h/c")
        self.assertEqual(without_password(f"x://u:{SECRET}@h:port/c"), "x://…")
        self.assertEqual(without_password(f"u:{SECRET}@h/c"), "…")

    def test_no_driver(self) -> None:
        """
        Where the driver is missing, what to install is told in one line.
        """
        code = (
            "import sys; sys.modules['psycopg'] = None\n"
            "from chatroom.store.backends import backend_for\n"
            "from chatroom.errors import StartError\n"
            "backend_for('sqlite:///chat.db')\n"
            "try:\n    backend_for('postgresql+psycopg:///chat')\n"
            "except StartError as error:\n    print(error)\n"
        )
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
        self.assertEqual(
            told.stdout.decode(), "PostgreSQL needs its driver: pip install 'chatroom[postgres]'\n"
        )


class OpeningTests(OnPostgreSQL):
    """
    A database that can't be had.
    """

    def refused(self, url: str) -> str:
        """
        @return: why a database can't be opened.
        """
        database = Database(url, InlineLane(), InlineLane())
        error = self.assertRaises(StartError, database.open, now=NOW)
        self.assertNotIn("\n", str(error))
        return str(error)

    def test_nobody_there(self) -> None:
        """
        A server that does not answer is named.
        """
        why = self.refused(f"postgresql+psycopg://a:{SECRET}@127.0.0.1:1/chat")
        self.assertIn("cannot open the database postgresql+psycopg://a:***@127.0.0.1:1/chat", why)
        self.assertIn("onnection refused", why)
        self.assertNotIn(SECRET, why)

    def test_no_database(self) -> None:
        """
        A database that is not there is named.
        """
        self.assertIn('"nowhere" does not exist', self.refused(shared_cluster().url("nowhere")))

    def test_no_option(self) -> None:
        """
        An option of libpq's that is none is named.
        """
        self.assertIn('"colour"', self.refused(self.new_empty_url() + "&colour=red"))

    def test_encoding(self) -> None:
        """
        A database that can't hold every character is refused.
        """
        name = shared_cluster().new_database(ENCODING="'LATIN1'", TEMPLATE="template0")
        why = self.refused(shared_cluster().url(name))
        self.assertIn("has the encoding LATIN1, not UTF8", why)

    def test_read_only(self) -> None:
        """
        A server that does not write, such as a copy of another, is refused.
        """
        url = self.new_url()
        name = make_url(url).database
        shared_cluster().execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        self.assertIn("read-only", self.refused(url))


class SessionTests(OnPostgreSQL, StoreTestCase):
    """
    What holds for the connections.
    """

    def show(self, *names: str, of: str = "write") -> list[str]:
        """
        @return: settings of a session.
        """

        def ask(store: Repository) -> list[str]:
            execute = store._connection.exec_driver_sql
            return [execute(f"SHOW {name}").scalar_one() for name in names]

        return self.done(getattr(self.database, of)(ask))

    def test_writer(self) -> None:
        """
        Nothing takes longer than five seconds, whoever it is that hangs.
        """
        self.assertEqual(
            self.show(
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "client_connection_check_interval",
                "transaction_isolation",
                "client_encoding",
                "application_name",
            ),
            ["5100ms", "5s", "10s", "1s", "read committed", "UTF8", "chatroom"],
        )

    def test_readers(self) -> None:
        """
        A transaction that reads sees one state, and can't write.
        """
        found = self.show("transaction_isolation", "transaction_read_only", of="read")
        self.assertEqual(found, ["repeatable read", "on"])

    def test_durable(self) -> None:
        """
        A commit is on the disk before it is told, and what is stronger stays.
        """
        for chosen, found in (("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")):
            self.database.close()
            name = make_url(self.url).database
            shared_cluster().execute(f"ALTER DATABASE {name} SET synchronous_commit = {chosen}")
            self.database.open(now=NOW)
            self.assertEqual(self.show("synchronous_commit"), [found])


class LockTests(OnPostgreSQL, StoreTestCase):
    """
    The writer's lock, and connections that are lost.
    """

    def terminate(self) -> None:
        """
        End every connection of the server's.
        """
        cluster = shared_cluster()
        name = make_url(self.url).database
        ended = cluster.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND application_name = 'chatroom'"
        )
        self.assertIn((True,), ended)

    def test_stale_connections(self) -> None:
        """
        Nobody notices that the connections have been lost since their last use.
        """
        self.done(self.database.read(Repository.users))
        self.terminate()
        self.add_user("alice")
        self.assertEqual(len(self.done(self.database.read(Repository.users))), 1)
        self.terminate()
        self.assertEqual(len(self.done(self.database.read(Repository.users))), 1)
        self.add_user("bob")

    def test_lost_every_time(self) -> None:
        """
        A connection that is lost again and again is not tried for ever.
        """
        calls = []

        def work(store: Repository) -> None:
            calls.append(store)
            store._connection.exec_driver_sql("SELECT 1")
            self.terminate()
            store.add_user(name="a", key="a", password_hash="", now=0)

        self.failureResultOf(self.database.write(work), StoreUnavailable)
        self.assertEqual(len(calls), 2)
        self.assertEqual(self.done(self.database.read(Repository.users)), [])
        self.add_user("a")

    def test_kept(self) -> None:
        """
        What only concerns a transaction costs neither the connection nor the lock.
        """

        def fail(store: Repository) -> None:
            self.add_user_twice(store)

        def bug(store: Repository) -> None:
            store.add_user(name="b", key="b", password_hash="", now=0)
            raise ZeroDivisionError

        ask = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        program = self.another_program(self.url)
        before = program.ask(ask)
        self.failureResultOf(self.database.write(fail), StoreRejected)
        self.failureResultOf(self.database.write(bug), ZeroDivisionError)
        self.assertEqual(program.ask(ask), before)
        self.assertEqual(self.done(self.database.look(Repository.users)), [])

    def add_user_twice(self, store: Repository) -> None:
        """
        Do what the database refuses.
        """
        for _ in range(2):
            store.add_user(name=SECRET, key=SECRET, password_hash="", now=0)

    def test_locked_out(self) -> None:
        """
        Who has lost its connection to another server does not write, and goes on
        when that is gone.
        """
        other = self.another_program(self.url)
        self.terminate()
        [(key,)] = self.another_program(self.url).ask(
            "SELECT x'63686174726f6f6d'::bigint"  # It is "chatroom".
        )
        other.do(f"SELECT pg_advisory_lock({key})")
        heard = self.heard()
        failed = self.database.write(Repository.users)
        self.failureResultOf(failed, StoreUnavailable)
        self.assertIn("another server is using this database", heard()[0])
        other.do(f"SELECT pg_advisory_unlock({key})")
        self.add_user("alice")

    def heard(self) -> Callable[[], list[str]]:
        """
        @return: what the log has said since.
        """
        events: list[LogEvent] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        return lambda: [eventAsText(event) for event in events]

    def test_secrets(self) -> None:
        """
        What PostgreSQL tells of rows stays with us: no log has it.
        """
        heard = self.heard()
        room = self.add_room("dev", self.add_user("alice"))
        said = message(self.add_user("bob"), room, 1, 1, "c" * 65)

        def too_long(store: Repository) -> None:
            store.append([said], {}, last_seqs={room.id: 1})

        def divide(store: Repository) -> None:
            store._connection.exec_driver_sql(
                f"DO $$BEGIN RAISE 'no' USING DETAIL = '{SECRET}', ERRCODE = '58030'; END$$"
            )

        def no_number(store: Repository) -> None:
            cast = "SELECT CAST(%(text)s AS integer)"
            store._connection.exec_driver_sql(cast, {"text": SECRET})

        for work, kind, state in (
            (no_number, StoreRejected, "22P02"),
            (self.add_user_twice, StoreRejected, "23505"),
            (too_long, StoreRejected, "22001"),
            (divide, StoreUnavailable, "58030"),
        ):
            failure = self.failureResultOf(self.database.write(work), kind)
            self.assertIn(state, str(failure.value.__cause__))
            told = [failure.getTraceback(), repr(failure.value), str(failure.value)]
            cause: BaseException | None = failure.value
            while cause is not None:
                told.append(f"{cause!r} {cause}")
                cause = cause.__cause__ or cause.__context__
            for each in (*told, *heard()):
                self.assertNotIn(SECRET, each)
        self.assertTrue(any("58030" in each for each in heard()))


class AgainTests(OnPostgreSQL, StoreTestCase):
    """
    Transactions that are run again, and those that are not.
    """

    def conflict(self, times: int) -> Callable[[Repository], int]:
        """
        @return: work that others are in the way of, some times.
        """
        calls = 0

        def work(store: Repository) -> int:
            nonlocal calls
            calls += 1
            store.add_user(name="a", key="a", password_hash="", now=0)
            if calls <= times:
                code = ("40001", "40P01")[calls % 2]
                store._connection.exec_driver_sql(
                    f"DO $$BEGIN RAISE 'in the way' USING ERRCODE = '{code}'; END$$"
                )
            return calls

        return work

    def test_conflict(self) -> None:
        """
        A transaction that others were in the way of is run again, as a whole.
        """
        self.assertEqual(self.done(self.database.write(self.conflict(2))), 3)
        self.assertEqual(len(self.done(self.database.read(Repository.users))), 1)

    def test_conflict_without_end(self) -> None:
        """
        It is not run again for ever.
        """
        self.failureResultOf(self.database.write(self.conflict(99)), StoreUnavailable)
        self.assertEqual(self.done(self.database.read(Repository.users)), [])

    def test_refused_at_commit(self) -> None:
        """
        A COMMIT that PostgreSQL answers with a refusal is no uncertain one.
        """
        self.another_program(self.url).do(
            "ALTER TABLE members ALTER CONSTRAINT fk_members_room_id DEFERRABLE INITIALLY DEFERRED"
        )
        alice = self.add_user("alice")
        failed = self.database.write(lambda store: store.add_members(99, joining(alice)))
        self.failureResultOf(failed, StoreRejected)
        self.add_user("bob")
        self.assertEqual(len(self.done(self.database.read(Repository.users))), 2)

    def test_swallowed(self) -> None:
        """
        Work that swallows a failure is not taken for stored.
        """

        def work(store: Repository) -> None:
            store.add_user(name="a", key="a", password_hash="", now=0)
            with self.assertRaises(Exception):  # noqa: B017 - whatever it is
                store._connection.exec_driver_sql("SELECT 1 / 0")

        self.failureResultOf(self.database.write(work), StoreRejected)
        self.add_user("a")

    def test_nul(self) -> None:
        """
        What PostgreSQL can't hold is one change's failure, not the database's.
        """
        failed = self.database.write(
            lambda store: store.add_user(name="a\0", key="a\0", password_hash="", now=0)
        )
        self.failureResultOf(failed, StoreRejected)


class PlanTests(OnPostgreSQL, StoreTestCase):
    """
    However much is stored, what a post costs stays the same.
    """

    def plans(self, work: Callable[[Repository], object]) -> list[str]:
        """
        @return: how PostgreSQL goes about the statements of some work, if reading
            a table from end to end is the last thing it would do.
        """
        engine = self.database._writer
        assert engine is not None
        seen: list[str] = []

        @listens_for(engine, "before_cursor_execute")
        def explain(connection: Any, _: object, statement: str, values: Any, *__: object) -> None:
            each = values[0] if isinstance(values, list) else values
            with connection.connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute(f"EXPLAIN {statement}", each)
                seen.append("\n".join(row[0] for row in cursor.fetchall()))

        self.done(self.database.write(work))
        remove(engine, "before_cursor_execute", explain)
        return seen

    def test_posts(self) -> None:
        """
        Each statement of a post, and of a history, has an index to go by.
        """
        plans = self.plans(self.posts_and_history())
        self.assertGreater(len(plans), 10)
        for plan in plans:
            self.assertNotRegex(plan, "Seq Scan on (events|members|rooms|users)")
