"""
Whether what is stored is as it has to be. A rule is a function here, in L{RULES}.

Whatever else comes to be stored, such as files, gets its rule here: that each is there, and
whole.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select, text
from sqlalchemy.exc import DatabaseError

from chatroom.store.models import PUBLIC_ROOM_ID, EventKind, Role, RoomKind
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.rows import ids
from chatroom.store.queries.sequences import SequenceQueries
from chatroom.store.schema import (
    audit,
    counters,
    events,
    members,
    mentions,
    reactions,
    rooms,
    users,
)
from chatroom.store.words import room_token, sender_token, tokens

#: How many events are looked at at a time.
_PAGE = 1000

_IS_MESSAGE = events.c.kind == EventKind.MESSAGE.value


@frozen(kw_only=True)
class Finding:
    """
    Something that is not as it has to be.

    @ivar rule: the name of the rule that it breaks.
    @ivar text: what it is, in one line, with no name in it and nothing that anybody said.
    """

    rule: str
    text: str


@frozen
class CheckQueries(Queries):
    """
    A look at all there is.
    """

    def findings(self, rule: str) -> Iterator[Finding]:
        """
        @param rule: the name of one of L{RULES}.
        @return: what breaks it.
        """
        try:
            for each in RULES[rule](self._connection):
                yield Finding(rule=rule, text=each)
        except DatabaseError as error:
            if self._connection.dialect.name != "sqlite":
                raise
            # Of a file that is damaged SQLite may not be able to say more.
            yield Finding(rule=rule, text=f"it can't be looked at: {error.orig}")


def _storage(connection: Connection) -> Iterator[str]:
    """
    The file itself, which PostgreSQL looks after by itself.
    """
    if connection.dialect.name == "sqlite":
        for row in connection.exec_driver_sql("PRAGMA integrity_check"):
            if row[0] != "ok":
                yield " ".join(str(row[0]).split())


def _references(connection: Connection) -> Iterator[str]:
    """
    What names a row that is not there.
    """
    if connection.dialect.name == "sqlite":
        for table, row_id, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"row {row_id} of {table} names one of {parent} that there is not"


def _seqs(connection: Connection) -> Iterator[str]:
    """
    The places of each room's log, from its first one to its last one.
    """
    logs = (
        select(
            events.c.room_id,
            func.count().label("number"),
            func.min(events.c.seq).label("first"),
            func.max(events.c.seq).label("last"),
        )
        .group_by(events.c.room_id)
        .subquery()
    )
    joined = rooms.outerjoin(logs, logs.c.room_id == rooms.c.id)
    query = select(rooms.c.id, rooms.c.first_seq, rooms.c.last_seq, *logs.c).select_from(joined)
    for row in connection.execute(query.order_by(rooms.c.id)):
        found = row.number or 0
        expected = row.last_seq - row.first_seq + 1
        if expected < 0:
            yield f"room {row.id} begins at {row.first_seq} and ends at {row.last_seq}"
        elif found and (row.first, row.last) != (row.first_seq, row.last_seq):
            yield (
                f"room {row.id} has events from {row.first} to {row.last}, "
                f"and should from {row.first_seq} to {row.last_seq}"
            )
        elif found != expected:
            yield f"room {row.id} has {found} events, and should have {expected}"


def _ids(connection: Connection) -> Iterator[str]:
    """
    The highest ids that were given: a lower one would be given again.
    """
    last = SequenceQueries(connection).last_ids()
    for table in (events, users, rooms, audit):
        highest = connection.scalar(select(func.max(table.c.id))) or 0
        given: int = getattr(last, table.name)
        if highest > given:
            yield f"{table.name} have the id {highest}, and only {given} were given"


def _members(connection: Connection) -> Iterator[str]:
    """
    How far each member has read, and where they joined.
    """
    joined = members.join(rooms, rooms.c.id == members.c.room_id)
    is_wrong = or_(
        members.c.read_seq < 0,
        members.c.read_seq > rooms.c.last_seq,
        members.c.joined_seq < 0,
        members.c.joined_seq > rooms.c.last_seq,
    )
    query = select(members, rooms.c.last_seq).select_from(joined).where(is_wrong)
    for row in connection.execute(query.order_by(*members.primary_key.columns)):
        yield (
            f"user {row.user_id} has joined room {row.room_id} at {row.joined_seq} and read it "
            f"to {row.read_seq}, and its end is {row.last_seq}"
        )


def _private_chats(connection: Connection) -> Iterator[str]:
    """
    The two of each private chat.
    """
    pairs: dict[int, tuple[str | None, list[int]]] = {}
    joined = rooms.outerjoin(members, members.c.room_id == rooms.c.id)
    query = select(rooms.c.id, rooms.c.pair_key, members.c.user_id).select_from(joined)
    query = query.where(rooms.c.kind == RoomKind.PRIVATE.value)
    for row in connection.execute(query.order_by(rooms.c.id, members.c.user_id)):
        _, found = pairs.setdefault(row.id, (row.pair_key, []))
        found += [] if row.user_id is None else [row.user_id]
    for room_id, (key, found) in pairs.items():
        if len(found) != 2 or key != "{}:{}".format(*found):
            shown = ", ".join(map(str, found)) or "nobody"
            yield f"room {room_id} is the private chat of {key}, and has {shown} in it"


def _owners(connection: Connection) -> Iterator[str]:
    """
    Who owns each room that anybody is in.
    """
    is_in = members.c.room_id == rooms.c.id
    may_log_in = (users.c.id == members.c.user_id) & users.c.disabled_at.is_(None)
    somebody = select(members.c.user_id).join(users, may_log_in).where(is_in).exists()
    owner = select(members.c.user_id).where(is_in, members.c.role == Role.OWNER.value).exists()
    is_group = rooms.c.kind.in_((RoomKind.GROUP.value, RoomKind.INVITE.value))
    query = select(rooms.c.id).where(rooms.c.id != PUBLIC_ROOM_ID, is_group, somebody, ~owner)
    for room_id in connection.scalars(query.order_by(rooms.c.id)):
        yield f"room {room_id} has members and no owner"


def _reactions(connection: Connection) -> Iterator[str]:
    """
    To messages that there are.
    """
    is_its = (events.c.id == reactions.c.message_id) & _IS_MESSAGE & events.c.deleted_at.is_(None)
    yield from (
        f"there are reactions to {message_id}, which is no message"
        for message_id in _orphans(connection, reactions, reactions.c.message_id, is_its)
    )


def _orphans(
    connection: Connection, table: Table, key: ColumnElement[int], is_its: ColumnElement[bool]
) -> Iterator[int]:
    query = select(key).select_from(table.outerjoin(events, is_its)).where(events.c.id.is_(None))
    return iter(connection.scalars(query.distinct().order_by(key)))


def _mentions(connection: Connection) -> Iterator[str]:
    """
    Who is named, as the messages themselves have it.
    """
    for page in _pages(connection):
        said = {(row.room_id, row.seq): row for row in page if row.mentions}
        for place, row in said.items():
            is_its = (mentions.c.room_id == row.room_id) & (mentions.c.seq == row.seq)
            found = set(connection.scalars(select(mentions.c.user_id).where(is_its)))
            if found != set(ids(row.mentions)):
                yield f"message {row.id} names others than are counted at {place}"
    is_it = and_(
        events.c.room_id == mentions.c.room_id,
        events.c.seq == mentions.c.seq,
        events.c.mentions.is_not(None),
    )
    query = select(mentions.c.room_id, mentions.c.seq)
    query = query.select_from(mentions.outerjoin(events, is_it)).where(events.c.id.is_(None))
    for row in connection.execute(query.distinct().order_by(mentions.c.room_id, mentions.c.seq)):
        yield f"somebody is named at {row.seq} of room {row.room_id}, and by no message"


def _words(connection: Connection) -> Iterator[str]:
    """
    The index of words, which has each message once, with the words that it says; those may
    be missing that are still to be put into it.
    """
    indexed, unindexed = (
        _counter(connection, "search.indexed"),
        _counter(connection, "search.unindexed"),
    )
    first = 0
    for page in _pages(connection):
        last = page[-1].id
        there = _index(connection, first, last)
        for row in page:
            if row.kind != EventKind.MESSAGE.value or row.deleted_at is not None:
                continue
            words = there.pop(row.id, None)
            wanted = tokens(row.content or "")
            wanted |= {room_token(row.room_id), sender_token(row.sender_id)}
            is_late = (indexed is not None and row.id > indexed) or row.id <= (unindexed or 0)
            if words is None and not is_late:
                yield f"message {row.id} can't be found by its words"
            elif words is not None and words != wanted:
                yield f"message {row.id} is found by other words than it says"
        yield from (f"the index of words has {each}, which is no message" for each in there)
        first = last
    yield from (
        f"the index of words has {each}, which is no message"
        for each in _index(connection, first, 2**63 - 1)
    )


def _pages(connection: Connection) -> Iterator[Any]:
    last = 0
    while True:
        query = select(events).where(events.c.id > last).order_by(events.c.id).limit(_PAGE)
        page = connection.execute(query).all()
        if not page:
            return
        yield page
        last = page[-1].id


def _index(connection: Connection, above: int, last: int) -> dict[int, set[str]]:
    """
    @return: the words of what is in the index, of a range of ids.
    """
    is_file = connection.dialect.name == "sqlite"
    key = "rowid" if is_file else "event_id"
    query = text(f"SELECT {key}, words FROM search WHERE {key} > :above AND {key} <= :last")
    found = connection.execute(query, {"above": above, "last": last})
    return {row[0]: set(row[1].split(" ") if is_file else row[1]) for row in found}


def _counter(connection: Connection, name: str) -> int | None:
    value = connection.scalar(select(counters.c.value).where(counters.c.name == name))
    return None if value is None else int(value)


#: What is looked at, by name, in order.
RULES: Mapping[str, Callable[[Connection], Iterator[str]]] = {
    "storage": _storage,
    "references": _references,
    "seqs": _seqs,
    "ids": _ids,
    "members": _members,
    "private-chats": _private_chats,
    "owners": _owners,
    "reactions": _reactions,
    "mentions": _mentions,
    "words": _words,
}
