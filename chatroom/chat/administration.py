"""
What those do who look after the server: to accounts, and to see what there is. Each deed
is kept for the audit.

Who is C{None} here is the operator, who needs no account.
"""

from collections.abc import Callable, Sequence

from attrs import define

from chatroom.chat.access import Action, Who, permit_on_server
from chatroom.chat.log import Log
from chatroom.chat.members import pass_on, remove
from chatroom.chat.names import new_username_key, username_key
from chatroom.chat.passwords import Passwords
from chatroom.chat.transaction import Transaction
from chatroom.errors import NotYourself, StoreUnavailable, UsernameTaken, UserNotFound
from chatroom.store.database import Database
from chatroom.store.models import Ban, Login, Role, Room, User
from chatroom.store.oversight import AccountState, Deed, RoomState
from chatroom.store.repository import Repository

#: What is done to an account, in a transaction; how many tokens hold no longer.
_Deed = Callable[[Transaction, AccountState], int]


@define(eq=False)
class Administration:
    """
    Looks after accounts. Each of its methods raises L{chatroom.errors.NotAllowed} if the
    actor is no administrator, and, where somebody is named, L{UserNotFound} if there is
    no such account.

    Who was here by a login that has ended has to be sent away in the same turn.
    """

    _database: Database
    _log: Log
    _passwords: Passwords

    async def disable(
        self, by: User | None, username: str, reason: str | None = None
    ) -> tuple[AccountState, int]:
        """
        Have somebody not log in any more. The rooms that they alone own are owned by
        others then.

        @return: the account, and how many tokens hold no longer.
        @raise NotYourself: if it is C{by}.
        """

        def work(transaction: Transaction, account: AccountState) -> int:
            store, user = transaction.store, account.user
            if not account.is_disabled:
                store.set_disabled(user.id, transaction.now)
            for room, role in store.group_rooms_of(user.id):
                if role is Role.OWNER:
                    pass_on(transaction, room, by or user)
            return store.end_logins(user.id)

        wanted = _is_disabled
        return await self._do(by, Action.DISABLE_USER, username, work, wanted, reason=reason)

    async def enable(
        self, by: User | None, username: str, reason: str | None = None
    ) -> tuple[AccountState, int]:
        """
        Have somebody log in again.
        """

        def work(transaction: Transaction, account: AccountState) -> int:
            transaction.store.set_disabled(account.user.id, None)
            return 0

        return await self._do(
            by, Action.ENABLE_USER, username, work, lambda it: not it.is_disabled, reason=reason
        )

    async def delete(
        self, by: User | None, username: str, reason: str | None = None
    ) -> tuple[AccountState, int]:
        """
        Have an account be nobody's any more: they leave their rooms, and never come back.
        Their name stays taken, and what they said stays. In private chats the other goes
        on to see it.

        @raise NotYourself: if it is C{by}.
        """

        def work(transaction: Transaction, account: AccountState) -> int:
            store, user = transaction.store, account.user
            store.delete_account(user.id, transaction.now)
            for room, _ in store.group_rooms_of(user.id):
                remove(transaction, room, user)
            return store.end_logins(user.id)

        return await self._do(
            by, Action.DELETE_USER, username, work, lambda it: it.is_deleted, reason=reason
        )

    async def set_administrator(
        self, by: User | None, username: str, *, is_one: bool
    ) -> tuple[AccountState, int]:
        """
        Have somebody look after the server, or no longer.

        @raise NotYourself: if it is C{by}, so that somebody is left.
        """

        def work(transaction: Transaction, account: AccountState) -> int:
            transaction.store.set_administrator(account.user.id, is_one=is_one)
            return 0

        return await self._do(
            by,
            Action.SET_ADMINISTRATOR,
            username,
            work,
            lambda it: it.is_administrator is is_one,
            detail="administrator" if is_one else "user",
        )

    async def reset_password(
        self, by: User | None, username: str, password: str
    ) -> tuple[AccountState, int]:
        """
        Have somebody log in with another password, and end their logins.

        @raise BadPassword: if it is too short or too long.
        @raise Busy: if too many passwords wait to be hashed.
        """
        await self._database.read(lambda store: _require(store, by, Action.RESET_PASSWORD))
        self._passwords.check_new(password, field="new_password")
        password_hash = await self._passwords.hash(password, None)

        def work(transaction: Transaction, account: AccountState) -> int:
            transaction.store.set_password_hash(account.user.id, password_hash)
            return transaction.store.end_logins(account.user.id)

        return await self._do(
            by,
            Action.RESET_PASSWORD,
            username,
            work,
            lambda it: it.password_hash == password_hash,
            is_self_too=True,
        )

    async def end_sessions(self, by: User | None, username: str) -> tuple[AccountState, int]:
        """
        End somebody's logins; they may log in again.
        """

        def work(transaction: Transaction, account: AccountState) -> int:
            return transaction.store.end_logins(account.user.id)

        return await self._do(
            by, Action.END_SESSIONS, username, work, lambda _: True, is_self_too=True
        )

    async def add_user(self, by: User | None, name: str, password: str) -> User:
        """
        Make an account, a member of the public room.

        @raise BadUsername: if nobody can have this name.
        @raise BadPassword: if the password is too short or too long.
        @raise UsernameTaken: if somebody has the name, or one that reads the same.
        @raise Busy: if too many passwords wait to be hashed.
        """
        await self._database.read(lambda store: _require(store, by, Action.ADD_USER))
        key = new_username_key(name)
        self._passwords.check_new(password)
        password_hash = await self._passwords.hash(password, None)

        def work(transaction: Transaction) -> User:
            store, now = transaction.store, transaction.now
            _require(store, by, Action.ADD_USER)
            if store.account(key) is not None:
                raise UsernameTaken(field="username")
            user = store.add_user(name=name, key=key, password_hash=password_hash, now=now)
            store.add_deed(Deed(by=by, action=Action.ADD_USER, user=user, at=now))
            return user

        user = await self._log.commit(work)
        account = await self._database.look(lambda store: store.account(key))
        if account is None or account.password_hash != password_hash:
            raise StoreUnavailable()
        return user

    async def logins(
        self, by: User | None, username: str | None, limit: int, after: int, now: int
    ) -> tuple[User | None, Sequence[Login]]:
        """
        @param username: whose; C{None} is anybody's.
        @param after: the id that theirs are greater than.
        @param now: in milliseconds.
        @return: the user, if one is named, and logins that hold, by id.
        """

        def read(store: Repository) -> tuple[User | None, Sequence[Login]]:
            _require(store, by, Action.LIST_LOGINS)
            user = None if username is None else _account(store, username).user
            user_id = None if user is None else user.id
            return user, store.all_logins(now, limit, after=after, user_id=user_id)

        return await self._database.read(read)

    async def bans(
        self,
        by: User | None,
        limit: int,
        after: tuple[int, int],
        room_id: int | None,
        now: int,
    ) -> Sequence[tuple[Room, Ban]]:
        """
        @param after: the ids of the room and of the user behind which theirs are.
        @param room_id: where; C{None} is anywhere.
        @param now: in milliseconds.
        @return: who may be no member of which room, by the ids of room and user.
        """

        def read(store: Repository) -> Sequence[tuple[Room, Ban]]:
            _require(store, by, Action.LIST_BANS)
            return store.all_bans(now, limit, after=after, room_id=room_id)

        return await self._database.read(read)

    async def accounts(
        self, by: User | None, limit: int, after: int = 0
    ) -> Sequence[AccountState]:
        """
        @param after: the id that theirs are greater than.
        @return: accounts, by id.
        """

        def read(store: Repository) -> Sequence[AccountState]:
            _require(store, by, Action.LIST_ACCOUNTS)
            return store.accounts(limit, after=after)

        return await self._database.read(read)

    async def rooms(self, by: User | None, limit: int, after: int = 0) -> Sequence[RoomState]:
        """
        @param after: the id that theirs are greater than.
        @return: rooms that are no private chats, by id.
        """

        def read(store: Repository) -> Sequence[RoomState]:
            _require(store, by, Action.LIST_ROOMS)
            return store.group_rooms(limit, after=after)

        return await self._database.read(read)

    async def audit(
        self, by: User | None, limit: int, before: int | None, room_id: int | None
    ) -> Sequence[Deed]:
        """
        @param before: the id that theirs are less than.
        @param room_id: where it was done; C{None} is anywhere.
        @return: what was done, newest first.
        """

        def read(store: Repository) -> Sequence[Deed]:
            _require(store, by, Action.LIST_AUDIT)
            return store.deeds(limit, before=before, room_id=room_id)

        return await self._database.read(read)

    async def _do(
        self,
        by: User | None,
        action: str,
        username: str,
        deed: _Deed,
        wanted: Callable[[AccountState], bool],
        *,
        detail: str | None = None,
        reason: str | None = None,
        is_self_too: bool = False,
    ) -> tuple[AccountState, int]:
        """
        @param wanted: whether an account is as it is to be.
        """

        def work(transaction: Transaction) -> tuple[User, int]:
            store = transaction.store
            _require(store, by, action)
            account = _account(store, username)
            if by is not None and account.user.id == by.id and not is_self_too:
                raise NotYourself(field="username")
            count = deed(transaction, account)
            store.add_deed(
                Deed(
                    by=by,
                    action=action,
                    user=account.user,
                    detail=detail,
                    reason=reason,
                    at=transaction.now,
                )
            )
            return account.user, count

        user, count = await self._log.commit(work)
        # Where nothing happened in a room, nobody has looked whether it is stored.
        [account] = await self._database.look(lambda store: store.accounts(1, after=user.id - 1))
        if not wanted(account):
            raise StoreUnavailable()
        return account, count


def _account(store: Repository, username: str) -> AccountState:
    account = store.account_named(username_key(username) or "")
    if account is None:
        raise UserNotFound(field="username", username=username[:32])
    return account


def _require(store: Repository, by: User | None, action: str) -> None:
    if by is None:
        who = Who.OPERATOR
    else:
        who = Who.ADMINISTRATOR if store.is_administrator(by.id) else Who.STRANGER
    permit_on_server(action, who)


def _is_disabled(account: AccountState) -> bool:
    return account.is_disabled
