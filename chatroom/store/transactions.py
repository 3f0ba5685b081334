"""
One transaction, from its beginning to its end, and again where that may help.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from attrs import define, field
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chatroom.errors import ChatError, DatabaseError, StartError, StoreUnavailable
from chatroom.store.backend import Backend, Fault
from chatroom.store.errors import CommitUncertain, StoreRejected
from chatroom.store.repository import Repository

T = TypeVar("T")

#: How often a transaction is run again: each time that others were in its way,
#: up to this; and once with a new connection. (After a restart of the database
#: every connection is dead, which shows when it is used.)
_RETRIES = {Fault.CONFLICT: 2, Fault.DISCONNECTED: 1}


def transact(
    backend: Backend, engine: Engine, work: Callable[[Repository], T], *, commit: bool
) -> T:
    """
    Run C{work}, perhaps more than once, and commit it once or undo it.

    @raise StoreUnavailable: if the database failed; nothing is stored.
    @raise StoreRejected: if it refused the data; nothing is stored.
    @raise CommitUncertain: if nobody can say whether it is stored.
    """
    retries = dict(_RETRIES)
    while True:
        attempt = _Attempt(backend, engine, work, commit)
        try:
            return attempt.run()
        except StartError as error:
            # Another server has got in while we had no connection.
            raise StoreUnavailable() from DatabaseError(str(error))
        except SQLAlchemyError as error:
            failed = error
        fault = backend.fault(failed)
        if attempt.is_committing and not backend.is_undone(failed):
            raise _told(CommitUncertain(), backend, failed)
        if not retries.get(fault):
            raise _told(_REFUSALS.get(fault, StoreUnavailable)(), backend, failed)
        retries[fault] -= 1


_REFUSALS: dict[Fault, Callable[[], Exception]] = {Fault.REJECTED: StoreRejected}


def _told(refusal: Exception, backend: Backend, failed: SQLAlchemyError) -> Exception:
    """
    @return: C{refusal}, which knows where it comes from and why, but not the
        driver's own exception: that may know what users said.
    """
    reason = backend.reason(failed)
    if isinstance(refusal, StoreRejected) and isinstance(failed, DBAPIError):
        reason += f", to {' '.join((failed.statement or 'COMMIT').split())}"
    refusal.__cause__ = DatabaseError(reason)
    return refusal.with_traceback(failed.__traceback__)


@define
class _Attempt(Generic[T]):
    """
    A transaction that is run once.

    @ivar is_committing: whether it may have happened.
    """

    _backend: Backend
    _engine: Engine
    _work: Callable[[Repository], T]
    _commit: bool
    is_committing: bool = field(default=False, init=False)

    def run(self) -> T:
        """
        Do it.
        """
        with self._engine.connect() as connection, self._forgotten_if_broken(connection):
            transaction = connection.begin()
            result = self._work(Repository(connection))
            if self._commit:
                self.is_committing = True
                transaction.commit()
            else:
                transaction.rollback()
            return result

    @contextmanager
    def _forgotten_if_broken(self, connection: Connection) -> Iterator[None]:
        try:
            yield
        except ChatError:
            # A refusal: nothing is wrong with the connection.
            raise
        except BaseException as error:
            # A COMMIT that fails may leave its transaction open, for the next one.
            if self.is_committing or not self._backend.is_usable(error):
                connection.invalidate()
            raise
