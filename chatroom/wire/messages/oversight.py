"""
What else those ask who look after the server, most of all its operator from a shell.
"""

from typing import Annotated

from attrs import field, frozen
from msgspec import Meta

from chatroom.wire.codec import Id, OptionalId, Reply, Request
from chatroom.wire.constants import MessageType
from chatroom.wire.messages.moderation import Reason

#: How many entries one answer has at the most.
_Limit = Annotated[int, Meta(ge=1, le=100)]


@frozen(kw_only=True)
class AddUserRequest(Request):
    """
    Make an account, also where nobody may make their own.
    """

    message_type = MessageType.ADD_USER_REQUEST

    username: str
    password: str = field(repr=False)


@frozen(kw_only=True)
class AddUserResponse(Reply):
    """
    They may log in.
    """

    message_type = MessageType.ADD_USER_RESPONSE

    user_id: Id
    username: str


@frozen(kw_only=True, slots=False)
class UserSession:
    """
    A login of anybody that can be taken up again, or a connection of a login that can't.

    @ivar session_id: of the login; C{None} for one without a token.
    @ivar client: what the program calls itself, and C{device} where it runs.
    @ivar created_at: in RFC 3339, UTC, as the next two; C{None} without a token.
    @ivar addresses: where its connections come from; none if nobody is here by it.
    """

    session_id: Id | None
    user_id: Id
    username: str
    client: str
    device: str
    created_at: str | None
    last_used_at: str | None
    expires_at: str | None
    addresses: list[str]


@frozen(kw_only=True)
class ListUserSessionsRequest(Request):
    """
    Ask who has logged in, some at a time.

    @ivar username: whose; C{None} is anybody's.
    @ivar after_id: those after this login.
    @ivar limit: how many at the most; C{None} is 100.
    """

    message_type = MessageType.LIST_USER_SESSIONS_REQUEST

    username: str | None = None
    after_id: OptionalId | None = None
    limit: _Limit | None = None


@frozen(kw_only=True)
class ListUserSessionsResponse(Reply):
    """
    Logins, by id; with the last of them, the connections that have no token.
    """

    message_type = MessageType.LIST_USER_SESSIONS_RESPONSE

    sessions: list[UserSession]


@frozen(kw_only=True, slots=False)
class BanEntry:
    """
    Somebody who may be no member of a room.

    @ivar banned_until: in RFC 3339, UTC; C{None} is without end.
    """

    chat_group_id: Id
    chat_name: str
    user_id: Id
    username: str
    banned_until: str | None


@frozen(kw_only=True)
class ListBansRequest(Request):
    """
    Ask who may be no member of what, some at a time.

    @ivar chat_group_id: where; C{None} is anywhere.
    @ivar after_chat_group_id: those after this place: a room, and C{after_user_id} in it.
    @ivar limit: how many at the most; C{None} is 100.
    """

    message_type = MessageType.LIST_BANS_REQUEST

    chat_group_id: Id | None = None
    after_chat_group_id: OptionalId | None = None
    after_user_id: OptionalId | None = None
    limit: _Limit | None = None


@frozen(kw_only=True)
class ListBansResponse(Reply):
    """
    Bans, by the ids of rooms, then of users.
    """

    message_type = MessageType.LIST_BANS_RESPONSE

    bans: list[BanEntry]


@frozen(kw_only=True)
class TransferChatRequest(Request):
    """
    Have a member be the one owner of a room.
    """

    message_type = MessageType.TRANSFER_CHAT_REQUEST

    chat_group_id: Id
    username: str
    reason: Reason | None = None


@frozen(kw_only=True)
class TransferChatResponse(Reply):
    """
    They are.

    @ivar seq: the place of the last change in the room's log; C{None} if it was so
        already, and C{duplicate} then.
    """

    message_type = MessageType.TRANSFER_CHAT_RESPONSE

    chat_group_id: Id
    seq: Id | None
    server_time: str | None
    duplicate: bool
    user_id: Id
    username: str
