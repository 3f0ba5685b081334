"""
Rooms made, joined and entered.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.pushes import said
from chatroom.server.dispatch import handles
from chatroom.texts import text
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    ChatHistory,
    ChatHistoryComplete,
    CreateChatRequest,
    CreateChatResponse,
    EnterChatRequest,
    EnterChatResponse,
    JoinChatRequest,
    JoinChatResponse,
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
    welcome = text(chat.settings.language, "welcome", room=room.name)
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
    entrance = await chat.rooms.enter(session.speaker, request.chat_name)
    room, messages = entrance.room, entrance.messages
    session.room_id = room.id
    return [
        EnterChatResponse(chat_group_id=room.id, chat_name=room.name),
        *(said(event, ChatHistory) for event in messages),
        ChatHistoryComplete(chat_group_id=room.id, message_count=len(messages)),
    ]
