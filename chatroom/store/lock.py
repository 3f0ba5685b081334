"""
One server a database: two would each believe that they alone number the log.
"""

import fcntl
import os

from attrs import define, field

from chatroom.errors import DatabaseInUse, StartError


@define(eq=False)
class FileLock:
    """
    A lock that ends with the process that holds it, however it ends.

    @ivar path: a file of the lock's own; it stays when the lock is gone.
    """

    path: str
    _descriptor: int | None = field(default=None, init=False)

    def acquire(self) -> None:
        """
        @raise DatabaseInUse: if another process has it.
        @raise StartError: if the file can't be made.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"cannot make {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise DatabaseInUse(
                f"another server is using this database (it holds {self.path})"
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """
        Let others have it.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
