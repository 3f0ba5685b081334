"""
A database of a PostgreSQL server.

The connection that writes holds a lock of its session, from its beginning to
its end. So nobody writes without the lock; and whoever has such a connection
knows that of the one before it nothing is left, nor still to come: not even a
COMMIT that was under way when the network broke.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from chatroom.errors import DatabaseInUse, StartError
from chatroom.logs.libraries import silence
from chatroom.store.backend import BUSY_SECONDS, CONNECTIONS, Fault
from chatroom.store.errors import StoreRejected

_EXAMPLE = "postgresql+psycopg://localhost/chatroom"

#: The number of the lock: "chatroom", as ASCII has it.
_LOCK = int.from_bytes(b"chatroom", "big")

#: How long a connection waits for the lock. The process of a server that was
#: killed, or of a connection that broke, takes a moment to end.
_LOCK_SECONDS = 2

#: What libpq is told, unless the URL says otherwise: where several hosts are
#: named, the one that can write; and no connection outlives a network by much.
_CONNECTING = {
    "application_name": "chatroom",
    "connect_timeout": BUSY_SECONDS,
    "target_session_attrs": "read-write",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

#: What holds for every session, in milliseconds where it is a time, else in
#: seconds for keepalives: what has no end is ended, and the process of a
#: connection that is gone does not keep its locks.
_SESSION = {
    # After the other one, which says more of what is wrong.
    "statement_timeout": BUSY_SECONDS * 1000 + 100,
    "lock_timeout": BUSY_SECONDS * 1000,
    "idle_in_transaction_session_timeout": 2 * BUSY_SECONDS * 1000,
    "client_connection_check_interval": 1000,
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

#: One state of the database for a transaction, and no writing.
_READING = {
    "default_transaction_isolation": "'repeatable read'",
    "default_transaction_read_only": "on",
}
_WRITING = {"default_transaction_isolation": "'read committed'"}

#: An acknowledgement means stored. What is stronger than C{on} stays.
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)

_DATA_EXCEPTION = "22"
_LOCK_NOT_AVAILABLE = "55P03"

#: Serialization failures and deadlocks.
_CONFLICTS = {"40001", "40P01"}

#: Connections that break, and an operator or a limit that ends them.
_DISCONNECTIONS = {"08000", "08003", "08006", "57P01", "57P02", "57P03", "25P03"}

#: The first two characters of what is said of data or of a statement; of these,
#: what is said of the database after all: rights and tables that are missing.
_REJECTIONS = {"0A", "21", "22", "23", "42", "54"}
_MISSING = {"42501", "42P01", "42703", "3F000"}

#: Likewise, where the driver itself says it.
_DRIVERS_REJECTIONS = (IntegrityError, DataError, ProgrammingError, NotSupportedError)

# Of a connection that is lost both write, but what there is to say is said by
# L{chatroom.store.database.Database}.
silence("psycopg", "sqlalchemy.pool")


@define(eq=False)
class PostgreSQL:
    """
    A database, of which the writing connection is the lock.
    """

    _url: URL
    name: str
    _connect: Callable[..., Any]

    @classmethod
    def accept(cls, url: URL, name: str) -> "PostgreSQL":
        """
        @param name: the URL as it may be shown.
        @raise StartError: if it names no database, or the driver is missing.
        """
        if not url.database:
            raise StartError(f"{name!r} does not name a database, as {_EXAMPLE} does")
        if "@" in (url.host or ""):
            raise StartError(f"{name!r} has an @ too many: in a password, write it as %40")
        url = url.set(drivername="postgresql+psycopg")
        try:
            from chatroom.store.bounded import BoundedConnection
        except ImportError as error:
            raise StartError(
                "PostgreSQL needs its driver: pip install 'chatroom[postgres]'"
            ) from error
        return cls(url, name, BoundedConnection.connect)

    def open(self) -> tuple[Engine, Engine]:
        """
        Nothing is locked before the writer connects.
        """
        writer = self._engine(1, _SESSION | _WRITING, is_writer=True)
        return writer, self._engine(CONNECTIONS, _SESSION | _READING, is_writer=False)

    def visit(self) -> Engine:
        """
        Readers need no lock.
        """
        return self._engine(1, _SESSION | _READING, is_writer=False)

    def close(self) -> None:
        """
        The lock went with the connection.
        """

    @contextmanager
    def migrating(self, connection: Connection) -> Iterator[None]:
        """
        A migration may take as long as it takes, but not wait for others.
        """
        driver: Any = connection.connection.dbapi_connection
        limit, driver.answer_seconds = driver.answer_seconds, None
        connection.exec_driver_sql(
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        try:
            yield
        finally:
            driver.answer_seconds = limit

    def fault(self, error: SQLAlchemyError) -> Fault:
        """
        Tell what has happened, by PostgreSQL's code for it.
        """
        if not isinstance(error, DBAPIError):
            return Fault.REJECTED
        state = _state(error)
        if getattr(error.orig, "is_late", False):
            # Nor would it answer if it were asked again.
            return Fault.UNAVAILABLE
        if error.connection_invalidated or state in _DISCONNECTIONS:
            return Fault.DISCONNECTED
        if state in _CONFLICTS:
            return Fault.CONFLICT
        if state is None:
            is_rejected = isinstance(error, _DRIVERS_REJECTIONS)
        else:
            is_rejected = state[:2] in _REJECTIONS and state not in _MISSING
        return Fault.REJECTED if is_rejected else Fault.UNAVAILABLE

    def is_undone(self, error: SQLAlchemyError) -> bool:
        """
        It is if PostgreSQL has answered so, and goes on to answer.
        """
        return _state(error) is not None and self.fault(error) is not Fault.DISCONNECTED

    def is_usable(self, error: BaseException) -> bool:
        """
        It is as long as there is one, and it is kept: the lock goes with it.
        """
        if not isinstance(error, SQLAlchemyError):
            return True
        return self.fault(error) is not Fault.DISCONNECTED

    def reason(self, error: SQLAlchemyError) -> str:
        """
        PostgreSQL tells the rows concerned as well, under C{DETAIL} and the like:
        of all that only the first line is for the operator; and where it is about a
        value, which may be in that line, only the code.
        """
        origin: Any = getattr(error, "orig", None) or error
        state = _state(error)
        if state is None:
            is_data = isinstance(error, DataError)
            return type(origin).__name__ if is_data else _one_line(str(origin))
        if state[:2] == _DATA_EXCEPTION:
            return f"{type(origin).__name__} ({state})"
        return f"{_one_line(origin.diag.message_primary or '')} ({state})"

    def _engine(self, size: int, settings: dict[str, Any], *, is_writer: bool) -> Engine:
        ours = {key: value for key, value in _CONNECTING.items() if key not in self._url.query}
        engine = create_engine(
            self._url,
            pool_size=size,
            max_overflow=0,
            hide_parameters=True,
            use_native_hstore=False,
            connect_args={**ours, "client_encoding": "utf8"},
        )

        @event.listens_for(engine, "do_connect")
        def connect(_: Dialect, __: object, args: Any, options: Any) -> Any:
            connection = self._connect(*args, **options, autocommit=True)
            try:
                self._set_up(connection, settings)
                if is_writer:
                    self._take_lock(connection)
            except BaseException:
                connection.close()
                raise
            connection.autocommit = False
            return connection

        @event.listens_for(engine, "commit")
        def committing(connection: Connection) -> None:
            _refuse_if_failed(connection)

        return engine

    def _set_up(self, connection: Any, settings: dict[str, Any]) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StartError(
                f"the database {self.name} has the encoding {encoding}, not UTF8: "
                "createdb --encoding=UTF8 --template=template0 makes one that has"
            )
        connection.execute("; ".join(f"SET {key} = {value}" for key, value in settings.items()))
        connection.execute(_DURABLE)

    def _take_lock(self, connection: Any) -> None:
        try:
            connection.execute(f"SET lock_timeout = {_LOCK_SECONDS * 1000}")
            connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
            connection.execute(f"SET lock_timeout = {BUSY_SECONDS * 1000}")
        except Exception as error:
            if getattr(error, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise DatabaseInUse(f"another server is using this database ({self.name})") from error


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _state(error: SQLAlchemyError) -> str | None:
    """
    @return: the SQLSTATE of an error that PostgreSQL has reported.
    """
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


def _refuse_if_failed(connection: Connection) -> None:
    """
    Where a statement has failed and somebody has swallowed that, PostgreSQL
    answers COMMIT by undoing everything, as if it were nothing.
    """
    info: Any = getattr(connection.connection.dbapi_connection, "info", None)
    if info is not None and info.transaction_status.name == "INERROR":
        raise StoreRejected("a statement has failed, and the work went on")
