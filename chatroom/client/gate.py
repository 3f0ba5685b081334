"""
A gate that is open at times, for those who wait until it is.
"""

from typing import Generic, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed

T = TypeVar("T")


@define(eq=False)
class Gate(Generic[T]):
    """
    Has a value at times, or an error for ever.

    @ivar value: what is behind the gate while it is open.
    @ivar error: why it will not open any more.
    """

    value: T | None = None
    error: Exception | None = None
    _waiting: "list[Deferred[T]]" = field(factory=list)

    def wait(self) -> "Deferred[T]":
        """
        @return: the value, as soon as there is one. It can be cancelled.
        """
        if self.error is not None:
            return fail(self.error)
        if self.value is not None:
            return succeed(self.value)
        waiting: Deferred[T] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def open(self, value: T) -> None:
        """
        Let through who waits.
        """
        self.value = value
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(value)

    def shut(self) -> None:
        """
        Let nobody through for now.
        """
        self.value = None

    def fail(self, error: Exception) -> None:
        """
        Let nobody through any more. The first error is the one that is told.
        """
        self.value, self.error = None, self.error or error
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.errback(self.error)
