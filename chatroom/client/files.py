"""
Files, sent and had, however often the connection is lost meanwhile.

They are read and written a chunk at a time, where the client runs: a disk that takes
long holds it up for as long.
"""

import os
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any, BinaryIO, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from chatroom.client.backoff import Chance
from chatroom.client.entrance import pick
from chatroom.client.errors import NetworkError, Refusal, Unanswered, refusal
from chatroom.errors import ErrorCode
from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import (
    ErrorMessage,
    FileChunkRequest,
    FileCreditRequest,
    FileData,
    FileDownloadRequest,
    FileDownloadResponse,
    FileEnd,
    FileUploadRequest,
    FileUploadResponse,
)

#: How many bytes the server may send ahead.
CREDIT = 1 << 20

#: How much is hashed before others have their turn.
_BLOCK = 1 << 20

#: How long to wait after a refusal that need not last, if the server does not say.
_PAUSE_SECONDS = 1.0


class Asker(Protocol):
    """
    What files need of their client.
    """

    @property
    def is_running(self) -> bool:
        """Whether there may be a session again."""

    async def request(self, request: Request) -> list[Reply]:
        """Ask."""

    def tell(self, request: Request) -> None:
        """Say what nothing answers."""


@define(eq=False)
class _Coming:
    """
    A file that comes from the server.

    @ivar offset: how much of it is here.
    @ivar granted: how much the server may send.
    """

    file: BinaryIO
    hasher: Any
    offset: int = 0
    granted: int = 0
    ended: "Deferred[FileEnd]" = field(factory=Deferred)

    def end(self, outcome: "FileEnd | Exception") -> None:
        ended, self.ended = self.ended, Deferred()
        if isinstance(outcome, Exception):
            ended.errback(outcome)
        else:
            ended.callback(outcome)


@define(eq=False)
class Files:
    """
    The files of one client.

    @ivar waited_for: a context in which the client reads on, for somebody waits.
    """

    _clock: IReactorTime
    _random: Chance
    _client: Asker
    _waited_for: Callable[[], AbstractContextManager[None]]
    _coming: dict[int, _Coming] = field(factory=dict, init=False)

    async def send(
        self,
        room_id: int,
        path: str | os.PathLike[str],
        *,
        filename: str | None = None,
        client_file_id: str | None = None,
    ) -> FileUploadResponse:
        """
        Send a file to a room, once.

        @raise Refusal: if the server refuses it for good.
        @raise NetworkError: if the client is stopped before.
        @raise OSError: if it can't be read.
        """
        with open(path, "rb") as file:
            size, digest = await self._measure(file)
            request = FileUploadRequest(
                chat_group_id=room_id,
                filename=os.path.basename(path) if filename is None else filename,
                file_size=size,
                sha256=digest,
                client_file_id=client_file_id or f"{self._random.getrandbits(128):032x}",
            )
            while True:
                try:
                    return await self._send(file, request)
                except (NetworkError, Refusal) as error:
                    await self._wait_after(error)

    async def download(self, file_id: int, path: str | os.PathLike[str]) -> FileDownloadResponse:
        """
        Have a file. It is at C{path} when all of it is there, and until then beside it.

        @raise Refusal: if the server refuses.
        @raise NetworkError: if the client is stopped before.
        @raise OSError: if it can't be written.
        @raise ValueError: if this client is having it already.
        """
        if file_id in self._coming:
            raise ValueError(f"the file {file_id} is being downloaded already")
        part = f"{os.fspath(path)}.part"
        try:
            with open(part, "wb") as file, self._waited_for():
                answer = await self._have(file_id, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            if os.path.exists(part):
                os.unlink(part)
            raise
        return answer

    def take(self, message: FileData | FileEnd) -> None:
        """
        Take some of a file, if that is what comes next of it.
        """
        coming = self._coming.get(message.file_id)
        if coming is None:
            return
        if isinstance(message, FileEnd):
            coming.end(message)
        elif message.offset == coming.offset:
            self._write(message, coming)

    def lost(self) -> None:
        """
        The connection is gone.
        """
        for coming in tuple(self._coming.values()):
            coming.end(NetworkError())

    async def _measure(self, file: BinaryIO) -> tuple[int, str]:
        hasher, size = sha256(), 0
        while block := file.read(_BLOCK):
            hasher.update(block)
            size += len(block)
            await deferLater(self._clock, 0.0)
        return size, hasher.hexdigest()

    async def _send(self, file: BinaryIO, request: FileUploadRequest) -> FileUploadResponse:
        answer = pick(await self._client.request(request), FileUploadResponse)
        offset = answer.next_offset
        waiting: deque[Deferred[list[Reply]]] = deque()
        try:
            while not answer.success:
                while offset < (request.file_size or 0) and len(waiting) < answer.window:
                    file.seek(offset)
                    data = file.read(answer.chunk_bytes)
                    waiting.append(self._ask(answer.upload_id, offset, data))
                    offset += len(data)
                if not waiting:
                    raise Unanswered()
                last = (await waiting.popleft())[-1]
                if isinstance(last, FileUploadResponse):
                    answer = last
        finally:
            for each in waiting:
                # Whoever waited for one of them is told of the first that failed.
                each.addErrback(lambda _: [])
        return answer

    def _ask(self, upload_id: str, offset: int, data: bytes) -> "Deferred[list[Reply]]":
        text = b64encode(data).decode("ascii")
        request = FileChunkRequest(upload_id=upload_id, offset=offset, data=text)
        return Deferred.fromCoroutine(self._client.request(request))

    async def _have(self, file_id: int, file: BinaryIO) -> FileDownloadResponse:
        coming = self._coming[file_id] = _Coming(file, sha256())
        try:
            while True:
                try:
                    answer, end = await self._receive(file_id, coming)
                except (NetworkError, Refusal) as error:
                    await self._wait_after(error)
                else:
                    if end.sha256 != coming.hasher.hexdigest():
                        raise Unanswered()
                    return answer
        finally:
            del self._coming[file_id]

    async def _receive(
        self, file_id: int, coming: _Coming
    ) -> tuple[FileDownloadResponse, FileEnd]:
        ended = coming.ended
        coming.granted = coming.offset + CREDIT
        request = FileDownloadRequest(file_id=file_id, offset=coming.offset, credit=CREDIT)
        try:
            answer = pick(await self._client.request(request), FileDownloadResponse)
        except Exception:
            ended.addErrback(lambda _: None)
            raise
        end = await ended
        if end.sha256 is None:
            raise _refused(end)
        return answer, end

    def _write(self, message: FileData, coming: _Coming) -> None:
        try:
            data = b64decode(message.data, validate=True)
            coming.file.write(data)
        except (ValueError, OSError) as error:
            coming.end(error if isinstance(error, OSError) else Unanswered())
            return
        coming.hasher.update(data)
        coming.offset += len(data)
        if coming.granted - coming.offset <= CREDIT // 2:
            coming.granted += CREDIT // 2
            self._client.tell(FileCreditRequest(file_id=message.file_id, bytes=CREDIT // 2))

    async def _wait_after(self, error: NetworkError | Refusal) -> None:
        """
        Wait until it makes sense to ask again, if it does.
        """
        if not self._client.is_running or isinstance(error, Unanswered):
            raise error
        if isinstance(error, NetworkError):
            return
        if not error.temporary or error.code == ErrorCode.FILE_TOO_LARGE:
            raise error
        await deferLater(self._clock, error.retry_after or _PAUSE_SECONDS)


def _refused(end: FileEnd) -> Refusal:
    said = ErrorMessage(
        error_code=end.error_code or int(ErrorCode.SERVER_ERROR),
        error_message=end.error_message or "",
        reason=end.reason,
        temporary=end.temporary,
    )
    error = refusal(said)
    assert error is not None
    return error
