"""
Logins that can be taken up again by a token.
"""

from typing import Any

from attrs import frozen
from sqlalchemy import Select, delete, select, update

from chatroom.store.models import Login, User
from chatroom.store.queries.queries import Queries
from chatroom.store.schema import sessions, users


@frozen
class LoginQueries(Queries):
    """
    Who may come back without a password. A token is known by its hash alone.
    """

    def add_login(
        self, user: User, *, token_hash: bytes, client: str, device: str, now: int, expires_at: int
    ) -> Login:
        """
        Keep a new login.

        @param now: in milliseconds, as C{expires_at}.
        """
        values = {
            "user_id": user.id,
            "token_hash": token_hash,
            "client": client,
            "device": device,
            "created_at": now,
            "last_used_at": now,
            "expires_at": expires_at,
        }
        return Login(
            id=self._insert(sessions, values),
            user=user,
            client=client,
            device=device,
            created_at=now,
            last_used_at=now,
            expires_at=expires_at,
        )

    def login(self, token_hash: bytes, now: int) -> Login | None:
        """
        Find the login that a token is of, unless it has expired or its user may not
        log in.
        """
        is_it = (sessions.c.token_hash == token_hash) & (sessions.c.expires_at > now)
        found = self._logins(login_query().where(is_it & users.c.disabled_at.is_(None)))
        return found[0] if found else None

    def renew_login(self, login_id: int, *, now: int, expires_at: int) -> None:
        """
        Have a login hold for longer.
        """
        values = {"last_used_at": now, "expires_at": expires_at}
        self._connection.execute(update(sessions).where(sessions.c.id == login_id).values(values))

    def logins(self, user_id: int, now: int) -> list[Login]:
        """
        @return: a user's logins that have not expired, by id.
        """
        is_theirs = (sessions.c.user_id == user_id) & (sessions.c.expires_at > now)
        return self._logins(login_query().where(is_theirs))

    def end_logins(self, user_id: int, *, but: int | None = None) -> int:
        """
        Have all of a user's tokens hold no longer.

        @param but: the login whose token does.
        @return: how many there were.
        """
        is_one = (sessions.c.user_id == user_id) & (sessions.c.id != (but or 0))
        return int(self._connection.execute(delete(sessions).where(is_one)).rowcount)

    def end_login(self, user_id: int, login_id: int) -> bool:
        """
        Have one of a user's tokens hold no longer.

        @return: whether there was such a one.
        """
        is_it = (sessions.c.user_id == user_id) & (sessions.c.id == login_id)
        return int(self._connection.execute(delete(sessions).where(is_it)).rowcount) > 0

    def tidy_logins(self, user_id: int, *, now: int, most: int) -> None:
        """
        Forget a user's logins that have expired, and of too many those that were not
        used for longest.
        """
        is_theirs = sessions.c.user_id == user_id
        kept = (
            select(sessions.c.id)
            .where(is_theirs & (sessions.c.expires_at > now))
            .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc())
            .limit(most)
        )
        self._connection.execute(delete(sessions).where(is_theirs & sessions.c.id.not_in(kept)))

    def _logins(self, query: Select[Any]) -> list[Login]:
        rows = self._connection.execute(query.order_by(sessions.c.id))
        return [login_of(row) for row in rows]


def login_of(row: Any) -> Login:
    """
    @param row: of L{login_query}.
    """
    return Login(
        id=row.id,
        user=User(id=row.user_id, name=row.name),
        client=row.client,
        device=row.device,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )


def login_query() -> Select[Any]:
    """
    @return: a query for logins, with the names of their users.
    """
    joined = sessions.join(users, users.c.id == sessions.c.user_id)
    return select(sessions, users.c.name).select_from(joined)
