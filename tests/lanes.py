"""
Lanes for tests: work that is done at once, or when a test says so.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred

from chatroom.threads import Lane

T = TypeVar("T")


@define(eq=False)
class InlineLane:
    """
    Does all work at once.
    """

    def start(self) -> None:
        """Be ready."""

    def refuse(self) -> None:
        """Nothing waits."""

    def stop(self) -> None:
        """Nothing is left to finish."""

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Do it now."""
        return maybeDeferred(work)


@define(eq=False)
class SteppingLane:
    """
    Keeps work until a test steps it.

    @ivar queue: the work, and whom to tell.
    """

    queue: "deque[tuple[Callable[[], Any], Deferred[Any]]]" = field(factory=deque)

    def start(self) -> None:
        """Be ready."""

    def refuse(self) -> None:
        """Nothing goes on by itself anyway."""

    def stop(self) -> None:
        """Drop what is left, as a killed process would."""
        self.queue.clear()

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Keep it."""
        done: Deferred[T] = Deferred()
        self.queue.append((work, done))
        return done

    def step(self) -> None:
        """Do the first piece of work, and tell whoever waits for it."""
        self.do()()

    def do(self) -> Callable[[], None]:
        """
        Do the first piece of work, and withhold its result.

        @return: what tells the result.
        """
        work, done = self.queue.popleft()
        result: Deferred[Any] = maybeDeferred(work)

        def tell() -> None:
            result.addBoth(done.callback)

        return tell

    def fail(self, error: Exception) -> None:
        """Do not do the first piece of work; say that it failed."""
        _, done = self.queue.popleft()
        done.errback(error)

    def step_all(self) -> None:
        """Do what there is, and what follows from it."""
        while self.queue:
            self.step()


_inline: type[Lane] = InlineLane
_stepping: type[Lane] = SteppingLane
