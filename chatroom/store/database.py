"""
The database: opened, brought up to date, and reached from the reactor.

There is one thread that writes, so writers never wait for one another, and a
few that read. Every transaction is begun and ended here, and nothing of
SQLAlchemy's leaves this package, its exceptions included.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from attrs import define, field
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatroom.errors import DatabaseError, StartError, StoreUnavailable
from chatroom.logs.failures import explain
from chatroom.logs.journal import Journal
from chatroom.store.backend import Backend
from chatroom.store.backends import backend_for, without_password
from chatroom.store.errors import CommitUncertain
from chatroom.store.repository import Repository
from chatroom.store.transactions import transact
from chatroom.threads import Lane

T = TypeVar("T")

#: Where the migrations are.
MIGRATIONS = Path(__file__).parent / "migrations"


@define(eq=False)
class Database:
    """
    The only way to the store. (Without a lane for what may take long, that is done where
    all else is read.)

    @ivar url: as L{chatroom.settings.Settings.database}; it may hold a password.
    """

    _log = Journal()

    url: str = field(repr=without_password)
    _writing: Lane
    _reading: Lane
    _searching: Lane | None = None
    _backend: Backend | None = field(default=None, init=False)
    _writer: Engine | None = field(default=None, init=False)
    _reader: Engine | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """
        Where everything is stored, as it may be shown.
        """
        return without_password(self.url)

    def open(self, *, now: int) -> str:
        """
        Lock the database, make it if need be, and bring it up to date. Blocks.

        @param now: in milliseconds; a new database is as old as this.
        @return: what names this database, and no other.
        @raise StartError: if that can't be done.
        """
        self._backend = backend = backend_for(self.url)
        try:
            self._writer, self._reader = backend.open()
            migrate(backend, self._writer, now)
            epoch = transact(backend, self._writer, Repository.epoch, commit=False)
        except (SQLAlchemyError, CommandError, OSError) as error:
            self._dispose()
            reason = backend.reason(error) if isinstance(error, SQLAlchemyError) else str(error)
            why = f"cannot open the database {backend.name}: {reason}"
            raise StartError(why) from DatabaseError(reason)
        except BaseException:
            self._dispose()
            raise
        for lane in self._lanes:
            lane.start()
        return epoch

    def refuse(self) -> None:
        """
        Begin no more transactions, neither those that come nor those that wait.
        """
        for lane in self._lanes:
            lane.refuse()

    def close(self) -> None:
        """
        Finish what was begun, and let go of the database. Blocks, for
        L{chatroom.store.backend.BUSY_SECONDS} at the most.
        """
        for lane in self._lanes:
            lane.stop()
        self._dispose()

    def _dispose(self) -> None:
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.dispose()
        self._reader = self._writer = None
        if self._backend is not None:
            self._backend.close()

    def write(self, work: Callable[[Repository], T]) -> Deferred[T]:
        """
        Run C{work} in a transaction that may write, alone and after all that
        were asked for before; it is stored when the result is there.

        @param work: called more than once if the database asks for it, each time
            in a transaction in which nothing has happened.
        @raise StoreUnavailable: if the database failed; nothing is stored.
        @raise StoreRejected: if it refused the data; nothing is stored.
        @raise CommitUncertain: if nobody can say whether it is stored.
        """
        return self._run(self._writing, lambda: self._transact(self._writer, work, commit=True))

    def look(self, work: Callable[[Repository], T]) -> Deferred[T]:
        """
        Run C{work} where an uncertain commit has either happened or never will:
        in a transaction like those that write, after all of them, and undone.

        @raise StoreUnavailable: if the database failed.
        """
        return self._run(self._writing, lambda: self._transact(self._writer, work, commit=False))

    def read(self, work: Callable[[Repository], T]) -> Deferred[T]:
        """
        Run C{work} in a transaction that sees one state of the database.

        @param work: called more than once if the database asks for it.
        @raise StoreUnavailable: if the database failed.
        """
        return self._run(self._reading, lambda: self._transact(self._reader, work, commit=False))

    def search(self, work: Callable[[Repository], T]) -> Deferred[T]:
        """
        The same as L{read}, for what may take long, so that nobody who reads what takes
        a moment has to wait for it.
        """
        lane = self._searching or self._reading
        return self._run(lane, lambda: self._transact(self._reader, work, commit=False))

    @property
    def _lanes(self) -> "list[Lane]":
        return [lane for lane in (self._writing, self._reading, self._searching) if lane]

    def _run(self, lane: Lane, work: Callable[[], T]) -> Deferred[T]:
        done = lane.run(work)
        done.addErrback(self._failed)
        return done

    def _transact(
        self, engine: Engine | None, work: Callable[[Repository], T], *, commit: bool
    ) -> T:
        if self._backend is None or engine is None:
            raise StoreUnavailable() from DatabaseError("the database is not open")
        return transact(self._backend, engine, work, commit=commit)

    def _failed(self, failure: Failure) -> Failure:
        """
        Tell the operator, once for each transaction that failed.
        """
        if failure.check(StoreUnavailable, CommitUncertain):
            assert failure.value is not None
            cause = failure.value.__cause__ or failure.value
            reason = str(cause) if isinstance(cause, DatabaseError) else explain(cause)
            self._log.note("database_failed", reason=reason)
        return failure


def migrate(backend: Backend, engine: Engine, now: int) -> None:
    """
    Bring a database up to date, which is made if there is nothing in it.

    @param now: in milliseconds.
    """
    config = alembic_config()
    config.attributes["now"] = now
    with engine.begin() as connection, backend.migrating(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    """
    @return: what alembic has to know to find the migrations.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
