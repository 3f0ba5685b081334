"""
A copy of the database, while a server goes on with it.
"""

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests.lived_in import LivedIn
from tests.operators import FOREGROUND, ProcessTestCase, names_of
from tests.peers import Peer, post
from tests.processes import PYTHON
from tests.servers import log_in


class BackupTests(LivedIn):
    """
    C{backup}, beside the server.
    """

    def setUp(self) -> Any:
        """
        Have a chat.
        """
        self.serve_and_live()
        self.target = self.new_path()

    def back_up(self, *options: str) -> tuple[int, str, str]:
        """
        Copy it.
        """
        return self.do("backup", "--database", self.url, self.target, *options)

    def test_same(self) -> None:
        """
        The copy is one file with all that is stored, under another epoch, for its owner's
        eyes only.
        """
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.assertEqual(self.back_up(), (0, "", ""))
        there = sorted(each.name for each in Path(self.target).parent.iterdir())
        self.assertEqual([each for each in there if "unfinished" in each or "temp-" in each], [])
        self.assertEqual(stat.S_IMODE(os.stat(self.target).st_mode), 0o600)
        url = f"sqlite:///{self.target}"
        self.assertEqual(self.do("check", "--database", url), (0, "", ""))
        self.assertEqual(self.exported(url), self.exported(self.url))
        self.assertFalse(os.path.exists(self.target + "-wal"))
        self.assertNotEqual(self.epoch(self.target), self.server.chat.epoch)
        self.assertEqual(self.epoch(make_url(self.url).database or ""), self.server.chat.epoch)

    def epoch(self, path: str) -> str:
        """
        @return: what names a database.
        """
        database = sqlite3.connect(path)
        ((epoch,),) = database.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchall()
        database.close()
        return str(epoch)

    def test_another_file(self) -> None:
        """
        A file that is there is replaced only by force.
        """
        Path(self.target).write_text("mine")
        status, _, complaint = self.back_up()
        self.assertEqual(status, 1)
        self.assertIn("--force replaces it", complaint)
        self.assertEqual(Path(self.target).read_text(), "mine")
        self.assertEqual(self.back_up("--force"), (0, "", ""))
        self.assertEqual(self.do("check", "--database", f"sqlite:///{self.target}"), (0, "", ""))

    def test_itself(self) -> None:
        """
        The database is not replaced by a copy of itself, nor is another that is in use.
        """
        self.target = make_url(self.url).database or ""
        for path in (self.target, f"{self.target}.link"):
            if path != self.target:
                os.link(self.target, path)
            self.target = path
            status, _, complaint = self.back_up("--force")
            self.assertEqual(status, 1)
            self.assertIn("the database itself", complaint)
        self.target = self.new_path()
        Path(self.target + "-wal").write_bytes(b"")
        status, _, complaint = self.back_up("--force")
        self.assertEqual(status, 1)
        self.assertIn("is a database in use", complaint)

    def test_nowhere(self) -> None:
        """
        Where there is no database, or no place for a copy, that is told.
        """
        status, _, complaint = self.do("backup", "--database", self.new_url(), self.target)
        self.assertEqual(status, 3)
        self.assertIn("there is no such file", complaint)
        self.assertFalse(os.path.exists(self.target))
        self.target = "/nowhere/at/all.db"
        status, _, complaint = self.back_up()
        self.assertEqual(status, 1)
        self.assertIn("No such file or directory", complaint)
        self.assertEqual(complaint.count("\n"), 1)


class AnotherKindTests(LivedIn):
    """
    PostgreSQL has its own.
    """

    def test_refused(self) -> None:
        """
        The operator is told what to run, without a password.
        """
        url = "postgresql+psycopg://chat:secret@localhost/chat"
        target = self.new_path()
        status, _, complaint = self.do("backup", "--database", url, target)
        self.assertEqual(status, 2)
        command = f"pg_dump --format=custom --file={target} postgresql://chat@localhost/chat\n"
        self.assertTrue(complaint.endswith(command), complaint)
        self.assertNotIn("secret", complaint)
        self.assertFalse(os.path.exists(target))


class UnderLoadTests(ProcessTestCase):
    """
    Real processes.
    """

    async def test_under_load(self) -> None:
        """
        While somebody posts as fast as they can, a backup and an export are each of one
        moment, nobody is refused, and what comes of both is as it has to be.
        """
        _, port = await self.serve(*FOREGROUND, "--post-rate", "0")
        alice = await self.connect(port)
        await log_in(alice, "alice")
        acknowledged: list[str] = []
        for words in (("backup", "a.db"), ("export", "--output", "b.jsonl"), ("backup", "c.db")):
            await self.post_while(alice, words, acknowledged)
        self.assertEqual(acknowledged, [f"m{n}" for n in range(len(acknowledged))])
        await self.run_admin("import", "--database", "sqlite:///b.db", "b.jsonl")
        lengths = []
        for name in ("a.db", "b.db", "c.db"):
            await self.run_admin("check", "--database", f"sqlite:///{name}")
            database = sqlite3.connect(self.place.path / name)
            query = "SELECT client_message_id FROM events WHERE kind = 'message' ORDER BY seq"
            said = [row[0] for row in database.execute(query)]
            database.close()
            self.assertEqual(said, acknowledged[: len(said)])
            lengths.append(len(said))
        self.assertEqual(lengths, sorted(lengths))
        self.assertLess(lengths[0], lengths[-1])
        self.assertLessEqual(lengths[-1], len(acknowledged))

    async def post_while(
        self, alice: Peer, words: tuple[str, ...], acknowledged: list[str]
    ) -> None:
        """
        Post as fast as one can, until a command of the operator's has ended and some
        hundreds were posted.

        @param acknowledged: the names of what was posted so far, to which these are added.
        """
        command = self.place.start(PYTHON, "-m", "chatroom", "admin", *words)
        enough = len(acknowledged) + 300
        while command.is_running or len(acknowledged) < enough:
            first = len(acknowledged)
            names = [f"m{n}" for n in range(first, first + 20)]
            alice.send(*(post("Still here.", client_message_id=name) for name in names))
            while len(acknowledged) < first + 20:
                acknowledged += names_of([await alice.receive()])
        outcome = await command.outcome()
        self.assertEqual((outcome.status, outcome.out, outcome.err), (0, "", ""))

    async def run_admin(self, *words: str) -> None:
        """
        Run a command that has nothing to say.
        """
        outcome = await self.place.run(PYTHON, "-m", "chatroom", "admin", *words)
        self.assertEqual((outcome.status, outcome.out, outcome.err), (0, "", ""))
