"""
How far people have read.
"""

from typing import TYPE_CHECKING

from chatroom.server.dispatch import handles
from chatroom.wire.codec import encode
from chatroom.wire.messages import MarkReadRequest, ReadMarker

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
