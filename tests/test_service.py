"""
The service in the hands of a program that embeds it.
"""

import socket
from pathlib import Path
from typing import Any

from twisted.application import strports
from twisted.application.service import Application, IService, MultiService, Service
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chatroom.assembly import assemble
from chatroom.errors import StartError
from chatroom.server.line import ChatFactory
from chatroom.server.service import ChatService
from chatroom.settings import Settings
from tests.lanes import InlineLane
from tests.peers import connect_by_socket, request
from tests.servers import CHEAP, log_in


class StartingTests(SynchronousTestCase):
    """
    A start that fails.
    """

    def setUp(self) -> None:
        """
        Have a place for a database.
        """
        self.path = Path(self.mktemp()).absolute()

    def make(self) -> ChatService:
        """
        @return: a service that is not running.
        """
        chosen = Settings(database=f"sqlite:///{self.path}")
        return assemble(chosen, Clock(), make_lane=lambda *_: InlineLane(), cost=CHEAP)

    def test_a_port_that_fails(self) -> None:
        """
        Where a port can't be opened the database is let go.
        """

        class Taken(Service):
            def startService(self) -> None:
                raise CannotListenError("", 8888, OSError("taken"))

        chat = self.make()
        Taken().setServiceParent(chat)
        self.assertRaises(CannotListenError, chat.startService)
        self.assertFalse(chat.is_open)
        other = self.make()
        other.startService()
        self.successResultOf(other.stopService())

    def test_a_database_that_fails(self) -> None:
        """
        Where the database can't be opened nobody is answered.
        """
        self.path.write_bytes(b"no database" * 100)
        chat = self.make()
        self.assertRaises(StartError, chat.startService)
        self.assertIsNone(ChatFactory(chat).buildProtocol(None))

    def test_started_twice(self) -> None:
        """
        A chat that runs goes on when it is started again, as a parent that runs would do.
        """
        chat = self.make()
        chat.startService()
        parent = MultiService()
        parent.startService()
        chat.setServiceParent(parent)
        self.assertTrue(chat.is_open)
        self.assertEqual(
            self.successResultOf(Deferred.fromCoroutine(chat.accounts.everybody())), []
        )
        stopped = parent.stopService()
        assert stopped is not None
        self.successResultOf(stopped)
        other = self.make()
        other.startService()
        self.successResultOf(other.stopService())

    def test_stopped_with_a_port(self) -> None:
        """
        A chat that has never started is stopped with its ports, which have not either.
        """
        chat = self.make()
        strports.service("tcp:0", ChatFactory(chat), reactor).setServiceParent(chat)
        self.successResultOf(chat.stopService())

    def test_stop_without_start(self) -> None:
        """
        What has not started can be stopped.
        """
        self.successResultOf(self.make().stopService())


class EmbeddingTests(TestCase):
    """
    In another Twisted program, over real sockets.
    """

    async def test_of_a_socket(self) -> None:
        """
        The kernel keeps little for a peer, sends at once, and notices when it is gone.
        """
        path = Path(self.mktemp()).absolute()
        chat = assemble(Settings(database=f"sqlite:///{path}"), reactor, cost=CHEAP)
        chat.startService()
        self.addCleanup(chat.stopService)
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(ChatFactory(chat))
        self.addCleanup(port.stopListening)
        peer = await connect_by_socket(reactor, port.getHost().port)
        await peer.ask(request("list_users_request"))
        [session] = chat.sessions
        way: Any = session.outgoing._transport
        kernel = way._connection.getHandle()
        self.assertLess(kernel.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), 200_000)
        self.assertTrue(kernel.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        tcp = socket.IPPROTO_TCP
        self.assertTrue(kernel.getsockopt(tcp, socket.TCP_NODELAY))
        self.assertEqual(kernel.getsockopt(tcp, socket.TCP_KEEPIDLE), 60)
        self.assertEqual(kernel.getsockopt(tcp, socket.TCP_USER_TIMEOUT), 120_000)
        peer.wire.abort()
        await peer.closed()

    async def test_with_other_services(self) -> None:
        """
        The chat starts, serves and stops with the program that it is part of.
        """
        path = Path(self.mktemp()).absolute()
        application = Application("theirs")
        theirs: MultiService = IService(application)  # type: ignore[assignment]
        chat = assemble(Settings(database=f"sqlite:///{path}"), reactor, cost=CHEAP)
        port: Any = strports.service("tcp:0:interface=127.0.0.1", ChatFactory(chat), reactor)
        port.setServiceParent(chat)
        chat.setServiceParent(application)
        theirs.privilegedStartService()
        theirs.startService()
        listening = await port._waitingForPort
        peer = await connect_by_socket(reactor, listening.getHost().port)
        await log_in(peer, "alice")
        said = await peer.ask(request("chat_message", content="hi"))
        self.assertEqual(said["content"], "hi")
        stopped = theirs.stopService()
        warned = await peer.closed()
        self.assertEqual([each["level"] for each in warned], ["warning"])
        await stopped
