"""
The network to PostgreSQL breaks in the very moment of a COMMIT: what is stored is
acknowledged, and nothing else.
"""

from typing import Any

from twisted.trial.unittest import TestCase

from tests.clusters import Cluster, shared_cluster
from tests.peers import PASSWORD, Message, post, request
from tests.proxies import AtCommit, Proxy
from tests.servers import log_in, memory_server
from tests.stores import OnPostgreSQL


class UncertainTests(OnPostgreSQL, TestCase):
    """
    A server in memory, behind a network that fails.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        """
        Start it, with somebody who talks and somebody who listens.
        """
        super().setUp()
        self.cluster: Cluster = shared_cluster()
        self.proxy = Proxy(self.cluster)
        self.addCleanup(self.proxy.stop)
        self.database = self.cluster.new_database()
        self.server = memory_server(self, url=self.proxy.url(self.database))
        self.alice, self.bob = self.server.connect(), self.server.connect()
        await log_in(self.alice, "alice")
        await log_in(self.bob, "bob")

    def stored(self) -> list[tuple[Any, ...]]:
        """
        @return: the seq and the name of what is stored.
        """
        query = "SELECT seq, client_message_id FROM events ORDER BY id"
        return self.cluster.execute(query, self.database)

    async def post(self, mode: AtCommit) -> Message:
        """
        Say something, with a network that does its worst.

        @return: the answer.
        """
        self.proxy.mode = mode
        answer = await self.alice.ask(post("hi", client_message_id=mode.name))
        self.assertIs(self.proxy.mode, AtCommit.PASSES)
        if "error_code" in answer:
            self.assertEqual((answer["error_code"], answer["temporary"]), (1009, True))
        else:
            self.assertEqual(answer["duplicate"], False)
        return answer

    async def repeat(self, mode: AtCommit, *, is_duplicate: bool) -> None:
        """
        Say the same again, over a network that works.
        """
        await self.alice.settle()
        answer = await self.alice.ask(post("hi", client_message_id=mode.name))
        self.assertEqual((answer["seq"], answer["duplicate"]), (1, is_duplicate))
        self.assertEqual(self.stored(), [(1, mode.name)])
        pushes = [each["content"] for each in await self.bob.settle()]
        self.assertEqual(pushes, ["hi"])
        answer = await self.alice.ask(post("more", client_message_id="more"))

    async def test_lost(self) -> None:
        """
        A COMMIT that never arrived is refused, and a repeat stores it.
        """
        answer = await self.post(AtCommit.IS_LOST)
        self.assertIn("error_code", answer)
        self.assertEqual(self.stored(), [])
        await self.repeat(AtCommit.IS_LOST, is_duplicate=False)

    async def test_answer_lost(self) -> None:
        """
        A COMMIT that happened is acknowledged, though nobody heard of it.
        """
        answer = await self.post(AtCommit.ANSWER_IS_LOST)
        self.assertEqual(answer["seq"], 1)
        await self.repeat(AtCommit.ANSWER_IS_LOST, is_duplicate=True)

    async def test_late(self) -> None:
        """
        A COMMIT that is still under way when the connection is gone is waited for:
        who looked too early would refuse what is then stored.
        """
        answer = await self.post(AtCommit.IS_LATE)
        self.assertEqual(answer["seq"], 1)
        await self.repeat(AtCommit.IS_LATE, is_duplicate=True)

    async def test_hanging(self) -> None:
        """
        A database that does not answer is waited for so long, and no longer.
        """
        writer: Any = self.server.chat._database._writer
        with writer.connect() as connection:
            connection.connection.dbapi_connection.answer_seconds = 0.3
        answer = await self.post(AtCommit.HANGS)
        self.assertIn("error_code", answer)
        await self.repeat(AtCommit.HANGS, is_duplicate=False)

    async def test_registration(self) -> None:
        """
        The same goes for an account.
        """
        for mode, is_stored in (
            (AtCommit.IS_LOST, False),
            (AtCommit.ANSWER_IS_LOST, True),
            (AtCommit.IS_LATE, True),
        ):
            self.proxy.mode = mode
            name = mode.name.lower()
            account = request("register_request", username=name, password=PASSWORD)
            peer = self.server.connect()
            self.assertEqual((await peer.ask(account))["success"], is_stored)
            again = await peer.ask({**account, "request_id": "r"})
            self.assertEqual(again["success"], not is_stored)
            self.assertEqual(again.get("error_code"), 1002 if is_stored else None)
            login = request("login_request", username=name, password=PASSWORD)
            self.assertTrue((await peer.ask(login))["success"])
