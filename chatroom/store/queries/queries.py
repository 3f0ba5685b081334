"""
What several kinds of queries need.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Connection, CursorResult, Select, func, insert, select

from chatroom.store.models import User


@frozen
class Queries:
    """
    Queries on the one connection of a transaction that somebody else began and will end.
    """

    _connection: Connection

    def _do(self, statement: str, values: Any) -> CursorResult[Any]:
        """
        Have the driver do what is written out.

        @param statement: with question marks for the values.
        @param values: a tuple of them, or a list of tuples to do it for each.
        """
        if self._connection.dialect.paramstyle != "qmark":
            statement = statement.replace("?", "%s")
        return self._connection.exec_driver_sql(statement, values)

    def _insert(self, table: Any, values: Mapping[str, object]) -> int:
        key = self._connection.execute(insert(table).values(values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def _count(self, table: Any, condition: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(condition)
        return int(self._connection.execute(query).scalar_one())

    def _users(self, query: Select[Any]) -> list[User]:
        return [User(id=row.id, name=row.name) for row in self._connection.execute(query)]
