"""
What becomes of rooms as such: another topic, name or visibility, and an end.
"""

from attrs import define, evolve

from chatroom.chat.access import Action, permit, standing_of
from chatroom.chat.deeds import Done, keep
from chatroom.chat.log import Log
from chatroom.chat.names import check_topic, new_room_name
from chatroom.chat.transaction import Transaction
from chatroom.errors import RoomNameTaken
from chatroom.store.models import EventKind, NewEvent, Room, RoomKind, User
from chatroom.store.repository import Repository
from chatroom.wire.details import Details, Visibility

#: What the wire calls the two kinds of group rooms.
VISIBILITIES: dict[Visibility, RoomKind] = {
    "public": RoomKind.GROUP,
    "invite": RoomKind.INVITE,
}


def visibility_of(room: Room) -> Visibility:
    """
    @return: who may know of a room, as the wire has it.
    """
    return "public" if room.kind is RoomKind.GROUP else "invite"


@define(eq=False)
class Alterations:
    """
    Changes rooms. Both methods raise L{chatroom.errors.RoomNotFound} if there is no such
    room or the actor may not know of it, and another L{chatroom.errors.ChatError} of
    L{chatroom.chat.access} if the actor may not do it. Where C{by} is C{None}, it is the
    operator: in the room's log that stands by an owner.
    """

    _log: Log

    async def update(
        self,
        by: User | None,
        room_id: int,
        *,
        topic: str | None = None,
        name: str | None = None,
        visibility: Visibility | None = None,
        reason: str | None = None,
    ) -> Done:
        """
        Have a room be about something else, be called something else, or be known to
        others; what is C{None} stays.

        @raise BadTopic: if no room can have this topic.
        @raise BadRoomName: if no room can have this name.
        @raise RoomNameTaken: if another room has it, or one that reads the same.
        """
        wishes = {Action.TOPIC: topic, Action.NAME: name, Action.VISIBILITY: visibility}
        asked = [action for action, wish in wishes.items() if wish is not None]

        def work(transaction: Transaction) -> Done:
            store = transaction.store
            standing = standing_of(store, by, room_id)
            for action in asked or [Action.TOPIC]:
                room = permit(action, standing, transaction.now).room
            changed, key = room, None
            if topic is not None:
                check_topic(topic)
                changed = evolve(changed, topic=topic)
            if name is not None:
                normal, key = new_room_name(name, "name")
                _require_free(store, key, room)
                changed = evolve(changed, name=normal)
            if visibility is not None:
                changed = evolve(changed, kind=VISIBILITIES[visibility])
            if changed == room:
                return Done(room=room, user=None, event=None)
            store.update_room(changed, key)
            transaction.renew(changed)
            return _change_room(transaction, by, changed, EventKind.UPDATE, asked[0], reason)

        return await self._log.commit(work)

    async def end(self, by: User | None, room_id: int, reason: str | None = None) -> Done:
        """
        Delete a room, with all that is in it. It is nobody's at once, and its name is
        free; what was said is erased a little at a time.
        """

        def work(transaction: Transaction) -> Done:
            standing = standing_of(transaction.store, by, room_id)
            room = permit(Action.END, standing, transaction.now).room
            done = _change_room(transaction, by, room, EventKind.END, Action.END, reason)
            transaction.store.close_room(room)
            transaction.renew(evolve(room, kind=RoomKind.DELETED))
            return done

        return await self._log.commit(work)


def _require_free(store: Repository, key: str, room: Room) -> None:
    taken = store.room_named(key)
    if taken is not None and taken.id != room.id:
        raise RoomNameTaken(field="name")


def _change_room(
    transaction: Transaction,
    by: User | None,
    room: Room,
    kind: EventKind,
    action: str,
    reason: str | None,
) -> Done:
    details = Details(
        name=room.name, topic=room.topic, visibility=visibility_of(room), reason=reason
    )
    sender = by or transaction.store.stand_in(room.id)
    new = NewEvent(room=room, kind=kind, sender=sender, content=details.to_text())
    event = transaction.record(new)
    keep(transaction, action, by, room, None, details)
    return Done(room=room, user=None, event=event)
