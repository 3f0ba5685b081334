"""
What those see of the store who look after the server.
"""

from collections.abc import Sequence

from attrs import field, frozen

from chatroom.store.models import Room, User


@frozen(kw_only=True)
class AccountState:
    """
    An account, as those see it who look after the server.

    @ivar created_at: in milliseconds.
    @ivar is_disabled: whether they may not log in, as when it C{is_deleted}.
    """

    user: User
    password_hash: str = field(repr=False)
    created_at: int
    is_administrator: bool
    is_disabled: bool
    is_deleted: bool


@frozen(kw_only=True)
class RoomState:
    """
    A room, as those see it who look after the server.
    """

    room: Room
    member_count: int
    owners: Sequence[User]


@frozen(kw_only=True)
class Deed:
    """
    Something that was done to a room or to somebody, for the audit.

    @ivar by: who did it; C{None} is the operator.
    @ivar action: what, by the name of its request.
    @ivar user: to whom, if it was somebody.
    @ivar room: in which room, if it was in one; it may be gone by now.
    @ivar detail: what else there is to know, such as a role or a time.
    @ivar at: when, in milliseconds.
    """

    by: User | None
    action: str
    user: User | None = None
    room_id: int | None = None
    room_name: str | None = None
    detail: str | None = None
    reason: str | None = None
    at: int
    id: int = 0
