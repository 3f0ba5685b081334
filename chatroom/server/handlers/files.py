"""
Files: sent, listed, had.
"""

from base64 import b64decode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from chatroom.chat.incoming import Outcome, Sent
from chatroom.chat.sending import Wanted
from chatroom.chat.times import rfc3339
from chatroom.chat.uploads import WINDOW
from chatroom.errors import BadChunk, BadField, BadOffset, ChatError, FileNotFound
from chatroom.server.dispatch import handles
from chatroom.server.handlers.talking import take_turn
from chatroom.server.transfers import Transfers
from chatroom.store.models import Event, EventKind
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    FileChunkAck,
    FileChunkRequest,
    FileCreditRequest,
    FileDownloadRequest,
    FileDownloadResponse,
    FileInfo,
    FileListRequest,
    FileListResponse,
    FileUploadRequest,
    FileUploadResponse,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

#: How many files one sees who does not say how many.
LISTED = 50


@handles(FileUploadRequest)
async def upload(
    chat: "ChatService", session: "Session", request: FileUploadRequest
) -> FileUploadResponse:
    """
    Begin to take a file, or go on.
    """
    user, uploads = session.speaker, chat.files.uploads
    if request.upload_id is not None:
        take_turn(chat, session)
        outcome = await uploads.resume(user, session, request.upload_id)
    else:
        wanted = _wanted(session, request)
        chat.files.check(wanted)
        take_turn(chat, session)
        room_id, name = wanted.room_id, wanted.filename
        await chat.guards.ask(EventKind.FILE, user, room_id=room_id, content=name)
        outcome = await uploads.begin(user, session, wanted)
    return _uploaded(chat, outcome)


@handles(FileChunkRequest)
async def chunk(
    chat: "ChatService", session: "Session", request: FileChunkRequest
) -> Sequence[Reply]:
    """
    Take some of a file. The answer comes when it is written, whatever was asked since.
    """
    try:
        data = b64decode(request.data, validate=True)
    except ValueError as error:
        raise BadChunk(field="data", limit=chat.files.uploads.chunk_bytes) from error
    place, upload_id = request.offset, request.upload_id
    done = chat.files.uploads.take(session.speaker, session, upload_id, place, data)

    def tell(outcome: Outcome | ChatError) -> Reply:
        return _told(chat, session, request, outcome)

    _transfers(chat, session).expect(done, tell)
    return []


@handles(FileListRequest)
async def list_files(
    chat: "ChatService", session: "Session", request: FileListRequest
) -> FileListResponse:
    """
    Show the files of a room.
    """
    room_id, limit = request.chat_group_id or session.room_id, request.limit or LISTED
    found = await chat.files.list(session.speaker, room_id, limit, before=request.before_seq)
    return FileListResponse(
        chat_group_id=found.room.id,
        files=[_info(each) for each in found.files],
        more_before=found.has_more,
    )


@handles(FileDownloadRequest)
async def download(
    chat: "ChatService", session: "Session", request: FileDownloadRequest
) -> FileDownloadResponse:
    """
    Begin to send a file.
    """
    _transfers(chat, session).check(request.file_id)
    file = await chat.files.find(session.speaker, request.file_id)
    offset = request.offset or 0
    if offset > file.facts.size:
        raise BadOffset(field="offset", expected=file.facts.size)
    _transfers(chat, session).check(request.file_id)
    _transfers(chat, session).begin(file, offset, request.credit or 0)
    return FileDownloadResponse(
        file_id=file.id,
        filename=file.filename,
        file_size=file.facts.size,
        sha256=file.facts.sha256,
    )


@handles(FileCreditRequest)
async def credit(
    chat: "ChatService", session: "Session", request: FileCreditRequest
) -> Sequence[Reply]:
    """
    Send more of a file.
    """
    _transfers(chat, session).add_credit(request.file_id, request.bytes)
    return []


def _transfers(chat: "ChatService", session: "Session") -> Transfers:
    if session.transfers is None:
        session.transfers = chat.transfers(session)
    return session.transfers


def _wanted(session: "Session", request: FileUploadRequest) -> Wanted:
    if request.filename is None or request.file_size is None:
        raise BadField(field="filename" if request.filename is None else "file_size")
    return Wanted(
        room_id=request.chat_group_id or session.room_id,
        filename=request.filename,
        size=request.file_size,
        sha256=None if request.sha256 is None else request.sha256.lower(),
        client_file_id=request.client_file_id,
    )


def _uploaded(chat: "ChatService", outcome: Outcome) -> FileUploadResponse:
    if not isinstance(outcome, Sent):
        return _place(chat, outcome.upload_id, outcome.next_offset)
    return evolve(
        _place(chat, outcome.upload_id, outcome.size),
        success=True,
        chat_group_id=outcome.room_id,
        file_id=outcome.file_id,
        seq=outcome.seq,
        duplicate=outcome.is_duplicate,
    )


def _place(chat: "ChatService", upload_id: str, offset: int) -> FileUploadResponse:
    return FileUploadResponse(
        upload_id=upload_id,
        next_offset=offset,
        chunk_bytes=chat.files.uploads.chunk_bytes,
        window=WINDOW,
    )


def _told(
    chat: "ChatService",
    session: "Session",
    request: FileChunkRequest,
    outcome: Outcome | ChatError,
) -> Reply:
    """
    @return: what became of a chunk, or of the file that it was the last one of.
    """
    if isinstance(outcome, ChatError):
        return evolve(
            _place(chat, request.upload_id, request.offset),
            request_id=request.request_id,
            success=False,
            error_code=int(outcome.code),
            error_message=outcome.text(session.replies.language),
            reason=outcome.reason,
            temporary=outcome.temporary,
        )
    if isinstance(outcome, Sent):
        return evolve(_uploaded(chat, outcome), request_id=request.request_id)
    return FileChunkAck(
        request_id=request.request_id,
        upload_id=outcome.upload_id,
        next_offset=outcome.next_offset,
    )


def _info(event: Event) -> FileInfo:
    if event.file is None:
        raise FileNotFound()
    return FileInfo(
        file_id=event.id,
        seq=event.seq,
        server_time=rfc3339(event.created_at),
        sender_id=event.sender.id,
        sender_username=event.sender.name,
        filename=event.content or "",
        file_size=event.file.size,
        sha256=event.file.sha256,
    )
