"""
Who there is, and how they prove it.
"""

from attrs import define, evolve, field

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
from chatroom.store.models import Account, Numbers, User
from chatroom.store.repository import Repository

#: How often an address may ask for an account, for each that it may make: the answer
#: tells which names are taken.
QUESTIONS_A_REGISTRATION = 10

#: What is kept of no password: the hash of none.
_NO_PASSWORD = ""


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
        return await self._add(name, key, password_hash)

    async def _add(self, name: str, key: str, password_hash: str) -> User:
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

    async def vouched_for(self, name: str) -> User:
        """
        Find who speaks, as the program says that the server is part of.

        @raise WrongCredentials: if it is nobody, or they may not log in.
        """
        key = username_key(name) or ""
        account = await self._database.read(lambda store: store.account(key))
        if account is None or not account.is_enabled:
            raise WrongCredentials()
        return account.user

    async def of_bot(self, name: str) -> User:
        """
        Find or make an account of the program's own: one without a password, so that
        nobody else can log in to it. It is made even where nobody may make one.

        @raise BadUsername: if nobody can have this name.
        @raise UsernameTaken: if somebody has it who has a password.
        @raise WrongCredentials: if it may not log in.
        @raise StoreUnavailable: if the database failed.
        """
        key = new_username_key(name)
        account = await self._database.read(lambda store: store.account(key))
        if account is None:
            return await self._add(name, key, _NO_PASSWORD)
        if not account.is_enabled:
            raise WrongCredentials()
        if account.password_hash != _NO_PASSWORD:
            raise UsernameTaken(field="username")
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
        return (await self._prove(username_key(name) or "", password, address)).user

    async def _prove(self, key: str, password: str, address: str | None) -> Account:
        """
        @return: the account, with the hash that holds.
        """
        self._guesses.check(key, address)
        async with self._tries.turn((key, address)):
            # Those before it may have been wrong.
            self._guesses.check(key, address)
            try:
                account = await self._check(key, password, address)
            except WrongCredentials:
                self._guesses.was_wrong(key, address)
                raise
            self._guesses.was_right(key, address)
        return account

    async def _check(self, key: str, password: str, address: str | None) -> Account:
        account = await self._database.read(lambda store: store.account(key))
        is_known = account is not None and account.is_enabled
        password_hash = (account.password_hash or None) if account and is_known else None
        verdict = await self._passwords.verify(password, password_hash, address)
        if account is None or not verdict.is_right:
            raise WrongCredentials()
        if verdict.better_hash is None:
            return account
        return await self._keep(account, verdict.better_hash)

    async def _keep(self, account: Account, better_hash: str) -> Account:
        """
        Replace a dated hash, unless the password has been changed meanwhile. If that
        fails, the next login does it.
        """
        user, dated = account.user, account.password_hash

        def replace(store: Repository) -> bool:
            return store.set_password_hash(user.id, better_hash, instead_of=dated)

        try:
            is_kept = await self._database.write(replace)
        except (ChatError, CommitUncertain, StoreRejected) as error:
            self._log.note("hash_not_kept", user=user.name, reason=explain(error))
            return account
        return evolve(account, password_hash=better_hash) if is_kept else account

    async def change_password(
        self, user: User, old: str, new: str, address: str | None = None, *, but: int | None = None
    ) -> int:
        """
        Have another password, and end the user's logins. Who is here by one of them has
        to be sent away in the same turn.

        @param address: where from, as of L{authenticate}.
        @param but: the login that goes on.
        @return: how many have ended.
        @raise BadPassword: if the new password is too short or too long.
        @raise TooManyTries: if there were too many; the old password is not looked at.
        @raise WrongCredentials: if the old password is not theirs, or is not any more.
        @raise StoreUnavailable: if the database failed; the old password holds.
        @raise Busy: if too many passwords wait to be checked.
        """
        self._passwords.check_new(new, field="new_password")
        key = username_key(user.name) or ""
        account = await self._prove(key, old, address)
        password_hash = await self._passwords.hash(new, address)
        ended = [0]

        def change(store: Repository) -> None:
            is_theirs = store.set_password_hash(
                user.id, password_hash, instead_of=account.password_hash
            )
            if not is_theirs:
                raise WrongCredentials()
            ended[0] = store.end_logins(user.id, but=but)

        try:
            await self._database.write(change)
        except CommitUncertain as error:
            await self._if_stored(key, password_hash, error)
            # Meanwhile somebody may have come in by the old one.
            await self._database.write(lambda store: store.end_logins(user.id, but=but))
        return ended[0]

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
