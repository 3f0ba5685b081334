"""
The database: opened, brought up to date, and reached from the reactor.

There is one thread that writes, so writers never wait for one another, and a
few that read. Every transaction is begun and ended here, and nothing of
SQLAlchemy's leaves this package, its exceptions included.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from attrs import define, field
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatroom.errors import ChatError, StartError, StoreUnavailable
from chatroom.logs.failures import explain
from chatroom.logs.journal import Journal
from chatroom.store.errors import CommitUncertain, StoreRejected
from chatroom.store.lock import FileLock
from chatroom.store.repository import Repository
from chatroom.threads import Lane

T = TypeVar("T")

#: How many threads read at the same time.
READERS = 4

#: How long a statement waits for a foreign process that has the database locked.
BUSY_SECONDS = 5

_MIGRATIONS = Path(__file__).parent / "migrations"

#: What the database says of data or of a statement, rather than of itself.
_REJECTIONS = (IntegrityError, DataError, ProgrammingError, NotSupportedError)


def parse_url(text: str) -> URL:
    """
    Read where a database is.

    @raise StartError: if it is no URL of a database that we can use.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise StartError(
            f"{text!r} is not the URL of a database; one is sqlite:///chatroom.db"
        ) from error
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StartError(f"databases of the kind {url.drivername} are not supported, sqlite is")
    if not url.database or url.database == ":memory:" or "?" in text:
        raise StartError(f"{text!r} does not name a file, as sqlite:///chatroom.db does")
    return url


def without_secrets(text: str) -> str:
    """
    @return: where a database is, for a log: without passwords.
    """
    return parse_url(text).set(query={}).render_as_string(hide_password=True)


@define(eq=False)
class Database:
    """
    The only way to the store.

    @ivar url: as L{chatroom.settings.Settings.database}.
    """

    _log = Journal()

    url: str
    _writing: Lane
    _reading: Lane
    _lock: FileLock | None = field(default=None, init=False)
    _writer: Engine | None = field(default=None, init=False)
    _reader: Engine | None = field(default=None, init=False)

    def open(self, *, now: int) -> None:
        """
        Lock the database, make it if need be, and bring it up to date. Blocks.

        @param now: in milliseconds; a new database is as old as this.
        @raise StartError: if that can't be done.
        """
        url = parse_url(self.url)
        assert url.database is not None
        path = os.path.realpath(url.database)
        if not os.path.isdir(os.path.dirname(path)):
            raise StartError(f"cannot open the database {path}: there is no such directory")
        lock = FileLock(path + ".lock")
        lock.acquire()
        self._lock = lock
        try:
            _make_file(path)
            self._writer = _engine(url, begin="BEGIN IMMEDIATE", size=1)
            self._reader = _engine(url, begin="BEGIN", size=READERS, read_only=True)
            _migrate(self._writer, now)
        except (SQLAlchemyError, CommandError, OSError) as error:
            self._dispose()
            cause = getattr(error, "orig", None) or error
            raise StartError(f"cannot open the database {path}: {cause}") from error
        self._writing.start()
        self._reading.start()

    def refuse(self) -> None:
        """
        Begin no more transactions, neither those that come nor those that wait.
        """
        self._writing.refuse()
        self._reading.refuse()

    def close(self) -> None:
        """
        Finish what was begun, and let go of the database. Blocks, for
        L{BUSY_SECONDS} at the most.
        """
        self._writing.stop()
        self._reading.stop()
        self._dispose()

    def _dispose(self) -> None:
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.dispose()
        self._reader = self._writer = None
        if self._lock is not None:
            self._lock.release()

    def write(self, work: Callable[[Repository], T]) -> Deferred[T]:
        """
        Run C{work} in a transaction that may write, alone and after all that
        were asked for before; it is stored when the result is there.

        @raise StoreUnavailable: if the database failed; nothing is stored.
        @raise StoreRejected: if it refused the data; nothing is stored.
        @raise CommitUncertain: if nobody can say whether it is stored.
        """
        return self._run(self._writing, lambda: _transact(self._writer, work, commit=True))

    def read(self, work: Callable[[Repository], T]) -> Deferred[T]:
        """
        Run C{work} in a transaction that sees one state of the database.

        @raise StoreUnavailable: if the database failed.
        """
        return self._run(self._reading, lambda: _transact(self._reader, work, commit=False))

    def _run(self, lane: Lane, work: Callable[[], T]) -> Deferred[T]:
        done = lane.run(work)
        done.addErrback(self._failed)
        return done

    def _failed(self, failure: Failure) -> Failure:
        """
        Tell the operator, once for each transaction that failed.
        """
        if failure.check(StoreUnavailable, CommitUncertain):
            cause: Any = getattr(failure.value, "__cause__", None) or failure.value
            reason = explain(getattr(cause, "orig", None) or cause)
            self._log.note("database_failed", reason=reason)
        return failure


def _transact(engine: Engine | None, work: Callable[[Repository], T], *, commit: bool) -> T:
    if engine is None:
        raise StoreUnavailable() from RuntimeError("the database is not open")
    is_committing = False
    try:
        with engine.connect() as connection, _forgotten_if_broken(connection):
            transaction = connection.begin()
            result = work(Repository(connection))
            if commit:
                is_committing = True
                transaction.commit()
            else:
                transaction.rollback()
            return result
    except SQLAlchemyError as error:
        if is_committing:
            raise CommitUncertain() from error
        if isinstance(error, DBAPIError) and not isinstance(error, _REJECTIONS):
            raise StoreUnavailable() from error
        raise StoreRejected(str(error)) from error


@contextmanager
def _forgotten_if_broken(connection: Connection) -> Iterator[None]:
    """
    Close a connection that failed, rather than use it again: a COMMIT that
    fails may leave its transaction open, and then every next one fails too.
    """
    try:
        yield
    except ChatError:
        # A refusal: nothing is wrong with the connection.
        raise
    except BaseException:
        connection.invalidate()
        raise


def _engine(url: URL, *, begin: str, size: int, read_only: bool = False) -> Engine:
    """
    Make an engine that leaves transactions to us, not to the driver.
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
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
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


def _migrate(engine: Engine, now: int) -> None:
    config = Config()
    config.attributes["now"] = now
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
