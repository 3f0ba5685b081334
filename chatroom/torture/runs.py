"""
Whether everybody was told a room's log without a hole and without a repetition: by the
server, on each connection, and by the client, in each of its lives.
"""

from collections.abc import Iterator

from attrs import define, field

from chatroom.torture.histories import Event, Evidence, Place, Session, Testimony


@define
class _Walk:
    """
    How far one has got in each room.

    @ivar doubled: what came again, in words.
    @ivar missed: what did not come, in words.
    """

    places: dict[int, int] = field(factory=dict)
    doubled: list[str] = field(factory=list)
    missed: list[str] = field(factory=list)

    def step(self, event: Event) -> None:
        """
        Be told one event.
        """
        known = self.places.get(event.room, event.seq - 1)
        where = f"{event.seq} of room {event.room} after {known}"
        if event.seq <= known:
            self.doubled.append(where)
        elif event.seq > known + 1:
            self.missed.append(where)
        self.places[event.room] = max(known, event.seq)


def doubled_to_programs(evidence: Evidence) -> Iterator[str]:
    """
    What a client has told its program twice, in one life.
    """
    for testimony in evidence.testimonies:
        for each in _lives(testimony, evidence).doubled:
            yield f"client {testimony.client} told {each}"


def missed_by_programs(evidence: Evidence) -> Iterator[str]:
    """
    What a client has not told its program.
    """
    for testimony in evidence.testimonies:
        walk = _lives(testimony, evidence)
        for each in walk.missed:
            yield f"client {testimony.client} told {each}"
        for room in testimony.rooms:
            end, place = len(evidence.log.get(room, ())), walk.places.get(room, 0)
            if place != end:
                yield f"client {testimony.client} got to {place} of {end} in room {room}"


def _lives(testimony: Testimony, evidence: Evidence) -> _Walk:
    """
    Each life begins where the one before had got to, or earlier, for what its disk knows
    may be a second old; the first begins before anything was said.
    """
    whole = _Walk(dict(evidence.starts))
    for run in testimony.runs:
        life = _Walk()
        for event in run:
            known = whole.places.get(event.room, 0)
            if event.room not in life.places and event.seq > known + 1:
                whole.missed.append(f"{event.seq} of room {event.room} after {known}")
            life.step(event)
        whole.doubled += life.doubled
        whole.missed += life.missed
        for room, place in life.places.items():
            whole.places[room] = max(whole.places.get(room, 0), place)
    return whole


def doubled_on_the_wire(evidence: Evidence) -> Iterator[str]:
    """
    What the server has sent twice on one connection.
    """
    for session in evidence.sessions:
        for each in _connection(session, evidence).doubled:
            yield f"a connection of client {session.client} had {each}"


def missed_on_the_wire(evidence: Evidence) -> Iterator[str]:
    """
    What the server has left out on one connection.
    """
    for session in evidence.sessions:
        for each in _connection(session, evidence).missed:
            yield f"a connection of client {session.client} had {each}"


def _connection(session: Session, evidence: Evidence) -> _Walk:
    return _looking_on(session, evidence) if session.glimpsed else _following(session)


def _looking_on(session: Session, evidence: Evidence) -> _Walk:
    """
    In the seed dialect there are only messages, and no places: here they are counted.
    """
    walk = _Walk()
    for glimpse in session.glimpsed:
        count = evidence.counted(glimpse.room).get(glimpse.message)
        if count is not None:
            walk.step(Event(glimpse.room, count, "chat_message", glimpse.user))
    return walk


def _following(session: Session) -> _Walk:
    """
    A client that asks for a room again may be sent what was under way: what comes of that
    room then proves nothing.
    """
    walk, unclear = _Walk(), set[int]()
    for heard in session.heard:
        if isinstance(heard, Event):
            if heard.room not in unclear:
                walk.step(heard)
        elif heard.room in walk.places:
            unclear.add(heard.room)
        else:
            walk.places[heard.room] = heard.after
    return walk


def asked_again(session: Session) -> int:
    """
    @return: how often a client has asked for a room that it followed already.
    """
    rooms = [each.room for each in session.heard if isinstance(each, Place)]
    return len(rooms) - len(set(rooms))
