"""
What leaves together, at once, and later.
"""

import gc
import socket
from typing import Any

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ServerEndpoint, UNIXServerEndpoint
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from chatroom.memory import THRESHOLDS, collect_seldom
from chatroom.server.cork import Cork
from chatroom.server.direct import Direct
from chatroom.server.later import Later
from tests.log_lines import watch


@define(eq=False)
class Way:
    """
    A way out that notes when it is flushed, and may fail then.
    """

    cork: Cork
    error: Exception | None = None
    flushed: int = 0

    def flush(self) -> None:
        """
        Note it.
        """
        assert not self.cork.is_in
        self.flushed += 1
        if self.error is not None:
            raise self.error


class CorkTests(SynchronousTestCase):
    """
    Cork.
    """

    def test_end(self) -> None:
        """
        Nothing leaves before the end of the outermost context, and then each once.
        """
        cork = Cork()
        ways = [Way(cork), Way(cork)]
        with cork:
            for way in ways:
                cork.hold(way)
            with cork:
                self.assertTrue(cork.is_in)
            self.assertTrue(cork.is_in)
            self.assertEqual([each.flushed for each in ways], [0, 0])
        self.assertFalse(cork.is_in)
        self.assertEqual([each.flushed for each in ways], [1, 1])
        with cork:
            pass
        self.assertEqual([each.flushed for each in ways], [1, 1])

    def test_failure(self) -> None:
        """
        What goes wrong inside, or with one of them, holds up none of the others.
        """
        noted = watch(self)
        cork = Cork()
        ways = [Way(cork, ValueError("a bug")), Way(cork)]

        def fail() -> None:
            with cork:
                for way in ways:
                    cork.hold(way)
                raise KeyError("another")

        self.assertRaises(KeyError, fail)
        self.assertEqual([each.flushed for each in ways], [1, 1])
        self.assertEqual(len(noted.of("turn_failed")), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class LaterTests(SynchronousTestCase):
    """
    Later.
    """

    def test_next_turn(self) -> None:
        """
        All is done in the next turn, in its order and in one context; what is asked for
        then waits for the one after it.
        """
        clock, cork = Clock(), Cork()
        later = Later(clock, cork)
        done: list[object] = []
        later.call(lambda: done.append(cork.is_in))
        later.call(lambda: later.call(lambda: done.append("then")))
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        self.assertEqual(done, [])
        clock.advance(0)
        self.assertEqual(done, [True, "then"])
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_failure(self) -> None:
        """
        One that fails holds up none of the others.
        """
        noted = watch(self)
        clock = Clock()
        later = Later(clock, Cork())
        done: list[int] = []

        def fail() -> None:
            raise ValueError("a bug")

        later.call(fail)
        later.call(lambda: done.append(1))
        clock.advance(0)
        self.assertEqual(done, [1])
        self.assertEqual(len(noted.of("turn_failed")), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class _Served(Protocol):
    """
    A connection that a test has.
    """

    def connectionMade(self) -> None:
        """
        Tell of it.
        """
        factory: Any = self.factory
        factory.made.callback(self)

    def connectionLost(self, reason: object = None) -> None:
        """
        Tell of it.
        """
        factory: Any = self.factory
        factory.lost.callback(None)


@implementer(IPushProducer)
@define(eq=False)
class Pauses:
    """
    Notes what a transport asks for.
    """

    asked: list[str] = field(factory=list)

    def pauseProducing(self) -> None:
        """Note it."""
        self.asked.append("pause")

    def resumeProducing(self) -> None:
        """Note it."""
        self.asked.append("resume")

    def stopProducing(self) -> None:
        """Note it."""
        self.asked.append("stop")


class DirectTests(TestCase):
    """
    Direct, with sockets of the kernel's.
    """

    async def serve(self, endpoint: Any, peer: socket.socket) -> tuple[Any, Any]:
        """
        @return: the transport of a connection, and its factory.
        """
        factory: Any = Factory.forProtocol(_Served)
        factory.noisy = False
        factory.made, factory.lost = Deferred(), Deferred()
        port = await endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        where = port.getHost()
        peer.settimeout(10)
        self.addCleanup(peer.close)
        await deferToThread(
            peer.connect,
            where.name if peer.family == socket.AF_UNIX else ("127.0.0.1", where.port),
        )
        served = await factory.made
        self.addCleanup(lambda: served.transport.abortConnection())
        return served.transport, factory

    async def tcp(self) -> tuple[Any, Any, socket.socket]:
        """
        @return: a transport, its factory, and the peer.
        """
        peer = socket.socket()
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        transport, factory = await self.serve(endpoint, peer)
        return transport, factory, peer

    async def test_at_once(self) -> None:
        """
        What is written is there before the reactor has another turn.
        """
        for endpoint, peer in (
            (TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"), socket.socket()),
            (UNIXServerEndpoint(reactor, self.mktemp()[-90:]), socket.socket(socket.AF_UNIX)),
        ):
            transport, _ = await self.serve(endpoint, peer)
            self.assertTrue(Direct.accepts(transport))
            way = Direct(transport)
            way.write(b"one")
            self.assertEqual(peer.recv(10), b"one")
            self.assertEqual(way.unsent(), 0)

    async def test_full(self) -> None:
        """
        What the kernel does not take goes through the transport, in its order; and so
        does all that comes behind it until that is sent.
        """
        transport, _, peer = await self.tcp()
        way, pauses = Direct(transport), Pauses()
        way.registerProducer(pauses, True)
        parts = [bytes([number]) * 1_000_003 for number in range(12)]
        for part in parts:
            way.write(part)
        self.assertEqual(set(pauses.asked), {"pause"})

        def read() -> bytes:
            data = bytearray()
            while len(data) < 12 * 1_000_003:
                data += peer.recv(1 << 20)
            return bytes(data)

        self.assertTrue(await deferToThread(read) == b"".join(parts))
        self.assertEqual((pauses.asked.count("resume"), pauses.asked[-1]), (1, "resume"))
        way.write(b"behind")
        self.assertEqual(peer.recv(10), b"behind")

    async def test_close(self) -> None:
        """
        A connection that is closed sends what was written before, and nothing behind it.
        """
        transport, factory, peer = await self.tcp()
        way = Direct(transport)
        way.write(b"x" * 3_000_000)
        way.loseConnection()

        def read() -> int:
            count = 0
            while data := peer.recv(1 << 20):
                count += len(data)
            return count

        self.assertEqual(await deferToThread(read), 3_000_000)
        peer.close()
        await factory.lost
        way.write(b"nobody")

    async def test_lost(self) -> None:
        """
        That the peer is gone is found by the transport, whoever has seen it first.
        """
        transport, factory, peer = await self.tcp()
        way = Direct(transport)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        way.write(b"one")
        way.write(b"two")
        await DeferredList([factory.lost])

    def test_others(self) -> None:
        """
        Nothing but a plain connection is written to directly.
        """
        self.assertFalse(Direct.accepts(object()))


class MemoryTests(SynchronousTestCase):
    """
    The collector of garbage.
    """

    def test_seldom(self) -> None:
        """
        It looks less often, and not at what was there at the start.
        """
        before, frozen = gc.get_threshold(), gc.get_freeze_count()
        self.addCleanup(gc.set_threshold, *before)
        self.addCleanup(gc.unfreeze)
        begun: list[Any] = []

        class Reactor:
            callWhenRunning = begun.append

        collect_seldom(Reactor())  # type: ignore[arg-type]
        self.assertEqual(gc.get_threshold(), THRESHOLDS)
        self.assertEqual(gc.get_freeze_count(), frozen)
        [settle] = begun
        settle()
        self.assertGreater(gc.get_freeze_count(), 1000)
