"""
The index of words: which messages have which tokens. What the tokens are is up to
L{chatroom.store.words}; the database only has to find those that have all of some.

Nothing of a message that is deleted, or no longer kept, is in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from attrs import frozen
from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    TableClause,
    Text,
    and_,
    bindparam,
    cast,
    column,
    delete,
    insert,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from chatroom.store.models import Event, EventKind
from chatroom.store.portions import portions
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import EVENT, EVENT_TABLES, event, event_tables
from chatroom.store.schema import LAST_EVENT_ID, BigId, counters, events
from chatroom.store.words import room_token, sender_token, tokens

#: The highest id of an event that was looked at for the index: messages behind it are
#: not in there yet.
_INDEXED = "search.indexed"

#: The highest id of an event that was stored before there was an index and is not in it
#: yet, nor is any before it (but for what was edited since); 0 if all are.
_UNINDEXED = "search.unindexed"

#: How many messages were changed or deleted whose words the index may still hold, though
#: nobody finds them.
_FORGOTTEN = "search.forgotten"


class _Index(Protocol):
    """
    The index as one kind of database has it.
    """

    @property
    def table(self) -> TableClause:
        """Where it is."""

    @property
    def key(self) -> "ColumnElement[int]":
        """The id of the message."""

    def row(self, message_id: int, words: set[str]) -> Mapping[str, object]:
        """What says that a message has these tokens."""

    def has(self, words: Collection[str], any_of: Collection[str]) -> "ColumnElement[bool]":
        """Whether a message has all of some tokens, and any of others."""

    def purge(self, connection: Connection, pages: int) -> bool:
        """As L{SearchQueries.purge}."""


class _SQLiteIndex:
    """
    A table of FTS5. Its tokens are separated by spaces, and nothing in them means
    anything to it: they are ASCII letters and digits, or not ASCII.

    A transaction should write to it in the order of ids: with each id that is less
    than the one before, all that it holds in memory goes to the disk.
    """

    table = table("search", column("rowid", BigId), column("words", Text))
    key = table.c.rowid

    def row(self, message_id: int, words: set[str]) -> Mapping[str, object]:
        """
        Keep them as one text.
        """
        return {"rowid": message_id, "words": " ".join(words)}

    def has(self, words: Collection[str], any_of: Collection[str]) -> "ColumnElement[bool]":
        """
        Ask in FTS5's own language, with each token in quotes.
        """
        all_of = " AND ".join(f'"{each}"' for each in sorted(words))
        some = " OR ".join(f'"{each}"' for each in sorted(any_of))
        # As a column, the name of the table is the whole of the row.
        return column("search", String).op("MATCH")(f"{all_of} AND ({some})")

    def purge(self, connection: Connection, pages: int) -> bool:
        """
        Merge some of what FTS5 has written one after the other: where a word was taken
        out there is only a mark that says so, until both come together.

        @see: https://www.sqlite.org/fts5.html#the_merge_command
        """
        driver: Any = connection.connection.dbapi_connection
        before = driver.total_changes
        connection.exec_driver_sql(f"INSERT INTO search(search, rank) VALUES('merge', {pages})")
        return bool(driver.total_changes - before > 1)


class _PostgreSQLIndex:
    """
    A table of arrays, with an index of what is in them.
    """

    table = table("search", column("event_id", BigId), column("words", ARRAY(Text)))
    key = table.c.event_id

    def row(self, message_id: int, words: set[str]) -> Mapping[str, object]:
        """
        Keep them as they are.
        """
        return {"event_id": message_id, "words": list(words)}

    def has(self, words: Collection[str], any_of: Collection[str]) -> "ColumnElement[bool]":
        """
        Ask with the operators that the index knows.
        """
        kept: Any = self.table.c.words
        if len(any_of) == 1:
            return and_(kept.contains(_array({*words, *any_of})))
        return and_(kept.contains(_array(words)), kept.overlap(_array(any_of)))

    def purge(self, connection: Connection, pages: int) -> bool:
        """
        PostgreSQL's own vacuum does it.
        """
        return False


def _array(words: Collection[str]) -> Any:
    # Written out: what is best to do depends on how common the words are, and of a
    # parameter PostgreSQL may not know that.
    known = bindparam(None, sorted(words), ARRAY(Text), unique=True, literal_execute=True)
    return cast(known, ARRAY(Text))


_SQLITE, _POSTGRESQL = _SQLiteIndex(), _PostgreSQLIndex()

#: What is in the index, or will be.
_is_findable = (events.c.kind == EventKind.MESSAGE.value) & events.c.deleted_at.is_(None)


def _tokens(room_id: int, sender_id: int, content: str | None) -> set[str]:
    """
    @return: what a message is indexed by.
    """
    return tokens(content or "") | {room_token(room_id), sender_token(sender_id)}


@frozen
class SearchQueries(Queries):
    """
    What was said, by its words.
    """

    def reindex(self, message: Event) -> None:
        """
        Have a message be found by what it says now. (One that is not in the index yet is,
        and will be put into it as it is then.)
        """
        if message.id <= self._counter(_INDEXED):
            self.disown(message.id)
            self._add([(message.id, message.room_id, message.sender.id, message.content)])

    def forget(self, message_ids: Sequence[int]) -> None:
        """
        Have messages be found no longer, if they are.
        """
        index = self._index
        for some in portions(sorted(message_ids)):
            self._connection.execute(delete(index.table).where(index.key.in_(some)))

    def disown(self, message_id: int) -> None:
        """
        Have a message be found no longer, and its words be purged, if they are in the
        index.
        """
        if message_id <= self._counter(_INDEXED):
            self.forget([message_id])
            self.count_forgotten(1)

    def forgotten_count(self) -> int:
        """
        @return: how many messages there were whose words are to be purged.
        """
        return self._counter(_FORGOTTEN)

    def purge(self, pages: int) -> bool:
        """
        Have the index hold less of what nobody finds.

        @param pages: how much is done, about; below 0 to begin with, since then all of the
            index is gone through.
        @return: whether there is more to do.
        """
        return self._index.purge(self._connection, pages)

    def note_purged(self, count: int) -> None:
        """
        Know that nothing is held any more of what was forgotten when it was begun.

        @param count: how many messages that were.
        """
        self.count_forgotten(-count)

    def candidates(
        self,
        words: Collection[str],
        room_ids: Collection[int],
        limit: int,
        *,
        sender_id: int | None = None,
        below: int | None = None,
    ) -> list[Event]:
        """
        Look for messages that may be what somebody looks for.

        @param words: the tokens that they have, at least one.
        @param room_ids: the rooms that they are in any of.
        @param below: the id that theirs are less than.
        @return: the newest, newest first; if they are less than C{limit}, there are
            no more.
        """
        if not room_ids:
            return []
        needed = {*words, *([] if sender_id is None else [sender_token(sender_id)])}
        indexed = self._counter(_INDEXED)
        found = self._not_indexed(indexed, needed, room_ids, below)[:limit]
        if len(found) < limit:
            below = indexed + 1 if below is None else min(below, indexed + 1)
            found += self._find(needed, room_ids, limit - len(found), below)
        return found

    def _find(
        self, needed: Collection[str], room_ids: Collection[int], limit: int, below: int
    ) -> list[Event]:
        """
        Look for messages by the index.
        """
        index = self._index
        query = select(index.key.label("id")).where(
            index.has(needed, [room_token(each) for each in room_ids]), index.key < below
        )
        found = query.order_by(index.key.desc()).limit(limit).subquery("found")
        source = event_tables(found.join(events, events.c.id == found.c.id))
        rows = self._connection.execute(select(*EVENT).select_from(source))
        return sorted(map(event, rows), key=lambda each: each.id, reverse=True)

    def _not_indexed(
        self, indexed: int, needed: AbstractSet[str], room_ids: Collection[int], below: int | None
    ) -> list[Event]:
        """
        Look for messages that are not in the index yet: one by one, by the tokens that
        they will have in it.

        @param indexed: the id that theirs are above.
        """
        recent = select(*EVENT).select_from(EVENT_TABLES).where(events.c.id > indexed)
        recent = recent.where(_is_findable)
        if below is not None:
            recent = recent.where(events.c.id < below)
        rows = self._connection.execute(recent.order_by(events.c.id.desc()))
        return [
            event(row)
            for row in rows
            if row.room_id in room_ids
            and _tokens(row.room_id, row.sender_id, row.content).issuperset(needed)
        ]

    def first_event_since(self, time: int) -> int:
        """
        Look for where a time is in the order of ids, in which times go up unless
        somebody sets the clock back.

        @param time: in milliseconds.
        @return: an id that is above those of the events before, and of no others.
        """
        ids = select(events.c.id).order_by(events.c.id.desc()).limit(1)
        low, high = 0, self._connection.scalar(ids) or 0
        query = select(events.c.id, events.c.created_at)
        query = query.where(events.c.id <= bindparam("id"))
        query = query.order_by(events.c.id.desc()).limit(1)
        # All up to low are before it, all above high are not.
        while low < high:
            middle = (low + high + 1) // 2
            row = self._connection.execute(query, {"id": middle}).one_or_none()
            if row is None or row.created_at < time:
                low = middle
            else:
                high = row.id - 1
        return high + 1

    def index_newer(self, limit: int) -> int:
        """
        Put into the index what is not in there of the log, the oldest first.

        @param limit: how many events are looked at.
        @return: how many are left, about; 0 if none are.
        """
        indexed = self._counter(_INDEXED)
        query = select(events).where(events.c.id > indexed).order_by(events.c.id).limit(limit)
        found = self._connection.execute(query).all()
        if not found:
            return 0
        self._index_all(found)
        self._set_counter(_INDEXED, found[-1].id)
        return self._counter(LAST_EVENT_ID) - int(found[-1].id)

    def index_older(self, limit: int) -> bool:
        """
        Have some be found of those that were stored before there was an index: the
        newest of them.

        @param limit: how many events are looked at.
        @return: whether there are more.
        """
        above = self._counter(_UNINDEXED)
        if not above:
            return False
        found = self._connection.execute(
            select(events).where(events.c.id <= above).order_by(events.c.id.desc()).limit(limit)
        ).all()
        last = found[-1].id if len(found) == limit else 1
        there = self._indexed(last, above)
        self._index_all([row for row in reversed(found) if row.id not in there])
        self._set_counter(_UNINDEXED, last - 1)
        return bool(last > 1)

    def _index_all(self, rows: Iterable[Any]) -> None:
        self._add(
            (row.id, row.room_id, row.sender_id, row.content)
            for row in rows
            if row.kind == EventKind.MESSAGE.value and row.deleted_at is None
        )

    def _counter(self, name: str) -> int:
        query = select(counters.c.value).where(counters.c.name == name)
        return self._connection.scalar(query) or 0

    def _set_counter(self, name: str, value: object) -> None:
        is_it = counters.c.name == name
        self._connection.execute(update(counters).where(is_it).values(value=value))

    def count_forgotten(self, count: int) -> None:
        """
        Know of so many more messages that their words are to be purged.
        """
        self._set_counter(_FORGOTTEN, counters.c.value + count)

    @property
    def _index(self) -> _Index:
        return _SQLITE if self._connection.dialect.name == "sqlite" else _POSTGRESQL

    def _add(self, said: Iterable[tuple[int, int, int, str | None]]) -> None:
        index = self._index
        rows = [index.row(each[0], _tokens(*each[1:])) for each in said]
        if rows:
            self._connection.execute(insert(index.table), rows)

    def _indexed(self, first: int, last: int) -> set[int]:
        """
        @return: which messages are in the index, of a range of ids.
        """
        key = self._index.key
        return set(self._connection.scalars(select(key).where(key.between(first, last))))
