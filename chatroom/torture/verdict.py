"""
Whether what was promised held: all that was seen, compared with all that is stored.

The promise is that of docs/protocol.md. Each thing that must not happen is looked for by
one function, which yields what it finds, in words.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from attrs import define, field

from chatroom.torture.histories import Acknowledged, Event, Evidence, Glimpse, Testimony
from chatroom.torture.runs import (
    doubled_on_the_wire,
    doubled_to_programs,
    missed_by_programs,
    missed_on_the_wire,
)
from chatroom.torture.state import differences, state_after


@define(kw_only=True)
class Findings:
    """
    What has come out.

    @ivar stored: how many events.
    @ivar checked: how many times somebody was told of one.
    @ivar wrong: what must not happen, each with what has happened of it.
    """

    stored: int
    checked: int
    wrong: dict[str, list[str]] = field(factory=dict)

    @property
    def is_clean(self) -> bool:
        """
        Whether nothing happened that must not.
        """
        return not any(self.wrong.values())


def judge(evidence: Evidence) -> Findings:
    """
    Compare.
    """
    wrong = {name: list(look(evidence)) for name, look in CHECKS.items()}
    for name, found in evidence.troubles.items():
        wrong[name] = [*wrong.get(name, ()), *found]
    return Findings(
        stored=sum(map(len, evidence.log.values())),
        checked=sum(1 for _ in chain(_told(evidence), _glimpsed(evidence))),
        wrong=wrong,
    )


def _told(evidence: Evidence) -> Iterator[tuple[str, Event]]:
    """
    @return: everything that anybody was told, and who it was, in words.
    """
    for testimony in evidence.testimonies:
        for event in chain.from_iterable(testimony.runs):
            yield f"client {testimony.client}", event
    for session in evidence.sessions:
        for heard in session.heard:
            if isinstance(heard, Event):
                yield f"a connection of client {session.client}", heard


def _glimpsed(evidence: Evidence) -> Iterator[Glimpse]:
    return chain.from_iterable(session.glimpsed for session in evidence.sessions)


def _acknowledged(evidence: Evidence) -> Iterator[tuple[int, Acknowledged]]:
    for testimony in evidence.testimonies:
        for each in testimony.acknowledged.values():
            yield testimony.client, each
    for session in evidence.sessions:
        for each in session.acknowledged:
            yield session.client, each


def _at(log: Mapping[int, Sequence[Event]], room: int, seq: int) -> Event | None:
    events = log.get(room, ())
    return events[seq - 1] if 0 < seq <= len(events) else None


def _lost(evidence: Evidence) -> Iterator[str]:
    ids = {event.message for events in evidence.log.values() for event in events}
    for client, each in _acknowledged(evidence):
        if each.message not in ids:
            yield f"client {client} was told of {each}, and it is not stored"
    for testimony in evidence.testimonies:
        for change in testimony.changed:
            event = _at(evidence.log, change.room, change.seq)
            if event is None or (event.kind, event.message) != (change.kind, change.message):
                yield f"client {testimony.client} was told of {change}, and stored is {event}"


def _otherwise(evidence: Evidence) -> Iterator[str]:
    """
    Acknowledged as something else than is stored.
    """
    users = {each.client: each.user for each in evidence.testimonies}
    ids = {event.message for events in evidence.log.values() for event in events}
    for client, each in _acknowledged(evidence):
        event = _at(evidence.log, each.room, each.seq)
        if each.message in ids and not _is_what(event, each, users.get(client, 0)):
            yield f"client {client} was told of {each}, and stored is {event}"


def _is_what(event: Event | None, told: Acknowledged, user: int) -> bool:
    if event is None or event.kind != "chat_message":
        return False
    is_named = told.name is None or event.is_deleted or _name(event) == told.name
    return is_named and (event.message, event.user) == (told.message, user)


def _name(event: Event) -> str:
    return (event.text or "").partition(" ")[0]


def _never_acknowledged(evidence: Evidence) -> Iterator[str]:
    for testimony in evidence.testimonies:
        for name in testimony.said.keys() - testimony.acknowledged.keys() - testimony.abandoned:
            yield f"{name} in room {testimony.said[name][0]}"


def _double(evidence: Evidence) -> Iterator[str]:
    """
    One message at two places.
    """
    places: dict[str, set[tuple[int, int]]] = {}
    for event in chain.from_iterable(evidence.log.values()):
        if event.kind == "chat_message" and not event.is_deleted:
            places.setdefault(_name(event), set()).add((event.room, event.seq))
    for _, each in _acknowledged(evidence):
        if each.name is not None:
            places.setdefault(each.name, set()).add((each.room, each.seq))
    for row in evidence.rows or ():
        if row.name is not None:
            places.setdefault(row.name, set()).add((row.room, row.seq))
    for name, found in places.items():
        if len(found) > 1:
            yield f"{name} is at {sorted(found)} (room, seq)"


def _gaps(evidence: Evidence) -> Iterator[str]:
    logs = {room: [each.seq for each in events] for room, events in evidence.log.items()}
    yield from _not_dense(logs, "was sent")
    if evidence.rows is not None:
        stored: dict[int, list[int]] = {room: [] for room in logs}
        for row in evidence.rows:
            stored.setdefault(row.room, []).append(row.seq)
        yield from _not_dense(stored, "is in the file")
        for room, log in logs.items():
            if len(stored[room]) < len(log):
                yield f"of room {room}, the file has {len(stored[room])} of {len(log)} events"


def _not_dense(logs: Mapping[int, Sequence[int]], where: str) -> Iterator[str]:
    for room, seqs in logs.items():
        for place, seq in enumerate(seqs, 1):
            if place != seq:
                yield f"in room {room}, {seq} {where} in the place of {place}"
                break


def _never_said(evidence: Evidence) -> Iterator[str]:
    names = {name for each in evidence.testimonies for name in each.said}
    for event in chain.from_iterable(evidence.log.values()):
        if event.kind == "chat_message" and not event.is_deleted and _name(event) not in names:
            yield f"{event}"


def _unstored(evidence: Evidence) -> Iterator[str]:
    for who, event in _told(evidence):
        if _at(evidence.log, event.room, event.seq) is None:
            yield f"{who} was told of {event}"
    for glimpse in _glimpsed(evidence):
        if glimpse.message not in evidence.counted(glimpse.room):
            yield f"an onlooker was told of {glimpse}"
    for row in evidence.rows or ():
        if row.room in evidence.log and _at(evidence.log, row.room, row.seq) is None:
            yield f"only the file has {row}"


def _reordered(evidence: Evidence) -> Iterator[str]:
    """
    Told at a place where something else is stored. If everybody was told the order that
    is stored, no two were told different ones.
    """
    lasting = {room: [each.lasting for each in log] for room, log in evidence.log.items()}
    seen: set[Event] = set()
    for who, event in _told(evidence):
        stored = _at(lasting, event.room, event.seq)
        if event not in seen and stored is not None:
            if event.lasting == stored:
                seen.add(event)
            else:
                yield f"{who} was told of {event}, and stored is {stored}"


def _overtaken(evidence: Evidence) -> Iterator[str]:
    """
    What a client has said in a room is stored in the order in which it was said.
    """
    names = {(each.room, each.seq): each.name for _, each in _acknowledged(evidence)}
    last: dict[tuple[int, str], int] = {}
    for event in chain.from_iterable(evidence.log.values()):
        # Of a deleted message only its sender knows which one it was.
        name = names.get((event.room, event.seq)) or _name(event)
        client, _, number = name.partition("-")
        if event.kind == "chat_message" and number.isdecimal():
            if int(number) < last.get((event.room, client), -1):
                yield f"{name} in room {event.room}, at {event.seq}"
            last[event.room, client] = int(number)


def _altered(evidence: Evidence) -> Iterator[str]:
    """
    Words that nobody has said, or not of this message.
    """
    texts: dict[str, set[str]] = {}
    for testimony in evidence.testimonies:
        for name, (_, text) in testimony.said.items():
            texts[name] = {text, *testimony.edits.get(name, ())}
    seen = {event for _, event in _told(evidence)}
    for event in chain(seen, chain.from_iterable(evidence.log.values())):
        if event.text and event.text not in texts.get(_name(event), ()):
            yield f"{event}"
    for glimpse in set(_glimpsed(evidence)):
        if glimpse.text not in texts.get(glimpse.text.partition(" ")[0], ()):
            yield f"{glimpse}"
    yield from _edits_altered(evidence)


def _edits_altered(evidence: Evidence) -> Iterator[str]:
    """
    Where the last edit of a message was acknowledged, the message says that.
    """
    events = chain.from_iterable(evidence.log.values())
    last = {each.message: each for each in events if each.kind == "message_edited"}
    for testimony in evidence.testimonies:
        for each in testimony.changed:
            event = last.get(each.message)
            is_last = event is not None and (event.room, event.seq) == (each.room, each.seq)
            if is_last and event is not None and event.text not in (each.text, ""):
                yield f"{event} was acknowledged as {each.text!r}"


def _states(evidence: Evidence) -> Iterator[str]:
    """
    What messages say by now, to those who were told how it came to that, and to those who
    ask.
    """
    stored = {room: state_after(events) for room, events in evidence.log.items()}
    for room, page in evidence.pages.items():
        for each in differences(page, stored.get(room, {})):
            yield f"in a page of room {room}, {each}"
    for testimony in evidence.testimonies:
        for room in testimony.rooms:
            known = state_after(_of_room(testimony, room))
            for each in differences(known, stored.get(room, {})):
                yield f"to client {testimony.client}, in room {room}, {each}"


def _of_room(testimony: Testimony, room: int) -> Iterator[Event]:
    return (event for event in chain.from_iterable(testimony.runs) if event.room == room)


def _surprises(evidence: Evidence) -> Iterator[str]:
    for testimony in evidence.testimonies:
        yield from (f"client {testimony.client}: {each}" for each in testimony.surprises)
    for session in evidence.sessions:
        yield from (f"client {session.client}: {each}" for each in session.surprises)


def _twice_in_the_file(evidence: Evidence) -> Iterator[str]:
    counts = Counter((row.user, row.name) for row in evidence.rows or () if row.name)
    ids = Counter(row.id for row in evidence.rows or ())
    for one, count in chain(counts.items(), ids.items()):
        if count > 1:
            yield f"the file has {one} {count} times"


def _stored_twice(evidence: Evidence) -> Iterator[str]:
    yield from _double(evidence)
    yield from _twice_in_the_file(evidence)


#: What must not happen, by what it is called.
CHECKS: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "acknowledged and lost": _lost,
    "acknowledged otherwise than stored": _otherwise,
    "never acknowledged": _never_acknowledged,
    "stored twice": _stored_twice,
    "stored and never said": _never_said,
    "gaps in seq": _gaps,
    "shown and not stored": _unstored,
    "told in another order": _reordered,
    "overtaken by later words of the same client": _overtaken,
    "altered": _altered,
    "missed by a client": missed_by_programs,
    "told twice by a client": doubled_to_programs,
    "missed on a connection": missed_on_the_wire,
    "sent twice on a connection": doubled_on_the_wire,
    "differences of state": _states,
    "surprises": _surprises,
}
