"""
How far people have read, and that they are writing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.server.dispatch import handles
from chatroom.wire.codec import Reply, encode
from chatroom.wire.messages import MarkReadRequest, ReadMarker, TypingRequest

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session


@handles(MarkReadRequest)
async def mark_read(
    chat: "ChatService", session: "Session", request: MarkReadRequest
) -> ReadMarker:
    """
    Note how far a room is read, and tell whom that concerns.
    """
    user_id, room_id = session.speaker.id, request.chat_group_id or session.room_id
    read = await chat.marks.mark(user_id, room_id, request.seq)
    marker = ReadMarker(
        chat_group_id=room_id, seq=read.seq, unread=read.unread, mentions=read.mentions
    )
    if read.has_moved:
        _tell_others(chat, session, user_id, marker)
        chat.ephemera.read(user_id, room_id, read.seq)
    return marker


def _tell_others(
    chat: "ChatService", session: "Session", user_id: int, marker: ReadMarker
) -> None:
    """
    Tell the user's other sessions, those that know what it means.
    """
    line = encode(marker, now=chat.now())
    for client in chat.hub.clients_of(user_id):
        if client is not session and client.follower is not None:
            client.deliver(line)


@handles(TypingRequest)
async def typing(
    chat: "ChatService", session: "Session", request: TypingRequest
) -> Sequence[Reply]:
    """
    Show that who asks is writing, or no longer.
    """
    user, room_id = session.speaker, request.chat_group_id or session.room_id
    is_in = chat.hub.is_in(session, room_id)
    if not is_in or await chat.mutes.may_be(user.id, room_id):
        await chat.rooms.require_voice(user, room_id, chat.now())
    chat.ephemera.write(session.speaker, room_id, active=request.active)
    return []
