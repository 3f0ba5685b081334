"""
How a message is said on one connection.
"""

from chatroom.client.conversation import Conversation
from chatroom.client.errors import NetworkError, Refusal, Unanswered
from chatroom.client.events import Stored
from chatroom.errors import NotLoggedIn
from chatroom.wire.messages import ChatMessage, ChatMessageAck, PostRequest


async def say(conversation: Conversation, post: PostRequest) -> Stored:
    """
    Say something once, on one connection.

    @raise NetworkError: if that is lost, or the login is, before the answer.
    """
    try:
        answer = (await conversation.ask(post))[-1]
    except Refusal as error:
        if isinstance(error, NotLoggedIn):
            conversation.line.drop("the login is lost")
            raise NetworkError() from error
        raise
    if not isinstance(answer, ChatMessageAck | ChatMessage) or answer.message_id is None:
        raise Unanswered()
    return Stored(
        message_id=answer.message_id,
        seq=answer.seq,
        server_time=answer.server_time,
        client_message_id=post.client_message_id or "",
        duplicate=isinstance(answer, ChatMessageAck) and answer.duplicate,
    )
