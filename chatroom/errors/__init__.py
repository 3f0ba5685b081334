"""
Every way to refuse, as an exception class that names its code.

What the peer may hear is C{str(error)}, or L{ChatError.text} in a language;
the reason why we failed, where there is one, is C{__cause__} and ours alone.
"""

from chatroom.errors.base import (
    ChatError,
    DatabaseError,
    DatabaseInUse,
    ErrorCode,
    InvalidMessage,
    ServerError,
    StartError,
)
from chatroom.errors.files import (
    BadChunk,
    BadFilename,
    BadOffset,
    ClientFileIdReused,
    DiskFull,
    FileDamaged,
    FileNotFound,
    FilesFull,
    FilesOff,
    FilesUnavailable,
    FileTooLarge,
    IsAFile,
    QuotaExceeded,
    TooManyChunks,
    TooManyTransfers,
    UploadNotFound,
    WrongHash,
)

__all__ = [
    "AlreadyLoggedIn",
    "BadChunk",
    "BadContent",
    "BadCursor",
    "BadField",
    "BadFilename",
    "BadOffset",
    "BadPassword",
    "BadQuery",
    "BadReaction",
    "BadRoomName",
    "BadToken",
    "BadUsername",
    "Busy",
    "CannotLeave",
    "ChatError",
    "ClientFileIdReused",
    "ClientMessageIdReused",
    "DatabaseError",
    "DatabaseInUse",
    "DiskFull",
    "ErrorCode",
    "FileDamaged",
    "FileNotFound",
    "FileTooLarge",
    "FilesFull",
    "FilesOff",
    "FilesUnavailable",
    "HelloTooLate",
    "InternalError",
    "InvalidMessage",
    "IsAFile",
    "LineNotEnded",
    "LineTooLong",
    "MessageIsDeleted",
    "MessageNotFound",
    "NotAMember",
    "NotAnObject",
    "NotJSON",
    "NotLoggedIn",
    "NotYourMessage",
    "OtherEpoch",
    "OtherProtocol",
    "QuotaExceeded",
    "RegistrationClosed",
    "RoomFull",
    "RoomNameTaken",
    "RoomNotFound",
    "SeqInFuture",
    "ServerError",
    "SessionNotFound",
    "ShuttingDown",
    "StartError",
    "StoreUnavailable",
    "TooFast",
    "TooManyChunks",
    "TooManyReactions",
    "TooManyRegistrations",
    "TooManyRooms",
    "TooManySessions",
    "TooManyTransfers",
    "TooManyTries",
    "UnknownType",
    "UploadNotFound",
    "UserNotFound",
    "UsernameTaken",
    "WrongCredentials",
    "WrongHash",
]


class NotLoggedIn(ChatError):
    """The request needs a login."""

    code = ErrorCode.AUTHENTICATION_FAILED
    reason = "not_logged_in"


class WrongCredentials(ChatError):
    """No such user, or not this password: which of them is not told."""

    code = ErrorCode.AUTHENTICATION_FAILED
    reason = "wrong_credentials"


class BadToken(ChatError):
    """No login has this token, or it has expired or was revoked."""

    code = ErrorCode.AUTHENTICATION_FAILED
    reason = "bad_token"


class AlreadyLoggedIn(ChatError):
    """The session has a user, and keeps it until it logs out."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "already_logged_in"


class UsernameTaken(ChatError):
    """A user of this name, or of one that reads the same, exists."""

    code = ErrorCode.ALREADY_EXISTS
    reason = "username_taken"


class RoomNameTaken(ChatError):
    """A room of this name, or of one that reads the same, exists."""

    code = ErrorCode.ALREADY_EXISTS
    reason = "chat_name_taken"


class UserNotFound(ChatError):
    """Nobody has this name."""

    code = ErrorCode.USER_NOT_FOUND
    reason = "user_not_found"


class RoomNotFound(ChatError):
    """There is no such room, or the asker may not know of it."""

    code = ErrorCode.CHAT_NOT_FOUND
    reason = "chat_not_found"


class MessageNotFound(ChatError):
    """There is no such message, or the asker may not know of it."""

    code = ErrorCode.CHAT_NOT_FOUND
    reason = "message_not_found"


class MessageIsDeleted(ChatError):
    """The message was taken back; there is nothing left to change."""

    code = ErrorCode.CHAT_NOT_FOUND
    reason = "message_is_deleted"


class SessionNotFound(ChatError):
    """The user has no such login."""

    code = ErrorCode.CHAT_NOT_FOUND
    reason = "session_not_found"


class TooManyReactions(ChatError):
    """The message has as many reactions as it may have, or as many of one user."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "too_many_reactions"


class TooManySessions(ChatError):
    """The user has as many sessions as a user may have."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "too_many_sessions"
    temporary = True


class TooManyTries(ChatError):
    """Too many wrong passwords; this one was not looked at."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "too_many_tries"
    temporary = True


class RegistrationClosed(ChatError):
    """Nobody may make an account here."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "registration_closed"


class TooManyRegistrations(ChatError):
    """The address has made as many accounts as it may for now."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "too_many_registrations"
    temporary = True


class TooFast(ChatError):
    """The user posts or searches more often than a user may; this was not done."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "too_fast"
    temporary = True


class RoomFull(ChatError):
    """The room has as many members as a room may have."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "chat_full"
    temporary = True


class TooManyRooms(ChatError):
    """The user has made or joined as many rooms as a user may."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "too_many_chats"


class NotJSON(InvalidMessage):
    """The line is not strict JSON in strict UTF-8."""

    reason = "not_json"


class NotAnObject(InvalidMessage):
    """The line is JSON, but not an object."""

    reason = "not_an_object"


class UnknownType(InvalidMessage):
    """C{message_type} is missing, no string, or none that is known."""

    reason = "unknown_type"


class BadField(InvalidMessage):
    """A key is missing, of the wrong type or out of bounds."""

    reason = "bad_field"


class LineTooLong(InvalidMessage):
    """The line has more bytes than the session may send."""

    reason = "line_too_long"


class LineNotEnded(InvalidMessage):
    """The peer stopped sending in the middle of a line."""

    reason = "line_not_ended"


class OtherProtocol(InvalidMessage):
    """The peer speaks, but not this protocol."""

    reason = "other_protocol"


class BadUsername(InvalidMessage):
    """No account can have this name."""

    reason = "bad_username"


class BadPassword(InvalidMessage):
    """No account can have a password of this length."""

    reason = "bad_password"


class BadRoomName(InvalidMessage):
    """No room can have this name."""

    reason = "bad_chat_name"


class BadContent(InvalidMessage):
    """No message can have this content."""

    reason = "bad_content"


class BadReaction(InvalidMessage):
    """No reaction can be this text."""

    reason = "bad_reaction"


class HelloTooLate(InvalidMessage):
    """The conversation is past its beginning."""

    reason = "hello_too_late"


class OtherEpoch(InvalidMessage):
    """The positions are of another database."""

    reason = "other_epoch"


class SeqInFuture(InvalidMessage):
    """The room's log has not got there yet."""

    reason = "seq_in_future"


class BadQuery(InvalidMessage):
    """There is no word in it that could be looked for."""

    reason = "bad_query"


class BadCursor(InvalidMessage):
    """No answer to this question has ended there."""

    reason = "bad_cursor"


class ClientMessageIdReused(InvalidMessage):
    """The sender gave the same C{client_message_id} to another message."""

    reason = "client_message_id_reused"


class InternalError(ServerError):
    """Something happened that no code expected; the log has it."""

    reason = "internal_error"


class StoreUnavailable(ServerError):
    """The database did not do its work; nothing was stored."""

    reason = "store_unavailable"
    temporary = True


class Busy(ServerError):
    """A queue is full; nothing was begun."""

    reason = "busy"
    temporary = True


class ShuttingDown(ServerError):
    """The server takes no new work."""

    reason = "shutting_down"
    temporary = True


# Last, for they are made of what is above.
from chatroom.errors.moderation import BadTopic as BadTopic  # noqa: E402
from chatroom.errors.moderation import Banned as Banned  # noqa: E402
from chatroom.errors.moderation import CannotLeave as CannotLeave  # noqa: E402
from chatroom.errors.moderation import Declined as Declined  # noqa: E402
from chatroom.errors.moderation import LastOwner as LastOwner  # noqa: E402
from chatroom.errors.moderation import MemberNotFound as MemberNotFound  # noqa: E402
from chatroom.errors.moderation import Muted as Muted  # noqa: E402
from chatroom.errors.moderation import NotAllowed as NotAllowed  # noqa: E402
from chatroom.errors.moderation import NotAMember as NotAMember  # noqa: E402
from chatroom.errors.moderation import NotInThisChat as NotInThisChat  # noqa: E402
from chatroom.errors.moderation import NotYourMessage as NotYourMessage  # noqa: E402
from chatroom.errors.moderation import NotYourself as NotYourself  # noqa: E402
from chatroom.errors.moderation import Outranked as Outranked  # noqa: E402
from chatroom.errors.moderation import UntilInPast as UntilInPast  # noqa: E402
from chatroom.errors.moderation import UserIsBanned as UserIsBanned  # noqa: E402
