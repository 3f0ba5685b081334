"""
Servers with more and more of something: rooms, messages, sessions.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from attrs import evolve, frozen

from benchmarks import fanout
from benchmarks.fanout import Kind
from benchmarks.past import say_before
from benchmarks.people import Populace, by_token
from benchmarks.sides import Side, side
from benchmarks.turns import MODERATE, SATURATED, Case, Runs, take_turns
from chatroom.store.models import User

#: Where rooms are what grows: how many are in one, and how many people there are in all
#: of them, as long as there are rooms enough.
SMALL_ROOM = 5
PEOPLE = 500

#: Where messages are: how many are in a room, and how many rooms there are.
_ROOM = 10
_ROOMS = 10

#: Where sessions are: how many are in a room.
_LARGE_ROOM = 50

#: How often a server is started to see how long it takes.
_STARTS = 3


@frozen
class Filled:
    """
    What was measured with more and more messages stored.

    @ivar starts: how many seconds each start took, by the number of messages.
    """

    runs: Runs
    starts: Mapping[int, Sequence[float]]


@frozen
class Resident:
    """
    What sessions take.

    @ivar memberships: in how many rooms each is.
    @ivar kib: the server's resident memory with them.
    @ivar before: and without any.
    """

    sessions: int
    memberships: int
    kib: int
    before: int

    @property
    def kib_a_session(self) -> float:
        """
        What one of them takes.
        """
        return (self.kib - self.before) / self.sessions


def with_rooms(choices: argparse.Namespace) -> Runs:
    """
    Spread the same posts over more and more rooms, with the same connections.
    """
    with ExitStack() as stack:
        cases = []
        for count in choices.rooms:
            _tell(f"making {count:,} rooms")
            # Each of the senders has as many rooms as another, and each room has one.
            talk = evolve(fanout.talk(choices), senders=count)
            members = [_spread(number) for number in range(count)]
            one = stack.enter_context(side(choices, talk, PEOPLE, [members], lines=by_token))
            everybody = sorted({person for room in members for person in room})
            kind = evolve(one.kinds[0], probes=everybody)
            cases += _cases(one, kind, count, [MODERATE])
        return take_turns(cases, choices.rounds)


def with_messages(choices: argparse.Namespace) -> Filled:
    """
    Post where more and more is stored already, with names, as new posts have them.
    """
    talk = fanout.talk(choices)
    members = [range(i * _ROOM, (i + 1) * _ROOM) for i in range(_ROOMS)]
    starts = {}
    with ExitStack() as stack:
        cases = []
        for count in choices.messages:
            _tell(f"storing {count:,} messages")
            filling = _filling(count)
            people = _ROOM * _ROOMS
            one = stack.enter_context(side(choices, talk, people, [members], lines=filling))
            starts[count] = [one.started_in, *(_start_again(one) for _ in range(_STARTS - 1))]
            cases += _cases(one, one.kinds[0], count, [SATURATED, MODERATE])
        return Filled(take_turns(cases, choices.rounds), starts)


def with_sessions(choices: argparse.Namespace) -> list[Resident]:
    """
    Log more and more people in, who are in few rooms and in many.
    """
    talk = fanout.talk(choices)
    people = max(choices.sessions)
    found = []
    for each in choices.memberships:
        _tell(f"{people:,} sessions in {each} rooms each")
        members = [room for turn in range(each) for room in _rooms_of_all(people, turn)]
        with side(choices, talk, people, [members], lines=by_token) as one:
            before, there = one.measurement.settled_memory(), 0
            for count in sorted(choices.sessions):
                one.measurement.log_in(one.lines[there:count], there)
                there, kib = count, one.measurement.settled_memory()
                found.append(Resident(count, each, kib, before))
    return found


def _spread(room: int) -> list[int]:
    # The first one sends; each of them does in as many rooms as another.
    return [(room + place * PEOPLE // SMALL_ROOM) % PEOPLE for place in range(SMALL_ROOM)]


def _rooms_of_all(people: int, turn: int) -> list[list[int]]:
    """
    @return: rooms that everybody is in one of, other ones each turn.
    """
    size = min(_LARGE_ROOM, people)
    order = [(number + turn * 7) % people for number in range(people)]
    return [order[start : start + size] for start in range(0, people, size)]


def _filling(count: int) -> "Callable[[str, Populace], Sequence[bytes]]":
    def fill(database: str, populace: Populace) -> Sequence[bytes]:
        users = [
            User(id=populace.ids[room * _ROOM], name=populace.names[room * _ROOM])
            for room in range(_ROOMS)
        ]
        say_before(database, users, populace.rooms, count, is_named=True)
        return by_token(database, populace)

    return fill


def _start_again(one: Side) -> float:
    one.server.stop()
    return one.server.start()


def _cases(one: Side, kind: Kind, count: int, loads: Sequence[str]) -> list[Case]:
    one.measurement.log_in(one.lines)
    one.pin()
    return [
        Case(
            label=f"{count:,}",
            side="",
            load=load,
            measurement=one.measurement,
            kind=kind,
        )
        for load in loads
    ]


def _tell(what: str) -> None:
    print(what, file=sys.stderr)
