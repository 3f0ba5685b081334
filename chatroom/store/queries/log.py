"""
The log: numbered, written, read in its order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import frozen
from sqlalchemy import String, bindparam, insert, select, update

from chatroom.store.models import MESSAGES, Event, EventKind, Role, Room, SentBefore
from chatroom.store.portions import portions, wanted_rows
from chatroom.store.queries.changes import ChangeQueries
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import EVENT, ROOM, event, event_tables, joined, room
from chatroom.store.queries.search import SearchQueries
from chatroom.store.schema import BigId, counters, events, members, rooms

_EVENT_ID = "events.id"


@frozen
class LogQueries(Queries):
    """
    The log of every room.
    """

    def lock_rooms(self, ids: Iterable[int]) -> dict[int, tuple[Room, int]]:
        """
        Keep every other transaction from writing to rooms.

        @return: the rooms there are, each with the last seq in its log, by id.
        """
        found: dict[int, tuple[Room, int]] = {}
        for some in portions(sorted(ids)):
            query = select(*ROOM, rooms.c.last_seq).where(rooms.c.id.in_(some))
            for row in self._connection.execute(query.order_by(rooms.c.id).with_for_update()):
                found[row.id] = (room(row), row.last_seq)
        return found

    def roles(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], Role]:
        """
        What each user is in each room, for pairs of (room id, user id).

        @return: only those who are members.
        """
        found: dict[tuple[int, int], Role] = {}
        for wanted, values in wanted_rows(places, BigId):
            is_it = (members.c.room_id == wanted.c[0]) & (members.c.user_id == wanted.c[1])
            query = select(members).select_from(wanted.join(members, is_it))
            for row in self._connection.execute(query, values):
                found[row.room_id, row.user_id] = Role(row.role)
        return found

    def sent_before(self, names: Collection[tuple[int, str]]) -> dict[tuple[int, str], SentBefore]:
        """
        Look for what is stored already, for pairs of (sender id, client message id).
        """
        found: dict[tuple[int, str], SentBefore] = {}
        for wanted, values in wanted_rows(names, String()):
            is_it = (events.c.sender_id == wanted.c[0]) & (
                events.c.client_message_id == wanted.c[1]
            )
            query = select(*EVENT).select_from(event_tables(wanted.join(events, is_it)))
            for row in self._connection.execute(query, values):
                before = SentBefore(event=event(row), digest=row.digest)
                found[row.sender_id, row.client_message_id] = before
        return found

    def rooms_of_messages(self, message_ids: Collection[int]) -> dict[int, int]:
        """
        @return: the room of each of these messages that there is, by message id.
        """
        found: dict[int, int] = {}
        for some in portions(sorted(message_ids)):
            is_one = events.c.id.in_(some) & events.c.kind.in_([each.value for each in MESSAGES])
            for row in self._connection.execute(
                select(events.c.id, events.c.room_id).where(is_one)
            ):
                found[row.id] = row.room_id
        return found

    def last_event_id(self) -> int:
        """
        @return: the highest id that any event has had.
        """
        query = select(counters.c.value).where(counters.c.name == _EVENT_ID).with_for_update()
        return int(self._connection.execute(query).scalar_one())

    def append(
        self,
        new: Sequence[Event],
        digests: Mapping[int, bytes],
        *,
        last_seqs: Mapping[int, int],
    ) -> None:
        """
        Write events that have their ids and places, at least one of them.

        @param digests: what was sent under a client message id, by event id.
        @param last_seqs: where the log of each room now ends, by room id.
        """
        self._connection.execute(insert(events), [_row(each, digests) for each in new])
        self._connection.execute(
            update(rooms).where(rooms.c.id == bindparam("room")).values(last_seq=bindparam("seq")),
            [{"room": room_id, "seq": seq} for room_id, seq in last_seqs.items()],
        )
        highest = max(each.id for each in new)
        self._connection.execute(
            update(counters).where(counters.c.name == _EVENT_ID).values(value=highest)
        )
        said = [each for each in new if each.kind is EventKind.MESSAGE]
        SearchQueries(self._connection).index(said)
        ChangeQueries(self._connection).add_mentions(said)

    def has_event(self, event_id: int) -> bool:
        """
        Whether an event is stored.
        """
        query = select(events.c.id).where(events.c.id == event_id)
        return self._connection.scalar(query) is not None


def _row(new: Event, digests: Mapping[int, bytes]) -> dict[str, object]:
    return {
        "id": new.id,
        "room_id": new.room_id,
        "seq": new.seq,
        "kind": new.kind.value,
        "sender_id": new.sender.id,
        "subject_id": None if new.subject is None else new.subject.id,
        "target_id": new.target_id,
        # What an edit says is what its message says, where it is stored.
        "content": None if new.kind is EventKind.EDIT else new.content,
        "created_at": new.created_at,
        "client_message_id": new.client_message_id,
        "reply_to": new.reply_to,
        "mentions": joined(new.mentions) if new.kind is EventKind.MESSAGE else None,
        "digest": digests.get(new.id),
    }
