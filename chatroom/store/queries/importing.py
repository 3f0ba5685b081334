"""
A database that is filled with what another one has had.
"""

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any

from attrs import frozen
from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError

from chatroom.store.errors import RowRejected
from chatroom.store.models import PUBLIC_ROOM_ID
from chatroom.store.queries.files import FileQueries
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.search import SearchQueries
from chatroom.store.queries.sequences import LastIds, SequenceQueries
from chatroom.store.schema import (
    audit,
    bans,
    counters,
    events,
    files,
    invitations,
    members,
    mentions,
    meta,
    reactions,
    rooms,
    users,
)

#: By the name that whoever imports has for them.
_TABLES: Mapping[str, Table] = {
    each.name: each
    for each in (
        *(users, rooms, members, bans, invitations, events, files),
        *(mentions, reactions, audit),
    )
}

#: How many events are put into the index of words at a time.
_INDEXED = 5000


@frozen
class ImportQueries(Queries):
    """
    What was exported, written as it was.
    """

    def is_fresh(self) -> bool:
        """
        Whether nobody has ever used the database.
        """
        there = select(rooms.c.id).where(rooms.c.id != PUBLIC_ROOM_ID)
        is_empty = all(
            self._connection.scalar(select(func.count()).select_from(table)) == 0
            for table in (users, events, audit)
        )
        return is_empty and self._connection.scalar(there.limit(1)) is None

    def clear(self) -> None:
        """
        Have nothing in it, not even the public room.
        """
        self._connection.execute(delete(rooms))

    def insert_all(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """
        Write rows, as the schema has them.

        @raise RowRejected: if the database will not have one; nothing is written.
        """
        if not rows:
            return
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(_TABLES[table]), list(rows))
        except (IntegrityError, DataError):
            self._find_rejected(table, rows)
            raise

    def finish(self, last: LastIds) -> None:
        """
        Go on behind the ids that were given, with all that was said in the index of words.
        The database is another one than that which it is from: both may go on.
        """
        is_epoch = meta.c.name == "epoch"
        self._connection.execute(update(meta).where(is_epoch).values(value=token_hex(16)))
        SequenceQueries(self._connection).set_last_ids(last)
        FileQueries(self._connection).recount()
        for name in ("search.indexed", "search.unindexed"):
            is_it = counters.c.name == name
            self._connection.execute(update(counters).where(is_it).values(value=last.events))
        while SearchQueries(self._connection).index_older(_INDEXED):
            pass

    def _find_rejected(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """
        @raise RowRejected: for the first row that the database will not have.
        """
        with self._connection.begin_nested() as undone:
            for index, row in enumerate(rows):
                try:
                    with self._connection.begin_nested():
                        self._connection.execute(insert(_TABLES[table]), [row])
                except (IntegrityError, DataError):
                    raise RowRejected(index) from None
            undone.rollback()
