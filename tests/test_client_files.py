"""
The client's files, with a real server in memory.
"""

from collections.abc import Coroutine
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from chatroom.client import NetworkError, Refusal
from chatroom.errors import FileNotFound
from chatroom.wire.messages import FileNotification
from tests.clients import Told
from tests.files import DATA, on_disk
from tests.test_client_server import ServerCase

T = TypeVar("T")

#: More than a client has under way at once, either way.
MUCH = DATA * 60


class FileTests(ServerCase):
    """
    Files, sent and had.
    """

    def setUp(self) -> None:
        """
        Have a file, and a place for another.
        """
        super().setUp()
        self.source = Path(self.mktemp())
        self.source.write_bytes(MUCH)
        self.target = Path(self.mktemp())

    def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """
        Do something that takes a while.
        """
        begun = self.begin(work)
        self.endpoint.run(5)
        return self.successResultOf(begun)

    def test_send_and_have(self) -> None:
        """
        What one sends all are told of, and another has.
        """
        alice, bob, told = self.pair()
        sent = self.finish(alice.room(1).send_file(self.source, filename="much.bin"))
        [event] = told.of(FileNotification)
        self.assertEqual((event.file_id, event.filename), (sent.file_id, "much.bin"))
        head = bob.heads[1]
        self.assertEqual((head.last_seq, head.unread), (1, 1))
        answer = self.finish(bob.download(event.file_id, self.target))
        self.assertEqual(self.target.read_bytes(), MUCH)
        self.assertEqual(answer.sha256, sha256(MUCH).hexdigest())
        self.assertFalse(Path(f"{self.target}.part").exists())

    def cut_now_and_then(self, work: Coroutine[Any, Any, T]) -> T:
        """
        Do something while the newest connection is lost again and again.
        """
        begun = Deferred.fromCoroutine(work)
        cuts = 0
        for _ in range(4):
            for _ in range(9):
                self.endpoint.advance(0)
                for link in self.endpoint.links:
                    link.flow()
            if not begun.called:
                self.endpoint.link.cut()
                cuts += 1
            self.endpoint.advance(2)
        self.endpoint.run(10)
        self.assertGreater(cuts, 1)
        return self.successResultOf(begun)

    def test_send_cut(self) -> None:
        """
        An upload goes on where it was, however often the connection is lost.
        """
        told = Told()
        self.start("bob", on_event=told.events.append)
        alice = self.start()
        room = alice.room(1)
        sent = self.cut_now_and_then(room.send_file(self.source, client_file_id="mine"))
        self.assertEqual(len(told.of(FileNotification)), 1)
        self.assertEqual(len(on_disk(self.server)), 1)
        again = self.finish(room.send_file(self.source, client_file_id="mine"))
        self.assertEqual((again.file_id, again.duplicate), (sent.file_id, True))

    def test_have_cut(self) -> None:
        """
        So does a download.
        """
        alice = self.start()
        sent = self.finish(alice.room(1).send_file(self.source))
        bob = self.start("bob")
        self.cut_now_and_then(bob.download(sent.file_id or 0, self.target))
        self.assertEqual(self.target.read_bytes(), MUCH)

    def test_refused(self) -> None:
        """
        A refusal is raised, and leaves nothing.
        """
        alice, _, _ = self.pair()
        having = self.begin(alice.download(99, self.target))
        self.endpoint.run(1)
        self.failureResultOf(having, FileNotFound)
        sending = self.begin(alice.room(1).send_file(self.source, filename="../up"))
        self.endpoint.run(1)
        self.failureResultOf(sending, Refusal)
        self.assertFalse(self.target.exists())
        self.assertFalse(Path(f"{self.target}.part").exists())

    def test_broken_off(self) -> None:
        """
        A file that the server has lost is a refusal, too.
        """
        alice, _, _ = self.pair()
        sent = self.finish(alice.room(1).send_file(self.source))
        for each in Path(f"{self.path}.files").rglob("*"):
            if each.is_file():
                each.unlink()
        having = self.begin(alice.download(sent.file_id or 0, self.target))
        self.endpoint.run(1)
        self.assertEqual(self.failureResultOf(having).value.reason, "file_damaged")

    def test_stopped(self) -> None:
        """
        Who waits for a file when the client is stopped hears so.
        """
        alice = self.start()
        sending = Deferred.fromCoroutine(alice.room(1).send_file(self.source))
        stopping = alice.stopService()
        self.endpoint.run(3)
        self.successResultOf(stopping)
        self.failureResultOf(sending, NetworkError)
        self.assertEqual(on_disk(self.server), [])

    def test_twice(self) -> None:
        """
        One file is had once at a time.
        """
        alice, _, _ = self.pair()
        sent = self.finish(alice.room(1).send_file(self.source))
        first = Deferred.fromCoroutine(alice.download(sent.file_id or 0, self.target))
        second = self.begin(alice.download(sent.file_id or 0, self.target))
        self.failureResultOf(second, ValueError)
        self.endpoint.run(5)
        self.successResultOf(first)
