"""
Files: those that are on their way, those that were sent, and those that are to go.
"""

from collections.abc import Collection, Sequence
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update

from chatroom.store.filed import Dropped, File, Upload
from chatroom.store.models import Event, FileFacts, User
from chatroom.store.portions import portions
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import EVENT, event, event_tables
from chatroom.store.schema import counters, events, files, uploads, users

_BYTES = "files.bytes"

#: What a file costs besides its bytes, as quotas count it: so that a thousand empty
#: ones are not for free.
BYTES_A_FILE = 4096

#: Nobody can repeat it: what the client called it is free.
_FORGOTTEN: dict[str, object] = {
    "event_id": None,
    "filename": "",
    "client_file_id": None,
    "is_dropped": True,
}


@frozen
class FileQueries(Queries):
    """
    What is known of files; their bytes are elsewhere.
    """

    def add_upload(self, upload: Upload) -> None:
        """
        Expect a file.
        """
        self._connection.execute(insert(uploads).values(asdict(upload)))

    def upload(self, user_id: int, upload_id: str) -> Upload | None:
        """
        Find a file that a user is sending.
        """
        return self._upload((uploads.c.id == upload_id) & (uploads.c.user_id == user_id))

    def upload_named(self, user_id: int, client_file_id: str) -> Upload | None:
        """
        Find it by the user's own name for it.
        """
        is_it = uploads.c.client_file_id == client_file_id
        return self._upload(is_it & (uploads.c.user_id == user_id))

    def upload_count(self, user_id: int) -> int:
        """
        @return: how many files a user is sending.
        """
        query = select(func.count()).select_from(uploads).where(uploads.c.user_id == user_id)
        return int(self._connection.execute(query).scalar_one())

    def touch_upload(self, upload_id: str, *, synced: int, now: int) -> None:
        """
        Note how far an upload has got.

        @param now: in milliseconds.
        """
        changed = update(uploads).where(uploads.c.id == upload_id)
        self._connection.execute(changed.values(synced=synced, touched_at=now))

    def remove_upload(self, upload_id: str, before: int | None = None) -> bool:
        """
        Expect a file no longer, if it still is expected.

        @param before: only if nothing has come of it since that time, in milliseconds.
        @return: whether it was; if not, its bytes may be those of a file by now.
        """
        is_it = uploads.c.id == upload_id
        if before is not None:
            is_it &= uploads.c.touched_at < before
        return bool(self._connection.execute(delete(uploads).where(is_it)).rowcount)

    def stale_uploads(self, before: int) -> list[Upload]:
        """
        @return: those of which nothing has come since a time.
        """
        query = select(uploads).where(uploads.c.touched_at < before).order_by(uploads.c.id)
        return [_upload(row) for row in self._connection.execute(query)]

    def add_file(self, new: Event, upload: Upload) -> None:
        """
        Keep a file that is all here: what was an upload is the file of an new.
        """
        assert new.file is not None
        values = {
            "event_id": new.id,
            "room_id": new.room_id,
            "seq": new.seq,
            "user_id": new.sender.id,
            "filename": upload.filename,
            "size": new.file.size,
            "sha256": new.file.sha256,
            "digest": upload.digest(),
            "name": upload.name,
            "upload_id": upload.id,
            "client_file_id": upload.client_file_id,
        }
        self._connection.execute(insert(files).values(values))
        self.remove_upload(upload.id)
        self._count_bytes(new.file.size + BYTES_A_FILE)

    def file(self, file_id: int) -> File | None:
        """
        Find a file; it may be deleted.
        """
        return self._file(files.c.event_id == file_id)

    def file_named(self, user_id: int, client_file_id: str) -> File | None:
        """
        Find a file by its sender's own name for it.
        """
        is_it = files.c.client_file_id == client_file_id
        return self._file(is_it & (files.c.user_id == user_id))

    def file_uploaded(self, user_id: int, upload_id: str) -> File | None:
        """
        Find a file by what it was called while it was sent.
        """
        return self._file((files.c.upload_id == upload_id) & (files.c.user_id == user_id))

    def files_in(self, room_id: int, limit: int, before: int | None = None) -> list[Event]:
        """
        @param before: the place in the room before which they are.
        @return: the events of the files of a room that are not deleted, newest first.
        """
        is_one = (files.c.room_id == room_id) & ~files.c.is_dropped
        if before is not None:
            is_one &= files.c.seq < before
        found = select(files.c.event_id).where(is_one).order_by(files.c.seq.desc())
        some = found.limit(limit).subquery("found")
        source = event_tables(some.join(events, events.c.id == some.c.event_id))
        query = select(*EVENT).select_from(source).order_by(events.c.seq.desc())
        return [event(row) for row in self._connection.execute(query)]

    def bytes_of(self, user_id: int) -> int:
        """
        @return: what the files of a user come to, with those that are on their way.
        """
        is_kept = (files.c.user_id == user_id) & ~files.c.is_dropped
        return self._sum(files, is_kept) + self._sum(uploads, uploads.c.user_id == user_id)

    def bytes_of_all(self) -> int:
        """
        @return: what all files come to, likewise.
        """
        query = select(counters.c.value).where(counters.c.name == _BYTES)
        kept = int(self._connection.execute(query).scalar_one())
        return kept + self._sum(uploads, uploads.c.id.is_not(None))

    def drop_file(self, event_id: int) -> None:
        """
        Have a file's bytes go. Its sender's name for it stays, as long as the message.
        """
        self._drop(files.c.event_id == event_id, {"filename": "", "is_dropped": True})

    def forget_files(self, event_ids: Collection[int]) -> None:
        """
        Have files go of which nothing is kept.
        """
        for some in portions(sorted(event_ids)):
            self._drop(files.c.event_id.in_(some), _FORGOTTEN)

    def forget_room_files(self, room_id: int) -> None:
        """
        Have all files of a room go, and those that are on their way to it: for a room
        that is deleted.
        """
        self._drop(files.c.room_id == room_id, _FORGOTTEN)
        self._connection.execute(delete(uploads).where(uploads.c.room_id == room_id))

    def dropped_files(self, limit: int) -> list[Dropped]:
        """
        @return: some of those whose bytes are to go.
        """
        is_one = files.c.is_dropped & (files.c.name.is_not(None) | files.c.event_id.is_(None))
        query = select(files.c.id, files.c.name).where(is_one).order_by(files.c.id).limit(limit)
        return [Dropped(row=row.id, name=row.name) for row in self._connection.execute(query)]

    def note_gone(self, gone: Sequence[Dropped]) -> None:
        """
        Know that bytes are gone.
        """
        for some in portions([each.row for each in gone]):
            is_one = files.c.id.in_(some)
            self._connection.execute(delete(files).where(is_one & files.c.event_id.is_(None)))
            self._connection.execute(update(files).where(is_one).values(name=None))

    def known_names(self, names: Collection[str]) -> set[str]:
        """
        @return: those that are names of bytes that there should be.
        """
        found: set[str] = set()
        for some in portions(sorted(names)):
            for table in (files, uploads):
                query = select(table.c.name).where(table.c.name.in_(some))
                found |= set(self._connection.scalars(query))
        return found

    def kept_names(self, after: str, limit: int) -> list[str]:
        """
        @return: names of bytes that there should be, in their order, behind one.
        """
        is_one = (files.c.name > after) & ~files.c.is_dropped
        query = select(files.c.name).where(is_one).order_by(files.c.name).limit(limit)
        return [str(name) for name in self._connection.scalars(query)]

    def recount(self) -> None:
        """
        Know how much all files come to that are here.
        """
        count = self._sum(files, ~files.c.is_dropped)
        is_it = counters.c.name == _BYTES
        self._connection.execute(update(counters).where(is_it).values(value=count))

    def _drop(self, is_one: ColumnElement[bool], values: dict[str, object]) -> None:
        freed = self._sum(files, is_one & ~files.c.is_dropped)
        self._connection.execute(update(files).where(is_one).values(values))
        if freed:
            self._count_bytes(-freed)

    def _count_bytes(self, count: int) -> None:
        changed = update(counters).where(counters.c.name == _BYTES)
        self._connection.execute(changed.values(value=counters.c.value + count))

    def _sum(self, table: Any, is_one: ColumnElement[bool]) -> int:
        columns = func.coalesce(func.sum(table.c.size), 0), func.count()
        size, count = self._connection.execute(select(*columns).where(is_one)).one()
        return int(size) + int(count) * BYTES_A_FILE

    def _upload(self, is_it: ColumnElement[bool]) -> Upload | None:
        row = self._connection.execute(select(uploads).where(is_it)).one_or_none()
        return None if row is None else _upload(row)

    def _file(self, is_it: ColumnElement[bool]) -> File | None:
        row = self._connection.execute(_files().where(is_it)).one_or_none()
        return None if row is None else _file(row)


def _files() -> Select[Any]:
    joined = files.join(users, users.c.id == files.c.user_id)
    return select(files, users.c.name.label("sender_name")).select_from(joined)


def _upload(row: Any) -> Upload:
    return Upload(**row._mapping)


def _file(row: Any) -> File:
    return File(
        id=row.event_id or 0,
        room_id=row.room_id,
        seq=row.seq,
        sender=User(id=row.user_id, name=row.sender_name),
        filename=row.filename,
        facts=FileFacts(size=row.size, sha256=row.sha256),
        name=row.name,
        upload_id=row.upload_id,
        digest=row.digest,
        is_dropped=bool(row.is_dropped),
    )
