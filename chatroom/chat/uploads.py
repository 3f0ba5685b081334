"""
Files on their way here.

A file comes in chunks, each at the place where the one before has ended. What has come
is written in a thread and acknowledged then; so many chunks may be unacknowledged, and
more are refused. The file is announced when all of it is on the disk under its name, and
not before: a crash leaves an upload that can be gone on with, or nothing.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.disk import Disk
from chatroom.chat.incoming import Chunk, Incoming, Outcome, Progress, Sent, sent_before
from chatroom.chat.log import Log
from chatroom.chat.sending import NewNames, Quotas, Wanted, begin, find, send
from chatroom.clock import Now
from chatroom.errors import (
    BadChunk,
    BadOffset,
    ChatError,
    InternalError,
    RoomNotFound,
    ServerError,
    StoreUnavailable,
    TooManyChunks,
    UploadNotFound,
    WrongHash,
)
from chatroom.logs.journal import Journal
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.filed import File, Upload
from chatroom.store.folder import Found
from chatroom.store.models import Event, EventKind, User
from chatroom.store.repository import Repository

T = TypeVar("T")

#: How many bytes a chunk has, unless no line may be so long; and what such a line has
#: besides, about.
CHUNK_BYTES = 32 * 1024
_BYTES_OF_KEYS = 1024

#: How many chunks may be unacknowledged.
WINDOW = 8

#: How much of a file may be lost, and has to be sent again, when the machine fails.
SYNC_BYTES = 4 << 20

#: How long nothing may come of an upload before it is given up, in seconds.
ABANDONED_SECONDS = 3300.0


def chunk_bytes(line_bytes: int) -> int:
    """
    @return: the most bytes of a chunk, where a line has so many at the most.
    """
    return min(CHUNK_BYTES, (line_bytes - _BYTES_OF_KEYS) * 3 // 4)


@define(eq=False)
class Uploads:
    """
    What is being sent.

    @ivar chunk_bytes: the most bytes of a chunk.
    """

    _log = Journal()

    _disk: Disk
    _database: Database
    _events: Log
    _clock: IReactorTime
    _now: Now
    _quotas: Quotas
    _new_names: NewNames
    chunk_bytes: int
    _incoming: dict[str, Incoming] = field(factory=dict, init=False)
    _opening: DeferredLock = field(factory=DeferredLock, init=False)

    async def begin(self, user: User, owner: object, wanted: Wanted) -> Outcome:
        """
        Expect a file, or go on with one.

        @param wanted: checked already.
        @return: where it goes on, or what became of it.
        @raise ChatError: as L{chatroom.chat.sending.begin}, and as L{take}.
        """
        await self._disk.check_room(wanted.size)
        upload = wanted.upload(user, self._milliseconds(), self._new_names())
        return await self._go_on(user, owner, partial(begin, user, upload, self._quotas))

    async def resume(self, user: User, owner: object, upload_id: str) -> Outcome:
        """
        Go on with a file.

        @raise UploadNotFound: if C{user} is not sending such a one.
        """
        return await self._go_on(user, owner, partial(find, user, upload_id, self._milliseconds()))

    def take(
        self, user: User, owner: object, upload_id: str, offset: int, data: bytes
    ) -> "Deferred[Outcome]":
        """
        Take a chunk.

        @param owner: the session that has begun the upload, or gone on with it last.
        @return: when it is written, where it goes on; or, after the last one, what became
            of the file. It fails with a L{ChatError}: then nothing is left of the upload,
            unless it is a L{StoreUnavailable} or the like, after which one can go on.
        @raise UploadNotFound: if C{owner} is not sending such a file.
        @raise BadOffset: if it does not belong there.
        @raise BadChunk: if it is empty, or too long.
        @raise TooManyChunks: if too many are not acknowledged.
        """
        incoming = self._incoming.get(upload_id)
        if incoming is None or incoming.owner is not owner or incoming.user.id != user.id:
            raise UploadNotFound(field="upload_id")
        if offset != incoming.received:
            raise BadOffset(field="offset", expected=incoming.received)
        room = min(self.chunk_bytes, incoming.upload.size - incoming.received)
        if not 1 <= len(data) <= room:
            raise BadChunk(field="data", limit=self.chunk_bytes)
        if len(incoming.chunks) >= WINDOW:
            raise TooManyChunks(limit=WINDOW)
        chunk = Chunk(data)
        incoming.chunks.append(chunk)
        incoming.received += len(data)
        incoming.touched = self._clock.seconds()
        if not incoming.is_writing:
            incoming.is_writing = True
            Deferred.fromCoroutine(self._write_all(incoming))
        return chunk.done

    def learn(self, events: Sequence[Event]) -> None:
        """
        Know what has happened: to a room that is no more nothing is sent.
        """
        ended = {each.room_id for each in events if each.kind is EventKind.END}
        if ended:
            for incoming in [*self._incoming.values()]:
                if incoming.upload.room_id in ended:
                    self._fail(incoming, RoomNotFound())
                    Deferred.fromCoroutine(self.abandon(incoming.upload))

    def is_live(self, upload_id: str) -> bool:
        """
        Whether something has come of an upload lately.
        """
        incoming = self._incoming.get(upload_id)
        if incoming is None:
            return False
        return self._clock.seconds() - incoming.touched < ABANDONED_SECONDS

    def forget(self, upload_id: str) -> None:
        """
        Take no more of an upload, which was given up.
        """
        self._incoming.pop(upload_id, None)

    async def stop(self) -> None:
        """
        Have what has come be on the disk, so that one can go on after a start.
        """
        for incoming in list(self._incoming.values()):
            if not incoming.is_writing and incoming.written > incoming.synced:
                try:
                    await self._sync(incoming)
                except (ChatError, CommitUncertain):
                    # It has been told of, and costs no more than sending it again.
                    continue
        self._incoming.clear()

    async def _go_on(
        self, user: User, owner: object, work: Callable[[Repository], Upload | File]
    ) -> Outcome:
        await self._opening.acquire()
        try:
            # Not before: what was expected may be a file when one's turn comes.
            known = await self._write(work)
            if isinstance(known, File):
                return sent_before(known)
            incoming = await self._open(user, owner, known)
        finally:
            self._opening.release()
        if incoming.received < incoming.upload.size:
            return Progress(upload_id=known.id, next_offset=incoming.received)
        if incoming.is_writing:
            outcome: Deferred[Outcome] = Deferred()
            incoming.waiting.append(outcome)
            return await outcome
        incoming.is_writing = True
        return await self._finish(incoming)

    async def _open(self, user: User, owner: object, upload: Upload) -> Incoming:
        incoming = self._incoming.get(upload.id)
        if incoming is None:
            found: Found = await self._disk.do(
                lambda folder: folder.resume(upload.name, upload.synced)
            )
            incoming = self._incoming[upload.id] = Incoming(
                user=user,
                upload=upload,
                owner=owner,
                hasher=found.hasher,
                received=found.length,
                written=found.length,
                synced=found.length,
                touched=self._clock.seconds(),
            )
        incoming.owner = owner
        incoming.touched = self._clock.seconds()
        return incoming

    async def _write_all(self, incoming: Incoming) -> None:
        """
        Write what there is, acknowledge it, and so on; this never fails.
        """
        try:
            while incoming.chunks:
                count = len(incoming.chunks)
                data = b"".join(each.data for each in incoming.chunks)
                await self._append(incoming, data)
                if self._incoming.get(incoming.upload.id) is not incoming:
                    # It was given up meanwhile, and everybody knows.
                    return
                is_all = incoming.written == incoming.upload.size
                outcome: Outcome = incoming.progress
                if is_all:
                    outcome = await self._finish(incoming)
                self._acknowledge(incoming.take(count), outcome)
            incoming.is_writing = False
        except ChatError as error:
            self._fail(incoming, error)
        except Exception:
            self._log.note_failure("file_stumbled")
            self._fail(incoming, InternalError())

    async def _append(self, incoming: Incoming, data: bytes) -> None:
        offset = incoming.written

        def write() -> None:
            self._disk.folder.append(incoming.name, offset, data)
            incoming.hasher.update(data)

        try:
            await self._disk.do(lambda _: write())
            incoming.written += len(data)
            if incoming.written - incoming.synced >= SYNC_BYTES:
                await self._sync(incoming)
        except ServerError as error:
            if self._disk.is_its(error):
                await self.abandon(incoming.upload)
            raise

    async def _sync(self, incoming: Incoming) -> None:
        await self._disk.do(lambda folder: folder.sync(incoming.name))
        incoming.synced = incoming.written
        upload_id, now = incoming.upload.id, self._milliseconds()
        await self._write(
            lambda store: store.touch_upload(upload_id, synced=incoming.synced, now=now)
        )

    async def _finish(self, incoming: Incoming) -> Sent:
        """
        Have the file be there for good, and announce it.
        """
        upload = incoming.upload
        try:
            sent = await self._announce(incoming, incoming.hasher.hexdigest())
        except ChatError as error:
            # Where the database failed, one can go on: all of it is here.
            if not isinstance(error, ServerError) or self._disk.is_its(error):
                await self.abandon(upload)
            incoming.end(error)
            raise
        finally:
            self.forget(upload.id)
        incoming.end(sent)
        return sent

    async def _announce(self, incoming: Incoming, sha256: str) -> Sent:
        upload = incoming.upload
        if upload.sha256 not in (None, sha256):
            raise WrongHash(field="sha256")
        await self._disk.do(lambda folder: folder.finish(upload.name))
        event = await self._events.commit(partial(send, incoming.user, upload, sha256))
        return Sent(
            upload_id=upload.id,
            file_id=event.id,
            room_id=event.room_id,
            seq=event.seq,
            size=upload.size,
            is_duplicate=False,
        )

    async def abandon(self, upload: Upload, before: int | None = None) -> None:
        """
        Have nothing be left of an upload, if it has not become a file meanwhile. What
        can't be removed now goes later.

        @param before: only if nothing has come of it since that time, in milliseconds.
        """
        if before is None:
            self.forget(upload.id)
        try:
            # First of all, for only that tells whether the bytes are a file's by now.
            if await self._write(lambda store: store.remove_upload(upload.id, before)):
                self.forget(upload.id)
                await self._disk.do(lambda folder: folder.remove([upload.name]))
        except ChatError:
            # Told of already; what is left is given up within the hour.
            return

    def _acknowledge(self, chunks: list[Chunk], last: Outcome) -> None:
        end = last.size if isinstance(last, Sent) else last.next_offset
        behind = end - sum(len(each.data) for each in chunks)
        for each in chunks[:-1]:
            behind += len(each.data)
            each.done.callback(Progress(upload_id=last.upload_id, next_offset=behind))
        chunks[-1].done.callback(last)

    def _fail(self, incoming: Incoming, error: ChatError) -> None:
        self.forget(incoming.upload.id)
        for each in incoming.take(len(incoming.chunks)):
            each.done.errback(error)
        incoming.end(error)

    async def _write(self, work: Callable[[Repository], T]) -> T:
        try:
            return await self._database.write(work)
        except CommitUncertain as error:
            # Whatever there is of it, one can ask again.
            raise StoreUnavailable() from error

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)
