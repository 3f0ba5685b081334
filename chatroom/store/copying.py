"""
A copy of a database that is one file, while a server goes on with it.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing

from sqlalchemy import URL, make_url

from chatroom.errors import StartError
from chatroom.store.backends import backend_for
from chatroom.store.sqlite import SQLite

#: How many pages are copied in one step.
_PAGES = 2000


class NotOneFile(Exception):
    """
    The database is of a kind that has a program of its own for this.

    @ivar name: the database, as that program knows it, without a password.
    """

    def __init__(self, url: str) -> None:
        whole = make_url(url)
        self.name = URL.create(
            "postgresql",
            username=whole.username,
            host=whole.host,
            port=whole.port,
            database=whole.database,
        ).render_as_string()
        super().__init__(self.name)


def copy_database(url: str, target: str, progress: Callable[[int, int], None]) -> list[str]:
    """
    Copy one moment of a database. It is marked as another one: what its clients know of
    places in the log need not hold where a copy is used. Blocks.

    @param target: a file that is there, with nothing in it.
    @param progress: is told how many pages there are still to be copied, and of how many.
    @return: in what the copy is damaged; nothing, if all is well.
    @raise NotOneFile: if this can't be done here.
    @raise StartError: if it failed.
    """
    backend = backend_for(url)
    if not isinstance(backend, SQLite):
        raise NotOneFile(url)
    if not os.path.isfile(backend.name):
        raise StartError(f"cannot open the database {backend.name}: there is no such file")
    try:
        with closing(_connect(backend.name)) as source, closing(_connect(target)) as copy:
            return _copy(source, copy, progress)
    except sqlite3.Error as error:
        raise StartError(f"cannot copy the database {backend.name}: {error}") from None


def path_of(url: str) -> str | None:
    """
    @return: the file that a database is, if it is one.
    """
    backend = backend_for(url)
    return backend.name if isinstance(backend, SQLite) else None


def _copy(
    source: sqlite3.Connection, copy: sqlite3.Connection, progress: Callable[[int, int], None]
) -> list[str]:
    # Of one moment from its beginning: without that, each commit of the server's would have
    # the copy begin anew. It holds up nobody, in WAL mode.
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM meta").fetchone()
    source.backup(copy, pages=_PAGES, progress=lambda _, left, total: progress(left, total))
    source.execute("ROLLBACK")
    try:
        damage = _damage(copy)
        if not damage:
            # One file, with nothing beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute(
                "UPDATE meta SET value = ? WHERE name = 'epoch'", (secrets.token_hex(16),)
            )
        return damage
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        return [str(error)]


def _damage(copy: sqlite3.Connection) -> list[str]:
    said = [row[0] for row in copy.execute("PRAGMA integrity_check")]
    broken = copy.execute("PRAGMA foreign_key_check").fetchall()
    return [each for each in said if each != "ok"] + [f"a row of {row[0]}" for row in broken]


def _connect(path: str) -> sqlite3.Connection:
    # Not read-only: beside a server that was killed there is a WAL to be read first.
    uri = f"file:{path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=rw"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
