"""
Peers that come through a proxy, which says whose each connection is.
"""

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.trial.unittest import TestCase

from chatroom.assembly import assemble
from chatroom.server.line import ChatFactory
from chatroom.settings import Settings
from tests.peers import Peer, connect_by_socket, login, register
from tests.servers import CHEAP

ONE, OTHER = "192.0.2.1", "192.0.2.2"


class ProxiedTests(TestCase):
    """
    A C{haproxy:} endpoint.
    """

    timeout = 30

    async def serve(self, **options: Any) -> None:
        """
        Start a server.
        """
        file = Path(self.mktemp()).absolute()
        chosen = Settings(database=f"sqlite:///{file}", language="en", **options)
        self.chat = assemble(chosen, reactor, cost=CHEAP)
        self.chat.startService()
        self.addCleanup(self.chat.stopService)
        endpoint = serverFromString(reactor, "haproxy:tcp:0:interface=127.0.0.1")
        listening = await endpoint.listen(ChatFactory(self.chat))
        self.addCleanup(listening.stopListening)
        self.port = listening.getHost().port

    async def connect(self, host: str | None) -> Peer:
        """
        @param host: the address that the proxy tells; it tells none if it is C{None}.
        """
        peer = await connect_by_socket(reactor, self.port)
        self.addCleanup(peer.closed)
        self.addCleanup(peer.wire.abort)
        source = "UNKNOWN 0 0 0 0" if host is None else f"TCP4 {host} 127.0.0.1 50000 8888"
        peer.wire.write(f"PROXY {source}\r\n".encode())
        return peer

    async def test_address(self) -> None:
        """
        What is limited by address is limited by the one that the proxy tells.
        """
        await self.serve(registrations_per_hour=1)
        came = [(ONE, "ann", True), (ONE, "bob", False), (OTHER, "cid", True)]
        for host, name, is_taken in came:
            answer = await (await self.connect(host)).ask(register(name))
            self.assertEqual(answer["success"], is_taken, name)
        self.assertEqual({each.peer for each in self.chat.sessions}, {ONE, OTHER})

    async def test_connections(self) -> None:
        """
        So is how many may be connected; the proxy itself may have many.
        """
        await self.serve(connections_per_address=1)
        first = await self.connect(ONE)
        await first.ask(login("ann"))
        second = await self.connect(ONE)
        second.send(login("ann"))
        [goodbye] = await second.closed()
        self.assertIn("too many connections from your address", goodbye["content"])
        self.assertFalse((await (await self.connect(OTHER)).ask(login("ann")))["success"])
        self.assertFalse((await first.ask(login("ann")))["success"])

    async def test_unknown(self) -> None:
        """
        A proxy that speaks for itself is answered, too.
        """
        await self.serve()
        answer = await (await self.connect(None)).ask(login("ann"))
        self.assertEqual(answer["error_message"], "Wrong username or password")

    async def test_half_close(self) -> None:
        """
        Who closes its side behind a proxy gets the answers to all it has sent.
        """
        await self.serve()
        peer = await self.connect(ONE)
        peer.send(register("ann"), login("ann"))
        answers = await peer.finish()
        self.assertEqual([each["success"] for each in answers], [True, True])

    async def test_none(self) -> None:
        """
        Who tells nothing comes through no proxy, and is out.
        """
        await self.serve()
        peer = await connect_by_socket(reactor, self.port)
        peer.send(login("ann"))
        self.assertEqual(await peer.closed(), [])
