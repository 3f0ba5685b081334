"""
People and rooms, put into a database before a server has it.

Registering a thousand people over the wire would be a minute of hashing, and
joining them a thousand commits; neither is what is measured.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from attrs import define, frozen
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from benchmarks.server import Trouble
from chatroom.chat.names import new_room_name, new_username_key
from chatroom.chat.passwords import Cost
from chatroom.store.database import Database
from chatroom.store.models import NewMember, Role, RoomKind
from chatroom.store.repository import Repository

T = TypeVar("T")

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


def with_store(database: str, work: Callable[[Repository], T]) -> T:
    """
    Do something to a database that no server has, in one transaction.

    @param database: its URL.
    """
    store = Database(database, _Here(), _Here())
    store.open(now=int(time.time() * 1000))
    try:
        return _result(store.write(work))
    finally:
        store.close()


def _room(store: Repository, name: str, members: Sequence[int], now: int) -> int:
    normal, key = new_room_name(name)
    room = store.add_room(name=normal, key=key, kind=RoomKind.GROUP, now=now)
    roles = dict.fromkeys(members, Role.MEMBER) | {members[0]: Role.OWNER}
    new = [NewMember(user_id=user, role=role, seq=0) for user, role in roles.items()]
    store.add_members(room.id, new)
    return room.id


def _result(done: Deferred[T]) -> T:
    """
    @return: what a L{Deferred} has that has fired.
    """
    results: list[Any] = []
    done.addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return cast(T, result)
