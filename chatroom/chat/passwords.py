"""
Passwords: hashed in threads of their own, behind a queue with an end.

The only place that knows passlib.
"""

import unicodedata
from collections.abc import Callable
from typing import TypeVar

from attrs import define, field, frozen
from passlib.context import CryptContext
from twisted.python.failure import Failure

from chatroom.chat.turns import Shared
from chatroom.errors import BadPassword, Busy, ShuttingDown
from chatroom.logs.journal import Journal
from chatroom.threads import Lane

T = TypeVar("T")

PASSWORD_CHARS = 1024


@frozen(kw_only=True)
class Cost:
    """
    What a hash costs whoever makes it; by default what OWASP advises for argon2id.

    @ivar memory_kib: in KiB.
    @ivar passes: over that memory.
    """

    memory_kib: int = 19 * 1024
    passes: int = 2

    def context(self) -> CryptContext:
        """
        @return: what hashes at this cost, and finds hashes of any other dated.
        """
        return CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=self.memory_kib,
            argon2__time_cost=self.passes,
            argon2__parallelism=1,
        )


@frozen
class Verdict:
    """
    What came of checking a password.

    @ivar better_hash: what to keep in place of the old hash, if that is dated.
    """

    is_right: bool
    better_hash: str | None = field(default=None, repr=False)


@define(eq=False)
class Passwords:
    """
    Hashing and checking, off the reactor.

    @ivar least: the fewest characters of a new password.
    @ivar at_once: how many are hashed at the same time.
    @ivar most_waiting: how many may be hashed or wait for it; one more is busy.
    """

    _log = Journal()

    _lane: Lane
    least: int
    _cost: Cost = field(factory=Cost)
    at_once: int = 2
    most_waiting: int = 256
    _context: CryptContext = field(init=False)
    _waiting: int = field(default=0, init=False)
    _turns: Shared = field(init=False)

    @_context.default
    def _make_context(self) -> CryptContext:
        return self._cost.context()

    @_turns.default
    def _make_turns(self) -> Shared:
        return Shared(self.at_once)

    def start(self) -> None:
        """
        Be ready, and warm: the first check of a process takes longest.
        """
        self._lane.start()
        warm = self._lane.run(self._context.dummy_verify)
        warm.addErrback(self._not_warm)

    def _not_warm(self, failure: Failure) -> None:
        if not failure.check(ShuttingDown):
            self._log.note_failure("hashing_failed", failure)

    def refuse(self) -> None:
        """
        Begin nothing more.
        """
        self._lane.refuse()

    def stop(self) -> None:
        """
        Finish what was begun. Blocks.
        """
        self._lane.stop()

    def check_new(self, password: str, *, field: str = "password") -> None:
        """
        @param field: the key of the request that has it.
        @raise BadPassword: if no account can have it.
        """
        if not self.least <= len(password) <= PASSWORD_CHARS:
            raise BadPassword(field=field, least=self.least, most=PASSWORD_CHARS)

    async def hash(self, password: str, origin: str | None = None) -> str:
        """
        @param origin: where from; no place holds up the others.
        @return: what to keep of a new password.
        @raise Busy: if too many wait already.
        """
        return await self._run(lambda: str(self._context.hash(_normal(password))), origin)

    async def verify(
        self, password: str, password_hash: str | None, origin: str | None = None
    ) -> Verdict:
        """
        Check a password; it takes as long whether or not there is a hash.

        @param password_hash: what was kept, or C{None} for a user who is unknown.
        @param origin: where from; no place holds up the others.
        @raise Busy: if too many wait already.
        """
        secret = _normal(password[: PASSWORD_CHARS + 1])
        if len(password) > PASSWORD_CHARS:
            password_hash = None

        def check() -> Verdict:
            return Verdict(*self._context.verify_and_update(secret, password_hash))

        return await self._run(check, origin)

    async def _run(self, work: Callable[[], T], origin: str | None) -> T:
        if self._waiting >= self.most_waiting:
            raise Busy(retry_after=1.0)
        self._waiting += 1
        try:
            async with self._turns.turn(origin):
                return await self._lane.run(work)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """
    The same password, typed on another keyboard.
    """
    return unicodedata.normalize("NFC", password)
