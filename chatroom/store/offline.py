"""
The database without the reactor: looked at beside a server, or filled where there is none.
Blocks. Nothing of SQLAlchemy's leaves it, its exceptions included.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from attrs import frozen
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from chatroom.errors import StartError
from chatroom.store.backend import Backend
from chatroom.store.backends import backend_for
from chatroom.store.database import alembic_config, migrate
from chatroom.store.queries.checking import CheckQueries
from chatroom.store.queries.exporting import ExportQueries
from chatroom.store.queries.importing import ImportQueries
from chatroom.store.repository import Repository


@frozen
class Snapshot(Repository, ExportQueries, CheckQueries):
    """
    One moment of a database, which a server may be using.
    """


@frozen
class NewDatabase(Repository, ImportQueries):
    """
    A database that nobody else uses, and that is to be filled.
    """


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """
    Look at a database for as long as it takes, whether a server is using it or not. That
    goes on meanwhile, and what it does is not seen.

    @param url: as of L{chatroom.settings.Settings.database}.
    @raise StartError: if the database can't be had, or fails.
    """
    backend = backend_for(url)
    with _told(backend):
        engine = backend.visit()
        try:
            with engine.connect() as connection:
                # Never committed: there is nothing to commit, and where a file is damaged
                # even that may fail.
                connection.begin()
                with backend.migrating(connection):
                    _check_version(backend, connection)
                    yield Snapshot(connection)
        finally:
            engine.dispose()


@contextmanager
def alone(url: str, *, now: int) -> Iterator[NewDatabase]:
    """
    Write to a database that no server is using: all of it when the block ends, or nothing
    if it raises. It is made if there is none.

    @param now: in milliseconds; a new database is as old as this.
    @raise StartError: if the database can't be had, or fails.
    """
    backend = backend_for(url)
    with _told(backend):
        try:
            writer, reader = backend.open()
            try:
                with writer.connect() as connection:
                    _check_version(backend, connection, may_be_empty=True)
                migrate(backend, writer, now)
                with writer.begin() as connection, backend.migrating(connection):
                    yield NewDatabase(connection)
            finally:
                reader.dispose()
                writer.dispose()
        finally:
            backend.close()


@contextmanager
def _told(backend: Backend) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StartError(f"the database {backend.name} failed: {backend.reason(error)}") from None
    except CommandError as error:
        raise StartError(f"cannot open the database {backend.name}: {error}") from None


def _check_version(
    backend: Backend, connection: Connection, *, may_be_empty: bool = False
) -> None:
    """
    @param may_be_empty: whether there need be nothing in it.
    @raise StartError: if the database is not as this version of ours leaves it.
    """
    current = MigrationContext.configure(connection).get_current_revision()
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if current is None and may_be_empty:
        return
    if current is None:
        raise StartError(f"there is no chat in the database {backend.name}")
    if current != newest:
        raise StartError(
            f"the database {backend.name} is of another version ({current}, not {newest}): "
            "start the server of this version once, or use the other version"
        )
