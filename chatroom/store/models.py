"""
What the store gives and takes: frozen values, free of any database.
"""

from enum import Enum

from attrs import field, frozen

#: The room that everybody is a member of.
PUBLIC_ROOM_ID = 1


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
class Event:
    """
    One entry of a room's log, as stored.

    @ivar id: unique on the server, never reused; says nothing about order.
    @ivar seq: the place in the room: 1, 2, 3 … without gaps.
    @ivar sender: who did it.
    @ivar subject_id: the user it was done to, for what is done to users.
    @ivar content: what was said, byte-exact; C{None} where nothing was.
    @ivar created_at: in milliseconds since 1970, UTC.
    """

    id: int
    room_id: int
    room_name: str
    seq: int
    kind: EventKind
    sender: User
    subject_id: int | None = None
    content: str | None = None
    created_at: int
    client_message_id: str | None = None


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
    subject_id: int | None = None
    content: str | None = None
    client_message_id: str | None = None
    digest: bytes | None = None


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
