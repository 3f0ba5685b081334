"""
What is done to rooms and to who is in them, and what is told of it.
"""

from typing import Annotated, Literal

from attrs import frozen
from msgspec import Meta

from chatroom.wire.codec import Id, OptionalId, Reply, Request, extension
from chatroom.wire.constants import MessageType
from chatroom.wire.details import RoleName, Visibility
from chatroom.wire.messages.following import Happened

#: Who did something says why in a few words.
Reason = Annotated[str, Meta(max_length=200)]

#: The end of something, in Unix seconds; that of the year 9999 at the latest.
Until = Annotated[float, Meta(ge=0, le=253402300799)]


@frozen(kw_only=True)
class _AboutChat(Request):
    chat_group_id: OptionalId | None = None


@frozen(kw_only=True)
class _AboutMember(_AboutChat):
    username: str


@frozen(kw_only=True)
class _Done(Reply):
    """
    @ivar seq: the place of the change in the room.
    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar duplicate: whether nothing had to be done, since it was so already; then it
        has no C{seq} and no C{server_time}.
    """

    chat_group_id: Id
    seq: Id | None
    server_time: str | None
    duplicate: bool


@frozen(kw_only=True)
class _DoneTo(_Done):
    user_id: Id
    username: str


@frozen(kw_only=True)
class PrivateChatRequest(Request):
    """
    Have a private chat with somebody: the one that there is, or a new one.
    """

    message_type = MessageType.PRIVATE_CHAT_REQUEST

    username: str


@frozen(kw_only=True)
class InviteRequest(_AboutMember):
    """
    Let somebody join a room.

    @ivar chat_group_id: the room, as in the requests below; absent, null or 0 is the
        session's current one.
    """

    message_type = MessageType.INVITE_REQUEST


@frozen(kw_only=True)
class InviteResponse(_DoneTo):
    """
    They may join.
    """

    message_type = MessageType.INVITE_RESPONSE


@frozen(kw_only=True)
class KickRequest(_AboutMember):
    """
    Have somebody be no member any more.
    """

    message_type = MessageType.KICK_REQUEST

    reason: Reason | None = None


@frozen(kw_only=True)
class KickResponse(_DoneTo):
    """
    They are no member.
    """

    message_type = MessageType.KICK_RESPONSE


@frozen(kw_only=True)
class MuteRequest(_AboutMember):
    """
    Have a member read, and say nothing.

    @ivar until: the end of it, in Unix seconds; C{None} is no end.
    """

    message_type = MessageType.MUTE_REQUEST

    until: Until | None = None
    reason: Reason | None = None


@frozen(kw_only=True)
class MuteResponse(_DoneTo):
    """
    They say nothing.
    """

    message_type = MessageType.MUTE_RESPONSE


@frozen(kw_only=True)
class BanRequest(_AboutMember):
    """
    Have somebody be no member, and become none.

    @ivar until: the end of it, in Unix seconds; C{None} is no end.
    """

    message_type = MessageType.BAN_REQUEST

    until: Until | None = None
    reason: Reason | None = None


@frozen(kw_only=True)
class BanResponse(_DoneTo):
    """
    They are no member.
    """

    message_type = MessageType.BAN_RESPONSE


@frozen(kw_only=True)
class LiftRequest(_AboutMember):
    """
    Have somebody be muted and banned no longer.
    """

    message_type = MessageType.LIFT_REQUEST

    reason: Reason | None = None


@frozen(kw_only=True)
class LiftResponse(_DoneTo):
    """
    They are neither.
    """

    message_type = MessageType.LIFT_RESPONSE


@frozen(kw_only=True)
class SetRoleRequest(_AboutMember):
    """
    Have a member be something else in a room.
    """

    message_type = MessageType.SET_ROLE_REQUEST

    role: RoleName


@frozen(kw_only=True)
class SetRoleResponse(_DoneTo):
    """
    They are that.
    """

    message_type = MessageType.SET_ROLE_RESPONSE

    role: RoleName


@frozen(kw_only=True)
class UpdateChatRequest(_AboutChat):
    """
    Have a room be about something else, be called something else, or be known to others;
    what is absent stays.
    """

    message_type = MessageType.UPDATE_CHAT_REQUEST

    topic: str | None = None
    name: str | None = None
    visibility: Visibility | None = None
    reason: Reason | None = None


@frozen(kw_only=True)
class UpdateChatResponse(_Done):
    """
    The room is this.
    """

    message_type = MessageType.UPDATE_CHAT_RESPONSE

    chat_name: str
    topic: str
    visibility: Visibility


@frozen(kw_only=True)
class DeleteChatRequest(Request):
    """
    Delete a room, with all that is in it.

    @ivar chat_group_id: the room; it has to be named.
    """

    message_type = MessageType.DELETE_CHAT_REQUEST

    chat_group_id: Id
    reason: Reason | None = None


@frozen(kw_only=True)
class DeleteChatResponse(_Done):
    """
    The room is no more.
    """

    message_type = MessageType.DELETE_CHAT_RESPONSE

    chat_name: str


@frozen(kw_only=True, slots=False)
class MemberInfo:
    """
    Somebody in a room.

    @ivar muted_until: in RFC 3339, UTC; C{None} if they are not muted, or without end.
    """

    user_id: Id
    username: str
    role: RoleName
    is_muted: bool
    muted_until: str | None


@frozen(kw_only=True, slots=False)
class BanInfo:
    """
    Somebody who may not be in a room.

    @ivar banned_until: in RFC 3339, UTC; C{None} if it has no end.
    """

    user_id: Id
    username: str
    banned_until: str | None


@frozen(kw_only=True)
class ChatInfoRequest(_AboutChat):
    """
    Ask what a room is, and who is in it.
    """

    message_type = MessageType.CHAT_INFO_REQUEST


@frozen(kw_only=True)
class ChatInfoResponse(Reply):
    """
    A room.

    @ivar members: by id.
    @ivar bans: who may not be in it, by id; C{None} for who is not to know.
    """

    message_type = MessageType.CHAT_INFO_RESPONSE

    chat_group_id: Id
    chat_name: str
    is_private_chat: bool
    visibility: Visibility
    topic: str
    created_at: str
    members: list[MemberInfo]
    bans: list[BanInfo] | None


@frozen(kw_only=True)
class ChatInvitation(Reply):
    """
    Somebody may join a room now, and is told so.

    @ivar user_id: who has invited them.
    """

    message_type = MessageType.CHAT_INVITATION

    chat_group_id: Id
    chat_group_name: str
    user_id: Id
    username: str


@frozen(kw_only=True)
class MemberChanged(Happened):
    """
    Something was done to somebody with respect to a room.

    @ivar user_id: to whom.
    @ivar changed_by: who did it.
    @ivar role: what they are now, if that was it.
    @ivar until: the end of it, in RFC 3339, UTC, if there is one.
    """

    message_type = MessageType.MEMBER_CHANGED

    chat_group_name: str
    user_id: Id
    username: str
    changed_by: Id
    change: Literal["invited", "muted", "lifted", "role"]
    role: RoleName | None = extension("hello")
    until: str | None = extension("hello")
    reason: str | None = extension("hello")


@frozen(kw_only=True)
class ChatChanged(Happened):
    """
    A room is something else.
    """

    message_type = MessageType.CHAT_CHANGED

    chat_group_name: str
    topic: str
    visibility: Visibility
    changed_by: Id
    reason: str | None = extension("hello")


@frozen(kw_only=True)
class ChatDeleted(Happened):
    """
    A room is no more; this is its last event.
    """

    message_type = MessageType.CHAT_DELETED

    chat_group_name: str
    deleted_by: Id
    reason: str | None = extension("hello")
