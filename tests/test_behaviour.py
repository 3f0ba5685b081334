"""
The behaviour suite, in memory and over real sockets.
"""

from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.trial.unittest import TestCase

from chatroom.assembly import assemble
from chatroom.server.line import ChatFactory
from chatroom.settings import Settings
from tests import behaviour, conversing, filing, searching
from tests.peers import Peer, connect_by_socket
from tests.servers import CHEAP, memory_server
from tests.stores import OnPostgreSQL, OnSQLite


class InMemory(OnSQLite, TestCase):
    """
    Without network, threads or a time of its own.
    """

    def setUp(self) -> None:
        """
        Start a server.
        """
        self.server = memory_server(self, url=self.new_url(), files=self.mktemp())

    async def connect(self) -> Peer:
        """
        @return: a new connection.
        """
        return self.server.connect()


class OverSocket(OnSQLite, TestCase):
    """
    Through the kernel, with real threads.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        """
        Start a server.
        """
        settings = Settings(database=self.new_url(), files=self.mktemp(), post_rate=0)
        self.chat = assemble(settings, reactor, cost=CHEAP)
        self.chat.startService()
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self.port: Any = await endpoint.listen(ChatFactory(self.chat))
        self.peers: list[Peer] = []

    async def tearDown(self) -> None:  # type: ignore[override]
        """
        Stop it.
        """
        await self.port.stopListening()
        await self.chat.stopService()
        for peer in self.peers:
            await peer.closed()

    async def connect(self) -> Peer:
        """
        @return: a new connection.
        """
        peer = await connect_by_socket(reactor, self.port.getHost().port)
        self.peers.append(peer)
        return peer


class InMemoryPostgreSQL(OnPostgreSQL, InMemory):
    """
    The same with a database of PostgreSQL.
    """


class OverSocketPostgreSQL(OnPostgreSQL, OverSocket):
    """
    The same with a database of PostgreSQL.
    """


def _make(transport: type[TestCase]) -> None:
    more = (searching.SearchBehaviour, conversing.FollowingBehaviour, filing.FileBehaviour)
    for suite in (*behaviour.SUITES, *more):
        name = f"{suite.__name__.removesuffix('Behaviour')}{transport.__name__}Tests"
        body = {"__module__": __name__, "__doc__": suite.__doc__}
        globals()[name] = type(name, (transport, suite), body)


_make(InMemory)
_make(OverSocket)
_make(InMemoryPostgreSQL)
_make(OverSocketPostgreSQL)
