"""
What is done to the server's file by others, and what it has in the end.

C{sqlite3} is imported here, since another program's lock is a fault to be made, and since
the file shows what no client can: the names that others gave their messages, so also those
of messages taken back, and whether the file is sound.
"""

import resource
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from attrs import define, field

from chatroom.torture.histories import Row

_ROWS = """
    SELECT room_id, seq, id, sender_id, client_message_id FROM events ORDER BY room_id, seq
"""


@define(eq=False)
class ForeignLock:
    """
    Another program, which has the database locked.
    """

    path: Path
    _connection: "sqlite3.Connection | None" = field(default=None, init=False)

    def take(self) -> bool:
        """
        @return: whether it has the lock; it does not wait for it.
        """
        try:
            self._connection = sqlite3.connect(self.path, timeout=0, isolation_level=None)
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """
        Let others write again.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.rollback()
            connection.close()


def can_fill_disks() -> bool:
    """
    @return: whether this system lets one bound the files of another process.
    """
    return hasattr(resource, "prlimit")


def fill_disk(pid: int, path: Path, *, is_broken: bool) -> None:
    """
    Let no file of a process grow beyond the larger of its database's files.

    @param is_broken: whether nothing at all can be written, either; for what is there is
        written over as well, and that is all that a server may do for long.
    """
    sizes = [each.stat().st_size for each in path.parent.glob(f"{path.name}*")]
    _limit(pid, 0 if is_broken else max(sizes, default=0))


def empty_disk(pid: int) -> None:
    """
    Let them grow again.
    """
    _limit(pid, None)


def _limit(pid: int, size: int | None) -> None:
    # It may have ended meanwhile.
    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        soft = hard if size is None else size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def read_rows(path: Path) -> list[Row]:
    """
    @return: every event that a stopped server's file has, by room and seq.
    """
    with closing(sqlite3.connect(path)) as database:
        return [
            Row(room=room, seq=seq, id=id_, user=user, name=name)
            for room, seq, id_, user, name in database.execute(_ROWS)
        ]


def unsoundness(path: Path) -> list[str]:
    """
    @return: what SQLite itself finds wrong with the file.
    """
    with closing(sqlite3.connect(path)) as database:
        found = [str(row[0]) for row in database.execute("PRAGMA integrity_check")]
        found += [f"foreign key: {row}" for row in database.execute("PRAGMA foreign_key_check")]
    return [each for each in found if each != "ok"]
