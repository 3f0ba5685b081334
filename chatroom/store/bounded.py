"""
Connections to PostgreSQL that do not wait for ever. The server has limits of its
own, but says nothing more once it hangs, or the network swallows what it says.

The only module that imports the driver, which need not be installed.
"""

from collections.abc import Generator
from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen

from chatroom.store.backend import BUSY_SECONDS

T = TypeVar("T")

#: How long an answer may take: a little more than PostgreSQL gives itself.
ANSWER_SECONDS = BUSY_SECONDS + 0.25


class NoAnswer(OperationalError):
    """
    PostgreSQL did not answer in time. What it was asked it may still do.

    @cvar is_late: tells this from other errors, for who has not the driver.
    """

    is_late = True


class BoundedConnection(Connection[Any]):
    """
    A connection that closes itself when an answer takes too long.

    @ivar answer_seconds: how long it may take; C{None} is no limit.
    """

    answer_seconds: float | None = ANSWER_SECONDS

    def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        """
        Do what takes asking and waiting.

        @raise NoAnswer: if it takes too long.
        """
        return super().wait(self._within(gen), *arguments, **options)

    def _within(self, gen: PQGen[T]) -> Generator[Any, Any, T]:
        began = monotonic()
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                limit = self.answer_seconds
                # Nothing is ready whenever a tenth of a second has gone by.
                if not ready and limit is not None and monotonic() - began > limit:
                    self.pgconn.finish()
                    raise NoAnswer(f"no answer within {limit} seconds")
                awaited = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result
