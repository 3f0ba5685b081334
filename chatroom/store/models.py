"""
What the store gives and takes: frozen values, free of any database.
"""

from collections.abc import Sequence
from enum import Enum

from attrs import field, frozen

#: The room that everybody is a member of.
PUBLIC_ROOM_ID = 1

#: The time, in milliseconds, of what has no end.
NEVER = 2**53 - 1

#: How many unread messages of a room are counted.
MOST_UNREAD = 1000


class RoomKind(str, Enum):
    """
    What sort of room it is, and so who may know of it.
    """

    #: Anybody may know of it, and join.
    GROUP = "group"
    #: Only those may know of it who are members, or invited.
    INVITE = "invite"
    #: It is that of two, and nobody else's.
    PRIVATE = "private"
    #: It is being deleted, and nobody's any more.
    DELETED = "deleted"


class Role(str, Enum):
    """
    What a member is in a room.
    """

    OWNER = "owner"
    MODERATOR = "moderator"
    MEMBER = "member"


class EventKind(str, Enum):
    """
    What happened in a room.
    """

    MESSAGE = "message"
    JOIN = "join"
    LEAVE = "leave"
    EDIT = "edit"
    DELETE = "delete"
    REACT = "react"
    UNREACT = "unreact"
    INVITE = "invite"
    KICK = "kick"
    MUTE = "mute"
    BAN = "ban"
    LIFT = "lift"
    ROLE = "role"
    UPDATE = "update"
    END = "end"
    FILE = "file"


#: The events after which a user is no member any more.
DEPARTURES = frozenset({EventKind.LEAVE, EventKind.KICK, EventKind.BAN})


#: What is something said, to be read, answered and taken back.
MESSAGES = (EventKind.MESSAGE, EventKind.FILE)


@frozen(kw_only=True)
class User:
    """
    Somebody with an account.
    """

    id: int
    name: str


@frozen(kw_only=True)
class Account:
    """
    What a login is checked against.
    """

    user: User
    password_hash: str = field(repr=False)
    is_enabled: bool


@frozen(kw_only=True)
class Room:
    """
    Somewhere to talk.

    @ivar created_at: in milliseconds since 1970, UTC.
    @ivar topic: what it is about, perhaps nothing.
    """

    id: int
    name: str
    kind: RoomKind
    created_at: int
    topic: str = ""


@frozen(kw_only=True)
class RoomListing:
    """
    A room as lists show it.
    """

    room: Room
    member_count: int


@frozen(kw_only=True)
class Standing:
    """
    What somebody is in a room.

    @ivar role: C{None} for who is no member.
    @ivar muted_until: in milliseconds; C{None} for who was never muted, L{NEVER} if it
        has no end.
    @ivar banned_until: likewise.
    @ivar is_invited: whether they may join, though the room is for those who are invited.
    @ivar is_administrator: whether they look after the server.
    @ivar is_operator: whether they do so without being anybody.
    """

    room: Room
    role: Role | None
    muted_until: int | None = None
    banned_until: int | None = None
    is_invited: bool = False
    is_administrator: bool = False
    is_operator: bool = False


@frozen(kw_only=True)
class Membership:
    """
    What a member is in a room, and may do there.

    @ivar muted_until: as of L{Standing}.
    """

    user: User
    role: Role
    muted_until: int | None


@frozen(kw_only=True)
class Ban:
    """
    Somebody who may be no member of a room.

    @ivar until: in milliseconds; L{NEVER} if it has no end.
    """

    user: User
    until: int


@frozen(kw_only=True)
class FileFacts:
    """
    What a file consists of.

    @ivar sha256: in hexadecimal digits.
    """

    size: int
    sha256: str


@frozen(kw_only=True)
class Event:
    """
    One entry of a room's log, as stored.

    @ivar id: unique on the server, never reused; says nothing about order.
    @ivar seq: the place in the room: 1, 2, 3 … without gaps.
    @ivar sender: who did it.
    @ivar subject: the user it was done to, for what is done to users.
    @ivar target_id: the message it was done to, for what is done to messages.
    @ivar content: what a message says, byte-exact, or says since an edit; empty if it
        was deleted; the reaction; the name of a file; C{None} where nothing was said.
    @ivar created_at: in milliseconds since 1970, UTC, as all times.
    @ivar reply_to: the message that a message answers; it may be gone.
    @ivar mentions: the ids of the members whom the content names with an C{@}.
    @ivar file: of a file that was not deleted.
    """

    id: int
    room_id: int
    room_name: str
    seq: int
    kind: EventKind
    sender: User
    subject: User | None = None
    target_id: int | None = None
    content: str | None = None
    created_at: int
    client_message_id: str | None = None
    reply_to: int | None = None
    mentions: tuple[int, ...] = ()
    edited_at: int | None = None
    deleted_at: int | None = None
    file: FileFacts | None = None


@frozen(kw_only=True)
class NewEvent:
    """
    An event before it has its place in the log.

    @ivar digest: what was sent under C{client_message_id}, to tell a repeat
        from another message of the same id.
    """

    room: Room
    kind: EventKind
    sender: User
    subject: User | None = None
    target_id: int | None = None
    content: str | None = None
    client_message_id: str | None = None
    reply_to: int | None = None
    mentions: tuple[int, ...] = ()
    digest: bytes | None = None
    file: FileFacts | None = None


@frozen(kw_only=True)
class SentBefore:
    """
    An event that was stored under a C{client_message_id}.
    """

    event: Event
    digest: bytes


@frozen(kw_only=True)
class Numbers:
    """
    How many there are of what.
    """

    joined_private: int
    joined_group: int
    users: int
    rooms: int


@frozen(kw_only=True)
class NewMember:
    """
    Somebody who is to be a member of a room.

    @ivar seq: the place of their joining in the room's log: what was before counts as
        read.
    """

    user_id: int
    role: Role
    seq: int


@frozen(kw_only=True)
class Head:
    """
    A room of somebody's: where its log ends, and how far they have got.

    @ivar joined_seq: where they became a member.
    @ivar unread: messages of others behind C{read_seq}, not counted on beyond
        L{MOST_UNREAD}.
    @ivar mentions: those of them that name the user with an C{@}.
    """

    room: Room
    role: Role
    joined_seq: int
    last_seq: int
    read_seq: int
    unread: int
    mentions: int


@frozen(kw_only=True)
class Span:
    """
    What there is of a room's log.

    @ivar first_seq: its first place that is kept.
    @ivar last_seq: its last place; 0 if nothing has ever happened.
    """

    first_seq: int
    last_seq: int


@frozen(kw_only=True)
class Progress:
    """
    What somebody is in a room, where its log ends, and how far they have read it.

    @ivar read_seq: 0 for who is no member.
    """

    standing: Standing
    last_seq: int
    read_seq: int


@frozen(kw_only=True)
class Mark:
    """
    How far somebody has read a room.
    """

    user_id: int
    room_id: int
    seq: int


@frozen(kw_only=True)
class Login:
    """
    A login that can be taken up again by a token, of which the store has a hash.

    @ivar id: unique on the server, never reused.
    @ivar client: the program's name for itself, and C{device} for where it runs.
    """

    id: int
    user: User
    client: str
    device: str
    created_at: int
    last_used_at: int
    expires_at: int


@frozen(kw_only=True)
class Reacted:
    """
    How some have reacted to a message, in the same way.
    """

    reaction: str
    user_ids: tuple[int, ...]


@frozen(kw_only=True)
class Page:
    """
    Some messages of a room, by their places.

    @ivar has_more_before: whether there are others before the first.
    @ivar has_more_after: whether there are others behind the last.
    """

    messages: Sequence[Event]
    has_more_before: bool
    has_more_after: bool
