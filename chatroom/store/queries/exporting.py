"""
Everything there is, a page at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Table, select, tuple_

from chatroom.store.models import Event, Reacted
from chatroom.store.queries.history import HistoryQueries
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import EVENT, EVENT_TABLES, event
from chatroom.store.queries.sequences import LastIds, SequenceQueries
from chatroom.store.schema import audit, bans, events, files, invitations, members, rooms, users

#: How many rows are in memory at a time.
PAGE = 200


@frozen(kw_only=True)
class StoredEvent:
    """
    An event, and what only the store knows of it.

    @ivar content: as it is stored, which for an edit is nothing.
    @ivar digest: of what was sent under its client message id.
    @ivar reactions: to it, if it is a message.
    """

    event: Event
    content: str | None
    digest: bytes | None
    reactions: Sequence[Reacted]


@frozen
class ExportQueries(Queries):
    """
    All that is stored, in an order that does not depend on the database.
    """

    def last_ids(self) -> LastIds:
        """
        @return: the highest ids that were ever given.
        """
        return SequenceQueries(self._connection).last_ids()

    def stored_users(self) -> Iterator[Mapping[str, Any]]:
        """
        @return: every account, as the schema has it, and so for those below.
        """
        return self._all(users)

    def stored_rooms(self) -> Iterator[Mapping[str, Any]]:
        """
        Every room, also those that are being deleted.
        """
        return self._all(rooms)

    def stored_members(self) -> Iterator[Mapping[str, Any]]:
        """
        Who is in which room.
        """
        return self._all(members)

    def stored_bans(self) -> Iterator[Mapping[str, Any]]:
        """
        Who may be no member of which room.
        """
        return self._all(bans)

    def stored_invitations(self) -> Iterator[Mapping[str, Any]]:
        """
        Who may join which room.
        """
        return self._all(invitations)

    def stored_files(self) -> Iterator[Mapping[str, Any]]:
        """
        What is known of files, with their digests in hexadecimal.
        """
        for each in self._all(files):
            yield {**each, "digest": bytes(each["digest"]).hex()}

    def stored_deeds(self) -> Iterator[Mapping[str, Any]]:
        """
        The audit.
        """
        return self._all(audit)

    def room_as_stored(self, room_id: int) -> Mapping[str, Any] | None:
        """
        @return: a room, if there is one.
        """
        found = self._connection.execute(select(rooms).where(rooms.c.id == room_id))
        row = found.mappings().one_or_none()
        return None if row is None else dict(row)

    def members_as_stored(self, room_id: int) -> Iterator[Mapping[str, Any]]:
        """
        Who is in a room, with their names.
        """
        query = select(members, users.c.name).join(users, users.c.id == members.c.user_id)
        query = query.where(members.c.room_id == room_id).order_by(members.c.user_id)
        return (dict(row) for row in self._connection.execute(query).mappings())

    def events_of(self, room_id: int) -> Iterator[StoredEvent]:
        """
        @return: what happened in a room, in its order.
        """
        seq = 0
        while True:
            query = select(*EVENT).select_from(EVENT_TABLES)
            query = query.where(events.c.room_id == room_id, events.c.seq > seq)
            page = self._connection.execute(query.order_by(events.c.seq).limit(PAGE)).all()
            reactions = HistoryQueries(self._connection).reactions_to([row.id for row in page])
            for row in page:
                yield StoredEvent(
                    event=event(row),
                    content=row.content,
                    digest=None if row.digest is None else bytes(row.digest),
                    reactions=reactions.get(row.id, ()),
                )
            if len(page) < PAGE:
                return
            seq = page[-1].seq

    def _all(self, table: Table) -> Iterator[Mapping[str, Any]]:
        keys = list(table.primary_key.columns)
        last: tuple[Any, ...] = (0,) * len(keys)
        while True:
            query = select(table).where(tuple_(*keys) > last).order_by(*keys).limit(PAGE)
            page = self._connection.execute(query).mappings().all()
            yield from map(dict, page)
            if len(page) < PAGE:
                return
            last = tuple(page[-1][key.name] for key in keys)
