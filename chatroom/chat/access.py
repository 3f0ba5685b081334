"""
Who may do what in a room: one table, and one function that reads it.

A standing is read in the transaction that acts on it, so that nothing can
change between the question and the deed.
"""

from collections.abc import Mapping
from enum import Enum

from chatroom.errors import NotAMember, RoomNotFound
from chatroom.store.models import Role, RoomKind, Standing


class Action(Enum):
    """
    What somebody may want to do in a room.
    """

    POST = "post"
    READ = "read"
    JOIN = "join"
    LEAVE = "leave"
    EDIT_OWN = "edit one's own message"
    DELETE_OWN = "delete one's own message"
    REACT = "react"
    SEND_FILE = "send a file"
    READ_FILE = "read a file"


_MEMBERS = frozenset({Role.OWNER, Role.MEMBER})
_ANYBODY = _MEMBERS | {None}

#: Who may do it, among those who may know of the room.
MAY: Mapping[Action, frozenset[Role | None]] = {
    Action.POST: _MEMBERS,
    Action.READ: _MEMBERS,
    Action.JOIN: _ANYBODY,
    Action.LEAVE: _MEMBERS,
    Action.EDIT_OWN: _MEMBERS,
    Action.DELETE_OWN: _MEMBERS,
    Action.REACT: _MEMBERS,
    Action.SEND_FILE: _MEMBERS,
    Action.READ_FILE: _MEMBERS,
}


def permit(action: Action, standing: Standing | None) -> Standing:
    """
    Let it pass, or refuse it.

    @param standing: what the actor is in the room; C{None} if there is no room.
    @return: C{standing}.
    @raise RoomNotFound: if there is no room, or the actor may not know of it.
    @raise NotAMember: if it takes a membership.
    """
    if standing is None or not _may_know(standing):
        raise RoomNotFound()
    if standing.role not in MAY[action]:
        raise NotAMember()
    return standing


def _may_know(standing: Standing) -> bool:
    return standing.role is not None or standing.room.kind is RoomKind.GROUP
