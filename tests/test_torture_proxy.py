"""
The proxy of C{chatroom torture}, on real sockets.
"""

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from chatroom.torture.histories import Album
from chatroom.torture.proxy import Link, Proxy, Way
from chatroom.torture.wiretap import Listener

SECONDS = 10


class Peer(Protocol):
    """
    One side: what came, and whether it is over.
    """

    def __init__(self) -> None:
        self.heard = b""
        self.why: Failure | None = None
        self._waiting: list[Deferred[None]] = []

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data
        self._tell()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Note why."""
        self.why = reason
        self._tell()

    def say(self, data: bytes) -> None:
        """Send."""
        transport: Any = self.transport
        transport.write(data)

    async def hears(self, data: bytes) -> None:
        """Wait until exactly this has come."""
        while self.heard != data:
            assert self.why is None, f"it is over, with {self.heard!r}"
            await self._change()

    async def ends(self) -> None:
        """Wait until it is over."""
        while self.why is None:
            await self._change()

    async def _change(self) -> None:
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        await waiting.addTimeout(SECONDS, reactor)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


class ProxyTests(TestCase):
    """
    A client, the proxy, and a server.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        """
        Have all three, connected.
        """
        self.peers: list[Peer] = []
        factory = Factory.forProtocol(self._made)
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self.listening: Any = await endpoint.listen(factory)
        self.listener = Listener(Album())
        port = self.listening.getHost().port
        self.proxy = Proxy(reactor, port, lambda: self.listener.tap(0))
        await self.proxy.listen()
        self.client = await self.connect()
        self.client.say(b"1")
        while not self.peers:
            await self.turn()
        self.server = self.peers[0]
        await self.server.hears(b"1")

    async def tearDown(self) -> None:  # type: ignore[override]
        """
        Leave nothing behind.
        """
        await self.proxy.close()
        await self.stop_listening()
        for peer in (self.client, *self.peers):
            if peer.why is None:
                await peer.ends()
        while self.proxy.links:
            await self.turn()

    async def stop_listening(self) -> None:
        """
        Have no server, if there is one.
        """
        listening, self.listening = self.listening, None
        if listening is not None:
            await listening.stopListening()

    def _made(self) -> Peer:
        peer = Peer()
        self.peers.append(peer)
        return peer

    async def connect(self) -> Peer:
        """
        @return: a new client.
        """
        peer = await self.proxy.endpoint().connect(Factory.forProtocol(Peer))
        assert isinstance(peer, Peer)
        return peer

    async def turn(self) -> None:
        """
        Let others do something.
        """
        await deferLater(reactor, 0.01)

    @property
    def link(self) -> Link:
        """
        The one link there is.
        """
        [link] = self.proxy.links
        return link

    async def test_both_ways(self) -> None:
        """
        What one says the other hears, and so is the end of one the end of the other.
        """
        self.server.say(b"2")
        await self.client.hears(b"2")
        self.client.transport.loseConnection()  # type: ignore[union-attr]
        await self.server.ends()
        self.assertEqual(len(self.listener.sessions), 1)

    async def test_cut(self) -> None:
        """
        Both sides notice a cut.
        """
        for abruptly in (True, False):
            self.link.cut(abruptly=abruptly)
            await self.client.ends()
            await self.peers[-1].ends()
            while self.proxy.links:
                await self.turn()
            self.client = await self.connect()
            count = len(self.peers)
            while len(self.peers) == count:
                await self.turn()

    async def test_tear(self) -> None:
        """
        So many bytes get through, and no more.
        """
        self.link.tear(3)
        self.server.say(b"to")
        await self.client.hears(b"to")
        self.server.say(b"rn apart")
        await self.client.ends()
        self.assertIn(self.client.heard, (b"to", b"tor"))
        await self.server.ends()

    async def test_stall(self) -> None:
        """
        What is held back comes later, both ways.
        """
        link = self.link
        link.hold()
        self.client.say(b"2")
        self.server.say(b"3")
        for _ in range(10):
            await self.turn()
        self.assertEqual((self.server.heard, self.client.heard), (b"1", b""))
        link.release()
        await self.server.hears(b"12")
        await self.client.hears(b"3")

    async def test_half_open(self) -> None:
        """
        What is said into a half-open connection is lost, and the end of it is not told; the
        other direction goes on.
        """
        link = self.link
        link.deafen(Way.FROM_CLIENT)
        self.client.say(b"2")
        self.server.say(b"3")
        await self.client.hears(b"3")
        self.client.transport.loseConnection()  # type: ignore[union-attr]
        await self.client.ends()
        for _ in range(10):
            await self.turn()
        self.assertEqual((self.server.heard, self.server.why), (b"1", None))
        self.assertEqual(self.proxy.half_open(), [link])
        self.server.transport.loseConnection()  # type: ignore[union-attr]
        await self.server.ends()
        while self.proxy.links:
            await self.turn()
        self.assertEqual(self.proxy.noticed, 1)

    async def test_delay(self) -> None:
        """
        What is late keeps its order, also against what is late no longer.
        """
        link = self.link
        link.delay(60)
        self.server.say(b"a")
        for _ in range(10):
            await self.turn()
        self.assertEqual(self.client.heard, b"")
        link.delay(0)
        self.server.say(b"b")
        await self.client.hears(b"ab")

    async def test_no_server(self) -> None:
        """
        Where there is no server, the client is reset.
        """
        await self.stop_listening()
        client = await self.connect()
        await client.ends()
