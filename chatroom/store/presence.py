"""
Whether there is a database at all, for whoever must not make one.
"""

import os

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from chatroom.errors import DatabaseError, StartError
from chatroom.store.backends import backend_for
from chatroom.store.sqlite import SQLite


def require_database(url: str) -> None:
    """
    See that a server has made a database. Nothing is locked, and nothing made. Blocks.

    @raise StartError: if none has, or it can't be reached.
    """
    backend = backend_for(url)
    if isinstance(backend, SQLite):
        if not os.path.exists(backend.name):
            raise StartError(f"there is no database {backend.name}")
        return
    engines = backend.open()
    try:
        with engines[1].connect() as connection:
            is_there = inspect(connection).has_table("users")
    except SQLAlchemyError as error:
        reason = backend.reason(error)
        why = f"cannot open the database {backend.name}: {reason}"
        raise StartError(why) from DatabaseError(reason)
    finally:
        for engine in engines:
            engine.dispose()
        backend.close()
    if not is_there:
        raise StartError(f"no server has made its tables in the database {backend.name}")
