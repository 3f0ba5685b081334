"""
A new database that is filled with what was exported of another one.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve

from chatroom.store.database import Database
from chatroom.store.models import RoomKind
from chatroom.store.repository import Repository
from chatroom.wire.archive import MOST_BYTES
from tests.lanes import InlineLane
from tests.lived_in import Line, LivedIn, lines_of
from tests.peers import login
from tests.servers import memory_server
from tests.stores import NOW, OnPostgreSQL, message


class ImportTests(LivedIn):
    """
    C{import}.
    """

    def setUp(self) -> Any:
        """
        Have an export.
        """
        self.serve_and_live()
        self.before = self.exported(self.url)
        self.file = self.new_path()
        Path(self.file).write_bytes(self.before)
        self.target = self.new_url()

    def test_the_same(self) -> None:
        """
        An export of what was imported is the same, byte for byte.
        """
        self.assertEqual(self.do("import", "--database", self.target, self.file), (0, "", ""))
        self.assertEqual(self.exported(self.target), self.before)
        self.assertEqual(self.do("check", "--database", self.target), (0, "", ""))

    def test_used(self) -> None:
        """
        A server goes on with it: people log in, find what was said, and what comes then
        has ids and places that nothing else had.
        """
        self.do("import", "--database", self.target, self.file)
        self.stop()
        old = self.server.chat.epoch
        self.server = memory_server(self, url=self.target, language="en")
        self.assertNotEqual(self.server.chat.epoch, old)
        self.alice.server, self.alice.peer = self.server, self.server.connect()
        self.alice.peer.send(login("alice"))
        self.server.pass_time(1)
        self.alice.peer.heard.clear()
        self.assertEqual(self.found(self.target, "elsewhere"), ["I live elsewhere, @carol"])
        self.assertEqual(self.found(self.target, "上海"), [])
        ids = [each["stored"]["id"] for each in lines_of(self.before) if "stored" in each]
        message_id = self._say(self.alice, "Still here")
        self.assertGreater(message_id, max(ids))
        rooms = [each["id"] for each in lines_of(self.before) if each["message_type"] == "room"]
        last_room = lines_of(self.before)[0]["last_room_id"]
        self.assertGreater(last_room, max(rooms))
        self.assertEqual(self._make("new"), last_room + 1)
        again = self._say(
            self.alice, "上海 \U0001f642 is where I live, @bob", client_message_id="a-1"
        )
        self.assertIn(again, ids)
        self.assertEqual(self.do("check", "--database", self.target), (0, "", ""))

    def test_in_use(self) -> None:
        """
        A database that anybody has used is not touched.
        """
        self.do("import", "--database", self.target, self.file)
        status, _, complaint = self.do("import", "--database", self.target, self.file)
        self.assertEqual(status, 1)
        self.assertIn("only a new one can be filled", complaint)
        self.assertEqual(self.exported(self.target), self.before)

    def test_beside_a_server(self) -> None:
        """
        Nor is one that a server is using.
        """
        status, _, complaint = self.do("import", "--database", self.url, self.file)
        self.assertEqual(status, 3)
        self.assertIn("another server is using this database", complaint)

    def refuse(self, change: Callable[[list[Line]], object], number: int | None, why: str) -> None:
        """
        See that an export that was changed is refused, and nothing of it stored.

        @param number: of the line at fault.
        """
        lines = lines_of(self.before)
        change(lines)
        self.refuse_bytes(
            b"".join(json.dumps(each).encode() + b"\n" for each in lines), number, why
        )

    def refuse_bytes(self, file: bytes, number: int | None, why: str) -> None:
        """
        The same of a file.
        """
        Path(self.file).write_bytes(file)
        status, out, complaint = self.do("import", "--database", self.target, self.file)
        self.assertEqual((status, out), (1, ""))
        self.assertIn(why, complaint)
        self.assertEqual(complaint.count("\n"), 1)
        if number is not None:
            self.assertIn(f"{self.file}:{number}: ", complaint)
        Path(self.file).write_bytes(self.before)

    def place(self, kind: str, which: int = 0) -> int:
        """
        @return: where in the file there is a line of a type; -1 is the last one.
        """
        found = [
            index
            for index, each in enumerate(lines_of(self.before))
            if each["message_type"] == kind
        ]
        return found[which]

    def test_hostile(self) -> None:
        """
        Whatever is wrong with a file is told with its line, and nothing of it is stored:
        the right one can be imported afterwards.
        """
        user, message = self.place("user"), self.place("chat_message", 1)
        member, last = self.place("member"), self.place("audit", -1)

        def set_key(at: int, key: str, value: object) -> Callable[[list[Line]], None]:
            return lambda lines: lines[at].update({key: value})

        def set_stored(key: str, value: object) -> Callable[[list[Line]], None]:
            return lambda lines: lines[message]["stored"].update({key: value})

        for change, number, why in (
            (lambda lines: lines.pop(), len(lines_of(self.before)), "cut off"),
            (lambda lines: lines.pop(0), 1, "the first line is another one"),
            (set_key(0, "version", 2), 1, "of version 2"),
            (set_key(0, "last_event_id", 1), None, "the highest is said to be 1"),
            (
                lambda lines: lines.append(lines[-1]),
                len(lines_of(self.before)) + 1,
                "after the last",
            ),
            (lambda lines: lines.insert(user + 1, lines[user]), user + 2, "is there already"),
            (set_key(user, "id", "1"), user + 1, "Expected `int`"),
            (set_key(user, "id", 0), user + 1, ">= 1"),
            (set_key(user, "id", 2**70), user + 1, "int"),
            (set_key(user, "name", "a\0b"), user + 1, "NUL"),
            (set_key(user, "message_type", "chat_member"), user + 1, "missing"),
            (set_key(user, "message_type", "nothing"), user + 1, "of a type"),
            (set_key(user, "message_type", ["user"]), user + 1, "Expected"),
            (set_key(member, "user_id", 77), member + 1, "there is no user 77"),
            (set_key(member, "room_id", 77), member + 1, "there is no room 77"),
            (set_key(member, "role", "king"), member + 1, "a role, that there is not"),
            (set_key(member, "read_seq", 10**9), member + 1, "ends at"),
            (lambda lines: lines.pop(message), message + 1, "its place in room"),
            (
                lambda lines: lines.insert(message, lines[message]),
                message + 2,
                "its place in room",
            ),
            (set_stored("id", 1), None, "is there already"),
            (set_stored("kind", "song"), message + 1, "there is not"),
            (set_stored("sender_id", 77), message + 1, "there is no user 77"),
            (set_stored("digest", "00"), message + 1, "regex"),
            (set_stored("created_at", 2**53), message + 1, "<="),
            (set_stored("reactions", {"!": [77]}), message + 1, "there is no user 77"),
            (set_stored("reactions", {"!": [1, 1]}), message + 1, "is there already"),
            (set_key(message, "content", None), message + 1, "without content"),
            (set_key(message, "mentions", [1, 1]), message + 1, "is there already"),
            (set_key(message, "stored", None), message + 1, "Expected"),
            (lambda lines: lines.insert(last, lines[user]), last + 1, "does not belong here"),
            (set_key(-1, "lines", 3), len(lines_of(self.before)), "should be 3 lines"),
        ):
            self.refuse(change, number, why)
        self.test_the_same()

    def test_hostile_bytes(self) -> None:
        """
        What is no JSON, no UTF-8 or too long is refused before it is kept in mind.
        """
        lines = self.before.splitlines(keepends=True)
        for file, number, why in (
            (b"", 1, "cut off"),
            (b"\n", 1, "not JSON"),
            (b"".join(lines[:-1]), len(lines), "cut off"),
            (self.before[:-300], None, "cut off"),
            (lines[0] + b"{\xff}\n", 2, "not UTF-8"),
            (lines[0] + b"[" * 100_000 + b"\n", 2, "not"),
            (lines[0] + b"[1]\n", 2, "Expected `object`"),
            (lines[0] + lines[1].rstrip() + b" " * (100 * 2**20) + b"\n", 2, str(MOST_BYTES)),
            (self.exported(self.url, "--room", "devel"), 1, "of one room"),
            (b"PK\x03\x04\xff\xfe", 1, "not UTF-8"),
        ):
            self.refuse_bytes(file, number, why)
        self.test_the_same()

    def test_no_file(self) -> None:
        """
        A file that is not there is told in one line.
        """
        status, _, complaint = self.do("import", "--database", self.target, "nowhere.jsonl")
        self.assertEqual(status, 1)
        self.assertIn("nowhere.jsonl: No such file or directory", complaint)


class ImportOnPostgreSQLTests(OnPostgreSQL, ImportTests):
    """
    The same on PostgreSQL.
    """


class AcrossTests(OnPostgreSQL, LivedIn):
    """
    From one kind of database to the other.
    """

    def test_there_and_back(self) -> None:
        """
        What goes from PostgreSQL to a file of SQLite and back is the same.
        """
        self.serve_and_live()
        before = self.exported(self.url)
        target = f"sqlite:///{self.new_path()}.db"
        for source, url in ((before, target), (None, self.new_url())):
            file = self.new_path()
            Path(file).write_bytes(source or self.exported(target))
            self.assertEqual(self.do("import", "--database", url, file), (0, "", ""))
            self.assertEqual(self.exported(url), before)


class LargeTests(LivedIn):
    """
    More than one page of it.
    """

    def test_pages(self) -> None:
        """
        A room with more events than are in memory at a time, one whose beginning is kept no
        longer, and one that is being deleted, are what they were.
        """
        url = self.new_url()
        database = Database(url, InlineLane(), InlineLane())
        database.open(now=NOW)

        def fill(store: Repository) -> None:
            user = store.add_user(name="alice", key="alice", password_hash="h", now=NOW)
            room = store.room(1)
            assert room is not None
            new = [
                evolve(message(user, room, n, n, f"c{n}"), mentions=(user.id,) if n % 3 else ())
                for n in range(1, 1301)
            ]
            store.append(new, {n: bytes(32) for n in range(1, 1301)}, last_seqs={1: 1300})
            store.cut(1, 301)
            shut = store.add_room(name="Shut", key="shut", kind=RoomKind.GROUP, now=NOW)
            store.append([message(user, shut, 1301, 1)], {}, last_seqs={shut.id: 1})
            store.close_room(shut)

        self.successResultOf(database.write(fill))
        database.close()
        before = self.exported(url)
        self.assertEqual(before.count(b"chat_message"), 1001)
        target, file = self.new_url(), self.new_path()
        Path(file).write_bytes(before)
        self.assertEqual(self.do("import", "--database", target, file), (0, "", ""))
        self.assertEqual(self.exported(target), before)
        self.assertEqual(self.do("check", "--database", target), (0, "", ""))
