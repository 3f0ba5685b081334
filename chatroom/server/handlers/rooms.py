"""
Rooms made, joined and entered.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.server.dispatch import handles
from chatroom.server.handlers.talking import shown, shown_in_full, take_turn
from chatroom.texts import text
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    CreateChatRequest,
    CreateChatResponse,
    EnterChatRequest,
    EnterChatResponse,
    JoinChatRequest,
    JoinChatResponse,
    LeaveChatRequest,
    LeaveChatResponse,
    SystemMessage,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session


@handles(CreateChatRequest)
async def create_chat(
    chat: "ChatService", session: "Session", request: CreateChatRequest
) -> CreateChatResponse:
    """
    Make a room; the session's current one stays what it is.
    """
    names = request.member_usernames or []
    room = await chat.rooms.create(session.speaker, request.chat_name, names)
    return CreateChatResponse(chat_group_id=room.id, chat_name=room.name)


@handles(JoinChatRequest)
async def join_chat(
    chat: "ChatService", session: "Session", request: JoinChatRequest
) -> Sequence[Reply]:
    """
    Make a member of who asks, and welcome them.
    """
    room = await chat.rooms.join(session.speaker, request.chat_name)
    welcome = text(session.replies.language, "welcome", room=room.name)
    return [
        JoinChatResponse(chat_group_id=room.id, chat_name=room.name),
        SystemMessage(content=welcome),
    ]


@handles(EnterChatRequest)
async def enter_chat(
    chat: "ChatService", session: "Session", request: EnterChatRequest
) -> Sequence[Reply]:
    """
    Make a room the current one, and show what was said there last.
    """
    view = await chat.rooms.enter(session.speaker, request.chat_name)
    room = view.room
    session.room_id = room.id
    entered = EnterChatResponse(chat_group_id=room.id, chat_name=room.name)
    if session.greeting is None:
        return [entered, *shown(view, session.replies.language)]
    return [entered, *shown_in_full(view, session.speaker)]


@handles(LeaveChatRequest)
async def leave_chat(
    chat: "ChatService", session: "Session", request: LeaveChatRequest
) -> LeaveChatResponse:
    """
    Make who asks be no member any more. It counts as a message: who leaves may make or
    join another room, as often as they leave.
    """
    take_turn(chat, session)
    room_id = request.chat_group_id or session.room_id
    room = await chat.rooms.leave(session.speaker, room_id)
    return LeaveChatResponse(chat_group_id=room.id, chat_name=room.name)
