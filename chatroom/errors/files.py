"""
The refusals that are about files.
"""

from chatroom.errors.base import ChatError, ErrorCode, InvalidMessage, ServerError


class IsAFile(ChatError):
    """The message is a file, which has no text that could be another."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "is_a_file"


class FilesOff(ChatError):
    """The server takes no files."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "files_off"


class TooManyTransfers(ChatError):
    """So many files are under way to or from this peer that no other may be."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "too_many_transfers"
    temporary = True


class FileNotFound(ChatError):
    """There is no such file, or the asker may not know of it."""

    code = ErrorCode.FILE_NOT_FOUND
    reason = "file_not_found"


class UploadNotFound(ChatError):
    """No such file is on its way, or somebody else is sending it."""

    code = ErrorCode.FILE_NOT_FOUND
    reason = "upload_not_found"


class FileTooLarge(ChatError):
    """The file has more bytes than a file may have."""

    code = ErrorCode.FILE_TOO_LARGE
    reason = "file_too_large"


class QuotaExceeded(ChatError):
    """The user's files would come to more than those of a user may."""

    code = ErrorCode.FILE_TOO_LARGE
    reason = "quota_exceeded"


class FilesFull(ChatError):
    """All files would come to more than may be kept."""

    code = ErrorCode.FILE_TOO_LARGE
    reason = "files_full"
    temporary = True


class BadFilename(InvalidMessage):
    """No file can have this name."""

    reason = "bad_filename"


class BadChunk(InvalidMessage):
    """It is no base64, or more than is to come."""

    reason = "bad_chunk"


class BadOffset(InvalidMessage):
    """It is not there that the file goes on, or beyond its end."""

    reason = "bad_offset"


class TooManyChunks(InvalidMessage):
    """More chunks were sent without waiting for an acknowledgement than may be."""

    reason = "too_many_chunks"


class WrongHash(InvalidMessage):
    """What was sent is not what it was said to be; nothing is kept of it."""

    reason = "wrong_hash"


class ClientFileIdReused(InvalidMessage):
    """The sender gave the same C{client_file_id} to another file."""

    reason = "client_file_id_reused"


class DiskFull(ServerError):
    """There is no room for the file; nothing is kept of it."""

    reason = "disk_full"
    temporary = True


class FilesUnavailable(ServerError):
    """What keeps the files did not do its work; nothing is kept of the one on its way."""

    reason = "files_unavailable"
    temporary = True


class FileDamaged(ServerError):
    """The file should be there, and is not, or not all of it."""

    reason = "file_damaged"
