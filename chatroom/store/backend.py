"""
What depends on the kind of database, behind one seam.
"""

from contextlib import AbstractContextManager
from enum import Enum
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

#: How many threads read at the same time what takes a moment, where a database is asked
#: over a network. Where it is a library of our own process, one is as quick as several,
#: and these would get in the way of the reactor: only one of all threads runs at a time.
READERS = 4

#: How many read what may take long: that is the database's own work.
SEARCHERS = 2

#: How many connections that takes.
CONNECTIONS = READERS + SEARCHERS

#: How long a statement waits for a foreign process that has the database locked.
BUSY_SECONDS = 5


class Fault(Enum):
    """
    What an error of the database says, and so what becomes of its transaction.
    """

    #: The database did not work, or did not answer in time.
    UNAVAILABLE = "unavailable"
    #: The connection is gone; another one may be had.
    DISCONNECTED = "disconnected"
    #: Other transactions were in its way; run again, it may pass.
    CONFLICT = "conflict"
    #: This data, or this statement, is not to the database's liking.
    REJECTED = "rejected"


class Backend(Protocol):
    """
    One database of a kind that we can use.

    @ivar name: what the operator knows it by, without a password.
    """

    name: str

    def open(self) -> tuple[Engine, Engine]:
        """
        Lock out other servers, at the latest when the first connection of the
        writer is made.

        @return: what makes connections for the writer, and for the readers.
        @raise chatroom.errors.StartError: if another server has it, or it can't
            be had for another reason. The writer's connections raise that too.
        """

    def visit(self) -> Engine:
        """
        Lock nobody out: a server may be using the database, and go on.

        @return: what makes one connection, which only reads.
        @raise chatroom.errors.StartError: if it can't be had. The connection raises that
            too.
        """

    def close(self) -> None:
        """
        Let other servers have it, once its connections are closed.
        """

    def migrating(self, connection: Connection) -> AbstractContextManager[None]:
        """
        @return: a context in which a transaction has the time that a migration needs.
        """

    def fault(self, error: SQLAlchemyError) -> Fault:
        """
        Tell what has happened.
        """

    def is_undone(self, error: SQLAlchemyError) -> bool:
        """
        Whether a COMMIT that failed with C{error} has certainly stored nothing.
        """

    def is_usable(self, error: BaseException) -> bool:
        """
        Whether a connection goes on after C{error}, once its transaction is undone.
        After a COMMIT that failed none does.
        """

    def reason(self, error: SQLAlchemyError) -> str:
        """
        @return: what the database said, in one line, without anybody's data.
        """
