"""
Who there is, and how they prove it.
"""

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from chatroom.chat.names import new_username_key, username_key
from chatroom.chat.passwords import Passwords
from chatroom.errors import StoreUnavailable, UsernameTaken, WrongCredentials
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Account, Numbers, User
from chatroom.store.repository import Repository


@define(eq=False)
class Accounts:
    """
    The users of the server.
    """

    _log = Logger()

    _database: Database
    _passwords: Passwords
    _clock: IReactorTime

    async def register(self, name: str, password: str) -> User:
        """
        Make an account, a member of the public room.

        @raise BadUsername: if nobody can have this name.
        @raise BadPassword: if the password is too short or too long.
        @raise UsernameTaken: if somebody has the name, or one that reads the same.
        @raise StoreUnavailable: if the database failed; there is no account.
        @raise Busy: if too many passwords wait to be hashed.
        """
        key = new_username_key(name)
        self._passwords.check_new(password)
        if await self._database.read(lambda store: store.account(key)) is not None:
            raise UsernameTaken(field="username")
        password_hash = await self._passwords.hash(password)

        def add(store: Repository) -> User:
            if store.account(key) is not None:
                raise UsernameTaken(field="username")
            now = int(self._clock.seconds() * 1000)
            return store.add_user(name=name, key=key, password_hash=password_hash, now=now)

        try:
            return await self._database.write(add)
        except CommitUncertain as error:
            return await self._if_stored(key, password_hash, error)

    async def _if_stored(self, key: str, password_hash: str, cause: CommitUncertain) -> User:
        """
        Look what a commit has left of which nobody knows whether it happened.
        """
        account = await self._database.read(lambda store: store.account(key))
        if account is None or account.password_hash != password_hash:
            raise StoreUnavailable() from cause
        return account.user

    async def authenticate(self, name: str, password: str) -> User:
        """
        Find out who speaks. A name that nobody has takes the same way as a
        wrong password, and as long.

        @raise WrongCredentials: if it is nobody, or not their password.
        @raise Busy: if too many passwords wait to be checked.
        """
        account = await self._account(name)
        is_known = account is not None and account.is_enabled
        password_hash = account.password_hash if account and is_known else None
        verdict = await self._passwords.verify(password, password_hash)
        if account is None or not verdict.is_right:
            raise WrongCredentials()
        if verdict.better_hash is not None:
            await self._keep(account.user, verdict.better_hash)
        return account.user

    async def _keep(self, user: User, better_hash: str) -> None:
        """
        Replace a dated hash. If that fails, the next login does it.
        """
        try:
            await self._database.write(lambda store: store.set_password_hash(user.id, better_hash))
        except (StoreUnavailable, CommitUncertain) as error:
            self._log.warn("the hash of {user!r} stays: {why!r}", user=user.name, why=error)

    async def _account(self, name: str) -> Account | None:
        # A name that can't be is looked up too: it must cost what others cost.
        key = username_key(name) or ""
        return await self._database.read(lambda store: store.account(key))

    async def everybody(self) -> list[User]:
        """
        @return: all users, by id.
        """
        return await self._database.read(lambda store: store.users())

    async def numbers(self, user: User) -> Numbers:
        """
        @return: how many there are of what, and what C{user} has joined.
        """
        return await self._database.read(lambda store: store.numbers(user.id))
