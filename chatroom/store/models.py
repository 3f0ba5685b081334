"""
What the store gives and takes: frozen values, free of any database.
"""

from collections.abc import Sequence
from enum import Enum
from hashlib import sha256

from attrs import field, frozen

#: The room that everybody is a member of.
PUBLIC_ROOM_ID = 1

#: How many unread messages of a room are counted.
MOST_UNREAD = 1000


class RoomKind(str, Enum):
    """
    What sort of room it is, and so who may know of it.
    """

    GROUP = "group"
    PRIVATE = "private"


class Role(str, Enum):
    """
    What a member is in a room.
    """

    OWNER = "owner"
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
    FILE = "file"


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
    """

    id: int
    name: str
    kind: RoomKind
    created_at: int


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
    """

    room: Room
    role: Role | None


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


@frozen(kw_only=True)
class Upload:
    """
    A file that is on its way here.

    @ivar id: what the client knows it by; it can't be guessed.
    @ivar sha256: what it should come to, if the client has said that.
    @ivar name: what the bytes are called where they are.
    @ivar synced: how many bytes are on the disk for certain.
    @ivar touched_at: when something came of it, about.
    """

    id: str
    user_id: int
    room_id: int
    filename: str
    size: int
    sha256: str | None
    name: str
    client_file_id: str | None
    synced: int
    touched_at: int

    def digest(self) -> bytes:
        """
        What a repeat must have in common with the first one.
        """
        return sha256(f"{self.room_id}\n{self.size}\n{self.filename}".encode()).digest()


@frozen(kw_only=True)
class File:
    """
    A file that was sent.

    @ivar id: that of its event, or 0 when nothing is kept of that.
    @ivar name: what the bytes are called where they are; C{None} if they are gone.
    @ivar upload_id: what it was called while it was sent.
    @ivar digest: what a repeat must have in common with it.
    @ivar is_dropped: whether it was deleted.
    """

    id: int
    room_id: int
    seq: int
    sender: User
    filename: str
    facts: FileFacts
    name: str | None
    upload_id: str
    digest: bytes
    is_dropped: bool


@frozen(kw_only=True)
class Dropped:
    """
    Bytes that are to go.

    @ivar row: of the table, for L{chatroom.store.queries.files}.
    """

    row: int
    name: str | None
