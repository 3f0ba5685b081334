"""
What was said, found by its words, by those who may read it.

The index has candidates, newest first; each is looked at before it counts. What one
question costs is bounded: it may end with fewer than were asked for, or none, and
a cursor to go on from.
"""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

from attrs import define, frozen

from chatroom.chat.access import Action, permit
from chatroom.chat.names import username_key
from chatroom.errors import BadCursor, BadQuery, UserNotFound
from chatroom.store.database import Database
from chatroom.store.models import Event, User
from chatroom.store.repository import Repository
from chatroom.store.words import Query

#: How many hits an answer has, unless the asker says otherwise.
HITS = 50

#: How many candidates are looked at in one transaction, and in how many of them.
PORTION = 200
PORTIONS = 5

#: How many characters the messages in an answer come to, about, at the most.
MOST_CHARS = 256 * 1024

_KEY_BYTES = 8
_ID_BYTES = 7


@frozen(kw_only=True)
class Question:
    """
    What somebody wants to find.

    @ivar text: the words.
    @ivar room_id: where it was said; C{None} is in any of the asker's rooms.
    @ivar username: who has said it; C{None} is anybody.
    @ivar before: in milliseconds; when it was said at the latest, and not even then.
    """

    asker: User
    text: str
    room_id: int | None = None
    username: str | None = None
    before: int | None = None


@frozen
class Hit:
    """
    A message that was found.

    @ivar snippet: some of its content, from around what was looked for.
    """

    message: Event
    snippet: str


@frozen(kw_only=True)
class Found:
    """
    What was found, newest first.

    @ivar cursor: where to go on; C{None} if there is no more.
    """

    hits: Sequence[Hit]
    cursor: str | None


@define(eq=False)
class Search:
    """
    Finds messages.
    """

    _database: Database

    async def find(
        self, question: Question, limit: int = HITS, cursor: str | None = None
    ) -> Found:
        """
        @param limit: how many at the most.
        @param cursor: what an earlier answer to the same question ended with.
        @raise BadQuery: if there is no word in the question.
        @raise BadCursor: if it is none, or another question's.
        @raise RoomNotFound: if there is no such room, or the asker may not know of it.
        @raise NotAMember: if the asker is no member of it.
        @raise UserNotFound: if nobody has the name.
        """
        query = Query.of(question.text)
        if not query.tokens:
            raise BadQuery(field="query")
        key = _key(question, query)
        below = _read_cursor(cursor, key)
        hits: list[Hit] = []
        chars = MOST_CHARS
        for count in (limit + 1, *[PORTION] * (PORTIONS - 1)):
            look = _Look(question, query, below, count, limit - len(hits), chars)
            seen = await self._database.search(look)
            below = seen.below
            hits += seen.hits
            chars -= sum(len(each.message.content or "") for each in seen.hits)
            if below is None or len(hits) == limit or chars <= 0:
                break
        return Found(hits=hits, cursor=None if below is None else _write_cursor(below, key))


@frozen
class _Seen:
    """
    What one look has brought.

    @ivar below: the id that the next candidate's is less than; C{None} if there are
        no more.
    """

    hits: Sequence[Hit]
    below: int | None


@frozen
class _Look:
    """
    A look at some candidates, in a reading thread.

    @ivar below: the id that theirs are less than; C{None} for the newest.
    @ivar count: how many, at the most.
    @ivar limit: after how many hits it is enough.
    @ivar chars: after how many characters of them.
    """

    _question: Question
    _query: Query
    _below: int | None
    _count: int
    _limit: int
    _chars: int

    def __call__(self, store: Repository) -> _Seen:
        candidates = self._candidates(store)
        hits: list[Hit] = []
        chars = self._chars
        for message in candidates:
            if len(hits) == self._limit or chars <= 0:
                return _Seen(hits, hits[-1].message.id)
            content = message.content or ""
            if self._is_wanted(message, content):
                hits.append(Hit(message, self._query.snippet(content)))
                chars -= len(content)
        is_end = len(candidates) < self._count
        return _Seen(hits, None if is_end else candidates[-1].id)

    def _candidates(self, store: Repository) -> list[Event]:
        asked, below = self._question, self._below
        if asked.room_id is None:
            room_ids = store.room_ids(asked.asker.id)
        else:
            permit(Action.SEARCH, store.standing(asked.asker.id, room_id=asked.room_id))
            room_ids = {asked.room_id}
        sender = None if asked.username is None else _find(store, asked.username)
        if below is None and asked.before is not None:
            below = store.first_event_since(asked.before)
        return store.candidates(
            self._query.tokens, room_ids, self._count, sender_id=sender, below=below
        )

    def _is_wanted(self, message: Event, content: str) -> bool:
        before = self._question.before
        is_early = before is None or message.created_at < before
        return is_early and self._query.finds(content)


def _find(store: Repository, username: str) -> int:
    key = username_key(username)
    found = {} if key is None else store.users_named({key})
    if key not in found:
        raise UserNotFound(field="from_username", username=username[:32])
    return found[key].id


def _key(question: Question, query: Query) -> bytes:
    """
    @return: what tells a question from others.
    """
    username = question.username and (username_key(question.username) or "")
    parts = (question.asker.id, query.words, question.room_id, username, question.before)
    return blake2b(repr(parts).encode(), digest_size=_KEY_BYTES).digest()


def _write_cursor(below: int, key: bytes) -> str:
    return urlsafe_b64encode(below.to_bytes(_ID_BYTES, "big") + key).decode()


def _read_cursor(cursor: str | None, key: bytes) -> int | None:
    if cursor is None:
        return None
    try:
        read = b64decode(cursor, altchars=b"-_", validate=True)
    except ValueError:
        read = b""
    if len(read) != _ID_BYTES + _KEY_BYTES or read[_ID_BYTES:] != key:
        raise BadCursor(field="cursor")
    return int.from_bytes(read[:_ID_BYTES], "big")
