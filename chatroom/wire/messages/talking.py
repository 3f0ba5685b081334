"""
What is said.
"""

from attrs import frozen

from chatroom.wire.codec import ClientMessageId, Id, OptionalId, Reply, Request, extension
from chatroom.wire.constants import MessageType


@frozen(kw_only=True)
class PostRequest(Request):
    """
    Say something: the form of C{chat_message} that the server reads.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    @ivar client_message_id: the sender's own name for the message: sending it
        twice stores it once.
    """

    message_type = MessageType.CHAT_MESSAGE

    content: str
    chat_group_id: OptionalId | None = None
    client_message_id: ClientMessageId | None = extension()


@frozen(kw_only=True)
class _Said(Reply):
    message_id: Id | None = None
    sender_id: Id | None = None
    sender_username: str | None = None
    chat_group_id: OptionalId | None = None
    chat_group_name: str | None = None
    content: str


@frozen(kw_only=True)
class ChatMessage(_Said):
    """
    What somebody said, as pushed to every session of every member.

    Made by a client, with C{content} and at most C{chat_group_id}, it is also
    what L{PostRequest} reads: the server knows the rest.

    @ivar timestamp: when it was stored.
    """

    message_type = MessageType.CHAT_MESSAGE


@frozen(kw_only=True)
class ChatMessageAck(Reply):
    """
    The message is stored. Sent for a post that has a C{request_id} or a
    C{client_message_id}, before the push.

    @ivar seq: the message's place in its room: 1, 2, 3 …
    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar duplicate: whether it had been stored by an earlier sending.
    """

    message_type = MessageType.CHAT_MESSAGE_ACK

    chat_group_id: Id
    message_id: Id
    seq: Id
    client_message_id: str | None = None
    server_time: str
    duplicate: bool


@frozen(kw_only=True)
class ChatHistory(_Said):
    """
    What somebody said earlier; its keys are those of L{ChatMessage}.
    """

    message_type = MessageType.CHAT_HISTORY


@frozen(kw_only=True)
class ChatHistoryComplete(Reply):
    """
    The end of a history.

    @ivar message_count: how many L{ChatHistory} came before it.
    """

    message_type = MessageType.CHAT_HISTORY_COMPLETE

    chat_group_id: Id
    message_count: int
