"""
Logins that outlive their connections: whoever has the token of one comes back
without a password. Of a token the server keeps a hash alone.

A login ends in the store first; then, in the turn in which that is known, for all
who are here. Those who are on their way in are neither, and have read what they go
by before: so each of them is told what ends meanwhile, as an L{Arrival}, and looks
at that last.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from secrets import token_urlsafe

from attrs import define, evolve, field, frozen

from chatroom.chat.guesses import Guesses
from chatroom.clock import Now
from chatroom.errors import BadToken, ChatError, StoreUnavailable
from chatroom.settings import Settings
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Login, User
from chatroom.store.repository import Repository

#: How many wrong tokens are free, for each wrong password that is: nobody guesses a
#: token, but many programs may come back with one that has ended.
WRONG_TOKENS_A_TRY = 10

#: How many logins a user has at the least before the least used one is forgotten,
#: and how many where there is no limit of sessions.
_FEW = 50
_MANY = 1000

_DAY = 86_400_000

#: Makes a token: a text that nobody guesses.
NewToken = Callable[[], str]


def random_token() -> str:
    """
    @return: 256 bits of chance.
    """
    return token_urlsafe(32)


@frozen(kw_only=True)
class Ending:
    """
    Logins that hold no longer.

    @ivar login_id: which one of the user's; C{None} is all of them, and those without
        a token.
    @ivar but: the one of all that goes on.
    """

    user_id: int
    login_id: int | None = None
    but: int | None = None

    def concerns(self, user: User, login: Login | None) -> bool:
        """
        Whether a login is one of them.

        @param login: C{None} for one without a token.
        """
        if user.id != self.user_id:
            return False
        if self.login_id is not None:
            return login is not None and login.id == self.login_id
        return login is None or login.id != self.but


@define(eq=False)
class Arrival:
    """
    Somebody on their way in, and what ends meanwhile.
    """

    _refusal: type[ChatError]
    endings: list[Ending] = field(factory=list, init=False)

    def check(self, user: User, login: Login | None) -> None:
        """
        See whether who has arrived may still be in.

        @param login: C{None} for one without a token.
        @raise ChatError: if what they go by holds no longer.
        """
        if any(each.concerns(user, login) for each in self.endings):
            raise self._refusal()


@define(eq=False)
class Logins:
    """
    Who may come back without a password.
    """

    _database: Database
    _guesses: Guesses
    _now: Now
    _settings: Settings
    _new_token: NewToken = random_token
    _arrivals: set[Arrival] = field(factory=set, init=False)

    @contextmanager
    def arriving(self, refusal: type[ChatError]) -> Iterator[Arrival]:
        """
        @param refusal: what to raise if what they go by has ended.
        @return: a context in which somebody finds out who they are, and comes in.
        """
        arrival = Arrival(refusal)
        self._arrivals.add(arrival)
        try:
            yield arrival
        finally:
            self._arrivals.discard(arrival)

    def tell(self, ending: Ending) -> None:
        """
        Have those on their way in know that logins have ended.
        """
        for arrival in self._arrivals:
            arrival.endings.append(ending)

    async def begin(self, user: User, client: str, device: str) -> tuple[Login, str]:
        """
        Keep a login, and forget those of the user that are too old or too many.

        @param client: the program's name for itself, and C{device} for where it runs.
        @return: the login, and its token, which only the client is told.
        @raise StoreUnavailable: if the database failed; nobody has a token.
        """
        token, now = self._new_token(), self._milliseconds()
        token_hash = _hash(token)
        most = max(self._settings.sessions_per_user or _MANY, _FEW)

        def add(store: Repository) -> Login:
            store.tidy_logins(user.id, now=now, most=most - 1)
            return store.add_login(
                user,
                token_hash=token_hash,
                client=client,
                device=device,
                now=now,
                expires_at=now + self._life,
            )

        try:
            return await self._database.write(add), token
        except CommitUncertain as error:
            login = await self._database.look(lambda store: store.login(token_hash, now))
            if login is None:
                raise StoreUnavailable() from error
            return login, token

    async def resume(self, token: str, address: str | None = None) -> Login:
        """
        Find out who comes back. It counts as use of the token, which holds for longer
        then; but that is not written each time, lest a thousand who come back at once
        have to wait for it.

        @param address: where from; C{None} for where others' tries do not matter.
        @raise TooManyTries: if there were too many wrong ones; this is not looked at.
        @raise BadToken: if no login has it, or its user may not log in.
        @raise StoreUnavailable: if the database failed.
        """
        token_hash, now = _hash(token), self._milliseconds()
        key = token_hash.hex()
        self._guesses.check(key, address)
        login = await self._database.read(lambda store: store.login(token_hash, now))
        if login is None:
            self._guesses.was_wrong(key, address)
            raise BadToken()
        self._guesses.was_right(key, address)
        is_recent = now - login.last_used_at < min(self._life // 10, _DAY)
        return login if is_recent else await self._renew(login, now)

    async def _renew(self, login: Login, now: int) -> Login:
        """
        Have a login hold for longer. If that fails, the next time does it.
        """
        expires_at = now + self._life
        try:
            await self._database.write(
                lambda store: store.renew_login(login.id, now=now, expires_at=expires_at)
            )
        except (StoreUnavailable, CommitUncertain):
            return login
        return evolve(login, last_used_at=now, expires_at=expires_at)

    async def of(self, user: User) -> Sequence[Login]:
        """
        @return: a user's logins that hold, by id.
        @raise StoreUnavailable: if the database failed.
        """
        now = self._milliseconds()
        return await self._database.read(lambda store: store.logins(user.id, now))

    async def end(self, user: User, login_id: int) -> bool:
        """
        Have a login of a user's be found no more. Who is here by it has to be sent
        away in the same turn.

        @return: whether there was such a one.
        @raise StoreUnavailable: if the database failed; the login holds.
        """
        try:
            return await self._database.write(lambda store: store.end_login(user.id, login_id))
        except CommitUncertain as error:
            left = await self._database.look(lambda store: store.logins(user.id, 0))
            if any(each.id == login_id for each in left):
                raise StoreUnavailable() from error
            return True

    async def give_up(self, login: Login) -> None:
        """
        Forget a login whose token nobody was told; if that fails, it expires.
        """
        try:
            await self.end(login.user, login.id)
        except (ChatError, CommitUncertain):
            return

    @property
    def _life(self) -> int:
        """
        How long a token holds, in milliseconds.
        """
        return int(self._settings.token_days * _DAY)

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)


def _hash(token: str) -> bytes:
    """
    What is kept of a token; it needs no salt, since nobody has two guesses at 256 bits.
    """
    return sha256(token.encode("utf-8")).digest()
