"""
How somebody comes to be a member of a room, and no member any more, in a transaction.
"""

from chatroom.chat.transaction import Transaction
from chatroom.errors import RoomFull
from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    Event,
    EventKind,
    NewEvent,
    NewMember,
    Role,
    Room,
    RoomKind,
    User,
)
from chatroom.store.oversight import Deed
from chatroom.wire.details import Details


def check_members(count: int, limit: int) -> None:
    """
    @param limit: 0 is none.
    @raise RoomFull: if a room may not have so many members.
    """
    if limit and count > limit:
        raise RoomFull(limit=limit)


def add(transaction: Transaction, room: Room, user: User, role: Role, *, by: User) -> None:
    """
    Make a member of somebody.
    """
    joined = transaction.record(NewEvent(room=room, kind=EventKind.JOIN, sender=by, subject=user))
    new = NewMember(user_id=user.id, role=role, seq=joined.seq)
    transaction.store.add_members(room.id, [new], by=by.id)


def remove(
    transaction: Transaction,
    room: Room,
    user: User,
    kind: EventKind = EventKind.LEAVE,
    *,
    by: User | None = None,
    details: Details | None = None,
) -> Event:
    """
    Have somebody be no member any more, if they are one. A room's last owner leaves it to
    who has been a member for longest.

    @param kind: one of L{chatroom.store.models.DEPARTURES}.
    @param by: who does it; C{None} is they themselves.
    """
    transaction.store.remove_member(room.id, user.id)
    event = transaction.record(
        NewEvent(
            room=room,
            kind=kind,
            sender=by or user,
            subject=user,
            content=None if details is None else details.to_text(),
        )
    )
    pass_on(transaction, room, by or user)
    return event


def pass_on(transaction: Transaction, room: Room, by: User) -> None:
    """
    Have a room that nobody owns be owned by who has been there for longest.

    @param by: who has brought it about.
    """
    store = transaction.store
    is_owned = room.id == PUBLIC_ROOM_ID or room.kind is RoomKind.PRIVATE
    heir = None if is_owned or store.has_owner(room.id) else store.longest_member(room.id)
    if heir is not None:
        store.set_role(room.id, heir.id, Role.OWNER)
        transaction.record(
            NewEvent(
                room=room,
                kind=EventKind.ROLE,
                sender=by,
                subject=heir,
                content=Details(role=Role.OWNER.value).to_text(),
            )
        )
        store.add_deed(
            Deed(
                by=by,
                action="inherit",
                user=heir,
                room_id=room.id,
                room_name=room.name,
                detail=Role.OWNER.value,
                at=transaction.now,
            )
        )
