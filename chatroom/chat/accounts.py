"""
Who there is, and how they prove it.
"""

from attrs import define, field

from chatroom.chat.guesses import Guesses
from chatroom.chat.names import new_username_key, username_key
from chatroom.chat.passwords import Passwords
from chatroom.chat.rates import Rate
from chatroom.chat.turns import OneByOne
from chatroom.clock import Now
from chatroom.errors import (
    ChatError,
    RegistrationClosed,
    StoreUnavailable,
    TooManyRegistrations,
    UsernameTaken,
    WrongCredentials,
)
from chatroom.logs.failures import explain
from chatroom.logs.journal import Journal
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain, StoreRejected
from chatroom.store.models import Numbers, User
from chatroom.store.repository import Repository

#: How often an address may ask for an account, for each that it may make: the answer
#: tells which names are taken.
QUESTIONS_A_REGISTRATION = 10


@define(eq=False)
class Accounts:
    """
    The users of the server.

    @ivar is_open: whether anybody may make an account.
    """

    _log = Journal()

    _database: Database
    _passwords: Passwords
    _guesses: Guesses
    _registrations: Rate
    _questions: Rate
    _now: Now
    is_open: bool
    _tries: OneByOne = field(factory=OneByOne, init=False)

    async def register(self, name: str, password: str, address: str | None = None) -> User:
        """
        Make an account, a member of the public room.

        @param address: where from; C{None} for where there is no limit.
        @raise RegistrationClosed: if nobody may.
        @raise TooManyRegistrations: if the address has made too many.
        @raise BadUsername: if nobody can have this name.
        @raise BadPassword: if the password is too short or too long.
        @raise UsernameTaken: if somebody has the name, or one that reads the same.
        @raise StoreUnavailable: if the database failed; there is no account.
        @raise Busy: if too many passwords wait to be hashed.
        """
        if not self.is_open:
            raise RegistrationClosed()
        key = new_username_key(name)
        self._passwords.check_new(password)
        _count(self._questions, address)
        if await self._database.read(lambda store: store.account(key)) is not None:
            raise UsernameTaken(field="username")
        _count(self._registrations, address)
        try:
            return await self._register(name, key, password, address)
        except BaseException:
            self._registrations.give_back(address)
            raise

    async def _register(self, name: str, key: str, password: str, address: str | None) -> User:
        password_hash = await self._passwords.hash(password, address)

        def add(store: Repository) -> User:
            if store.account(key) is not None:
                raise UsernameTaken(field="username")
            now = int(self._now() * 1000)
            return store.add_user(name=name, key=key, password_hash=password_hash, now=now)

        try:
            return await self._database.write(add)
        except CommitUncertain as error:
            return await self._if_stored(key, password_hash, error)

    async def _if_stored(self, key: str, password_hash: str, cause: CommitUncertain) -> User:
        """
        Look what a commit has left of which nobody knows whether it happened.
        """
        account = await self._database.look(lambda store: store.account(key))
        if account is None or account.password_hash != password_hash:
            raise StoreUnavailable() from cause
        return account.user

    async def authenticate(self, name: str, password: str, address: str | None = None) -> User:
        """
        Find out who speaks. A name that nobody has takes the same way as a
        wrong password, and as long.

        @param address: where from; C{None} for where others' tries do not matter.
        @raise TooManyTries: if there were too many; the password is not looked at.
        @raise WrongCredentials: if it is nobody, or not their password.
        @raise Busy: if too many passwords wait to be checked.
        """
        # A name that can't be is looked up too: it must cost what others cost.
        key = username_key(name) or ""
        self._guesses.check(key, address)
        async with self._tries.turn((key, address)):
            # Those before it may have been wrong.
            self._guesses.check(key, address)
            try:
                user = await self._authenticate(key, password, address)
            except WrongCredentials:
                self._guesses.was_wrong(key, address)
                raise
            self._guesses.was_right(key, address)
        return user

    async def _authenticate(self, key: str, password: str, address: str | None) -> User:
        account = await self._database.read(lambda store: store.account(key))
        is_known = account is not None and account.is_enabled
        password_hash = account.password_hash if account and is_known else None
        verdict = await self._passwords.verify(password, password_hash, address)
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
        except (ChatError, CommitUncertain, StoreRejected) as error:
            self._log.note("hash_not_kept", user=user.name, reason=explain(error))

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


def _count(registrations: Rate, address: str | None) -> None:
    wait = 0.0 if address is None else registrations.take(address)
    if wait > 0:
        raise TooManyRegistrations(retry_after=wait)
