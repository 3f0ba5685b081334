"""
What becomes of messages: edits, deletions, reactions, and who is named in them.
"""

from collections.abc import Sequence

from attrs import evolve, frozen
from sqlalchemy import delete, func, insert, select, update

from chatroom.store.models import Event, EventKind
from chatroom.store.queries.files import FileQueries
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import joined
from chatroom.store.queries.search import SearchQueries
from chatroom.store.schema import events, mentions, reactions


@frozen
class ChangeQueries(Queries):
    """
    What is done to messages that are stored.
    """

    def rewrite(self, message: Event, content: str, named: tuple[int, ...], now: int) -> None:
        """
        Have a message say something else.

        @param named: who is named in it now.
        @param now: in milliseconds.
        """
        self._change(message, content=content, mentions=joined(named), edited_at=now)
        changed = evolve(message, content=content, mentions=named)
        SearchQueries(self._connection).reindex(changed)
        self._forget_mentions(message)
        self.add_mentions([changed])

    def blank(self, message: Event, now: int) -> None:
        """
        Have nothing be left of what a message said.

        @param now: in milliseconds.
        """
        self._change(message, content="", mentions=None, deleted_at=now)
        SearchQueries(self._connection).disown(message.id)
        self._forget_mentions(message)
        if message.kind is EventKind.FILE:
            FileQueries(self._connection).drop_file(message.id)
        self._connection.execute(delete(reactions).where(reactions.c.message_id == message.id))

    def add_mentions(self, messages: Sequence[Event]) -> None:
        """
        Note who is named in messages.
        """
        rows = [
            {"user_id": user_id, "room_id": each.room_id, "seq": each.seq}
            for each in messages
            for user_id in each.mentions
        ]
        if rows:
            self._connection.execute(insert(mentions), rows)

    def has_reacted(self, message_id: int, user_id: int, reaction: str) -> bool:
        """
        Whether somebody has reacted to a message in this way.
        """
        is_it = (
            (reactions.c.message_id == message_id)
            & (reactions.c.reaction == reaction)
            & (reactions.c.user_id == user_id)
        )
        return self._connection.scalar(select(reactions.c.user_id).where(is_it)) is not None

    def reaction_count(self, message_id: int, user_id: int | None = None) -> int:
        """
        @return: how often a user, or anybody, has reacted to a message.
        """
        is_one = reactions.c.message_id == message_id
        if user_id is not None:
            is_one &= reactions.c.user_id == user_id
        query = select(func.count()).select_from(reactions)
        return int(self._connection.scalar(query.where(is_one)) or 0)

    def add_reaction(self, message_id: int, user_id: int, reaction: str) -> None:
        """
        Keep a reaction that is not there yet.
        """
        values = {"message_id": message_id, "user_id": user_id, "reaction": reaction}
        self._connection.execute(insert(reactions), [values])

    def remove_reaction(self, message_id: int, user_id: int, reaction: str) -> None:
        """
        Keep a reaction no longer.
        """
        is_it = (
            (reactions.c.message_id == message_id)
            & (reactions.c.reaction == reaction)
            & (reactions.c.user_id == user_id)
        )
        self._connection.execute(delete(reactions).where(is_it))

    def _change(self, message: Event, **values: object) -> None:
        self._connection.execute(update(events).where(events.c.id == message.id).values(values))

    def _forget_mentions(self, message: Event) -> None:
        is_its = (mentions.c.room_id == message.room_id) & (mentions.c.seq == message.seq)
        self._connection.execute(delete(mentions).where(is_its))
