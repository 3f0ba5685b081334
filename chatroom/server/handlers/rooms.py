"""
Rooms made, joined and entered.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.alterations import VISIBILITIES
from chatroom.server.dispatch import handles
from chatroom.server.handlers.talking import shown, shown_in_full, take_turn
from chatroom.store.models import EventKind
from chatroom.texts import text
from chatroom.wire.codec import Reply
from chatroom.wire.details import Details
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
    user, visibility = session.speaker, request.visibility or "public"
    details = Details(name=request.chat_name, visibility=visibility)
    usernames = [user.name, *names]
    await chat.guards.ask(EventKind.JOIN, user, usernames=usernames, details=details)
    kind = VISIBILITIES[visibility]
    room = await chat.rooms.create(user, request.chat_name, names, kind)
    return CreateChatResponse(chat_group_id=room.id, chat_name=room.name)


@handles(PrivateChatRequest)
async def private_chat(
    chat: "ChatService", session: "Session", request: PrivateChatRequest
) -> CreateChatResponse:
    """
    Find or make the room of two; it counts as a message.
    """
    take_turn(chat, session)
    user, pair = session.speaker, [session.speaker.name, request.username]
    await chat.guards.ask(EventKind.JOIN, user, usernames=pair, is_pair=True)
    room = await chat.rooms.of_two(user, request.username)
    return CreateChatResponse(chat_group_id=room.id, chat_name=room.name)


@handles(JoinChatRequest)
async def join_chat(
    chat: "ChatService", session: "Session", request: JoinChatRequest
) -> Sequence[Reply]:
    """
    Make a member of who asks, and welcome them.
    """
    user, name = session.speaker, request.chat_name
    await chat.guards.ask(EventKind.JOIN, user, room_name=name, usernames=[user.name])
    room = await chat.rooms.join(user, name)
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
    user, room_id = session.speaker, request.chat_group_id or session.room_id
    await chat.guards.ask(EventKind.LEAVE, user, room_id=room_id, usernames=[user.name])
    room = await chat.rooms.leave(user, room_id)
    return LeaveChatResponse(chat_group_id=room.id, chat_name=room.name)
