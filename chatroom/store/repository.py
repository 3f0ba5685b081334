"""
The store, as one transaction sees it. Values go in and come out as
L{chatroom.store.models}.
"""

from contextlib import AbstractContextManager

from attrs import frozen
from sqlalchemy import select

from chatroom.store.queries.administration import AdministrationQueries
from chatroom.store.queries.changes import ChangeQueries
from chatroom.store.queries.files import FileQueries
from chatroom.store.queries.history import HistoryQueries
from chatroom.store.queries.log import LogQueries
from chatroom.store.queries.logins import LoginQueries
from chatroom.store.queries.moderation import ModerationQueries
from chatroom.store.queries.reading import ReadingQueries
from chatroom.store.queries.retention import RetentionQueries
from chatroom.store.queries.rooms import RoomQueries
from chatroom.store.queries.search import SearchQueries
from chatroom.store.queries.users import UserQueries
from chatroom.store.schema import meta


@frozen
class Repository(
    UserQueries,
    RoomQueries,
    LogQueries,
    ChangeQueries,
    HistoryQueries,
    ReadingQueries,
    LoginQueries,
    SearchQueries,
    RetentionQueries,
    ModerationQueries,
    AdministrationQueries,
    FileQueries,
):
    """
    The store, on the one connection of a transaction that somebody else began and
    will end.
    """

    def epoch(self) -> str:
        """
        @return: what names this database, and no other.
        """
        query = select(meta.c.value).where(meta.c.name == "epoch")
        return str(self._connection.execute(query).scalar_one())

    def savepoint(self) -> AbstractContextManager[object]:
        """
        @return: a context whose writes are undone if it raises.
        """
        return self._connection.begin_nested()
