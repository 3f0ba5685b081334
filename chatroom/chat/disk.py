"""
The way from the reactor to the bytes of files, and what becomes of a disk that fails.
"""

from collections.abc import Callable
from errno import EDQUOT, ENOSPC
from typing import TypeVar

from attrs import define, field

from chatroom.errors import ChatError, DiskFull, FilesOff, FilesUnavailable
from chatroom.logs.failures import explain
from chatroom.logs.journal import Journal
from chatroom.store.folder import Folder
from chatroom.threads import Lane

T = TypeVar("T")

#: How many threads read and write files.
FILE_THREADS = 2

#: What files leave free on their disk, where the database may be, too.
RESERVED_BYTES = 128 << 20

_FULL = (ENOSPC, EDQUOT)


@define(eq=False)
class Disk:
    """
    A folder, and the threads that may wait for it.
    """

    _log = Journal()

    _folder: Folder | None
    _lane: Lane
    _is_open: bool = field(default=False, init=False)

    @property
    def is_on(self) -> bool:
        """
        Whether files are kept at all.
        """
        return self._folder is not None

    @property
    def folder(self) -> Folder:
        """
        The folder, for who is in one of the threads.

        @raise FilesOff: if there is none.
        """
        if self._folder is None:
            raise FilesOff()
        return self._folder

    def open(self, epoch: str) -> None:
        """
        Make the folder if need be. Blocks.

        @param epoch: of the database.
        @raise chatroom.errors.StartError: if it can't be had.
        """
        if self._folder is not None:
            self._folder.open(epoch)
        self._lane.start()

    def refuse(self) -> None:
        """
        Begin nothing more.
        """
        self._lane.refuse()

    def close(self) -> None:
        """
        Finish what was begun. Blocks.
        """
        self._lane.stop()

    async def do(self, work: Callable[[Folder], T]) -> T:
        """
        Do something that blocks, in a thread.

        @raise FilesOff: if no files are kept.
        @raise DiskFull: if there is no room for it.
        @raise FilesUnavailable: if it fails in another way.
        """
        folder = self.folder
        try:
            return await self._lane.run(lambda: work(folder))
        except OSError as error:
            self._log.note("file_failed", reason=explain(error))
            if error.errno in _FULL:
                raise DiskFull() from error
            raise FilesUnavailable() from error

    async def check_room(self, size: int) -> None:
        """
        @raise DiskFull: if a file would leave too little for all else.
        """
        free = await self.do(lambda folder: folder.free_bytes())
        if free - size < RESERVED_BYTES:
            self._log.note("file_failed", reason="too little of the disk is free")
            raise DiskFull()

    def is_its(self, error: ChatError) -> bool:
        """
        Whether it was the disk that failed, so that what it has is not to be believed.
        """
        return isinstance(error, DiskFull | FilesUnavailable)
