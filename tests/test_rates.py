"""
How often something may happen, and what wrong passwords cost.
"""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat import newest
from chatroom.chat.guesses import LONGEST_WAIT, Guesses
from chatroom.chat.rates import Rate
from chatroom.errors import TooManyTries


class RateTests(SynchronousTestCase):
    """
    So many at once, and so many a second.
    """

    def setUp(self) -> None:
        """
        Allow three at once, and two a second.
        """
        self.clock = Clock()
        self.rate = Rate(self.clock, 3, 2)

    def take(self, count: int, key: str = "a") -> list[float]:
        """
        @return: what comes of trying so many times.
        """
        return [self.rate.take(key) for _ in range(count)]

    def test_burst(self) -> None:
        """
        What is too much at once has to wait, and is told how long.
        """
        self.assertEqual(self.take(5), [0, 0, 0, 0.5, 0.5])

    def test_for_long(self) -> None:
        """
        After the wait one more is free, and only one.
        """
        self.take(4)
        self.clock.advance(0.5)
        self.assertEqual(self.take(2), [0, 0.5])

    def test_rest(self) -> None:
        """
        Who rests has all of the burst again, and no more than that.
        """
        self.take(3)
        self.clock.advance(1000)
        self.assertEqual(self.take(4), [0, 0, 0, 0.5])

    def test_exactly(self) -> None:
        """
        Who keeps to the rate exactly is never refused.
        """
        self.rate = Rate(self.clock, 1, 10)
        for _ in range(10_000):
            self.assertEqual(self.take(1), [0])
            self.clock.advance(0.1)

    def test_each(self) -> None:
        """
        One does not wait for another.
        """
        self.take(4)
        self.assertEqual(self.take(1, "b"), [0])

    def test_given_back(self) -> None:
        """
        What was not done after all may be done.
        """
        self.take(3)
        self.rate.give_back("a")
        self.rate.give_back("nobody")
        self.assertEqual(self.take(2), [0, 0.5])

    def test_off(self) -> None:
        """
        0 is no limit, and nothing is kept.
        """
        for rate in (Rate(self.clock, 0, 2), Rate(self.clock, 3, 0)):
            self.rate = rate
            self.assertEqual(self.take(100), [0] * 100)
            self.assertEqual(len(self.rate._due), 0)

    def test_bounded(self) -> None:
        """
        However many come, memory ends; who was heard of last is kept in mind.
        """
        self.patch(newest, "MOST_KEPT", 100)
        for number in range(1000):
            self.take(1, str(number))
        kept = [number for number in range(1000) if str(number) in self.rate._due]
        self.assertEqual(kept, list(range(900, 1000)))


class GuessTests(SynchronousTestCase):
    """
    Five tries are free.
    """

    def setUp(self) -> None:
        """
        Begin with none.
        """
        self.clock = Clock()
        self.guesses = Guesses(self.clock, 5)

    def try_wrong(self, name: str = "alice", address: str | None = "a") -> float:
        """
        @return: 0.0 if the password was looked at, else how long to wait.
        """
        try:
            self.guesses.check(name, address)
        except TooManyTries as refusal:
            assert refusal.retry_after is not None
            return refusal.retry_after
        self.guesses.was_wrong(name, address)
        return 0.0

    def test_growing(self) -> None:
        """
        After the free ones each try waits longer, up to a bound.
        """
        waits = []
        for _ in range(12):
            wait = self.try_wrong()
            waits.append(wait)
            self.clock.advance(wait)
            if wait:
                self.assertEqual(self.try_wrong(), 0)
        self.assertEqual(waits, [0] * 5 + [1, 2, 4, 8] + [LONGEST_WAIT] * 3)

    def test_early(self) -> None:
        """
        A try that comes too early makes the wait no longer.
        """
        for _ in range(5):
            self.try_wrong()
        self.assertEqual({self.try_wrong() for _ in range(100)}, {1})

    def test_address(self) -> None:
        """
        An address waits for all its tries, whoever they were for.
        """
        self.assertEqual([self.try_wrong(name) for name in "abcdef"], [0] * 5 + [1])

    def test_user(self) -> None:
        """
        A user is guessed at from many addresses: each has one try, then it waits.
        """
        for address in "abcde":
            self.assertEqual(self.try_wrong(address=address), 0)
        self.assertEqual(self.try_wrong(address="a"), 1)
        self.assertEqual(self.try_wrong(address="f"), 0)
        self.assertEqual(self.try_wrong(address="f"), 2)

    def test_another_address(self) -> None:
        """
        Nobody can keep a user from logging in elsewhere.
        """
        for number in range(100):
            self.try_wrong(address=str(number))
        self.assertEqual(self.try_wrong(address="home"), 0)

    def test_own_wait(self) -> None:
        """
        Others' tries do not make the wait for one's own last one longer.
        """
        for number in range(100):
            self.try_wrong(address=str(number))
        self.try_wrong(address="home")
        self.clock.advance(LONGEST_WAIT - 1)
        self.try_wrong(address="another")
        self.assertEqual(self.try_wrong(address="home"), 1)

    def test_known_here(self) -> None:
        """
        Who was right from an address logs in there, whatever others do there.
        """
        self.guesses.was_right("alice", "a")
        for number in range(10):
            self.try_wrong(str(number))
        self.assertEqual(self.try_wrong("alice"), 0)
        self.assertGreater(self.try_wrong("bob"), 0)

    def test_right(self) -> None:
        """
        A right password does not count, as often as it comes.
        """
        for _ in range(100):
            self.guesses.check("alice", "a")
            self.guesses.was_right("alice", "a")

    def test_right_is_no_pardon(self) -> None:
        """
        A guesser does not get free tries by logging in to an account of their own.
        """
        waits = []
        for _ in range(6):
            waits.append(self.try_wrong("alice"))
            for _ in range(20):
                self.guesses.was_right("mallory", "a")
        self.assertEqual(waits, [0] * 5 + [1])

    def test_forgotten(self) -> None:
        """
        Wrong passwords are forgotten, one a minute.
        """
        for _ in range(5):
            self.try_wrong()
        self.clock.advance(60)
        self.assertEqual([self.try_wrong(), self.try_wrong()], [0, 1])
        self.clock.advance(3600)
        self.assertEqual([self.try_wrong() for _ in range(6)], [0] * 5 + [1])

    def test_this_machine(self) -> None:
        """
        Without an address each user counts by itself.
        """
        for name in ("alice", "bob"):
            self.assertEqual([self.try_wrong(name, None) for _ in range(6)], [0] * 5 + [1])

    def test_off(self) -> None:
        """
        With 0 nobody waits, and nothing is kept.
        """
        self.guesses = Guesses(self.clock, 0)
        self.assertEqual({self.try_wrong() for _ in range(100)}, {0})
        self.guesses.was_right("alice", "a")

    def test_bounded(self) -> None:
        """
        However many guess, memory ends.
        """
        self.patch(newest, "MOST_KEPT", 100)
        for number in range(1000):
            self.try_wrong(str(number), str(number))
            self.guesses.was_right(f"{number}'s friend", str(number))
        kept = self.guesses
        for table in (kept._by_address._counts, kept._by_user._counts, kept._last, kept._known):
            self.assertEqual(len(table), 100)
