"""
A database that is one file: SQLite's.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from attrs import define, field
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from chatroom.errors import StartError
from chatroom.logs.failures import explain
from chatroom.store.backend import BUSY_SECONDS, CONNECTIONS, Fault
from chatroom.store.lock import FileLock

#: How much of the file a connection keeps in memory, and how many pages (of 4 KiB) the
#: write-ahead log has before they are copied to the file.
CACHE_KIB = 16 * 1024
CHECKPOINT_PAGES = 4000

#: What SQLite says of data or of a statement, rather than of itself.
_REJECTIONS = (IntegrityError, DataError, ProgrammingError, NotSupportedError)


@define(eq=False)
class SQLite:
    """
    A file, and a lock beside it.

    @ivar name: the path, as it is from anywhere.
    """

    _url: URL
    name: str
    _lock: FileLock | None = field(default=None, init=False)

    @classmethod
    def accept(cls, url: URL, text: str) -> "SQLite":
        """
        @param text: what C{url} was read from.
        @raise StartError: if it names no file.
        """
        if not url.database or url.database == ":memory:" or "?" in text:
            raise StartError(f"{text!r} does not name a file, as sqlite:///chatroom.db does")
        return cls(url, os.path.realpath(url.database))

    def open(self) -> tuple[Engine, Engine]:
        """
        Lock the file, and make it if there is none.
        """
        if not os.path.isdir(os.path.dirname(self.name)):
            raise StartError(f"cannot open the database {self.name}: there is no such directory")
        lock = FileLock(self.name + ".lock")
        lock.acquire()
        self._lock = lock
        _make_file(self.name)
        writer = _engine(self._url, begin="BEGIN IMMEDIATE", size=1)
        return writer, _engine(self._url, begin="BEGIN", size=CONNECTIONS, read_only=True)

    def visit(self) -> Engine:
        """
        Whoever reads in WAL mode is in nobody's way. A file that is not in that mode, such
        as a backup, is left as it is.
        """
        if not os.path.isfile(self.name):
            raise StartError(f"cannot open the database {self.name}: there is no such file")
        return _engine(self._url, begin="BEGIN", size=1, read_only=True, journal=None)

    def close(self) -> None:
        """
        Let go of the lock.
        """
        if self._lock is not None:
            self._lock.release()

    def migrating(self, connection: Connection) -> AbstractContextManager[None]:
        """
        Nothing here limits how long a transaction takes.
        """
        return nullcontext()

    def fault(self, error: SQLAlchemyError) -> Fault:
        """
        Tell what has happened, by the class of the error.
        """
        if isinstance(error, DBAPIError) and not isinstance(error, _REJECTIONS):
            return Fault.UNAVAILABLE
        return Fault.REJECTED

    def is_undone(self, error: SQLAlchemyError) -> bool:
        """
        A COMMIT that fails may be there after all.
        """
        return False

    def is_usable(self, error: BaseException) -> bool:
        """
        Another one costs next to nothing.
        """
        return False

    def reason(self, error: SQLAlchemyError) -> str:
        """
        What SQLite says of itself, else only what kind of error it is.
        """
        kind, _, said = explain(getattr(error, "orig", None) or error).partition(": ")
        return said or kind


def _engine(
    url: URL, *, begin: str, size: int, read_only: bool = False, journal: str | None = "WAL"
) -> Engine:
    """
    Make an engine that leaves transactions to us, not to the driver.

    @param journal: the mode of the file's journal; C{None} is whatever it is.
    """
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None
        if journal is not None:
            connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is not to be left in a page that is written anyway.
        connection.execute("PRAGMA secure_delete = FAST")
        # The pages that are written again and again are kept, and copied to the file
        # less often than by default: that is most of what a commit costs.
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA query_only = {int(read_only)}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _make_file(path: str) -> None:
    """
    Make the file if there is none, for its owner's eyes only: it holds
    everything that anybody said.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
