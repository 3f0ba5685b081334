"""
A connection within the process is as a real one.
"""

from typing import Any

from attrs import define, field
from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IPushProducer,
    ITransport,
)
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from chatroom.server.pair import PORTION, local_pair

HERE, THERE = UNIXAddress(b"here"), UNIXAddress(b"there")


class Listener(Protocol):
    """
    Remembers what it is told.
    """

    def __init__(self) -> None:
        self.heard = bytearray()
        self.turns = 0
        self.reasons: list[BaseException | None] = []

    @property
    def end(self) -> Any:
        """Its own end of the connection."""
        return self.transport

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.turns += 1
        self.heard += data

    def connectionLost(self, reason: Failure = None) -> None:  # type: ignore[assignment]
        """Keep why."""
        self.reasons.append(reason.value)


@implementer(IHalfCloseableProtocol)
class PatientListener(Listener):
    """
    One that can go on when the other has said all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []

    def readConnectionLost(self) -> None:
        """Keep it."""
        self.ends.append("read")

    def writeConnectionLost(self) -> None:
        """Keep it."""
        self.ends.append("write")


class FailingListener(Listener):
    """
    One that fails.
    """

    def dataReceived(self, data: bytes) -> None:
        """Fail."""
        raise ZeroDivisionError


@implementer(IPushProducer)
@define(eq=False)
class Producer:
    """
    Remembers what it is told.
    """

    told: list[str] = field(factory=list)

    def pauseProducing(self) -> None:
        """Keep it."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Keep it."""
        self.told.append("resume")

    def stopProducing(self) -> None:
        """Keep it."""
        self.told.append("stop")


class PairTests(SynchronousTestCase):
    """
    Two ends.
    """

    def connect(
        self, one: "Listener | None" = None, other: "Listener | None" = None
    ) -> tuple[Any, Any]:
        """
        @return: two protocols that are connected.
        """
        self.clock = Clock()
        one, other = one or Listener(), other or Listener()
        ends = local_pair(self.clock, HERE, THERE)
        for end, protocol in zip(ends, (one, other), strict=True):
            end.protocol = protocol
            protocol.makeConnection(end)
        return one, other

    def flow(self) -> None:
        """
        Let everything arrive; in the end nothing is left to do.
        """
        for _ in range(100):
            self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def ends_with(self, listener: Listener, cls: type[Exception]) -> None:
        """
        See that a connection was lost once, and why.
        """
        self.assertEqual([type(each) for each in listener.reasons], [cls])

    def test_interfaces(self) -> None:
        """
        It is a transport.
        """
        one, _ = self.connect()
        for interface in (ITransport, IConsumer, IPushProducer):
            self.assertTrue(verifyObject(interface, one.end))
        self.assertEqual((one.end.getHost(), one.end.getPeer()), (HERE, THERE))

    def test_both_ways(self) -> None:
        """
        What is written arrives in a later turn, in order, both ways.
        """
        one, other = self.connect()
        one.end.write(b"a")
        one.end.writeSequence([b"b", b"c"])
        other.end.write(b"x")
        self.assertEqual((one.heard, other.heard), (b"", b""))
        self.flow()
        self.assertEqual((one.heard, other.heard, other.turns), (b"x", b"abc", 1))

    def test_portions(self) -> None:
        """
        No more than a portion comes at once.
        """
        one, other = self.connect()
        one.end.write(bytes(3 * PORTION))
        self.flow()
        self.assertEqual((len(other.heard), other.turns), (3 * PORTION, 3))

    def test_pause(self) -> None:
        """
        Who pauses is told nothing, and all of it when they go on.
        """
        one, other = self.connect()
        other.end.pauseProducing()
        one.end.write(b"a")
        one.end.loseConnection()
        self.flow()
        self.assertEqual((other.heard, other.reasons, one.reasons), (b"", [], []))
        other.end.resumeProducing()
        self.flow()
        self.assertEqual(other.heard, b"a")
        self.ends_with(one, ConnectionDone)
        self.ends_with(other, ConnectionDone)

    def test_producer(self) -> None:
        """
        A producer pauses while too much is not read.
        """
        one, other = self.connect()
        producer = Producer()
        one.end.registerProducer(producer, True)
        self.assertRaises(RuntimeError, one.end.registerProducer, producer, True)
        other.end.pauseProducing()
        one.end.write(bytes(PORTION))
        self.assertEqual(producer.told, [])
        one.end.write(b"a")
        one.end.write(b"b")
        self.flow()
        self.assertEqual(producer.told, ["pause"])
        other.end.resumeProducing()
        self.flow()
        self.assertEqual(producer.told, ["pause", "resume"])
        one.end.abortConnection()
        self.flow()
        self.assertEqual(producer.told, ["pause", "resume", "stop"])
        one.end.registerProducer(producer, True)
        self.assertEqual(producer.told[-2:], ["stop", "stop"])

    def test_pulled_producer(self) -> None:
        """
        A producer that wants to be asked is asked whenever all is read.
        """
        one, other = self.connect()
        producer = Producer()
        one.end.registerProducer(producer, False)
        for expected in (1, 2):
            self.assertEqual(producer.told, ["resume"] * expected)
            one.end.write(b"a")
            self.flow()
        self.assertEqual(producer.told, ["resume"] * 3)
        one.end.loseConnection()
        self.flow()
        self.assertEqual(one.reasons, [])
        one.end.write(b"b")
        one.end.unregisterProducer()
        one.end.write(b"too late")
        self.flow()
        self.assertEqual(other.heard, b"aab")
        self.ends_with(one, ConnectionDone)

    def test_close(self) -> None:
        """
        What was written before a close arrives; what comes to who closes is lost.
        """
        one, other = self.connect()
        one.end.write(bytes(2 * PORTION))
        one.end.loseConnection()
        one.end.write(b"too late")
        other.end.write(b"x")
        self.flow()
        self.assertEqual((len(other.heard), one.heard), (2 * PORTION, b""))
        self.ends_with(one, ConnectionDone)
        self.ends_with(other, ConnectionDone)

    def test_both_close(self) -> None:
        """
        Neither waits for the other, though neither reads.
        """
        one, other = self.connect()
        for each in (one, other):
            each.end.pauseProducing()
            each.end.write(b"a")
            each.end.stopProducing()
        self.flow()
        self.ends_with(one, ConnectionDone)
        self.ends_with(other, ConnectionDone)

    def test_abort(self) -> None:
        """
        What is on its way when somebody aborts is lost; even one that pauses is told.
        """
        one, other = self.connect()
        other.end.pauseProducing()
        one.end.write(b"a")
        one.end.abortConnection()
        self.assertEqual(one.reasons, [])
        self.flow()
        self.assertEqual(other.heard, b"")
        self.ends_with(one, ConnectionAborted)
        self.ends_with(other, ConnectionLost)
        for end in (one.end, other.end):
            end.write(b"b")
            end.loseConnection()
            end.loseWriteConnection()
            end.abortConnection()
        self.flow()
        self.assertEqual((len(one.reasons), len(other.reasons)), (1, 1))

    def test_half_close(self) -> None:
        """
        Who says no more still hears, if the other can go on.
        """
        one, other = self.connect(PatientListener(), PatientListener())
        one.end.write(b"a")
        one.end.loseWriteConnection()
        one.end.write(b"too late")
        self.flow()
        self.assertEqual((one.ends, other.ends, other.heard), (["write"], ["read"], b"a"))
        other.end.write(b"x")
        other.end.loseConnection()
        self.flow()
        self.assertEqual((one.heard, one.ends), (b"x", ["write", "read"]))
        self.ends_with(other, ConnectionDone)
        one.end.loseConnection()
        self.flow()
        self.ends_with(one, ConnectionDone)

    def test_half_close_of_the_impatient(self) -> None:
        """
        One that can't go on is gone when the other has said all.
        """
        one, other = self.connect()
        one.end.loseWriteConnection()
        self.flow()
        self.ends_with(other, ConnectionDone)
        self.ends_with(one, ConnectionDone)

    def test_nobody_there(self) -> None:
        """
        Who writes to one that is gone learns it.
        """
        one, other = self.connect(PatientListener())
        other.end.loseConnection()
        self.flow()
        self.assertEqual((one.ends, one.reasons), (["read"], []))
        one.end.write(b"a")
        self.flow()
        self.ends_with(one, ConnectionLost)

    def test_failure(self) -> None:
        """
        Who fails loses the connection, and the reactor is told.
        """
        one, other = self.connect(other=FailingListener())
        one.end.write(b"a")
        self.assertRaises(ZeroDivisionError, self.clock.advance, 0)
        self.flow()
        self.ends_with(other, ConnectionAborted)
        self.ends_with(one, ConnectionLost)
