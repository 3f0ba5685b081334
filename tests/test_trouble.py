"""
What can happen to a server that runs: its disk, its clock, its neighbours, its end.
"""

import resource
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.operators import FOREGROUND, ProcessTestCase, names_of
from tests.peers import Message, Peer, login, post, request
from tests.processes import PYTHON, Process
from tests.servers import log_in

#: C{twistd} on a machine whose clock is set: the file C{jump} says by how much.
JUMPING = """
import sys
import time
from pathlib import Path

real = time.time
jump = Path("jump")
time.time = lambda: real() + float(jump.read_text())

from twisted.scripts.twistd import run

sys.argv[0] = "twistd"
run()
"""

HOUR = 3600.0
YEAR = 365 * 24 * HOUR

#: So that a test may post as fast as it can.
FAST = ("--post-rate", "0")


class TroubleTestCase(ProcessTestCase):
    """
    A server that runs.
    """

    async def expect(self, peer: Peer, *posts: Message) -> list[Message]:
        """
        Send named posts.

        @return: an answer for each, in their order.
        """
        peer.send(*posts)
        answers: list[Message] = []
        while len(answers) < len(posts):
            answer = await peer.receive()
            if answer["message_type"] in ("chat_message_ack", "error_message"):
                answers.append(answer)
        return answers


class ClockTests(TroubleTestCase):
    """
    Somebody sets the clock.
    """

    async def begin(self) -> tuple[Peer, Peer]:
        """
        @return: somebody who has logged in, and somebody who has not.
        """
        (self.place.path / "twistd.py").write_text(JUMPING)
        self.jump(0)
        command = (PYTHON, "twistd.py", *FOREGROUND[1:], "--login-seconds", "3")
        self.server, self.port = await self.serve(*command)
        silent = await self.connect(self.port)
        alice = await self.connect(self.port)
        await log_in(alice, "alice")
        return alice, silent

    def jump(self, seconds: float) -> None:
        """
        Set the clock.
        """
        new = self.place.path / "new"
        new.write_text(str(seconds))
        new.rename(self.place.path / "jump")

    async def set_clock(self, seconds: float) -> None:
        """
        Set it in the quiet after a login, and see that all goes on as before.
        """
        alice, silent = await self.begin()
        before = await alice.ask(post("Before."))
        bob = await self.connect(self.port)
        await log_in(bob, "bob")
        self.jump(seconds)
        after = await alice.ask(post("After."))
        jumped = after["timestamp"] - before["timestamp"]
        self.assertEqual(round(jumped / HOUR), seconds / HOUR)
        self.assertEqual((await bob.receive())["content"], "After.")
        [goodbye] = await silent.closed()
        self.assertEqual(goodbye["level"], "warning")
        self.assertEqual((await alice.ask(post("Last.")))["content"], "Last.")
        self.assertEqual([seq for seq, _, _ in self.said()], [1, 2, 3])
        outcome = await self.server.stop()
        self.assertNotIn("Traceback", outcome.out)

    async def test_back(self) -> None:
        """
        When it is set back by an hour, nothing waits for an hour.
        """
        await self.set_clock(-HOUR)

    async def test_forward(self) -> None:
        """
        When it is set forward by a year, nobody has been silent for a year.
        """
        await self.set_clock(YEAR)

    async def test_silent_for_a_moment(self) -> None:
        """
        Who connects before the clock is set forward still has time to log in.
        """
        _, silent = await self.begin()
        self.jump(YEAR)
        self.assertTrue((await silent.ask(login("alice")))["success"])


class LockTests(TroubleTestCase):
    """
    Another program has the database locked.
    """

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """
        Have it locked, as a foreign process would.
        """
        foreign = sqlite3.connect(self.place.path / "chatroom.db", isolation_level=None)
        foreign.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            foreign.execute("ROLLBACK")
            foreign.close()

    async def test_for_a_while(self) -> None:
        """
        Posts wait for three seconds, and are stored then; what only reads does not wait.
        """
        _, port = await self.serve()
        alice, bob = await self.connect(port), await self.connect(port)
        await log_in(alice, "alice")
        await log_in(bob, "bob")
        async with self.locked():
            alice.send(*(post(str(n), client_message_id=str(n)) for n in range(3)))
            for _ in range(30):
                users = await bob.ask(request("list_users_request"))
                self.assertEqual(len(users["users"]), 2)
                await deferLater(reactor, 0.1)
            self.assertEqual(alice.heard, [])
        heard = await alice.receive_some(6)
        self.assertEqual(names_of(heard), ["0", "1", "2"])
        self.assertEqual([content for _, _, content in self.said()], ["0", "1", "2"])

    async def test_for_too_long(self) -> None:
        """
        After five seconds a post is refused for now, and taken when all is well again.
        """
        server, port = await self.serve()
        alice = await self.connect(port)
        await log_in(alice, "alice")
        message = post("Hello!", client_message_id="1")
        async with self.locked():
            refusal = await alice.ask(message)
        self.assertEqual((refusal["error_code"], refusal["temporary"]), (1009, True))
        self.assertEqual(self.said(), [])
        [ack] = await self.expect(alice, message)
        self.assertEqual((ack["seq"], ack["duplicate"]), (1, False))
        self.assertIn("database is locked", server.out.decode())


class FullDiskTests(TroubleTestCase):
    """
    There is no room for more.
    """

    def limit(self, server: Process, most: int) -> None:
        """
        Let no file of the server's grow beyond so many bytes.
        """
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, hard))

    async def test_full_and_well_again(self) -> None:
        """
        What is acknowledged is stored, what is not is refused; with room all goes on.
        """
        server, port = await self.serve(*FOREGROUND, *FAST)
        alice = await self.connect(port)
        await log_in(alice, "alice")
        posts = [post("x" * 1000, client_message_id=str(n)) for n in range(100)]
        wal = self.place.path / "chatroom.db-wal"
        self.limit(server, wal.stat().st_size + 40_000)
        answers = []
        for each in posts:
            answers += await self.expect(alice, each)
        stored = names_of(answers)
        refused = [each for each in answers if "error_code" in each]
        self.assertGreater(len(stored), 0)
        self.assertGreater(len(refused), 0)
        self.assertEqual({(e["error_code"], e["temporary"]) for e in refused}, {(1009, True)})
        self.assertEqual([name for _, name, _ in self.said()], stored)
        self.limit(server, resource.RLIM_INFINITY)
        again = await self.expect(alice, *posts)
        self.assertEqual([each["duplicate"] for each in again].count(True), len(stored))
        seqs = sorted(seq for seq, _, _ in self.said())
        self.assertEqual(seqs, list(range(1, len(posts) + 1)))


class EndTests(TroubleTestCase):
    """
    The server is stopped in the middle of its work.
    """

    async def test_stop_under_load(self) -> None:
        """
        What was acknowledged before it stopped is stored, and nothing else was pushed.
        """
        server, port = await self.serve(*FOREGROUND, *FAST)
        peers = [await self.connect(port) for _ in range(5)]
        for number, peer in enumerate(peers):
            await log_in(peer, f"user{number}")
        for number, peer in enumerate(peers):
            sent = [f"{number}-{n}" for n in range(2000)]
            peer.send(*(post(name, client_message_id=name) for name in sent))
        for peer in peers:
            await peer.receive()
        outcome = await server.stop(signal.SIGTERM)
        heard = [line for peer in peers for line in await peer.closed()]
        stored = self.said()
        self.assertEqual([seq for seq, _, _ in stored], list(range(1, len(stored) + 1)))
        self.assertLess(len(stored), 10_000)
        names = {name for _, name, _ in stored}
        self.assertLessEqual(set(names_of(heard)), names)
        pushed = {each["content"] for each in heard if each["message_type"] == "chat_message"}
        self.assertLessEqual(pushed, names)
        self.assertNotIn("Traceback", outcome.out)
