"""
Rooms made, joined and entered.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.alterations import VISIBILITIES
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
    PrivateChatRequest,
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
    Make a room; the session's current one stays what it is. It counts as a message, for
    its refusal tells which names are taken.
    """
    take_turn(chat, session)
    names = request.member_usernames or []
    kind = VISIBILITIES[request.visibility or "public"]
    room = await chat.rooms.create(session.speaker, request.chat_name, names, kind)
    return CreateChatResponse(chat_group_id=room.id, chat_name=room.name)


@handles(PrivateChatRequest)
async def private_chat(
    chat: "ChatService", session: "Session", request: PrivateChatRequest
) -> CreateChatResponse:
    """
    Find or make the room of two; it counts as a message.
    """
    take_turn(chat, session)
    room = await chat.rooms.of_two(session.speaker, request.username)
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
