"""
Migrations: from each earlier state to the newest one, and killed on the way.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from chatroom.store.database import MIGRATIONS, Database
from chatroom.store.models import PUBLIC_ROOM_ID
from tests.lanes import InlineLane
from tests.stores import NOW, OnPostgreSQL, OnSQLite, differences

ROOT = Path(__file__).parent.parent

#: What is stored once the first revision has been there; as SQL, for that is not
#: to change when the tables do.
SOMETHING = (
    "INSERT INTO users (name, key, password_hash, created_at) VALUES ('Al', 'al', 'h', 1)",
    "INSERT INTO members (room_id, user_id, role) VALUES (1, 1, 'member')",
    "INSERT INTO events (id, room_id, seq, kind, sender_id, content, created_at)"
    " VALUES (1, 1, 1, 'message', 1, 'hello', 1)",
    "UPDATE rooms SET last_seq = 1",
    "UPDATE counters SET value = 1",
)


def config(connection: Any = None) -> Config:
    """
    @return: how alembic finds the migrations.
    """
    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS))
    found.attributes.update(connection=connection, now=NOW)
    return found


def revisions() -> list[str]:
    """
    @return: all there are, oldest first.
    """
    scripts = ScriptDirectory.from_config(config())
    return [each.revision for each in scripts.walk_revisions()][::-1]


class UpgradeTests(OnSQLite):
    """
    From each revision to the newest.
    """

    def upgrade(self, url: str, revision: str) -> None:
        """
        Bring a database to a revision.
        """
        engine = create_engine(url)
        with engine.begin() as connection:
            command.upgrade(config(connection), revision)
        engine.dispose()

    def test_from_each(self) -> None:
        """
        A server brings a database of any earlier one up to date, with what is in it.
        """
        first, *_ = revisions()
        for revision in revisions():
            url = self.new_empty_url()
            self.upgrade(url, first)
            self.another_program(url).do(*SOMETHING)
            self.upgrade(url, revision)
            database = Database(url, InlineLane(), InlineLane())
            database.open(now=NOW)
            [said] = self.successResultOf(
                database.read(lambda store: store.page(PUBLIC_ROOM_ID, 50).messages)
            )
            self.assertEqual((said.id, said.seq, said.content), (1, 1, "hello"))
            self.assertEqual(said.sender.name, "Al")
            database.close()
            self.assertEqual(differences(url), [])


class UpgradeOnPostgreSQLTests(OnPostgreSQL, UpgradeTests):
    """
    The same with PostgreSQL.
    """


class KilledTests(OnSQLite):
    """
    A server that is killed while it brings its database up to date.
    """

    def open_in_a_process(self, url: str, last: int) -> tuple[int, int]:
        """
        Start to open a database, and be killed.

        @param last: before which change of the schema; 0 for none, so that only
            C{COMMIT} is missing.
        @return: how the process has ended, and how many changes there were.
        """
        command = [sys.executable, "-m", "tests.dying", url, str(last)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60)
        self.assertEqual(done.stderr, b"")
        return done.returncode, int(done.stdout)

    def test_killed(self) -> None:
        """
        Wherever it is killed, nothing has happened, and the next start does it all.
        """
        url = self.new_empty_url()
        killed, changes = self.open_in_a_process(url, 0)
        self.assertGreater(changes, 5)
        self.assertEqual((killed, tables(url)), (-9, []))
        for last in (1, changes // 2, changes):
            self.assertEqual(self.open_in_a_process(url, last), (-9, last))
            self.assertEqual(tables(url), [])
        database = Database(url, InlineLane(), InlineLane())
        database.open(now=NOW)
        database.close()
        self.assertEqual(differences(url), [])
        program = self.another_program(url)
        self.assertEqual(program.ask("SELECT id, key FROM rooms"), [(1, "public")])
        self.assertEqual(program.ask("SELECT name FROM meta"), [("epoch",)])


class KilledOnPostgreSQLTests(OnPostgreSQL, KilledTests):
    """
    The same with PostgreSQL.
    """


def tables(url: str) -> list[str]:
    """
    @return: the tables there are.
    """
    engine = create_engine(url)
    found = inspect(engine).get_table_names()
    engine.dispose()
    return found
