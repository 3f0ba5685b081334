"""
The ids that were given: none is given again, whatever was deleted since.
"""

from attrs import frozen
from sqlalchemy import select, text, update

from chatroom.store.queries.queries import Queries
from chatroom.store.schema import counters

_EVENT_ID = "events.id"


@frozen(kw_only=True)
class LastIds:
    """
    The highest id of each kind that was ever given; 0 if none was.
    """

    events: int
    users: int
    rooms: int
    audit: int


@frozen
class SequenceQueries(Queries):
    """
    What the database itself counts, and what we do.
    """

    def last_ids(self) -> LastIds:
        """
        @return: how far all of it is.
        """
        query = select(counters.c.value).where(counters.c.name == _EVENT_ID)
        return LastIds(
            events=int(self._connection.execute(query).scalar_one()),
            users=self._last("users"),
            rooms=self._last("rooms"),
            audit=self._last("audit"),
        )

    def set_last_ids(self, last: LastIds) -> None:
        """
        Go on behind these.
        """
        is_it = counters.c.name == _EVENT_ID
        self._connection.execute(update(counters).where(is_it).values(value=last.events))
        for table in ("users", "rooms", "audit"):
            self._set(table, getattr(last, table))

    @property
    def _is_file(self) -> bool:
        return self._connection.dialect.name == "sqlite"

    def _last(self, table: str) -> int:
        if self._is_file:
            query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
            return int(self._connection.execute(query, {"name": table}).scalar() or 0)
        query = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {table}_id_seq")
        return int(self._connection.execute(query).scalar_one())

    def _set(self, table: str, value: int) -> None:
        if self._is_file:
            name = {"name": table}
            self._connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), name)
            if value:
                query = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :value)")
                self._connection.execute(query, {**name, "value": value})
            return
        # Without a third argument it counts as given.
        query = text(f"SELECT setval('{table}_id_seq', :value, :is_given)")
        values = {"value": max(1, value), "is_given": value > 0}
        self._connection.execute(query, values)
