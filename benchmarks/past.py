"""
What was said before a server was started: put into its database in bulk, with the index
of words.
"""

import random
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from benchmarks.people import opened, result
from chatroom.store.models import Event, EventKind, User
from chatroom.store.repository import Repository

#: How many messages are put into the database in one transaction: one for all of them
#: would be as long as the database.
_AT_ONCE = 5000

#: Some words are in every message, some in one in three, some in one in a hundred
#: thousand: those of a conversation are of all kinds.
_WORDS = [
    *("the", "meeting", "is", "moved", "to", "noon", "please"),
    *("read", "what", "was", "said", "about", "it", "before"),
]
COMMON, RARE = "coffee", "xylophone"
_CJK = "我家在上海东边"


def say_before(
    database: str,
    users: Sequence[User],
    rooms: Sequence[int],
    count: int,
    *,
    seed: int = 1,
    is_named: bool = False,
) -> None:
    """
    Fill rooms in which nothing was said, in turns.

    @param database: the URL of one in which nothing was said at all.
    @param users: who says it: whoever, if there is one room, else one for each.
    @param count: how many messages, in all rooms together.
    @param seed: of the contents.
    @param is_named: whether all have a C{client_message_id}.
    """
    said = _said(random.Random(seed), users, rooms, count, is_named)
    with opened(database) as store:
        while some := list(islice(said, _AT_ONCE)):
            result(store.write(_Saying(some)))


class _Saying:
    """
    The work of one transaction.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def __call__(self, store: Repository) -> None:
        ends = {each.room_id: each.seq for each in self._events}
        store.append(self._events, {}, last_seqs=ends)
        # As a server would have done by then.
        store.index_newer(len(self._events))


def _said(
    chance: random.Random,
    users: Sequence[User],
    rooms: Sequence[int],
    count: int,
    is_named: bool,
) -> Iterator[Event]:
    now = int(time.time() * 1000) - count * 1000
    for number in range(1, count + 1):
        turn, place = divmod(number - 1, len(rooms))
        yield Event(
            id=number,
            room_id=rooms[place],
            room_name="",
            seq=turn + 1,
            kind=EventKind.MESSAGE,
            sender=chance.choice(users) if len(rooms) == 1 else users[place],
            content=_content(chance, number),
            created_at=now + number * 1000,
            client_message_id=f"before-{number}" if is_named else None,
        )


def _content(chance: random.Random, number: int) -> str:
    words = chance.sample(_WORDS, 8)
    if number % 3 == 0:
        words.append(COMMON)
    if number % 1000 == 0:
        words.append(_CJK)
    if number % 100_000 == 0:
        words.append(RARE)
    return " ".join([str(number), *words])
