"""
Who is named in a message: members, by an C{@} and their name.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from chatroom.chat.names import username_key
from chatroom.store.models import User
from chatroom.store.repository import Repository

#: A name behind an C{@} that is no part of a word, such as of an address. What it ends
#: with may be a full stop of the sentence.
_NAMED = re.compile(r"(?<![\w@.])@([\w.\-]{1,32})")

#: How many members one message names at the most; others are not told.
MOST_MENTIONS = 50

#: How many names behind an C{@} are looked at: each costs more than a message does
#: otherwise, and there is room for a thousand of them.
MOST_NAMES = 200


class Mentions:
    """
    Who is named in some messages, looked up for all of them at once.
    """

    def __init__(self, store: Repository, messages: Iterable[tuple[int, str]]) -> None:
        """
        @param messages: of each its room, and what it says.
        """
        by_room: dict[int, set[str]] = {}
        for room_id, content in messages:
            if "@" in content:
                by_room.setdefault(room_id, set()).update(_keys(content))
        everybody = {key for keys in by_room.values() for key in keys}
        self._users = store.users_named(everybody) if everybody else {}
        self._members = store.roles(
            {
                (room_id, self._users[key].id)
                for room_id, keys in by_room.items()
                for key in keys & self._users.keys()
            }
        )

    def of(self, sender: User, room_id: int, content: str) -> tuple[int, ...]:
        """
        @return: the ids of the members that are named, in order, but for the sender.
        """
        if not self._members or "@" not in content:
            return ()
        found = {
            user.id: None
            for user in self._named(content)
            if user.id != sender.id and (room_id, user.id) in self._members
        }
        return tuple(found)[:MOST_MENTIONS]

    def _named(self, content: str) -> Iterator[User]:
        for names in _candidates(content):
            known = (self._users[key] for key in names if key in self._users)
            first = next(known, None)
            if first is not None:
                yield first


def _keys(content: str) -> set[str]:
    return {key for keys in _candidates(content) for key in keys}


def _candidates(content: str) -> Iterator[list[str]]:
    """
    @return: for each name in it the keys that may be meant, the longest first.
    """
    for found in islice(_NAMED.finditer(content), MOST_NAMES):
        names = [found[1], found[1].rstrip("._-")]
        yield [key for name in dict.fromkeys(names) if (key := username_key(name)) is not None]
