"""
What is said, changed and taken back.
"""

from typing import Annotated

from attrs import frozen
from msgspec import Meta

from chatroom.wire.codec import ClientMessageId, Id, OptionalId, Reply, Request, Seq, extension
from chatroom.wire.constants import MessageType

#: How many messages an answer has at the most.
PAGE_SIZE = 100

_Limit = Annotated[int, Meta(ge=1, le=PAGE_SIZE)]
_Reaction = Annotated[str, Meta(min_length=1, max_length=32)]


@frozen(kw_only=True)
class PostRequest(Request):
    """
    Say something: the form of C{chat_message} that the server reads.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    @ivar client_message_id: the sender's own name for the message: sending it
        twice stores it once.
    @ivar reply_to: the message that this one answers, of the same room.
    """

    message_type = MessageType.CHAT_MESSAGE

    content: str
    chat_group_id: OptionalId | None = None
    client_message_id: ClientMessageId | None = extension()
    reply_to: Id | None = extension()


@frozen(kw_only=True, slots=False)
class Reaction:
    """
    How some have reacted to a message, in the same way.
    """

    reaction: str
    user_ids: list[Id]


@frozen(kw_only=True, slots=False)
class AttachedFile:
    """
    What a message consists of that is a file; its name is the C{content}, its
    C{message_id} the C{file_id}.
    """

    file_size: int
    sha256: str


@frozen(kw_only=True)
class _Said(Reply):
    """
    @ivar seq: the message's place in its room.
    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar reply_to: the message that this one answers.
    @ivar mentions: the members that it names with an C{@}, if any.
    @ivar client_message_id: the sender's own name for it, for the sender alone.
    @ivar edited_at: when it was last edited, if it was.
    @ivar deleted: C{True} if it was taken back; nothing of its content is left.
    """

    message_id: Id | None = None
    sender_id: Id | None = None
    sender_username: str | None = None
    chat_group_id: OptionalId | None = None
    chat_group_name: str | None = None
    content: str
    seq: Id | None = extension("hello")
    server_time: str | None = extension("hello")
    reply_to: Id | None = extension("hello")
    mentions: list[Id] | None = extension("hello")
    client_message_id: str | None = extension("hello")
    edited_at: str | None = extension("hello")
    deleted: bool | None = extension("hello")


@frozen(kw_only=True)
class ChatMessage(_Said):
    """
    What somebody said, as pushed to every session of every member.

    Made by a client, with C{content} and at most C{chat_group_id}, it is also
    what L{PostRequest} reads: the server knows the rest.

    @ivar timestamp: when it was stored.
    @ivar replay: C{True} if it comes because of a L{ResumeRequest}.
    """

    message_type = MessageType.CHAT_MESSAGE

    replay: bool | None = extension("hello")


@frozen(kw_only=True)
class ChatMessageAck(Reply):
    """
    The message is stored. Sent for a post that has a C{request_id} or a
    C{client_message_id}, and for each of the hello dialect, before the push.

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
class HistoryRequest(Request):
    """
    Ask for what was said in a room: the newest messages, or those around a place.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    @ivar before_seq: messages before this place, the last ones; of these three keys
        there is one at the most.
    @ivar after_seq: messages behind this place, the first ones.
    @ivar around_seq: messages on both sides of this place, and the one there.
    @ivar limit: how many at the most; C{None} is 50.
    """

    message_type = MessageType.HISTORY_REQUEST

    chat_group_id: OptionalId | None = None
    before_seq: Seq | None = None
    after_seq: Seq | None = None
    around_seq: Seq | None = None
    limit: _Limit | None = None


@frozen(kw_only=True)
class ChatHistory(_Said):
    """
    What somebody said earlier; its other keys are those of L{ChatMessage}.

    @ivar reactions: how others have reacted, if anybody has.
    @ivar file: if it is one.
    """

    message_type = MessageType.CHAT_HISTORY

    reactions: list[Reaction] | None = extension("hello")
    file: AttachedFile | None = extension("hello")


@frozen(kw_only=True)
class ChatHistoryComplete(Reply):
    """
    The end of a history.

    @ivar message_count: how many L{ChatHistory} came before it.
    @ivar first_seq: the place of the first of them.
    @ivar last_seq: the place of the last of them.
    @ivar more_before: whether there are messages before the first.
    @ivar more_after: whether there are messages behind the last.
    """

    message_type = MessageType.CHAT_HISTORY_COMPLETE

    chat_group_id: Id
    message_count: int
    first_seq: Id | None = extension("hello")
    last_seq: Id | None = extension("hello")
    more_before: bool | None = extension("hello")
    more_after: bool | None = extension("hello")


@frozen(kw_only=True)
class _AboutMessage(Request):
    message_id: Id


@frozen(kw_only=True)
class _Changed(Reply):
    """
    @ivar seq: the place of the change in the room.
    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar duplicate: whether nothing had to be done, since it was so already; then it
        has no C{seq} and no C{server_time}.
    """

    chat_group_id: Id
    message_id: Id
    seq: Id | None
    server_time: str | None
    duplicate: bool


@frozen(kw_only=True)
class EditMessageRequest(_AboutMessage):
    """
    Have a message of one's own say something else.
    """

    message_type = MessageType.EDIT_MESSAGE_REQUEST

    content: str


@frozen(kw_only=True)
class EditMessageResponse(_Changed):
    """
    The message says something else.
    """

    message_type = MessageType.EDIT_MESSAGE_RESPONSE


@frozen(kw_only=True)
class DeleteMessageRequest(_AboutMessage):
    """
    Take a message of one's own back.
    """

    message_type = MessageType.DELETE_MESSAGE_REQUEST


@frozen(kw_only=True)
class DeleteMessageResponse(_Changed):
    """
    The message says nothing any more, and its edits neither.
    """

    message_type = MessageType.DELETE_MESSAGE_RESPONSE


@frozen(kw_only=True)
class ReactRequest(_AboutMessage):
    """
    React to a message, such as with an emoji, or no longer.

    @ivar add: C{False} takes the reaction back.
    """

    message_type = MessageType.REACT_REQUEST

    reaction: _Reaction
    add: bool = True


@frozen(kw_only=True)
class ReactResponse(_Changed):
    """
    The reaction is there, or gone.
    """

    message_type = MessageType.REACT_RESPONSE
