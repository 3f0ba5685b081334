"""
Files: sent in chunks, announced when they are here, and had in chunks.
"""

from typing import Annotated

from attrs import frozen
from msgspec import Meta

from chatroom.wire.codec import Id, OptionalId, Reply, Request, Seq, extension
from chatroom.wire.constants import MessageType

#: How many files an answer has at the most.
MOST_FILES = 100

_Limit = Annotated[int, Meta(ge=1, le=MOST_FILES)]
_SHA256 = Annotated[str, Meta(pattern="^[0-9A-Fa-f]+$", min_length=64, max_length=64)]
_Size = Annotated[int, Meta(ge=0, le=2**50)]
_Some = Annotated[int, Meta(ge=1, le=2**50)]
_Name = Annotated[str, Meta(min_length=1, max_length=64)]


@frozen(kw_only=True)
class FileUploadRequest(Request):
    """
    Send a file, or go on with one that was interrupted.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    @ivar filename: what others see.
    @ivar file_size: in bytes.
    @ivar sha256: what it comes to, in hexadecimal digits; another file is refused then.
    @ivar client_file_id: the sender's own name for it: sending it twice sends it once.
    @ivar upload_id: of one that was begun. All other keys mean nothing then.
    """

    message_type = MessageType.FILE_UPLOAD_REQUEST

    chat_group_id: OptionalId | None = None
    filename: str | None = None
    file_size: _Size | None = None
    sha256: _SHA256 | None = None
    client_file_id: _Name | None = None
    upload_id: _Name | None = None


@frozen(kw_only=True)
class FileUploadResponse(Reply):
    """
    Where an upload goes on; or what became of it, when all of it is here.

    @ivar upload_id: what the file is known by until then.
    @ivar next_offset: how much of it is here.
    @ivar chunk_bytes: the most bytes of a chunk, before they are base64.
    @ivar window: how many chunks may be sent that are not acknowledged.
    @ivar success: whether it was announced; C{None} while there is more to come.
    @ivar file_id: by which it is had; the C{message_id} of the message that it is.
    @ivar seq: the place of that in the room.
    @ivar duplicate: whether it had been sent before.
    @ivar error_code: why it was not announced.
    """

    message_type = MessageType.FILE_UPLOAD_RESPONSE

    upload_id: str
    next_offset: int
    chunk_bytes: int
    window: int
    success: bool | None = extension("hello")
    chat_group_id: Id | None = extension("hello")
    file_id: Id | None = extension("hello")
    seq: Id | None = extension("hello")
    duplicate: bool | None = extension("hello")
    error_code: int | None = extension("hello")
    error_message: str | None = extension("hello")
    reason: str | None = extension("hello")
    temporary: bool | None = extension("hello")


@frozen(kw_only=True)
class FileChunkRequest(Request):
    """
    Send some of a file.

    @ivar offset: where it belongs: where the one before has ended.
    @ivar data: in base64.
    """

    message_type = MessageType.FILE_CHUNK

    upload_id: str
    offset: _Size
    data: str


@frozen(kw_only=True)
class FileChunkAck(Reply):
    """
    A chunk is written. The last one is answered by a L{FileUploadResponse} instead.

    @ivar next_offset: where the file goes on behind it.
    """

    message_type = MessageType.FILE_CHUNK_ACK

    upload_id: str
    next_offset: int


@frozen(kw_only=True)
class FileNotification(Reply):
    """
    Somebody has sent a file: an event of the room's log, and a message in all else.

    @ivar seq: its place in the room.
    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar replay: C{True} if it comes because of a L{ResumeRequest}.
    @ivar file_id: by which it is had; the message's C{message_id}.
    @ivar filename: empty if it was deleted.
    @ivar sha256: in hexadecimal digits; likewise.
    @ivar deleted: C{True} if it was taken back; nothing of it is left.
    """

    message_type = MessageType.FILE_NOTIFICATION

    chat_group_id: Id
    seq: Id
    server_time: str
    replay: bool | None = extension("hello")
    chat_group_name: str
    file_id: Id
    sender_id: Id
    sender_username: str
    filename: str
    file_size: int
    sha256: str
    deleted: bool | None = extension("hello")


@frozen(kw_only=True)
class FileListRequest(Request):
    """
    Ask for the files of a room, newest first.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    @ivar before_seq: only those before this place of its log.
    @ivar limit: how many at the most; C{None} is 50.
    """

    message_type = MessageType.FILE_LIST_REQUEST

    chat_group_id: OptionalId | None = None
    before_seq: Seq | None = None
    limit: _Limit | None = None


@frozen(kw_only=True, slots=False)
class FileInfo:
    """
    A file, as lists have it.
    """

    file_id: Id
    seq: Id
    server_time: str
    sender_id: Id
    sender_username: str
    filename: str
    file_size: int
    sha256: str


@frozen(kw_only=True)
class FileListResponse(Reply):
    """
    The files of a room.

    @ivar more_before: whether there are older ones.
    """

    message_type = MessageType.FILE_LIST_RESPONSE

    chat_group_id: Id
    files: list[FileInfo]
    more_before: bool


@frozen(kw_only=True)
class FileDownloadRequest(Request):
    """
    Have a file be sent.

    @ivar offset: from where on; C{None} is its beginning.
    @ivar credit: how many bytes may be sent before there is a L{FileCreditRequest};
        C{None} is none.
    """

    message_type = MessageType.FILE_DOWNLOAD_REQUEST

    file_id: Id
    offset: _Size | None = None
    credit: _Size | None = None


@frozen(kw_only=True)
class FileDownloadResponse(Reply):
    """
    What is about to be sent.

    @ivar file_size: of all of it, in bytes.
    @ivar sha256: likewise, in hexadecimal digits.
    """

    message_type = MessageType.FILE_DOWNLOAD_RESPONSE

    file_id: Id
    filename: str
    file_size: int
    sha256: str


@frozen(kw_only=True)
class FileCreditRequest(Request):
    """
    Have more of a file be sent. Nothing answers it; of a file that is not being sent it
    means nothing.

    @ivar bytes: how many more.
    """

    message_type = MessageType.FILE_CREDIT

    file_id: Id
    bytes: _Some


@frozen(kw_only=True)
class FileData(Reply):
    """
    Some of a file.

    @ivar offset: where it belongs.
    @ivar data: in base64.
    """

    message_type = MessageType.FILE_DATA
    is_push = True

    file_id: Id
    offset: int
    data: str


@frozen(kw_only=True)
class FileEnd(Reply):
    """
    No more of a file is sent.

    @ivar sha256: of all of it, in hexadecimal digits; C{None} if it was broken off.
    @ivar error_code: why it was.
    """

    message_type = MessageType.FILE_END
    is_push = True

    file_id: Id
    sha256: str | None
    error_code: int | None = extension("hello")
    error_message: str | None = extension("hello")
    reason: str | None = extension("hello")
    temporary: bool | None = extension("hello")
