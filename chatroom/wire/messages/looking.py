"""
Who and what there is.
"""

from typing import Literal

from attrs import frozen

from chatroom.wire.codec import Id, OptionalId, Reply, Request
from chatroom.wire.constants import MessageType


@frozen(kw_only=True, slots=False)
class UserInfo:
    """
    Somebody.

    @ivar is_online: whether they have a session.
    """

    user_id: Id
    username: str
    is_online: bool


@frozen(kw_only=True, slots=False)
class ChatInfo:
    """
    A room.

    @ivar created_at: in RFC 3339, UTC.
    """

    group_id: Id
    group_name: str
    is_private_chat: bool
    member_count: int
    created_at: str


@frozen(kw_only=True)
class UserInfoRequest(Request):
    """
    Ask who one is, and for the server's numbers.
    """

    message_type = MessageType.USER_INFO_REQUEST


@frozen(kw_only=True)
class UserInfoResponse(Reply):
    """
    The asker, and how many there are of what.

    @ivar joined_chats_count: rooms the asker is a member of: private and others.
    @ivar total_chats_count: all rooms of the server.
    """

    message_type = MessageType.USER_INFO_RESPONSE

    user_info: UserInfo
    joined_chats_count: int
    private_chats_count: int
    group_chats_count: int
    total_users_count: int
    online_users_count: int
    total_chats_count: int


@frozen(kw_only=True)
class ListUsersRequest(Request):
    """
    Ask who has an account, or who is a member of a room.

    @ivar chat_group_id: the room, for C{current_chat}; else the session's own.
    """

    message_type = MessageType.LIST_USERS_REQUEST

    list_type: Literal["all", "current_chat"] | None = None
    chat_group_id: OptionalId | None = None


@frozen(kw_only=True)
class ListUsersResponse(Reply):
    """
    Users, by id.
    """

    message_type = MessageType.LIST_USERS_RESPONSE

    users: list[UserInfo]


@frozen(kw_only=True)
class ListChatsRequest(Request):
    """
    Ask for one's rooms, or for those and all public ones.
    """

    message_type = MessageType.LIST_CHATS_REQUEST

    list_type: Literal["joined", "all"] | None = None


@frozen(kw_only=True)
class ListChatsResponse(Reply):
    """
    Rooms, by id.
    """

    message_type = MessageType.LIST_CHATS_RESPONSE

    chats: list[ChatInfo]
