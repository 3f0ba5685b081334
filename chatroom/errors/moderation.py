"""
Refusals that have to do with who may do what to whom, in a room and on the server.
"""

from chatroom.errors import ChatError, ErrorCode, InvalidMessage


class NotAMember(ChatError):
    """The action needs a membership of the room."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "not_a_member"


class CannotLeave(ChatError):
    """The room is one that everybody is a member of."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "cannot_leave"


class NotYourMessage(ChatError):
    """Somebody else has said it."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "not_your_message"


class NotAllowed(ChatError):
    """What the user is, in the room or on the server, is not enough for it."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "not_allowed"


class NotInThisChat(ChatError):
    """Nobody may do it in a room of this kind."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "not_in_this_chat"


class Muted(ChatError):
    """The user may read in the room, and nothing else for now."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "muted"


class Banned(ChatError):
    """The user may be no member of the room for now."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "banned"


class UserIsBanned(ChatError):
    """The other may be no member of the room for now."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "user_is_banned"


class Outranked(ChatError):
    """The other is as much in the room as the user is, or more."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "outranked"


class LastOwner(ChatError):
    """The room would have no owner."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "last_owner"


class MemberNotFound(ChatError):
    """The other is no member of the room."""

    code = ErrorCode.USER_NOT_FOUND
    reason = "member_not_found"


class NotYourself(InvalidMessage):
    """Nobody does this to themselves."""

    reason = "not_yourself"


class UntilInPast(InvalidMessage):
    """It would have ended before it begins."""

    reason = "until_in_past"


class Declined(ChatError):
    """
    The program that the server is part of does not let it happen. Its guards raise this.

    @ivar said: what the peer is told.
    """

    code = ErrorCode.PERMISSION_DENIED
    reason = "declined"

    def __init__(
        self, said: str = "", *, field: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(field=field, retry_after=retry_after, said=str(said))
        self.said = str(said)


class BadTopic(InvalidMessage):
    """No room can have this topic."""

    reason = "bad_topic"
