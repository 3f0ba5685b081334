"""
The table of figures: what posts cost that go to few and to many, and what a connection
takes.
"""

import argparse
import json
from collections.abc import Mapping, Sequence

from attrs import asdict

from benchmarks import checkout, drawing, fanout, place
from benchmarks.checkout import OURS
from benchmarks.drawing import Curve, Panel
from benchmarks.figures import milliseconds, table
from benchmarks.lists import numbers
from benchmarks.server import allow_files
from benchmarks.sides import Side, described, sides
from benchmarks.turns import (
    ACKNOWLEDGEMENT,
    BUSY,
    CPU,
    DELIVERIES,
    DELIVERY,
    MODERATE,
    POSTS,
    SATURATED,
    Case,
    Column,
    Runs,
    is_whole,
    median_of,
    of_load,
    remarks,
    rows,
    take_turns,
)

#: The fewest connections that talk: ten rooms of ten, rather than one.
_FEWEST = 100

_COLUMNS = (DELIVERIES, POSTS, CPU, *DELIVERY, *ACKNOWLEDGEMENT, *BUSY)

#: What is known of idle connections, by checkout.
_Idle = Mapping[str, Mapping[str, float]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    checkout.add_arguments(parser)
    drawing.add_arguments(parser)
    parser.add_argument(
        "--rooms", type=numbers, default="10,100,1000", help="sizes of rooms [%(default)s]"
    )
    fanout.add_arguments(parser)
    counts = [
        ("--rounds", 3, "runs of each kind, of which the table has the medians"),
        ("--connections", 2000, "idle ones, for the memory"),
    ]
    for name, default, text in counts:
        parser.add_argument(name, type=int, default=default, help=f"{text} [%(default)s]")
    parser.add_argument("--json", action="store_true", help="print JSON, with every round")


def run(choices: argparse.Namespace) -> int:
    """
    Measure, and print what was found.

    @return: the exit status: 1 if anything was lost.
    """
    drawing.check(choices)
    rooms = [rooms_of(size) for size in choices.rooms]
    talking = max(sum(map(len, some)) for some in rooms)
    people = max(talking, choices.connections)
    compared = checkout.compared(choices)
    allow_files(len(compared) * (people + 200))
    with sides(choices, fanout.talk(choices), people, rooms, compared) as some:
        head = described(some)
        idle = {
            each.name or OURS.name: each.measurement.idle(each.lines, talking) for each in some
        }
        for each in some:
            each.pin()
        runs = take_turns(_cases(some), choices.rounds)
    print(_as_json(head, idle, runs) if choices.json else _as_text(head, idle, runs, choices))
    if choices.chart:
        drawing.draw(choices.chart, "Posts to rooms of several sizes", _panels(runs))
    return 0 if is_whole(runs) else 1


def rooms_of(size: int) -> list[range]:
    """
    @return: the members of each of as many rooms as there are of a size.
    """
    return [range(i * size, (i + 1) * size) for i in range(max(1, _FEWEST // size))]


def _cases(some: Sequence[Side]) -> list[Case]:
    return [
        Case(
            label=f"{each.kinds[place].size}",
            side=each.name,
            load=load,
            measurement=each.measurement,
            kind=each.kinds[place],
        )
        for place in range(len(some[0].kinds))
        for load in (SATURATED, MODERATE)
        for each in some
    ]


def _as_json(head: str, idle: _Idle, runs: Runs) -> str:
    found = [
        {
            "load": case.load,
            "room": case.kind.size,
            "checkout": case.side or OURS.name,
            **asdict(median_of(some)),
            "rounds": list(map(asdict, some)),
        }
        for case, some in runs.items()
    ]
    return json.dumps({"about": head, "idle": idle, "runs": found}, indent=1)


def _as_text(head: str, idle: _Idle, runs: Runs, choices: argparse.Namespace) -> str:
    saturated = (
        f"Saturated: {choices.senders} senders with {choices.window} {choices.posts} posts in "
        "flight each. What a post takes here is mostly waiting behind the others."
    )
    moderate = (
        f"Moderate: {choices.rate:,.0f} deliveries a second, posted at even intervals. "
        "This is what a post takes."
    )
    parts = [head, saturated, _table(runs, SATURATED), moderate, _table(runs, MODERATE)]
    for name, taken in idle.items():
        of = f" of {name}" if len(idle) > 1 else ""
        parts.append(
            f"An idle connection{of} that is logged in takes {taken['kib_per_connection']:.1f} "
            f"KiB of resident memory ({choices.connections} of them). Logins a second: "
            f"{taken['logins_per_second']:.0f}, on all processors; one takes "
            f"{milliseconds(taken['cpu_seconds_per_login'])} of CPU."
        )
    return "\n\n".join([*parts, *remarks(runs)])


def _table(runs: Runs, load: str) -> str:
    heads = ["members", *(column.head for column in _COLUMNS)]
    return table(heads, rows(of_load(runs, load), _COLUMNS))


def _panels(runs: Runs) -> list[Panel]:
    names = list(dict.fromkeys(case.side for case in runs))

    def curves(column: Column, load: str, style: str, what: str, times: float = 1) -> list[Curve]:
        found = []
        for colour, name in enumerate(names):
            of_one = of_load(runs, load, name)
            found.append(
                Curve(
                    label=f"{name}, {what}" if len(names) > 1 else what,
                    colour=colour,
                    style=style,
                    xs=[case.kind.size for case in of_one],
                    ys=[column.value(median_of(each)) * times for each in of_one.values()],
                )
            )
        return found

    def both(column: Column) -> list[Curve]:
        return [
            *curves(column, SATURATED, "-", SATURATED),
            *curves(column, MODERATE, "--", MODERATE),
        ]

    def times(load: str) -> list[Curve]:
        p50, p99 = DELIVERY
        return [*curves(p50, load, "-", "p50", 1000), *curves(p99, load, "--", "p99", 1000)]

    members = "members of a room"
    return [
        Panel("Deliveries a second", members, "deliveries/s", both(DELIVERIES)),
        Panel("CPU of the server", members, "s per million deliveries", both(CPU)),
        Panel("Time to a member, moderate", members, "ms", times(MODERATE)),
        Panel("Time to a member, saturated", members, "ms", times(SATURATED)),
    ]
