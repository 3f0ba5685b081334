"""
What waits for one peer, and what becomes of a peer that does not read.
"""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.server.cork import Cork
from chatroom.server.outgoing import PORTION, Outgoing, Transport
from chatroom.settings import Settings
from tests.peers import MemoryTransport

_: type[Transport] = MemoryTransport

KIB = 1024


class OutgoingTests(SynchronousTestCase):
    """
    A queue over a transport that a test reads from.
    """

    def setUp(self) -> None:
        """
        Make it.
        """
        self.clock = Clock()
        self.cork = Cork()
        self.transport = MemoryTransport()
        self.drained = 0
        self.outgoing = self.make()

    def make(self, **settings: Any) -> Outgoing:
        """
        @return: a queue with some settings.
        """

        def drained() -> None:
            self.drained += 1

        outgoing = Outgoing(
            self.transport,
            lambda: len(self.transport.written),
            self.cork,
            self.clock,
            Settings(**settings),
            "peer",
        )
        outgoing.start(drained)
        return outgoing

    def read_all(self) -> bytes:
        """
        @return: all that there is to read.
        """
        parts = []
        while self.transport.written:
            parts.append(self.transport.read())
        return b"".join(parts)

    def pass_time(self, seconds: int) -> None:
        """
        Let time go by, second after second.
        """
        for _ in range(seconds):
            self.clock.advance(1)

    def test_at_once(self) -> None:
        """
        What can be sent is sent at once.
        """
        self.outgoing.answer(b"a")
        self.outgoing.push(b"b")
        self.assertEqual(self.transport.written, b"ab")

    def test_portions(self) -> None:
        """
        A transport that is not read from is handed only so much.
        """
        data = bytes(range(256)) * 4 * KIB
        self.outgoing.answer(data)
        self.assertLessEqual(len(self.transport.written), 2 * PORTION)
        self.assertEqual(self.read_all(), data)

    def test_order(self) -> None:
        """
        Answers and pushes leave in the order in which they came.
        """
        parts = [bytes([n]) * 30 * KIB for n in range(20)]
        for number, part in enumerate(parts):
            (self.outgoing.push if number % 2 else self.outgoing.answer)(part)
        self.assertEqual(self.read_all(), b"".join(parts))

    def test_bound(self) -> None:
        """
        A peer for whom more pushes wait than may, and that does not read, is cut off.
        """
        self.push_some(40)
        self.assertFalse(self.transport.is_aborted)
        self.pass_time(6)
        self.push_some(1)
        self.assertTrue(self.transport.is_aborted)

    def test_bound_of_a_burst(self) -> None:
        """
        A peer that reads is spared by a burst that is too much at once.
        """
        for _ in range(10):
            self.push_some(10)
            self.clock.advance(0.5)
            self.transport.read()
        self.assertFalse(self.transport.is_aborted)
        self.assertEqual(len(self.read_all()) % (32 * KIB), 0)

    def test_bound_of_any_burst(self) -> None:
        """
        There is an end to that.
        """
        self.push_some(150)
        self.assertTrue(self.transport.is_aborted)

    def test_bound_of_a_slow_reader(self) -> None:
        """
        Any reading is reading: a peer need not keep up with a burst to be spared.
        """
        self.push_some(50)
        for _ in range(20):
            self.clock.advance(1)
            del self.transport.written[:100]
            self.outgoing.push(b"x")
        self.assertFalse(self.transport.is_aborted)

    def push_some(self, count: int) -> None:
        """
        Push some times 32 KiB.
        """
        for _ in range(count):
            self.outgoing.push(b"x" * 32 * KIB)

    def test_bound_of_one_who_reads(self) -> None:
        """
        A peer that reads is sent any number of pushes.
        """
        for _ in range(100):
            self.outgoing.push(b"x" * 32 * KIB)
            self.transport.read()
        self.assertFalse(self.transport.is_aborted)

    def test_one_large_push(self) -> None:
        """
        One push may be larger than the bound, for a peer that is up to date.
        """
        self.outgoing.push(b"x" * 2048 * KIB)
        self.assertFalse(self.transport.is_aborted)
        self.assertEqual(len(self.read_all()), 2048 * KIB)

    def test_answers_are_not_bounded(self) -> None:
        """
        What was asked for is sent, however much it is.
        """
        self.outgoing.answer(b"x" * 4096 * KIB)
        self.outgoing.push(b"y")
        self.assertFalse(self.transport.is_aborted)
        self.assertEqual(len(self.read_all()), 4096 * KIB + 1)

    def test_crowd(self) -> None:
        """
        While much waits it is crowded; when that is read somebody is told.
        """
        self.outgoing.answer(b"x" * 300 * KIB)
        self.assertTrue(self.outgoing.is_crowded)
        self.read_all()
        self.assertFalse(self.outgoing.is_crowded)
        self.assertEqual(self.drained, 1)

    def test_stall(self) -> None:
        """
        A peer that makes no progress is cut off after a while.
        """
        self.outgoing.answer(b"x" * 300 * KIB)
        for _ in range(3):
            self.pass_time(10)
            self.transport.read()
        self.assertFalse(self.transport.is_aborted)
        self.outgoing.answer(b"x" * 300 * KIB)
        self.pass_time(14)
        self.assertFalse(self.transport.is_aborted)
        self.pass_time(4)
        self.assertTrue(self.transport.is_aborted)

    def test_progress(self) -> None:
        """
        A peer that reads slowly makes progress all the same.
        """
        self.outgoing.answer(b"x" * 300 * KIB)
        for _ in range(20):
            self.clock.advance(10)
            del self.transport.written[: 1 * KIB]
        self.assertFalse(self.transport.is_aborted)
        self.pass_time(20)
        self.assertTrue(self.transport.is_aborted)

    def test_no_stall_without_limit(self) -> None:
        """
        With the limit turned off a peer has all the time there is.
        """
        outgoing = self.make(stall_seconds=0)
        outgoing.answer(b"x" * 300 * KIB)
        self.clock.advance(100_000)
        self.assertFalse(self.transport.is_aborted)

    def test_hold(self) -> None:
        """
        Pushes are kept back until they are released; answers are not.
        """
        self.outgoing.hold(0.2)
        self.outgoing.push(b"1")
        self.outgoing.push(b"2")
        self.outgoing.answer(b"a")
        self.assertEqual(self.transport.written, b"a")
        self.outgoing.release()
        self.outgoing.push(b"3")
        self.outgoing.release()
        self.assertEqual(self.transport.written, b"a123")

    def test_hold_is_bounded(self) -> None:
        """
        Pushes that are kept back count too.
        """
        self.outgoing.hold(0.2)
        self.push_some(150)
        self.assertTrue(self.transport.is_aborted)

    def test_released_pushes_are_counted_once(self) -> None:
        """
        What was kept back and read counts no longer.
        """
        for _ in range(50):
            self.outgoing.hold(0.2)
            self.outgoing.push(b"x" * 32 * KIB)
            self.outgoing.release()
            self.read_all()
        self.assertFalse(self.transport.is_aborted)

    def test_close(self) -> None:
        """
        A connection closes when all is sent.
        """
        self.outgoing.answer(b"x" * 300 * KIB)
        self.outgoing.close()
        self.outgoing.answer(b"late")
        self.outgoing.push(b"late")
        self.assertFalse(self.transport.is_closing)
        self.assertEqual(len(self.read_all()), 300 * KIB)
        self.assertTrue(self.transport.is_closing)
        self.assertFalse(self.transport.is_aborted)

    def test_close_with_a_deadline(self) -> None:
        """
        A peer that does not read does not keep its connection open.
        """
        self.outgoing.answer(b"x" * 300 * KIB)
        self.outgoing.close(within=2)
        self.clock.advance(2)
        self.assertTrue(self.transport.is_aborted)

    def test_close_of_a_slow_reader(self) -> None:
        """
        A peer that reads slowly gets all that it asked for before the end.
        """
        self.outgoing.answer(b"x" * 300 * KIB)
        self.outgoing.close()
        size = 0
        while not self.transport.is_closing:
            self.pass_time(10)
            size += len(self.transport.read())
        self.pass_time(10)
        self.assertFalse(self.transport.is_aborted)
        self.assertEqual(size + len(self.read_all()), 300 * KIB)

    def test_close_of_one_who_does_not_read(self) -> None:
        """
        A peer that does not read the last of it is cut off after a while.
        """
        self.outgoing.answer(b"x")
        self.outgoing.close()
        self.assertTrue(self.transport.is_closing)
        self.pass_time(20)
        self.assertTrue(self.transport.is_aborted)

    def test_close_sooner(self) -> None:
        """
        A deadline that comes later in time, but sooner in effect, is the one that counts.
        """
        self.outgoing.answer(b"x")
        self.outgoing.close()
        self.outgoing.close(within=2)
        self.clock.advance(2)
        self.assertTrue(self.transport.is_aborted)

    def test_close_drops_what_is_kept_back(self) -> None:
        """
        Nothing unasked is sent on the way out.
        """
        self.outgoing.hold(0.2)
        self.outgoing.push(b"a")
        self.outgoing.answer(b"b")
        self.outgoing.close()
        self.assertEqual(self.transport.written, b"b")

    def test_show(self) -> None:
        """
        What is for the moment only is sent if nothing waits, not even in the transport,
        and dropped otherwise.
        """
        self.outgoing.show(b"a")
        self.outgoing.show(b"b")
        self.assertEqual(self.read_all(), b"a")
        self.outgoing.hold(0.2)
        self.outgoing.show(b"c")
        self.outgoing.release()
        self.outgoing.show(b"d")
        self.assertEqual(self.read_all(), b"d")

    def test_shown_is_no_push(self) -> None:
        """
        However much was shown, no more pushes may wait than before.
        """
        for _ in range(100):
            self.outgoing.show(b"x" * 32 * KIB)
            self.read_all()
        self.push_some(40)
        self.pass_time(6)
        self.push_some(1)
        self.assertTrue(self.transport.is_aborted)

    def test_lost(self) -> None:
        """
        A connection that is lost leaves no timer and takes nothing.
        """
        self.outgoing.answer(b"x" * 300 * KIB)
        self.outgoing.close()
        self.outgoing.lost()
        self.outgoing.push(b"x")
        self.outgoing.answer(b"x")
        self.outgoing.release()
        self.outgoing.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])
