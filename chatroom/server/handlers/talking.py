"""
What is said.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.names import check_content
from chatroom.chat.transaction import Post
from chatroom.errors import TooFast
from chatroom.server.dispatch import handles
from chatroom.server.replies import is_named
from chatroom.server.times import rfc3339
from chatroom.wire.messages import ChatMessageAck, PostRequest

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session


@handles(PostRequest, shares_commit=True)
async def post(
    chat: "ChatService", session: "Session", request: PostRequest
) -> Sequence[ChatMessageAck]:
    """
    Say something; the push is all the answer, unless the post has a name.
    """
    check_content(request.content, chat.settings.content_chars)
    wait = chat.posts.take(session.speaker.id)
    if wait > 0:
        raise TooFast(retry_after=wait)
    stored = await chat.log.post(
        Post(
            sender=session.speaker,
            room_id=request.chat_group_id or session.room_id,
            content=request.content,
            client_message_id=request.client_message_id,
        )
    )
    if not is_named(request):
        return []
    event = stored.event
    ack = ChatMessageAck(
        chat_group_id=event.room_id,
        message_id=event.id,
        seq=event.seq,
        client_message_id=event.client_message_id,
        server_time=rfc3339(event.created_at),
        duplicate=stored.is_duplicate,
    )
    return [ack]
