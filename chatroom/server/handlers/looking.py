"""
Who and what there is.
"""

from typing import TYPE_CHECKING

from chatroom.chat.hub import Hub
from chatroom.chat.times import rfc3339
from chatroom.server.dispatch import handles
from chatroom.store.models import RoomKind, RoomListing, User
from chatroom.wire.messages import (
    ChatInfo,
    ListChatsRequest,
    ListChatsResponse,
    ListUsersRequest,
    ListUsersResponse,
    UserInfo,
    UserInfoRequest,
    UserInfoResponse,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session


@handles(UserInfoRequest)
async def user_info(
    chat: "ChatService", session: "Session", request: UserInfoRequest
) -> UserInfoResponse:
    """
    Tell who asks, and how many there are of what.
    """
    user = session.speaker
    numbers = await chat.accounts.numbers(user)
    return UserInfoResponse(
        user_info=_user_info(user, chat.hub),
        joined_chats_count=numbers.joined_private + numbers.joined_group,
        private_chats_count=numbers.joined_private,
        group_chats_count=numbers.joined_group,
        total_users_count=numbers.users,
        online_users_count=chat.hub.online_count,
        total_chats_count=numbers.rooms,
    )


@handles(ListUsersRequest)
async def list_users(
    chat: "ChatService", session: "Session", request: ListUsersRequest
) -> ListUsersResponse:
    """
    List everybody, or the members of a room.
    """
    if request.list_type == "current_chat":
        room_id = request.chat_group_id or session.room_id
        users = await chat.rooms.members(session.speaker, room_id)
    else:
        users = await chat.accounts.everybody()
    return ListUsersResponse(users=[_user_info(user, chat.hub) for user in users])


@handles(ListChatsRequest)
async def list_chats(
    chat: "ChatService", session: "Session", request: ListChatsRequest
) -> ListChatsResponse:
    """
    List one's rooms, or all that one may know of.
    """
    if request.list_type == "all":
        rooms = await chat.rooms.visible(session.speaker)
    else:
        rooms = await chat.rooms.joined(session.speaker)
    return ListChatsResponse(chats=[_chat_info(listing) for listing in rooms])


def _user_info(user: User, hub: Hub) -> UserInfo:
    return UserInfo(user_id=user.id, username=user.name, is_online=hub.is_online(user.id))


def _chat_info(listing: RoomListing) -> ChatInfo:
    room = listing.room
    return ChatInfo(
        group_id=room.id,
        group_name=room.name,
        is_private_chat=room.kind is RoomKind.PRIVATE,
        member_count=listing.member_count,
        created_at=rfc3339(room.created_at),
    )
