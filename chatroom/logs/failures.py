"""
What may be told of an exception: where it was raised, and of what type it is.

The message of an exception can hold whatever a peer has sent: the parameters of
a statement, a key that is not there, a line that can't be read. So it is left
out, but for what is known to hold nothing of the kind: the reasons of our own
refusals, the errors of the operating system, and what a database says of itself
rather than of data.
"""

import os
import traceback
from collections.abc import Iterator
from typing import Any

from twisted.python.failure import Failure
from twisted.python.reflect import qual

from chatroom.errors import ChatError, DatabaseError
from chatroom.logs.values import bounded

#: How much of a traceback is kept: characters, the frames of each exception, and
#: exceptions, each the cause of the next.
MOST_CHARS = 8000
MOST_FRAMES = 30
MOST_CAUSES = 5

#: What SQLite says of itself, word for word.
_SQLITE_STATES = {
    "attempt to write a readonly database",
    "database disk image is malformed",
    "database is locked",
    "database or disk is full",
    "database table is locked",
    "disk I/O error",
    "file is not a database",
    "interrupted",
    "locking protocol",
    "out of memory",
    "unable to open database file",
}

#: The classes of SQLSTATE that are about the server, not about a statement: the
#: connection, resources, an operator's intervention, the system.
_SERVER_STATES = {"08", "53", "57", "58"}


def explain(error: BaseException) -> str:
    """
    @return: the type of an exception, and what of its message is harmless.
    """
    name = qual(type(error)).removeprefix("builtins.")
    detail = _harmless(error)
    return f"{name}: {bounded(detail, 200)}" if detail else name


def _harmless(error: BaseException) -> str:
    if isinstance(error, ChatError):
        return error.reason
    if isinstance(error, DatabaseError):
        return str(error)
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return f"[Errno {error.errno}] {os.strerror(error.errno)}"
    library = type(error).__module__.partition(".")[0]
    if library == "sqlite3":
        text = str(error)
        return text if text in _SQLITE_STATES else getattr(error, "sqlite_errorname", "")
    return _of_postgresql(error) if library == "psycopg" else ""


def _of_postgresql(error: Any) -> str:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # The client library's own: there is no connection, or no longer.
        is_about_connection = type(error).__name__ == "OperationalError"
        return str(error).partition("\n")[0] if is_about_connection else ""
    text = error.diag.message_primary if state[:2] in _SERVER_STATES else None
    return f"{state} {text}" if text else str(state)


def traceback_of(failure: Failure) -> str:
    """
    @return: lines that say where something was raised, and from what it came.
    """
    causes = list(_causes(failure))
    text = "\nwhich led to\n".join(_one(error, frames) for error, frames in reversed(causes))
    if len(text) > MOST_CHARS:
        text = "…" + text[-MOST_CHARS:]
    return bounded(text, MOST_CHARS + 1)


def _causes(failure: Failure) -> Iterator[tuple[BaseException, traceback.StackSummary]]:
    error: BaseException | None = failure.value
    place: Any = failure.getTracebackObject()
    for _ in range(MOST_CAUSES):
        if error is None:
            return
        yield error, traceback.extract_tb(place, limit=-MOST_FRAMES)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        place = error.__traceback__ if error is not None else None


def _one(error: BaseException, frames: traceback.StackSummary) -> str:
    lines = ["Traceback (most recent call last):\n", *frames.format()]
    return "".join(lines) + explain(error)


class Reduced(Failure):
    """
    A failure that tells everybody who prints it no more than L{traceback_of}.
    """

    def getErrorMessage(self) -> str:
        """
        @return: what is harmless of the message.
        """
        return "" if self.value is None else explain(self.value)

    def printTraceback(
        self,
        file: Any = None,
        elideFrameworkCode: bool = False,  # noqa: N803
        detail: str = "default",
    ) -> None:
        """
        Write what is harmless of the traceback.
        """
        assert file is not None
        file.write(traceback_of(self) + "\n")
