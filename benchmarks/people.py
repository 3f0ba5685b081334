"""
People and rooms, put into a database before a server has it.

Registering a thousand people over the wire would be a minute of hashing, and
joining them a thousand commits; neither is what is measured.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, TypeVar, cast

from attrs import define, frozen
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from benchmarks.trouble import Trouble
from benchmarks.wire import login, token_login
from chatroom.chat.names import new_room_name, new_username_key
from chatroom.chat.passwords import Cost
from chatroom.store.database import Database
from chatroom.store.models import NewMember, Role, RoomKind, User
from chatroom.store.repository import Repository

T = TypeVar("T")

_MONTH = 30 * 86_400_000

#: Everybody's. Its hash is made once, at the cost that the server has too: one of
#: another cost would be made anew at each login.
PASSWORD = "correct horse battery"


@define(eq=False)
class _Here:
    """
    A lane for who may wait: it does all work at once.
    """

    def start(self) -> None:
        """Be ready."""

    def refuse(self) -> None:
        """Nothing waits."""

    def stop(self) -> None:
        """Nothing is left to finish."""

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Do it now."""
        return maybeDeferred(work)


@frozen
class Populace:
    """
    Who there is, and where.

    @ivar names: the people's; all have the L{PASSWORD}.
    @ivar ids: theirs, in the same order.
    @ivar rooms: the ids of the rooms, in the order in which they were asked for.
    """

    names: Sequence[str]
    ids: Sequence[int]
    rooms: Sequence[int]


def person(index: int) -> str:
    """
    @return: the name of one of the people.
    """
    return f"member{index:05d}"


def populate(database: str, people: int, rooms: Sequence[Sequence[int]]) -> Populace:
    """
    Make people, and rooms that they are members of. The first member owns a room.

    @param database: the URL of a database without people.
    @param rooms: the members of each, as indices of people.
    """
    names = [person(index) for index in range(people)]
    password_hash = str(Cost().context().hash(PASSWORD))
    now = int(time.time() * 1000)

    def work(store: Repository) -> Populace:
        if store.users():
            raise Trouble("benchmarks: the database has people; an empty one is needed")
        ids = [
            store.add_user(
                name=name, key=new_username_key(name), password_hash=password_hash, now=now
            ).id
            for name in names
        ]
        made = [
            _room(store, f"room{number:04d}", [ids[i] for i in members], now)
            for number, members in enumerate(rooms)
        ]
        return Populace(names, ids, made)

    return with_store(database, work)


def give_tokens(database: str, populace: Populace) -> list[str]:
    """
    Have everybody logged in once before.

    @return: what each can take that login up again by; it costs the server no hash.
    """
    tokens = [token_urlsafe(32) for _ in populace.ids]
    now = int(time.time() * 1000)

    def work(store: Repository) -> None:
        for user_id, name, token in zip(populace.ids, populace.names, tokens, strict=True):
            store.add_login(
                User(id=user_id, name=name),
                token_hash=sha256(token.encode()).digest(),
                client="benchmark",
                device="",
                now=now,
                expires_at=now + _MONTH,
            )

    with_store(database, work)
    return tokens


def by_password(database: str, populace: Populace) -> list[bytes]:
    """
    @return: the line by which each logs in.
    """
    return [login(name, PASSWORD) for name in populace.names]


def by_token(database: str, populace: Populace) -> list[bytes]:
    """
    @return: likewise, where logging in is not what is measured.
    """
    return [token_login(token) for token in give_tokens(database, populace)]


@contextmanager
def opened(database: str) -> Iterator[Database]:
    """
    Have a database that no server has; whatever is asked of it is done at once.

    @param database: its URL.
    """
    store = Database(database, _Here(), _Here())
    store.open(now=int(time.time() * 1000))
    try:
        yield store
    finally:
        store.close()


def with_store(database: str, work: Callable[[Repository], T]) -> T:
    """
    Do something to a database that no server has, in one transaction.
    """
    with opened(database) as store:
        return result(store.write(work))


def _room(store: Repository, name: str, members: Sequence[int], now: int) -> int:
    normal, key = new_room_name(name)
    room = store.add_room(name=normal, key=key, kind=RoomKind.GROUP, now=now)
    roles = dict.fromkeys(members, Role.MEMBER) | {members[0]: Role.OWNER}
    new = [NewMember(user_id=user, role=role, seq=0) for user, role in roles.items()]
    store.add_members(room.id, new)
    return room.id


def result(done: Deferred[T]) -> T:
    """
    @return: what a L{Deferred} has that has fired.
    """
    results: list[Any] = []
    done.addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return cast(T, result)
