"""
What was done to a room or in it, as its log and the audit have it.
"""

from attrs import evolve, frozen

from chatroom.chat.transaction import Transaction
from chatroom.store.models import Event, Room, User
from chatroom.store.oversight import Deed
from chatroom.wire.details import Details


@frozen(kw_only=True)
class Done:
    """
    What came of it.

    @ivar room: as it is now.
    @ivar user: to whom it was done, if it was somebody.
    @ivar event: the change; C{None} if it was so already.
    """

    room: Room
    user: User | None
    event: Event | None


def keep(
    transaction: Transaction,
    action: str,
    by: User | None,
    room: Room,
    user: User | None,
    details: Details,
) -> None:
    """
    Note for the audit what somebody did.

    @param action: as of L{chatroom.chat.access.Action}.
    @param by: who; C{None} is the operator.
    @param user: to whom, if it was to somebody.
    """
    transaction.store.add_deed(
        Deed(
            by=by,
            action=action.partition(" ")[0],
            user=user,
            room_id=room.id,
            room_name=room.name,
            detail=evolve(details, reason=None).to_text(),
            reason=details.reason,
            at=transaction.now,
        )
    )
