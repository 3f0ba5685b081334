"""
What was seen: by each client's program, on each connection, and by who reads it all
again at the end. Nothing is judged here.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, evolve, field, frozen

from chatroom.wire.codec import Message
from chatroom.wire.messages import (
    ChatMessage,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    MessageEdited,
    ReactionChanged,
)


@frozen(cache_hash=True)
class Event:
    """
    One event of a room's log, as somebody was told of it.

    @ivar kind: the type of the message that told it.
    @ivar user: whose it is.
    @ivar message: the message that it is or is about; C{None} for a member's coming.
    @ivar reaction: with C{+} or C{-} before it, if it is one.
    @ivar text: what it says; that may change, unlike all else.
    @ivar is_deleted: whether it was told as deleted; likewise.
    """

    room: int
    seq: int
    kind: str
    user: int
    message: int | None = None
    reaction: str | None = None
    text: str | None = None
    is_deleted: bool = False

    @property
    def lasting(self) -> "Event":
        """
        What is the same for everybody who is ever told of it.
        """
        return evolve(self, text=None, is_deleted=False)


def event_of(message: Message) -> Event | None:
    """
    @return: what of a room's log a message tells; C{None} if nothing.
    """
    if isinstance(message, ChatMessage):
        return _event_of_post(message)
    if isinstance(message, MemberJoined | MemberLeft):
        kind = message.message_type.value
        return Event(message.chat_group_id, message.seq, kind, message.user_id)
    if not isinstance(message, MessageEdited | MessageDeleted | ReactionChanged):
        return None
    sign = "+" if getattr(message, "add", True) else "-"
    reaction = getattr(message, "reaction", None)
    return Event(
        room=message.chat_group_id,
        seq=message.seq,
        kind=message.message_type.value,
        user=message.user_id,
        message=message.message_id,
        reaction=None if reaction is None else sign + reaction,
        text=getattr(message, "content", None),
    )


def _event_of_post(message: ChatMessage) -> Event | None:
    if message.seq is None:
        return None
    return Event(
        room=message.chat_group_id or 0,
        seq=message.seq,
        kind=message.message_type.value,
        user=message.sender_id or 0,
        message=message.message_id,
        text=message.content,
        is_deleted=bool(message.deleted),
    )


@define(eq=False)
class Album:
    """
    Keeps one of each event, however many are told of it.
    """

    _known: dict[Event, Event] = field(factory=dict)

    def keep(self, message: Message) -> Event | None:
        """
        @return: the event that a message tells, if it tells one.
        """
        event = event_of(message)
        return None if event is None else self._known.setdefault(event, event)


@frozen(kw_only=True)
class Acknowledged:
    """
    What somebody was told of one of their messages.

    @ivar name: of the message, C{None} where it can't be told.
    """

    name: str | None
    room: int
    seq: int
    message: int
    duplicate: bool = False


@frozen(kw_only=True)
class Changed:
    """
    An edit, a deletion or a reaction that the server has acknowledged.

    @ivar kind: the type of the event that it is in the log.
    @ivar text: what an edit says.
    """

    kind: str
    room: int
    seq: int
    message: int
    text: str | None = None


@define(kw_only=True, eq=False)
class Testimony:
    """
    What the program of one client has seen.

    @ivar user: the client's id.
    @ivar rooms: where it is a member.
    @ivar said: the room and the text of each message that it began to send, by name.
    @ivar edits: every text that it wanted a message to have, by the message's name.
    @ivar abandoned: what it had not kept when it crashed: nobody promised anything.
    @ivar runs: the events that it was told, in order; one list for each life of it.
    @ivar surprises: what it was told that must not be, in words.
    """

    client: int
    user: int = 0
    rooms: frozenset[int] = frozenset()
    said: dict[str, tuple[int, str]] = field(factory=dict)
    edits: dict[str, set[str]] = field(factory=dict)
    acknowledged: dict[str, Acknowledged] = field(factory=dict)
    changed: list[Changed] = field(factory=list)
    abandoned: set[str] = field(factory=set)
    runs: list[list[Event]] = field(factory=list)
    surprises: list[str] = field(factory=list)


@frozen
class Place:
    """
    A client says where it is in a room.
    """

    room: int
    after: int


@frozen
class Glimpse:
    """
    A message, as a session of the seed dialect is sent it: without a place.
    """

    room: int
    message: int
    user: int
    text: str


@define(kw_only=True, eq=False)
class Session:
    """
    What went over one connection, whether it arrived or not.

    @ivar heard: the places that the client has named, and the events that the server
        has sent, in order.
    @ivar glimpsed: in the seed dialect, the messages that the server has sent, in order.
    @ivar acknowledged: what the server has acknowledged.
    @ivar surprises: what the server has sent that it must not, in words.
    """

    client: int
    heard: list[Event | Place] = field(factory=list)
    glimpsed: list[Glimpse] = field(factory=list)
    acknowledged: list[Acknowledged] = field(factory=list)
    surprises: list[str] = field(factory=list)


@frozen(kw_only=True)
class Entry:
    """
    A message as a page of a room's history has it.

    @ivar reactions: who has reacted, and how.
    """

    text: str
    is_deleted: bool = False
    reactions: frozenset[tuple[int, str]] = frozenset()


@frozen(kw_only=True)
class Row:
    """
    An event, as the server's file has it.

    @ivar name: the C{client_message_id}.
    """

    room: int
    seq: int
    id: int
    user: int
    name: str | None


@frozen(kw_only=True)
class Evidence:
    """
    All that there is to judge.

    @ivar log: of each room, as a client is sent it that has known nothing.
    @ivar starts: where the log of each room ended before anybody said anything.
    @ivar pages: of each room, the messages of its history, by id.
    @ivar rows: what the server's file has, by room and seq; C{None} if it can't be read.
    @ivar troubles: what else must not be, by what it is.
    """

    log: Mapping[int, Sequence[Event]]
    starts: Mapping[int, int]
    testimonies: Sequence[Testimony]
    sessions: Iterable[Session]
    pages: Mapping[int, Mapping[int, Entry]]
    rows: Sequence[Row] | None = None
    troubles: Mapping[str, Sequence[str]] = field(factory=dict)
    _counted: dict[int, dict[int, int]] = field(factory=dict, init=False, eq=False, repr=False)

    def counted(self, room: int) -> Mapping[int, int]:
        """
        @return: the ids of the messages of a room, and which one of them each is.
        """
        if room not in self._counted:
            posts = (each for each in self.log.get(room, ()) if each.kind == "chat_message")
            self._counted[room] = {each.message or 0: n for n, each in enumerate(posts, 1)}
        return self._counted[room]
