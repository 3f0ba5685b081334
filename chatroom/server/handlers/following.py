"""
Following the log.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.errors import BadField, OtherEpoch
from chatroom.server.dispatch import handles
from chatroom.store.models import Head, RoomKind
from chatroom.wire.messages import ChatHead, ChatHeads, ResumeRequest, ResumeResponse

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session


@handles(ResumeRequest)
async def resume(
    chat: "ChatService", session: "Session", request: ResumeRequest
) -> ResumeResponse:
    """
    Send what was missed, then what happens.
    """
    positions = request.positions or []
    if request.epoch is None and positions:
        raise BadField(field="epoch")
    if request.epoch not in (None, chat.epoch):
        raise OtherEpoch(field="epoch")
    if session.follower is not None:
        return ResumeResponse(chats=await session.follower.resume(positions))
    # A client of the seed follows nothing, but is told what it has missed.
    named = {each.chat_group_id for each in positions}
    heads = [each for each in await chat.rooms.heads(session.speaker) if each.room.id in named]
    follower = session.new_follower(session.speaker)
    # Somebody may have left meanwhile; from here on the session is told of that.
    follower.begin([each for each in heads if chat.hub.is_in(session, each.room.id)])
    try:
        return ResumeResponse(chats=await follower.resume(positions))
    finally:
        session.drop(follower)


def heads_of(heads: Sequence[Head]) -> ChatHeads:
    """
    @return: somebody's rooms, as they are told of them.
    """
    return ChatHeads(
        chats=[
            ChatHead(
                chat_group_id=head.room.id,
                chat_name=head.room.name,
                is_private_chat=head.room.kind is RoomKind.PRIVATE,
                role=head.role.value,
                joined_seq=head.joined_seq,
                last_seq=head.last_seq,
                read_seq=head.read_seq,
                unread=head.unread,
                mentions=head.mentions,
            )
            for head in heads
        ]
    )
