"""
Whose turn it is.
"""

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.turns import OneByOne, Shared


class TurnTestCase(SynchronousTestCase):
    """
    People who are served until they are told that it is over.
    """

    def setUp(self) -> None:
        """
        Serve nobody yet.
        """
        self.served: list[str] = []
        self.over: dict[str, Deferred[None]] = {}

    def come(self, turns: "OneByOne | Shared", name: str, key: str = "a") -> "Deferred[None]":
        """
        Somebody comes.
        """

        async def stay() -> None:
            async with turns.turn(key):
                self.served.append(name)
                self.over[name] = Deferred()
                await self.over[name]

        return Deferred.fromCoroutine(stay())

    def fail_first(self, turns: "OneByOne | Shared") -> None:
        """
        The first of two fails, and it is the other's turn.
        """
        failed = self.come(turns, "a")
        self.come(turns, "b")
        self.over["a"].errback(ZeroDivisionError())
        self.failureResultOf(failed, ZeroDivisionError)
        self.assertEqual(self.served, ["a", "b"])

    def end(self, *names: str) -> None:
        """
        They have been served.
        """
        for name in names:
            self.over[name].callback(None)


class OneByOneTests(TurnTestCase):
    """
    One at a time.
    """

    def test_order(self) -> None:
        """
        They are served in the order in which they come, each alone.
        """
        turns = OneByOne()
        for name in "abc":
            self.come(turns, name)
        self.assertEqual(self.served, ["a"])
        self.end("a")
        self.assertEqual(self.served, ["a", "b"])
        self.end("b", "c")
        self.come(turns, "d")
        self.assertEqual(self.served, ["a", "b", "c", "d"])

    def test_others(self) -> None:
        """
        Nobody waits for who has another key.
        """
        turns = OneByOne()
        self.come(turns, "a", "x")
        self.come(turns, "b", "y")
        self.assertEqual(self.served, ["a", "b"])

    def test_failure(self) -> None:
        """
        Who fails is done.
        """
        self.fail_first(OneByOne())

    def test_cancelled(self) -> None:
        """
        Who waits no longer takes nobody's turn.
        """
        turns = OneByOne()
        self.come(turns, "a")
        gone = self.come(turns, "b")
        self.come(turns, "c")
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.end("a", "c")
        self.assertEqual(self.served, ["a", "c"])
        self.assertEqual(turns._locks, {})

    def test_nothing_stays(self) -> None:
        """
        Nothing is kept of who has been served.
        """
        turns = OneByOne()
        for name in "abc":
            self.come(turns, name, name)
            self.come(turns, name + name, name)
        self.end(*"abc", "aa", "bb", "cc")
        self.assertEqual(turns._locks, {})


class SharedTests(TurnTestCase):
    """
    Two at a time.
    """

    def test_places(self) -> None:
        """
        However many come from one place, who comes from another is the next.
        """
        turns = Shared(2)
        for number in range(6):
            self.come(turns, f"a{number}", "a")
        self.come(turns, "b0", "b")
        self.come(turns, "b1", "b")
        self.come(turns, "c0", "c")
        for name in ("a0", "a1", "a2", "b0", "c0", "a3", "b1", "a4", "a5"):
            self.end(name)
        self.assertEqual(self.served, ["a0", "a1", "a2", "b0", "c0", "a3", "b1", "a4", "a5"])
        self.assertEqual((turns.free, turns._waiting), (2, {}))

    def test_failure(self) -> None:
        """
        Who fails is done.
        """
        self.fail_first(Shared(1))

    def test_cancelled(self) -> None:
        """
        Who waits no longer takes nobody's turn, nor does who is served no longer.
        """
        turns = Shared(1)
        first = self.come(turns, "first")
        waiting = [self.come(turns, name, place) for name, place in ("ax", "bx", "cy")]
        for each in waiting[::2]:
            each.cancel()
            self.failureResultOf(each, CancelledError)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.served, ["first", "b"])
        waiting[1].cancel()
        self.failureResultOf(waiting[1], CancelledError)
        self.assertEqual((turns.free, turns._waiting), (1, {}))

    def test_many_at_once(self) -> None:
        """
        Thousands who are done at once are no burden.
        """
        turns = Shared(1)
        self.come(turns, "first")

        async def pass_by() -> None:
            async with turns.turn("a"):
                self.served.append("one")

        done = [Deferred.fromCoroutine(pass_by()) for _ in range(5000)]
        self.end("first")
        for each in done:
            self.successResultOf(each)
        self.assertEqual(len(self.served), 5001)
