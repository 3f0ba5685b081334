"""
What a program is told: the server's own pushes, and what only a client knows.
"""

from attrs import frozen

from chatroom.errors import ChatError
from chatroom.wire.messages import (
    ChatChanged,
    ChatDeleted,
    ChatHistory,
    ChatInvitation,
    ChatMessage,
    FileNotification,
    MemberChanged,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    MessageEdited,
    PostRequest,
    Presence,
    ReactionChanged,
    ReadMarker,
    Receipt,
    SystemMessage,
    Typing,
)


@frozen(kw_only=True)
class Connected:
    """
    The client is logged in. What was missed follows.

    @ivar server: the name and version of the server's program; empty if it speaks the
        seed dialect.
    @ivar is_hello: whether it speaks the hello dialect, and so all that a client can ask.
    """

    server: str
    is_hello: bool


@frozen(kw_only=True)
class Disconnected:
    """
    The connection is lost. The client goes on trying, unless it was stopped.

    @ivar reason: why, for people.
    """

    reason: str


@frozen(kw_only=True)
class Missed:
    """
    Events of a room, from C{from_seq} to C{to_seq}, which the server can no longer tell.
    """

    chat_group_id: int
    from_seq: int
    to_seq: int


@frozen(kw_only=True)
class EpochChanged:
    """
    The server has another database than the one that the client knew, such as a restored
    backup. The client follows from now on; what it knew of places is void.
    """

    old: str | None
    new: str


@frozen(kw_only=True)
class Unsent:
    """
    A message of an earlier run, which was in the outbox, will not be sent any more.

    @ivar error: why: the server's L{chatroom.client.errors.Refusal}, most often.
    """

    post: PostRequest
    error: ChatError


#: What happens in a room and has its place there.
RoomEvent = (
    ChatMessage
    | FileNotification
    | MessageEdited
    | MessageDeleted
    | ReactionChanged
    | MemberJoined
    | MemberLeft
    | MemberChanged
    | ChatChanged
    | ChatDeleted
)

#: Everything that a program may be told.
Event = (
    RoomEvent
    | ReadMarker
    | Receipt
    | Typing
    | Presence
    | SystemMessage
    | ChatInvitation
    | Connected
    | Disconnected
    | Missed
    | EpochChanged
    | Unsent
)


@frozen(kw_only=True)
class Stored:
    """
    A message is stored.

    @ivar seq: its place in the room; C{None} if a server of the seed has it.
    @ivar server_time: when, in RFC 3339, UTC; likewise.
    @ivar duplicate: whether it had been stored by an earlier sending.
    """

    message_id: int
    seq: int | None
    server_time: str | None
    client_message_id: str
    duplicate: bool


@frozen(kw_only=True)
class Page:
    """
    Some of what was said in a room, oldest first.

    @ivar first_seq: the place of the first message; C{None} if there is none.
    @ivar more_before: whether there are messages before the first.
    @ivar more_after: whether there are messages behind the last.
    """

    messages: list[ChatHistory]
    first_seq: int | None
    last_seq: int | None
    more_before: bool
    more_after: bool
