"""
The bytes of files: one folder, whose names are ours alone. What a peer calls a file is
in the database, and never part of a path.

Everything here blocks, and belongs into a thread.
"""

import os
import re
from collections.abc import Iterable
from errno import EACCES
from hashlib import sha256
from typing import Any

from attrs import define, field, frozen

from chatroom.errors import StartError

#: What bytes are called, and what they are called until all of them are there.
_NAME = re.compile(r"([0-9a-f]{32})(\.part)?")
_PART = ".part"

#: How much is read at a time to be hashed.
_BLOCK = 1 << 20


@frozen
class Found:
    """
    What there is of a file that is on its way.

    @ivar hasher: knows all of it, and may be told more.
    """

    length: int
    hasher: Any


@define(eq=False)
class Folder:
    """
    Where bytes are kept.

    @ivar path: made if there is none.
    @ivar _system: as L{os}; a test's may fail.
    """

    path: str
    _system: Any = os
    _place: str = field(default="", init=False)

    def open(self, epoch: str) -> None:
        """
        Make the folder, if there is none.

        @param epoch: of the database, which has a folder of its own in it: what a
            database does not know of is removed, and may be all that another one has.
        @raise StartError: if it can't be had.
        """
        self._place = os.path.join(self.path, epoch)
        try:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            os.makedirs(self._place, mode=0o700, exist_ok=True)
            if not os.access(self._place, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(EACCES, os.strerror(EACCES))
        except OSError as error:
            raise StartError(f"cannot keep files in {self.path}: {error.strerror}") from error

    def free_bytes(self) -> int:
        """
        @return: how much could be stored.
        """
        state = self._system.statvfs(self._place)
        return int(state.f_bavail) * int(state.f_frsize)

    def resume(self, name: str, synced: int) -> Found:
        """
        Find out what there is of a file, and make it if there is nothing.

        @param synced: how much of it is on the disk for certain, so that no more of it
            is believed.
        """
        if self._system.path.exists(self._path(name)):
            # It was all there once, and is only not known of.
            path = self._path(name)
            length = self._system.stat(path).st_size
        else:
            path = self._path(name + _PART)
            handle = self._system.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                length = min(self._system.fstat(handle).st_size, synced)
                self._system.ftruncate(handle, length)
            finally:
                self._system.close(handle)
        return Found(length, self._hash(path, length))

    def append(self, name: str, offset: int, data: bytes) -> None:
        """
        Write bytes at the end of a file that is on its way.
        """
        handle = self._system.open(self._path(name + _PART), os.O_WRONLY | os.O_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                count = self._system.pwrite(handle, view, offset)
                view, offset = view[count:], offset + count
        finally:
            self._system.close(handle)

    def sync(self, name: str) -> None:
        """
        Have what is written be on the disk.
        """
        self._sync(self._path(name + _PART), os.O_RDWR)

    def finish(self, name: str) -> None:
        """
        Have a file be there for good. That may have been done before.
        """
        if not self._system.path.exists(self._path(name)):
            self.sync(name)
            self._system.rename(self._path(name + _PART), self._path(name))
        self._sync(self._place, os.O_RDONLY | os.O_DIRECTORY)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """
        @return: some of a file; less than was asked for only at its end.
        """
        handle = self._system.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return bytes(self._system.pread(handle, length, offset))
        finally:
            self._system.close(handle)

    def remove(self, names: Iterable[str]) -> None:
        """
        Have nothing be left of files, whether they are all there or not at all.
        """
        for name in names:
            for path in (self._path(name), self._path(name + _PART)):
                try:
                    self._system.unlink(path)
                except FileNotFoundError:
                    continue

    def names(self) -> set[str]:
        """
        @return: the names of all files there are, those on their way too.
        """
        found = (_NAME.fullmatch(each) for each in self._system.listdir(self._place))
        return {each[1] for each in found if each is not None}

    def has(self, name: str) -> bool:
        """
        Whether a file is all there.
        """
        return bool(self._system.path.exists(self._path(name)))

    def _path(self, name: str) -> str:
        return os.path.join(self._place, name)

    def _hash(self, path: str, length: int) -> Any:
        hasher = sha256()
        with open(path, "rb") as file:
            while length > 0 and (block := file.read(min(length, _BLOCK))):
                hasher.update(block)
                length -= len(block)
        return hasher

    def _sync(self, path: str, flags: int) -> None:
        handle = self._system.open(path, flags | os.O_CLOEXEC)
        try:
            self._system.fsync(handle)
        finally:
            self._system.close(handle)
