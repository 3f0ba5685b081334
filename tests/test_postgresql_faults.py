"""
PostgreSQL that restarts, loses connections, is locked by others or is full, under
a server with real threads and sockets: refusals that say so, and no more.
"""

import random
import signal
from itertools import count
from typing import Any

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.clusters import Cluster, shared_cluster
from tests.operators import MODULE, ProcessTestCase
from tests.peers import Peer, post, request
from tests.servers import log_in
from tests.stores import OnPostgreSQL
from tests.test_behaviour import OverSocket

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@define(eq=False)
class Talker:
    """
    Somebody who says much, and says again what was refused.

    @ivar window: how many posts are under way at the same time.
    @ivar acknowledged: the seqs of what is stored, by its name.
    @ivar refused: how often something was refused.
    """

    peer: Peer
    window: int = 50
    acknowledged: dict[str, int] = field(factory=dict)
    refused: int = 0
    _waiting: list[str] = field(factory=list)
    _numbers: "count[int]" = field(factory=count)

    async def say(self, length: int = 0) -> int:
        """
        Say some things, first of all what was refused.

        @return: how many of them were refused now.
        """
        while len(self._waiting) < self.window:
            self._waiting.append(f"n{next(self._numbers)}")
        names, self._waiting = self._waiting, []
        for name in names:
            # By the name, so that a repeat is one.
            more = "-" + "".join(random.Random(name).choices(LETTERS, k=length))
            self.peer.send(post(name + more, client_message_id=name))
        answered = 0
        while answered < len(names):
            answer = await self.peer.receive()
            if answer["message_type"] == "chat_message":
                continue
            answered += 1
            if "error_code" in answer:
                assert (answer["error_code"], answer["temporary"]) == (1009, True), answer
                self._waiting.append(answer["client_message_id"])
            else:
                self.acknowledged[answer["client_message_id"]] = answer["seq"]
        self.refused += len(self._waiting)
        return len(self._waiting)


class FaultTestCase(OnPostgreSQL, OverSocket):
    """
    A server, with one who talks and one who listens.
    """

    timeout = 60

    def make_cluster(self) -> Cluster:
        """
        @return: the PostgreSQL server; one that a test harms is its own.
        """
        return shared_cluster()

    def new_url(self) -> str:
        """
        @return: where there is an empty database.
        """
        self.cluster = self.make_cluster()
        self.name = self.cluster.new_database()
        return self.cluster.url(self.name)

    async def begin(self) -> None:
        """
        Have people.
        """
        self.talker = Talker(await self.user("alice"))
        self.listener = await self.user("bob")

    async def user(self, name: str) -> Peer:
        """
        @return: a connection on which a new user is logged in.
        """
        peer = await self.connect()
        await log_in(peer, name)
        return peer

    async def users(self) -> list[str]:
        """
        @return: what is answered to whoever asks who there is.
        """
        self.listener.send(request("list_users_request"))
        *shown, answer = await self.listener.until("list_users_response")
        self.listener.heard = shown + self.listener.heard
        return [each["username"] for each in answer["users"]]

    async def during(self, fault: "Deferred[Any]") -> None:
        """
        Talk as long as something goes on.
        """
        while not fault.called:
            await self.talker.say()
        await fault

    async def check(self) -> None:
        """
        What was acknowledged is stored, once, in its place; and what is stored, and
        nothing else, has been shown in that order.
        """
        self.assertEqual(await self.talker.say(), 0)
        query = "SELECT client_message_id, seq FROM events ORDER BY seq"
        stored = self.cluster.execute(query, self.name)
        self.assertEqual([seq for _, seq in stored], list(range(1, len(stored) + 1)))
        self.assertEqual(dict(stored), self.talker.acknowledged)
        heard = await self.listener.settle()
        shown = [each["content"] for each in heard if each["message_type"] == "chat_message"]
        self.assertEqual([each.split("-")[0] for each in shown], [name for name, _ in stored])

    def backends(self, condition: str = "true") -> list[tuple[int, bool]]:
        """
        @return: the number of each process that serves us, and whether it waits.
        """
        query = (
            "SELECT pid, wait_event_type IS NOT DISTINCT FROM 'Lock' FROM pg_stat_activity"
            f" WHERE application_name = 'chatroom' AND datname = '{self.name}' AND {condition}"
        )
        return [(pid, is_waiting) for pid, is_waiting in self.cluster.execute(query)]

    def writer(self) -> int:
        """
        @return: the process of the connection that writes.
        """
        ours = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
        [(pid, _)] = self.backends(ours)
        return pid

    async def blocked(self) -> None:
        """
        Wait until something of ours waits for a lock.
        """
        for _ in range(500):
            if any(is_waiting for _, is_waiting in self.backends()):
                return
            await deferLater(reactor, 0.01)
        raise AssertionError("nothing waits")


class ConnectionTests(FaultTestCase):
    """
    Connections that are lost.
    """

    async def test_terminated(self) -> None:
        """
        Whichever connections an operator ends, whenever: what matters goes on.
        """
        await self.begin()

        def terminate() -> None:
            query = (
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                f" WHERE application_name = 'chatroom' AND datname = '{self.name}'"
            )
            self.cluster.execute(query)

        for _ in range(10):
            await self.talker.say()
            await self.during(deferToThread(terminate))
            self.assertEqual(await self.users(), ["alice", "bob"])
        await self.check()


class LockedTests(FaultTestCase):
    """
    Other programs that lock what we need.
    """

    async def test_for_a_while(self) -> None:
        """
        Posts, and whoever looks at history, wait for a lock; the others go on.
        """
        await self.begin()
        for lock in ("SELECT 1 FROM rooms FOR UPDATE", "LOCK TABLE events, counters"):
            with self.cluster.connect(self.name) as program, program.transaction():
                program.execute(lock)
                said = Deferred.fromCoroutine(self.talker.say())
                await self.blocked()
                self.assertEqual(await self.users(), ["alice", "bob"])
                self.assertFalse(said.called)
            self.assertEqual(await said, 0)

    async def test_for_too_long(self) -> None:
        """
        Past the time that a statement has, posts are refused; then all is well again.
        """
        await self.begin()
        self.talker.window = 1
        with self.cluster.connect(self.name) as program, program.transaction():
            program.execute("SELECT 1 FROM rooms WHERE id = 1 FOR UPDATE")
            self.assertEqual(await self.talker.say(), 1)
        await self.check()


class RestartTests(FaultTestCase):
    """
    PostgreSQL itself, ended without a warning.
    """

    def make_cluster(self) -> Cluster:
        """
        @return: a cluster of the test's own.
        """
        cluster = Cluster.make(fsync="on")
        self.addCleanup(cluster.remove)
        return cluster

    async def test_restart(self) -> None:
        """
        A restart costs refusals while it lasts, and nothing afterwards.
        """
        await self.begin()
        for _ in range(2):
            await self.talker.say()
            await self.during(deferToThread(self.cluster.restart))
            self.assertEqual(await self.talker.say(), 0)
        self.assertGreater(self.talker.refused, 0)
        await self.check()
        await self.user("carol")

    async def test_crash(self) -> None:
        """
        The same where a process of PostgreSQL crashes, and it recovers by itself.
        """
        await self.begin()
        await self.talker.say()
        self.cluster.signal(self.writer(), signal.SIGKILL)
        for _ in range(500):
            if await self.talker.say() == 0:
                break
            await deferLater(reactor, 0.02)
        await self.check()

    async def test_full(self) -> None:
        """
        Where a file can't grow posts are refused, until it can.
        """
        await self.begin()
        await self.talker.say()
        self.cluster.limit_files(self.writer(), 1 << 20)
        for _ in range(100):
            if await self.talker.say(1900):
                break
        else:
            raise AssertionError("it was never full")
        self.assertGreater(await self.talker.say(1900), 0)
        self.cluster.limit_files(self.writer(), None)
        await self.check()


class ProcessTests(OnPostgreSQL, ProcessTestCase):
    """
    As an operator meets it.
    """

    async def test_second_server(self) -> None:
        """
        A second server is refused in one line; after a kill the next one starts.
        No password is told.
        """
        cluster = shared_cluster()
        name = cluster.new_database()
        url = cluster.url(name).replace("//chatroom@", "//chatroom:Xyzzy-Canary@")
        server, port = await self.serve(*MODULE, CHATROOM_DATABASE=url)
        await self.talk(port)
        second = await self.place.run(*MODULE, CHATROOM_DATABASE=url)
        [line] = second.err.splitlines()
        self.assertEqual(second.status, 1)
        self.assertIn("another server is using this database", line)
        ended = await server.stop(signal.SIGKILL)
        third, port = await self.serve(*MODULE, CHATROOM_DATABASE=url)
        await (await self.connect(port)).finish()
        outcome = await third.stop()
        self.assertEqual(outcome.err, "")
        for told in (ended, second, outcome):
            self.assertNotIn("Xyzzy-Canary", told.out + told.err)
        self.assertIn(f"serving 'postgresql+psycopg://chatroom:***@/{name}'", outcome.out)
        said = cluster.execute("SELECT seq, content FROM events", name)
        self.assertEqual(said, [(1, "Hello!")])

    async def test_refused(self) -> None:
        """
        A PostgreSQL that is not there is named in one line, and no password with it.
        """
        url = "postgresql+psycopg://chatroom:Xyzzy-Canary@127.0.0.1:1/chat"
        outcome = await self.place.run(*MODULE, "--database", url)
        [line] = outcome.err.splitlines()
        self.assertEqual(outcome.status, 1)
        self.assertIn("cannot open the database postgresql+psycopg://chatroom:***@", line)
        self.assertNotIn("Xyzzy-Canary", outcome.out + outcome.err)
