"""
What is stored, compared with what everybody was told: whether the promise was kept.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import create_engine, select

from benchmarks.contents import Contents, identity
from benchmarks.people import person
from benchmarks.stormers import Acknowledgement, Testimony, View
from chatroom.store.models import EventKind
from chatroom.store.schema import events, rooms, users


@frozen(kw_only=True)
class Stored:
    """
    A post, as the database has it.

    @ivar client: who said it as its content has it, and as which of their posts.
    """

    id: int
    room_id: int
    seq: int
    client: int
    number: int


@define(kw_only=True)
class Findings:
    """
    What has come out.

    @ivar wrong: what must not happen, each with what has happened of it.
    """

    stored: int
    acknowledged: int
    duplicates: int
    seen: int
    wrong: dict[str, list[object]] = field(factory=dict)

    @property
    def is_clean(self) -> bool:
        """
        Whether nothing happened that must not.
        """
        return not any(self.wrong.values())


def examine(
    database: str, testimonies: Sequence[Testimony], room_ids: Sequence[int], seed: int
) -> Findings:
    """
    Compare.

    @param database: the URL of what a server has left, which does not run any more.
    """
    rows, last_seqs = _read(database)
    contents = Contents(seed)
    stored = [_stored(row) for row in rows if row.kind == EventKind.MESSAGE.value]
    by_id = {each.id: each for each in stored}
    acknowledgements = [each for one in testimonies for each in one.acknowledgements]
    views = [view for one in testimonies for view in one.views]
    said = {client: count for one in testimonies for client, count in one.said.items()}
    has_refused = any(one.refusals for one in testimonies)
    wrong: dict[str, Iterable[object]] = {
        "acknowledged and missing": _missing(acknowledgements, stored),
        "acknowledged otherwise than stored": _otherwise(acknowledgements, by_id),
        "never acknowledged": (each for one in testimonies for each in one.waiting),
        "stored twice": _twice(stored),
        "stored and never said": _never_said(rows, stored, said),
        "seq gaps": _gaps(rows, last_seqs, room_ids),
        "pushed but not stored": _not_stored(views, by_id),
        "order differences": _order_differences(views, by_id),
        "pushes missed": _missed(views, by_id),
        # Who is refused says it again, after what was said meanwhile.
        "order of a sender changed": () if has_refused else _sender_order(stored),
        "content altered": _altered(testimonies, rows, contents),
        "answers nobody asked for": (each for one in testimonies for each in one.surprises),
    }
    return Findings(
        stored=len(stored),
        acknowledged=len(acknowledgements),
        duplicates=sum(each.duplicate for each in acknowledgements),
        seen=sum(len(view.posts) // 3 for view in views),
        wrong={name: list(found) for name, found in wrong.items()},
    )


def _read(database: str) -> tuple[Sequence[Any], dict[int, int]]:
    """
    @return: all events with their senders' names, by room and seq, and where the
        log of each room ends.
    """
    engine = create_engine(database)
    query = (
        select(events, users.c.name.label("sender_name"))
        .join(users, users.c.id == events.c.sender_id)
        .order_by(events.c.room_id, events.c.seq)
    )
    with engine.connect() as connection:
        found = connection.execute(query).all()
        ends = connection.execute(select(rooms.c.id, rooms.c.last_seq)).all()
    engine.dispose()
    return found, {row.id: row.last_seq for row in ends}


def _stored(row: Any) -> Stored:
    client, number = identity(row.content)
    return Stored(id=row.id, room_id=row.room_id, seq=row.seq, client=client, number=number)


def _missing(
    acknowledgements: Iterable[Acknowledgement], stored: Iterable[Stored]
) -> Iterator[object]:
    there = {(each.client, each.number) for each in stored}
    return (each for each in acknowledgements if (each.client, each.number) not in there)


def _otherwise(
    acknowledgements: Iterable[Acknowledgement], by_id: Mapping[int, Stored]
) -> Iterator[object]:
    for each in acknowledgements:
        told = Stored(
            id=each.message_id,
            room_id=each.room_id,
            seq=each.seq,
            client=each.client,
            number=each.number,
        )
        if by_id.get(each.message_id) != told:
            yield each


def _twice(stored: Iterable[Stored]) -> Iterator[object]:
    counts = Counter((each.client, each.number) for each in stored)
    return (one for one, count in counts.items() if count > 1)


def _never_said(
    rows: Iterable[Any], stored: Iterable[Stored], said: Mapping[int, int]
) -> Iterator[object]:
    names = {row.id: row.client_message_id for row in rows}
    for each in stored:
        is_said = 0 <= each.number < said.get(each.client, 0)
        if not is_said or names[each.id] != f"storm-{each.number}":
            yield each


def _gaps(
    rows: Iterable[Any], last_seqs: Mapping[int, int], room_ids: Collection[int]
) -> Iterator[object]:
    """
    Rooms whose log is not 1, 2, 3 … to where it ends.
    """
    seqs: dict[int, list[int]] = {room_id: [] for room_id in room_ids}
    for row in rows:
        seqs.setdefault(row.room_id, []).append(row.seq)
    for room_id, found in seqs.items():
        if found != list(range(1, last_seqs[room_id] + 1)):
            yield f"room {room_id}: {len(found)} events, to {last_seqs[room_id]}"


def _seen(view: View) -> Iterator[tuple[int, int, int]]:
    posts = iter(view.posts)
    return zip(posts, posts, posts, strict=True)


def _not_stored(views: Iterable[View], by_id: Mapping[int, Stored]) -> Iterator[object]:
    for view in views:
        for id_, client, number in _seen(view):
            it = by_id.get(id_)
            if it is None or (it.room_id, it.client, it.number) != (view.room_id, client, number):
                yield f"{client}.{number} as message {id_} in room {view.room_id}"


def _places(view: View, by_id: Mapping[int, Stored]) -> list[int]:
    return [by_id[id_].seq for id_, _, _ in _seen(view) if id_ in by_id]


def _order_differences(views: Iterable[View], by_id: Mapping[int, Stored]) -> Iterator[object]:
    """
    What somebody saw before what is stored before it. If everybody has seen the
    order that is stored, no two have seen different ones.
    """
    ends: dict[tuple[int, int], int] = {}
    for view in views:
        who = view.client, view.room_id
        seqs = [ends.get(who, 0), *_places(view, by_id)]
        for before, after in pairwise(seqs):
            if after <= before:
                yield f"client {view.client} saw {after} of room {view.room_id} after {before}"
        ends[who] = seqs[-1]


def _missed(views: Iterable[View], by_id: Mapping[int, Stored]) -> Iterator[object]:
    """
    What somebody did not see between two that they saw on one connection.
    """
    for view in views:
        for before, after in pairwise(_places(view, by_id)):
            if after > before + 1:
                yield f"client {view.client} saw {after} of room {view.room_id} after {before}"


def _sender_order(stored: Iterable[Stored]) -> Iterator[object]:
    last: dict[tuple[int, int], int] = {}
    for each in stored:
        where = each.room_id, each.client
        if each.number < last.get(where, -1):
            yield each
        last[where] = each.number


def _altered(
    testimonies: Iterable[Testimony], rows: Iterable[Any], contents: Contents
) -> Iterator[object]:
    for one in testimonies:
        yield from one.altered
    for row in rows:
        if row.content is not None:
            client, number = identity(row.content)
            is_theirs = row.sender_name == person(client)
            if not is_theirs or row.content != contents.of(client, number):
                yield row.content
