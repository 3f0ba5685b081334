"""
Whatever is wrong with what is stored is found.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from twisted.trial.unittest import SynchronousTestCase

from chatroom.admin.checking import FILES
from chatroom.store.queries.checking import RULES
from tests.lived_in import LivedIn
from tests.pages import DOCS, code, sections
from tests.stores import OnPostgreSQL


class PageTests(SynchronousTestCase):
    """
    What people are told.
    """

    def test_rules(self) -> None:
        """
        The page has each rule, in the order in which they are looked at.
        """
        [table] = [
            table
            for section in sections(DOCS / "operating.md")
            for table in section.tables
            if section.heading == "Back up"
        ]
        self.assertEqual([code(row[0]) for row in table if row[0] != "rule"], [*RULES, FILES])


class CheckTests(LivedIn):
    """
    C{check}, beside the server.
    """

    #: What is planted, one after the other, and the rule that it breaks: with the room, two
    #: messages of it and the private chat as they are there.
    planted = (
        ("DELETE FROM events WHERE room_id = {room} AND seq = 5", "seqs"),
        ("UPDATE events SET seq = seq + 1000 WHERE room_id = {room} AND seq > 8", "seqs"),
        ("UPDATE rooms SET last_seq = last_seq + 1 WHERE id = {room}", "seqs"),
        ("DELETE FROM events WHERE room_id = {room} AND seq = 1", "seqs"),
        ("UPDATE rooms SET first_seq = last_seq + 2 WHERE id = {room}", "seqs"),
        ("UPDATE counters SET value = 3 WHERE name = 'events.id'", "ids"),
        ("UPDATE members SET read_seq = 9999 WHERE room_id = {room}", "members"),
        ("UPDATE members SET read_seq = -1 WHERE room_id = {room}", "members"),
        ("UPDATE members SET read_seq = 0, joined_seq = 99 WHERE room_id = {room}", "members"),
        ("UPDATE rooms SET pair_key = '1:3' WHERE id = {pair}", "private-chats"),
        ("UPDATE members SET user_id = 4 WHERE room_id = {pair} AND user_id = 1", "private-chats"),
        (
            "INSERT INTO members (room_id, user_id, role) VALUES ({pair}, 3, 'member')",
            "private-chats",
        ),
        ("DELETE FROM members WHERE room_id = {pair}", "private-chats"),
        ("UPDATE members SET role = 'member' WHERE room_id = {room}", "owners"),
        (
            "INSERT INTO reactions (message_id, reaction, user_id) VALUES (999, '!', 1)",
            "reactions",
        ),
        ("UPDATE mentions SET user_id = 4", "mentions"),
        ("INSERT INTO mentions (user_id, room_id, seq) VALUES (1, {room}, 1)", "mentions"),
        ("UPDATE events SET content = 'something else' WHERE id = {message}", "words"),
        ("DELETE FROM search WHERE {key} = {message}", "words"),
        ("UPDATE events SET deleted_at = 1 WHERE id = {other}", "words"),
        ("UPDATE search SET {key} = 9999 WHERE {key} = {other}", "words"),
    )
    key = "rowid"

    def setUp(self) -> Any:
        """
        Have a chat.
        """
        self.serve_and_live()
        self.program = self.another_program(self.url)
        ((message, other),) = self.program.ask(
            "SELECT MIN(id), MAX(id) FROM events WHERE kind = 'message' AND deleted_at IS NULL"
        )
        ((pair,),) = self.program.ask("SELECT id FROM rooms WHERE kind = 'private'")
        self.names = {
            "room": self.dev,
            "message": message,
            "other": other,
            "pair": pair,
            "key": self.key,
        }

    def plant(self, statement: str) -> None:
        """
        Have something be wrong.
        """
        self.program.do(statement.format(**self.names))

    def test_well(self) -> None:
        """
        Nothing is wrong with what a server has stored.
        """
        self.assertEqual(self.do("check", "--database", self.url), (0, "", ""))

    def test_planted(self) -> None:
        """
        Each of what may be wrong is found, and told in a line of its own.
        """
        before: set[str] = set()
        for statement, rule in self.planted:
            self.plant(statement)
            status, out, complaint = self.do("check", "--database", self.url)
            self.assertEqual((status, complaint), (1, ""), statement)
            found = {each.partition(": ")[0] for each in set(out.splitlines()) - before}
            self.assertIn(rule, found, statement)
            before = set(out.splitlines())
        status, out, _ = self.do("check", "--database", self.url, "--json")
        told = {f"{each['rule']}: {each['text']}" for each in map(json.loads, out.splitlines())}
        self.assertEqual((status, told), (1, before))

    def test_still_to_be_indexed(self) -> None:
        """
        What is not in the index yet may not be in it.
        """
        self.plant("DELETE FROM search WHERE {key} = {message}")
        self.program.do("UPDATE counters SET value = 9999 WHERE name = 'search.unindexed'")
        self.assertEqual(self.do("check", "--database", self.url), (0, "", ""))

    def test_another_version(self) -> None:
        """
        A database that is not as this version leaves it is not looked at.
        """
        self.program.do("UPDATE alembic_version SET version_num = '0001'")
        status, out, complaint = self.do("check", "--database", self.url)
        self.assertEqual((status, out), (3, ""))
        self.assertIn("is of another version (0001, not ", complaint)

    def test_nothing_there(self) -> None:
        """
        Where there is no chat that is told.
        """
        status, out, complaint = self.do("check", "--database", self.new_empty_url())
        self.assertEqual((status, out), (3, ""))
        self.assertRegex(complaint, "there is no (such file|chat in the database)")
        self.assertEqual(complaint.count("\n"), 1)


class CheckOnPostgreSQLTests(OnPostgreSQL, CheckTests):
    """
    The same on PostgreSQL.
    """

    key = "event_id"


class FileTests(LivedIn):
    """
    What PostgreSQL sees to by itself.
    """

    def setUp(self) -> Any:
        """
        Have a file that nobody uses.
        """
        self.serve_and_live()
        self.stop()
        self.path = make_url(self.url).database or ""

    def test_references(self) -> None:
        """
        What names somebody who is not there is found.
        """
        self.another_program(self.url).do("UPDATE members SET user_id = 999 WHERE user_id = 3")
        status, out, _ = self.do("check", "--database", self.url)
        self.assertEqual(status, 1)
        self.assertIn("references: row ", out)

    def test_damage(self) -> None:
        """
        A file that is damaged is found to be, and can't be backed up in silence.
        """
        with sqlite3.connect(self.path) as database:
            query = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_members_user_id'"
            ((page,),) = database.execute(query).fetchall()
            ((size,),) = database.execute("PRAGMA page_size").fetchall()
        database.close()
        with open(self.path, "r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\x00" * size)
        status, out, complaint = self.do("check", "--database", self.url)
        self.assertEqual((status, complaint), (1, ""))
        self.assertIn("storage: ", out)
        target = self.new_path()
        status, _, complaint = self.do("backup", "--database", self.url, target)
        self.assertEqual(status, 1)
        self.assertIn("is damaged", complaint)
        self.assertFalse(Path(target).exists())

    def test_no_database(self) -> None:
        """
        A file that is none is told in one line.
        """
        Path(self.path).write_bytes(b"nothing of the kind" * 1000)
        status, out, complaint = self.do("check", "--database", self.url)
        self.assertEqual((status, out), (3, ""))
        self.assertIn("file is not a database", complaint)
        self.assertEqual(complaint.count("\n"), 1)


class KeptTests(LivedIn):
    """
    What is kept beside a database.
    """

    def test_files(self) -> None:
        """
        A file that was sent and not deleted is there, and whole, or it is told which is not.
        """
        self.serve_and_live()
        sent = self.alice.ask(
            "file_upload_request", chat_group_id=self.dev, filename="tea.txt", file_size=0
        )
        self.assertEqual(self.do("check", "--database", self.url), (0, "", ""))
        [path] = [
            each
            for each in Path(f"{make_url(self.url).database}.files").rglob("*")
            if each.is_file()
        ]
        path.write_bytes(b"more")
        status, out, _ = self.do("check", "--database", self.url)
        said = f"files: file {sent['file_id']}: it has 4 bytes, and should have 0\n"
        self.assertEqual((status, out), (1, said))
        path.unlink()
        status, out, _ = self.do("check", "--database", self.url)
        self.assertIn("it can't be read: No such file", out)
        status, out, _ = self.do("check", "--database", self.url, "--files", "none")
        self.assertIn("there is no folder for it", out)
