"""
The log: numbered, written, read in its order.

What every commit asks and writes is written out, and left to the driver: to put a
statement together costs SQLAlchemy ten times as much as the database to answer it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import select

from chatroom.store.models import MESSAGES, Event, EventKind, Role, Room, SentBefore
from chatroom.store.portions import portions, powers_of_two
from chatroom.store.queries.changes import ChangeQueries
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import EVENT, EVENT_TABLES, event, joined, room
from chatroom.store.schema import LAST_EVENT_ID, events

#: What is written of an event at first.
_WRITTEN = (
    "id",
    "room_id",
    "seq",
    "kind",
    "sender_id",
    "subject_id",
    "target_id",
    "content",
    "created_at",
    "client_message_id",
    "reply_to",
    "mentions",
    "digest",
)
_WRITE = f"INSERT INTO events ({', '.join(_WRITTEN)}) VALUES {{}}"
_ROW = f"({', '.join('?' * len(_WRITTEN))})"

_ROOMS = (
    "SELECT id, name, kind, created_at, topic, last_seq FROM rooms WHERE id IN ({}) ORDER BY id"
)
_END_ROOMS = (
    "WITH wanted (id, seq) AS (VALUES {})"
    " UPDATE rooms SET last_seq = wanted.seq FROM wanted WHERE rooms.id = wanted.id"
)

_LAST_ID = "SELECT value FROM counters WHERE name = ?"
_SET_LAST_ID = "UPDATE counters SET value = ? WHERE name = ?"

#: For pairs, as a table to join with: each is looked up in an index, where
#: C{(a, b) IN (...)} would read that from end to end.
_ROLES = (
    "WITH wanted (room_id, user_id) AS (VALUES {})"
    " SELECT members.room_id, members.user_id, members.role FROM wanted JOIN members"
    " ON members.room_id = wanted.room_id AND members.user_id = wanted.user_id"
)
_MEMBERSHIPS = (
    "WITH wanted (room_id, user_id) AS (VALUES {})"
    " SELECT members.room_id, members.user_id, members.role, members.muted_until"
    " FROM wanted JOIN members"
    " ON members.room_id = wanted.room_id AND members.user_id = wanted.user_id"
    " JOIN users ON users.id = members.user_id AND users.disabled_at IS NULL"
)
_SENT = (
    "WITH wanted (sender_id, name) AS (VALUES {})"
    " SELECT events.id FROM wanted JOIN events"
    " ON events.sender_id = wanted.sender_id AND events.client_message_id = wanted.name"
)


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
        return {
            row.id: (room(row), row.last_seq)
            for row in self._each(_ROOMS + self._locking, sorted(ids), "?")
        }

    def roles(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], Role]:
        """
        What each user is in each room, for pairs of (room id, user id).

        @return: only those who are members.
        """
        return {
            (row[0], row[1]): _ROLE[row[2]] for row in self._each(_ROLES, list(places), "(?, ?)")
        }

    def memberships(
        self, places: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[Role, int | None]]:
        """
        As L{roles}, and until when each is muted, in milliseconds, if they are.

        @return: only those who are members and may log in.
        """
        return {
            (row[0], row[1]): (_ROLE[row[2]], row[3])
            for row in self._each(_MEMBERSHIPS, list(places), "(?, ?)")
        }

    def sent_before(self, names: Collection[tuple[int, str]]) -> dict[tuple[int, str], SentBefore]:
        """
        Look for what is stored already, for pairs of (sender id, client message id).
        """
        found = [row.id for row in self._each(_SENT, list(names), "(?, ?)")]
        before: dict[tuple[int, str], SentBefore] = {}
        for some in portions(found):
            query = select(*EVENT).select_from(EVENT_TABLES).where(events.c.id.in_(some))
            for row in self._connection.execute(query):
                sent = SentBefore(event=event(row), digest=row.digest)
                before[row.sender_id, row.client_message_id] = sent
        return before

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
        found = self._do(_LAST_ID + self._locking, (LAST_EVENT_ID,)).scalar_one()
        return int(found)

    def append(
        self,
        new: Sequence[Event],
        digests: Mapping[int, bytes],
        *,
        last_seqs: Mapping[int, int],
    ) -> None:
        """
        Write events that have their ids and places, at least one of them, in the order of
        their ids.

        @param digests: what was sent under a client message id, by event id.
        @param last_seqs: where the log of each room now ends, by room id.
        """
        for some in powers_of_two(new):
            values = [value for each in some for value in _row(each, digests.get(each.id))]
            self._do(_WRITE.format(", ".join([_ROW] * len(some))), tuple(values))
        self._each(_END_ROOMS, list(last_seqs.items()), "(?, ?)")
        self._do(_SET_LAST_ID, (new[-1].id, LAST_EVENT_ID))
        naming = [each for each in new if each.mentions and each.kind is EventKind.MESSAGE]
        if naming:
            ChangeQueries(self._connection).add_mentions(naming)

    def has_event(self, event_id: int) -> bool:
        """
        Whether an event is stored.
        """
        query = select(events.c.id).where(events.c.id == event_id)
        return self._connection.scalar(query) is not None

    def _each(self, statement: str, wanted: Sequence[Any], mark: str) -> Iterable[Any]:
        """
        Ask about many at once, or change them, in as many statements as it takes.

        @param statement: with a place for the marks of all.
        """
        found: list[Any] = []
        for some in portions(wanted):
            # As one of few statements, which are prepared once: what is asked twice is
            # answered twice, and the same.
            count = 1 << (len(some) - 1).bit_length()
            asked = [*some, *[some[-1]] * (count - len(some))]
            values = tuple(asked) if mark == "?" else tuple(one for pair in asked for one in pair)
            done = self._do(statement.format(", ".join([mark] * count)), values)
            found += done.all() if done.returns_rows else ()
        return found

    @property
    def _locking(self) -> str:
        return "" if self._connection.dialect.name == "sqlite" else " FOR UPDATE"


_ROLE = {each.value: each for each in Role}


def _row(new: Event, digest: bytes | None) -> tuple[object, ...]:
    """
    @return: an event as L{_WRITTEN} has it.
    """
    return (
        new.id,
        new.room_id,
        new.seq,
        new.kind.value,
        new.sender.id,
        None if new.subject is None else new.subject.id,
        new.target_id,
        # What an edit says is what its message says, where it is stored.
        None if new.kind is EventKind.EDIT else new.content,
        new.created_at,
        new.client_message_id,
        new.reply_to,
        joined(new.mentions) if new.kind is EventKind.MESSAGE else None,
        digest,
    )
