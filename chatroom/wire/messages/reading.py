"""
How far people have read, and what is shown of them for the moment only.
"""

from attrs import frozen

from chatroom.wire.codec import Id, OptionalId, Reply, Request, Seq
from chatroom.wire.constants import MessageType


@frozen(kw_only=True)
class MarkReadRequest(Request):
    """
    Have read a room up to a place; a place before the last one changes nothing.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    """

    message_type = MessageType.MARK_READ_REQUEST

    chat_group_id: OptionalId | None = None
    seq: Seq


@frozen(kw_only=True)
class ReadMarker(Reply):
    """
    How far one has read a room: the answer to L{MarkReadRequest}, and a push to the
    other sessions of the same user.

    @ivar unread: how many messages of others come after that; from 1000 on no longer
        counted.
    @ivar mentions: how many of these mention one.
    """

    message_type = MessageType.READ_MARKER

    chat_group_id: Id
    seq: Seq
    unread: int
    mentions: int


@frozen(kw_only=True)
class Receipt(Reply):
    """
    How far another member has read a room.
    """

    message_type = MessageType.RECEIPT

    chat_group_id: Id
    user_id: Id
    seq: Seq


@frozen(kw_only=True)
class TypingRequest(Request):
    """
    Show the others that one is writing, or no longer. Nothing answers this.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    """

    message_type = MessageType.TYPING

    chat_group_id: OptionalId | None = None
    active: bool


@frozen(kw_only=True)
class Typing(Reply):
    """
    Somebody is writing, or no longer.
    """

    message_type = MessageType.TYPING

    chat_group_id: Id
    user_id: Id
    username: str
    active: bool


@frozen(kw_only=True)
class Presence(Reply):
    """
    Somebody has come, or gone.

    @ivar last_seen: when they went, in RFC 3339, UTC; C{None} while they are here.
    """

    message_type = MessageType.PRESENCE

    user_id: Id
    username: str
    is_online: bool
    last_seen: str | None = None
