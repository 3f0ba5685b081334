"""
What is stored, written as lines of JSON.
"""

import os
import stat
from pathlib import Path
from typing import Any

from attrs import fields_dict
from twisted.trial.unittest import SynchronousTestCase

from chatroom.store.schema import metadata
from chatroom.wire.archive import (
    BanRecord,
    DeedRecord,
    EventRecord,
    FileRecord,
    InvitationRecord,
    MemberRecord,
    Record,
    RoomRecord,
    Stored,
    UserRecord,
)
from tests.lived_in import LivedIn, lines_of
from tests.peers import login, request
from tests.stores import OnPostgreSQL


class TableTests(SynchronousTestCase):
    """
    What is stored, and what of it is exported.
    """

    def test_every_column(self) -> None:
        """
        Each column of each table has its place in an export, or a reason to have none.
        """
        # Reactions and mentions stand at their message; tokens, the epoch, what is counted
        # and what is on its way here are the database's own.
        elsewhere = {"reactions", "mentions", "sessions", "meta", "counters", "search"}
        elsewhere.add("uploads")
        records: dict[str, type[Record]] = {
            "users": UserRecord,
            "rooms": RoomRecord,
            "members": MemberRecord,
            "bans": BanRecord,
            "invitations": InvitationRecord,
            "audit": DeedRecord,
            "files": FileRecord,
        }
        self.assertEqual(metadata.tables.keys() - elsewhere, {"events", *records})
        for name, record in records.items():
            there = {"kind" if n == "room_kind" else n for n in fields_dict(record)}
            self.assertEqual(there, set(metadata.tables[name].c.keys()), name)
        event = fields_dict(EventRecord).keys() | fields_dict(Stored).keys()
        self.assertEqual(
            event - {"chat_group_id", "stored", "reactions"},
            set(metadata.tables["events"].c.keys()) - {"room_id"},
        )


class ExportTests(LivedIn):
    """
    C{export}, beside the server.
    """

    def setUp(self) -> Any:
        """
        Have a chat.
        """
        self.serve_and_live()

    def test_twice_the_same(self) -> None:
        """
        It is the same as long as nothing happens.
        """
        self.assertEqual(self.exported(self.url), self.exported(self.url))

    def test_order(self) -> None:
        """
        It begins with what it is, ends with how many lines there are, and has each kind in
        one piece, what others name first.
        """
        lines = lines_of(self.exported(self.url))
        kinds = ["event" if "stored" in each else each["message_type"] for each in lines]
        expected = ["export", "user", "room", "member", "ban", "invitation", "event", "audit"]
        if self.url.startswith("sqlite"):
            expected.insert(-1, "file")
        self.assertEqual(list(dict.fromkeys(kinds)), [*expected, "export_end"])
        self.assertEqual(kinds, sorted(kinds, key=list(dict.fromkeys(kinds)).index))
        self.assertEqual(lines[-1]["lines"], len(lines))

    def test_as_replayed(self) -> None:
        """
        An event has the types and keys, and what they say, of one that is replayed.
        """
        follower = self.server.connect()
        epoch = self.server.chat.epoch
        positions = [{"chat_group_id": self.dev, "after_seq": 0}]
        follower.send(
            request("hello_request", protocol=1),
            login("bob"),
            request("resume_request", epoch=epoch, positions=positions),
        )
        self.server.pass_time(2)
        replayed = [each for each in follower.heard if each.get("replay")]
        self.assertTrue(replayed)
        stored = [
            {key: value for key, value in each.items() if key != "stored"}
            for each in lines_of(self.exported(self.url))
            if "stored" in each and each["chat_group_id"] == self.dev
        ]
        for each in stored:
            # The name that somebody gave their own message is for them alone.
            if each.get("sender_username") != "bob":
                each.pop("client_message_id", None)
        self.assertEqual(stored, replayed)

    def test_mode(self) -> None:
        """
        The file is for its owner's eyes only, and nothing else is left.
        """
        path = self.new_path()
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.do("export", "--database", self.url, "--output", path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(list(Path(path).parent.glob("*unfinished*")), [])

    def test_another_file(self) -> None:
        """
        A file that is there is replaced only by force.
        """
        path = self.new_path()
        Path(path).write_text("mine")
        status, _, complaint = self.do("export", "--database", self.url, "--output", path)
        self.assertEqual(status, 1)
        self.assertIn("already; --force replaces it", complaint)
        self.assertEqual(Path(path).read_text(), "mine")
        done = self.do("export", "--database", self.url, "--output", path, "--force")
        self.assertEqual(done, (0, "", ""))
        self.assertEqual(Path(path).read_bytes(), self.exported(self.url))

    def test_one_room(self) -> None:
        """
        A room's, by its name or its id, has what its members can know, and no secret.
        """
        exported = self.exported(self.url, "--room", "devel")
        self.assertEqual(exported, self.exported(self.url, "--room", str(self.dev)))
        lines = lines_of(exported)
        self.assertEqual(lines[0]["chat_group_name"], "devel")
        seqs = [each["seq"] for each in lines if "seq" in each]
        self.assertEqual(seqs, list(range(1, lines[0]["last_seq"] + 1)))
        keys = {key for each in lines for key in each}
        self.assertEqual(keys & {"password_hash", "stored", "digest", "client_message_id"}, set())
        self.assertNotIn(b"scrypt", exported)
        self.assertNotIn(b"secret that is taken", exported)

    def test_no_such_room(self) -> None:
        """
        A room that there is not is refused, and no file is left.
        """
        path = self.new_path()
        for name in ("nowhere", "99", "9" * 40, "\x00"):
            status, _, complaint = self.do(
                "export", "--database", self.url, "--room", name, "--output", path
            )
            self.assertEqual(status, 1, name)
            self.assertIn("there is no room", complaint)
            self.assertFalse(os.path.exists(path))

    def test_nothing_deleted(self) -> None:
        """
        What was taken back is in none.
        """
        self.assertNotIn(b"a secret that is taken back", self.exported(self.url))


class ExportOnPostgreSQLTests(OnPostgreSQL, ExportTests):
    """
    The same on PostgreSQL.
    """
