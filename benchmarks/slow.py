"""
What slow readers cost: members of a busy room stop reading, and the others shall not
notice.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from attrs import evolve, frozen

from benchmarks import fanout, place
from benchmarks.fanout import Figures, Kind
from benchmarks.figures import middle, milliseconds, table
from benchmarks.lists import some_of
from benchmarks.people import by_token
from benchmarks.server import allow_files
from benchmarks.sides import Side, described, side
from benchmarks.sleepers import (
    HELLO,
    SEED,
    UNCOUNTED,
    Sleeper,
    fall_asleep,
    wake_all,
)
from benchmarks.trouble import Trouble
from benchmarks.turns import remarks_on
from chatroom.settings import Settings

#: How many of those who read have a clock.
_PROBES = 20

#: They are to be cut off for what waits, and for nothing else.
_PATIENT = {"stall_seconds": 0, "heartbeat_seconds": 0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser, has_one=False)
    fanout.add_arguments(
        parser, "seconds", "senders", "characters", "posts", seconds=15.0, characters=4000
    )
    numbers: list[tuple[str, float, str]] = [
        ("--members", 1000, "how many the room has"),
        ("--silent", 100, "how many of them stop reading"),
        ("--rate", 30.0, "posts a second in the room"),
        ("--rounds", 5, "runs of each kind, of which there are the medians"),
        ("--push-bytes", Settings().push_bytes, "the server's bound of what waits for one"),
    ]
    for name, default, text in numbers:
        parser.add_argument(
            name, type=type(default), default=default, help=f"{text} [%(default)s]"
        )
    parser.add_argument(
        "--dialects",
        type=some_of(SEED, HELLO),
        default=f"{SEED},{HELLO}",
        help="of the silent ones, one after the other [%(default)s]",
    )


@frozen(kw_only=True)
class Round:
    """
    What one round has shown, without those who do not read and with them.

    @ivar grown: how much the server's memory grew at the most, in KiB.
    @ivar pushed: how many bytes each of them was to be sent.
    @ivar cut: how many were cut off.
    @ivar caught_up_in: seconds until those who were not had all.
    @ivar wrong: what must not be.
    """

    without: Figures
    beside: Figures
    grown: int
    pushed: int
    cut: int
    caught_up_in: float
    wrong: Sequence[str]


def run(choices: argparse.Namespace) -> int:
    """
    Measure, and print what was found.

    @return: the exit status: 1 if anything was lost, or is held for somebody beyond the
        bound.
    """
    if not 0 < choices.silent < choices.members:
        raise Trouble("benchmarks: --silent must be at least 1, and less than --members")
    allow_files(choices.members + 200)
    found: dict[str, list[Round]] = {}
    for dialect in choices.dialects:
        with _room(choices) as room:
            head = described([room])
            found[dialect] = []
            for number in range(choices.rounds):
                print(f"round {number + 1}: {dialect}", file=sys.stderr)
                found[dialect].append(_round(choices, room, dialect))
    print("\n\n".join([head, *_report(choices, found)]))
    return 0 if all(_is_well(each) for rounds in found.values() for each in rounds) else 1


def _is_well(each: Round) -> bool:
    lost = (one.lost or one.closed for one in (each.without, each.beside))
    return not any(lost) and not each.wrong


@contextmanager
def _room(choices: argparse.Namespace) -> Iterator[Side]:
    """
    Have a server with the room, and those in it who read.
    """
    readers = choices.members - choices.silent
    talk = evolve(fanout.talk(choices), rate=choices.rate * readers)
    settings = {**_PATIENT, "push_bytes": choices.push_bytes}
    everybody = [[range(choices.members)]]
    with side(
        choices, talk, choices.members, everybody, settings=settings, lines=by_token
    ) as room:
        room.measurement.log_in(room.lines[:readers])
        room.pin()
        yield room


def _round(choices: argparse.Namespace, room: Side, dialect: str) -> Round:
    """
    Measure without them, then with them; then have them read again.
    """
    server, measurement = room.server, room.measurement
    readers = choices.members - choices.silent
    [room_id] = room.kinds[0].rooms
    probes = range(0, readers, max(1, readers // _PROBES))
    kind = Kind(readers, [room_id], [range(readers)], list(probes))
    without = measurement.run(kind, saturated=False)
    before = measurement.settled_memory()
    server.forget_peak()
    sleepers = [fall_asleep(server.port, line, room_id, dialect) for line in room.lines[readers:]]
    first = sleepers[0].seq + 1
    beside = measurement.run(kind, saturated=False)
    grown = server.peak() - before
    last = first + beside.all_posts - 1 if dialect == HELLO else 0
    caught_up_in = wake_all(sleepers, last)
    pushed = int(beside.all_posts * beside.octets_per_delivery)
    wrong = list(_wrong(choices, sleepers, (first, last), pushed))
    cut = sum(each.waking().is_cut for each in sleepers)
    for each in sleepers:
        each.connection.close()
    return Round(
        without=without,
        beside=beside,
        grown=grown,
        pushed=pushed,
        cut=cut,
        caught_up_in=caught_up_in,
        wrong=wrong,
    )


def _wrong(
    choices: argparse.Namespace, sleepers: Sequence[Sleeper], places: tuple[int, int], pushed: int
) -> Iterator[str]:
    """
    @param places: of the first post that they are to be sent and of the last; this is 0
        where the dialect has no places.
    @param pushed: how many bytes each was to be sent.
    """
    first, last = places
    is_too_much = pushed > choices.push_bytes + UNCOUNTED
    for number, sleeper in enumerate(sleepers):
        waking = sleeper.waking()
        if last:
            complaint = waking.complaint(first, last)
        else:
            held = is_too_much and not waking.is_cut
            complaint = f"was not cut off, with {pushed:,} bytes to be sent" if held else ""
        if complaint:
            yield f"silent member {number} {complaint}"


def _report(choices: argparse.Namespace, found: Mapping[str, Sequence[Round]]) -> Iterator[str]:
    yield (
        f"A room of {choices.members}, {choices.rate:g} posts a second of {choices.characters} "
        f"characters; {choices.silent} of the members stop reading. The others, without them and "
        f"with them, {choices.rounds} rounds of each in turns, medians:"
    )
    heads = ["the silent ones' dialect", "p50 without", "with", "ratio", "p99 without", "with"]
    heads += ["ratio", "server CPU without", "with", "load CPU"]
    yield table(heads, [_row(dialect, rounds) for dialect, rounds in found.items()])
    bound = choices.silent * choices.push_bytes / (1 << 20)
    yield (
        f"Those who do not read; {choices.silent} times the bound of what waits for one are "
        f"{bound:.0f} MiB:"
    )
    heads = ["dialect", "to be sent to each", "server memory grew by", "cut off", "caught up in"]
    yield table(heads, [_memory(choices, *each) for each in found.items()])
    for dialect, rounds in found.items():
        runs = [one for each in rounds for one in (each.without, each.beside)]
        yield from remarks_on(f"{dialect} dialect", runs)
        yield from (f"wrong, {dialect} dialect: {each}" for each in _first_wrong(rounds))


def _first_wrong(rounds: Sequence[Round]) -> list[str]:
    return [each for one in rounds for each in one.wrong][:3]


def _row(dialect: str, rounds: Sequence[Round]) -> list[str]:
    cells = [dialect]
    for name in ("delivery_50", "delivery_99"):
        without = middle([getattr(each.without, name) for each in rounds])
        beside = middle([getattr(each.beside, name) for each in rounds])
        cells += [milliseconds(without), milliseconds(beside), f"{beside / without:.2f}"]
    cells += [
        f"{middle([each.without.server_cpu for each in rounds]):.0%}",
        f"{middle([each.beside.server_cpu for each in rounds]):.0%}",
        f"{middle([each.beside.load_cpu for each in rounds]):.0%}",
    ]
    return cells


def _memory(choices: argparse.Namespace, dialect: str, rounds: Sequence[Round]) -> list[str]:
    everybody = choices.silent * len(rounds)
    caught_up = middle([each.caught_up_in for each in rounds])
    return [
        dialect,
        f"{middle([each.pushed for each in rounds]) / (1 << 20):.2f} MiB",
        f"{max(each.grown for each in rounds) / 1024:.1f} MiB",
        f"{sum(each.cut for each in rounds)} of {everybody}",
        milliseconds(caught_up) if dialect == HELLO else "-",
    ]
