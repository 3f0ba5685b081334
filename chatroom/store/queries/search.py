"""
The index of words: which messages have which tokens. What the tokens are is up to
L{chatroom.store.words}; the database only has to find those that have all of some.

Nothing of a message that is deleted, or no longer kept, is in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from chatroom.store.queries.rows import EVENT, event, event_tables
from chatroom.store.schema import BigId, counters, events
from chatroom.store.words import room_token, sender_token, tokens

#: The highest id of an event that is stored and not in the index yet, nor is any
#: before it (but for what was edited since); 0 if all are.
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


@frozen
class SearchQueries(Queries):
    """
    What was said, by its words.
    """

    def index(self, messages: Sequence[Event]) -> None:
        """
        Have messages be found that are not in the index.
        """
        self._add((each.id, each.room_id, each.sender.id, each.content) for each in messages)

    def forget(self, message_ids: Sequence[int]) -> None:
        """
        Have messages be found no longer, if they are.
        """
        index = self._index
        for some in portions(sorted(message_ids)):
            self._connection.execute(delete(index.table).where(index.key.in_(some)))

    def disown(self, message_id: int) -> None:
        """
        Have a message be found no longer, and its words be purged.
        """
        self.forget([message_id])
        self.count_forgotten(1)

    def forgotten_count(self) -> int:
        """
        @return: how many messages there were whose words are to be purged.
        """
        query = select(counters.c.value).where(counters.c.name == _FORGOTTEN)
        return self._connection.scalar(query) or 0

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
        index = self._index
        needed = {*words, *([] if sender_id is None else [sender_token(sender_id)])}
        query = select(index.key.label("id")).where(
            index.has(needed, [room_token(each) for each in room_ids])
        )
        if below is not None:
            query = query.where(index.key < below)
        found = query.order_by(index.key.desc()).limit(limit).subquery("found")
        source = event_tables(found.join(events, events.c.id == found.c.id))
        rows = self._connection.execute(select(*EVENT).select_from(source))
        return sorted(map(event, rows), key=lambda each: each.id, reverse=True)

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

    def index_older(self, limit: int) -> bool:
        """
        Have some be found of those that were stored before there was an index: the
        newest of them.

        @param limit: how many events are looked at.
        @return: whether there are more.
        """
        above = self._connection.scalar(
            select(counters.c.value).where(counters.c.name == _UNINDEXED)
        )
        if not above:
            return False
        found = self._connection.execute(
            select(events).where(events.c.id <= above).order_by(events.c.id.desc()).limit(limit)
        ).all()
        last = found[-1].id if len(found) == limit else 1
        there = self._indexed(last, above)
        self._add(
            (row.id, row.room_id, row.sender_id, row.content)
            for row in reversed(found)
            if row.kind == EventKind.MESSAGE.value
            and row.deleted_at is None
            and row.id not in there
        )
        is_it = counters.c.name == _UNINDEXED
        self._connection.execute(update(counters).where(is_it).values(value=last - 1))
        return bool(last > 1)

    def count_forgotten(self, count: int) -> None:
        """
        Know of so many more messages that their words are to be purged.
        """
        is_it = counters.c.name == _FORGOTTEN
        changed = update(counters).where(is_it).values(value=counters.c.value + count)
        self._connection.execute(changed)

    @property
    def _index(self) -> _Index:
        return _SQLITE if self._connection.dialect.name == "sqlite" else _POSTGRESQL

    def _add(self, said: Iterable[tuple[int, int, int, str | None]]) -> None:
        index = self._index
        rows = []
        for message_id, room_id, sender_id, content in said:
            words = tokens(content or "")
            words.update((room_token(room_id), sender_token(sender_id)))
            rows.append(index.row(message_id, words))
        if rows:
            self._connection.execute(insert(index.table), rows)

    def _indexed(self, first: int, last: int) -> set[int]:
        """
        @return: which messages are in the index, of a range of ids.
        """
        key = self._index.key
        return set(self._connection.scalars(select(key).where(key.between(first, last))))
