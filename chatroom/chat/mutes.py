"""
Who may be muted where, in memory: what is shown for the moment only asks this first, and
the store only about those few.
"""

from collections.abc import Sequence

from attrs import define, field

from chatroom.store.database import Database
from chatroom.store.models import Event, EventKind
from chatroom.store.repository import Repository


@define(eq=False)
class Mutes:
    """
    The places where members have been muted. Of some the mute may have ended.
    """

    _database: Database
    _places: set[tuple[int, int]] = field(factory=set, init=False)
    _is_loaded: bool = field(default=False, init=False)

    def learn(self, events: Sequence[Event]) -> None:
        """
        Know what has happened.
        """
        for event in events:
            if event.kind is EventKind.MUTE and event.subject is not None:
                self._places.add((event.room_id, event.subject.id))
            elif event.kind is EventKind.LIFT and event.subject is not None:
                self._places.discard((event.room_id, event.subject.id))

    async def may_be(self, user_id: int, room_id: int) -> bool:
        """
        Whether a user may be muted in a room.

        @raise StoreUnavailable: if the database failed, the first time.
        """
        if not self._is_loaded:
            self._places |= await self._database.read(Repository.muted_places)
            self._is_loaded = True
        return (room_id, user_id) in self._places
