"""
The log, read: all that happened, to follow it; or what was said, to look at it.
"""

from collections.abc import Collection
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Select, select

from chatroom.store.models import MESSAGES, Event, Page, Reacted, Span, User
from chatroom.store.portions import portions
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import EVENT, EVENT_TABLES, event
from chatroom.store.schema import events, members, reactions, rooms, users


@frozen
class HistoryQueries(Queries):
    """
    What happened and what was said in rooms.
    """

    def spans(self, user_id: int) -> dict[int, Span]:
        """
        @return: what there is of the log of each of a user's rooms, by room id.
        """
        joined = rooms.join(members, members.c.room_id == rooms.c.id)
        query = select(rooms.c.id, rooms.c.first_seq, rooms.c.last_seq).select_from(joined)
        found = self._connection.execute(query.where(members.c.user_id == user_id))
        return {row.id: Span(first_seq=row.first_seq, last_seq=row.last_seq) for row in found}

    def span(self, room_id: int) -> Span:
        """
        @return: what there is of the log of a room; nothing, if there is no such room.
        """
        query = select(rooms.c.first_seq, rooms.c.last_seq).where(rooms.c.id == room_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return Span(first_seq=1, last_seq=0)
        return Span(first_seq=row.first_seq, last_seq=row.last_seq)

    def events_after(self, room_id: int, seq: int, limit: int) -> list[Event]:
        """
        @return: what happened in a room behind a place, in its order.
        """
        query = _events(events.c.room_id == room_id, events.c.seq > seq)
        return self._events(query.order_by(events.c.seq).limit(limit))

    def place_of_message(self, message_id: int) -> tuple[int, User] | None:
        """
        @return: the room of a message, and who has said it.
        """
        is_it = (events.c.id == message_id) & events.c.kind.in_([each.value for each in MESSAGES])
        query = select(events.c.room_id, users.c.id, users.c.name)
        query = query.select_from(events.join(users, users.c.id == events.c.sender_id))
        row = self._connection.execute(query.where(is_it)).one_or_none()
        return None if row is None else (row.room_id, User(id=row.id, name=row.name))

    def message(self, message_id: int) -> Event | None:
        """
        Find a message, of whatever room; it may be deleted.
        """
        found = self._events(_messages(events.c.id == message_id))
        return found[0] if found else None

    def page(
        self,
        room_id: int,
        limit: int,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
    ) -> Page:
        """
        Some messages of a room: the last ones before a place, the first ones behind
        one, those on both sides of one and the one there, or the newest of all.

        @param limit: how many at the most.
        """
        messages = _messages(events.c.room_id == room_id)
        # Where it is, if nothing is found there.
        place = before or around or (0 if after is None else after + 1)
        if around is not None or after is not None:
            later = self._after(messages.where(events.c.seq >= place), limit)
            earlier = [] if around is None else self._before_seq(messages, around, limit)
            found = _around(earlier, later, limit)
        else:
            found = self._before_seq(messages, before, limit)
        start, end = (found[0].seq, found[-1].seq + 1) if found else (place, place)
        return Page(
            messages=found,
            has_more_before=self._is_any(messages.where(events.c.seq < start)),
            has_more_after=self._is_any(messages.where(events.c.seq >= end)),
        )

    def reactions_to(self, message_ids: Collection[int]) -> dict[int, list[Reacted]]:
        """
        @return: the reactions to each message that has any, by message id.
        """
        by_message: dict[int, dict[str, list[int]]] = {}
        for some in portions(sorted(message_ids)):
            query = select(reactions).where(reactions.c.message_id.in_(some))
            for row in self._connection.execute(query.order_by(*reactions.c)):
                each = by_message.setdefault(row.message_id, {})
                each.setdefault(row.reaction, []).append(row.user_id)
        return {
            message_id: [Reacted(reaction=r, user_ids=tuple(u)) for r, u in each.items()]
            for message_id, each in by_message.items()
        }

    def _before_seq(self, messages: Select[Any], seq: int | None, limit: int) -> list[Event]:
        if seq is not None:
            messages = messages.where(events.c.seq < seq)
        return self._events(messages.order_by(events.c.seq.desc()).limit(limit))[::-1]

    def _is_any(self, messages: Select[Any]) -> bool:
        query = messages.with_only_columns(events.c.id).limit(1)
        return self._connection.scalar(query) is not None

    def _after(self, messages: Select[Any], limit: int) -> list[Event]:
        return self._events(messages.order_by(events.c.seq).limit(limit))

    def _events(self, query: Select[Any]) -> list[Event]:
        return [event(row) for row in self._connection.execute(query)]


def _around(earlier: list[Event], later: list[Event], limit: int) -> list[Event]:
    """
    @return: as many, half of them from each side if there are enough.
    """
    share = min(len(earlier), max(limit // 2, limit - len(later)))
    return earlier[len(earlier) - share :] + later[: limit - share]


def _events(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*EVENT).select_from(EVENT_TABLES).where(*conditions)


def _messages(condition: ColumnElement[bool]) -> Select[Any]:
    return _events(condition, events.c.kind.in_([each.value for each in MESSAGES]))
