"""
What grows as a server does: CPU with the rooms, CPU and the start with what is stored,
memory with sessions and memberships.
"""

import argparse
from collections.abc import Iterator, Sequence

from attrs import frozen

from benchmarks import drawing, fanout, place
from benchmarks.drawing import Curve, Panel
from benchmarks.figures import middle, milliseconds, table
from benchmarks.growing import (
    PEOPLE,
    SMALL_ROOM,
    Filled,
    Resident,
    with_messages,
    with_rooms,
    with_sessions,
)
from benchmarks.lists import numbers, some_of
from benchmarks.server import allow_files
from benchmarks.turns import (
    BUSY,
    CPU,
    DELIVERIES,
    DELIVERY,
    MODERATE,
    SATURATED,
    Runs,
    is_whole,
    median_of,
    of_load,
    remarks,
    rows,
)

ROOMS, MESSAGES, MEMORY = "rooms", "messages", "memory"

_COLUMNS = (DELIVERIES, CPU, *DELIVERY, *BUSY)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser, has_one=False)
    drawing.add_arguments(parser)
    fanout.add_arguments(
        parser, "seconds", "window", "rate", "characters", seconds=5.0, rate=1000.0
    )
    lists = [
        ("--rooms", "10,100,1000,10000", "rooms, with the same deliveries a second"),
        ("--messages", "1000,100000,1000000", "messages that are stored before"),
        ("--sessions", "100,1000,5000", "people who are logged in"),
        ("--memberships", "1,5,20", "rooms that each of them is in"),
    ]
    for name, default, text in lists:
        parser.add_argument(name, type=numbers, default=default, help=f"{text} [%(default)s]")
    parts = (ROOMS, MESSAGES, MEMORY)
    parser.add_argument(
        "--parts",
        type=some_of(*parts),
        default=",".join(parts),
        help="what is to grow, one after the other [%(default)s]",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="runs of each, of which there are the medians [%(default)s]",
    )


@frozen
class Found:
    """
    What was measured: of a part that was not wanted, nothing.
    """

    rooms: Runs
    filled: Filled
    memory: Sequence[Resident]

    @property
    def runs(self) -> Runs:
        """
        All that was measured in turns.
        """
        return {**self.rooms, **self.filled.runs}


def run(choices: argparse.Namespace) -> int:
    """
    Measure, and print what was found.

    @return: the exit status: 1 if anything was lost.
    """
    drawing.check(choices)
    allow_files(max(PEOPLE * len(choices.rooms), *choices.sessions) + 1000)
    parts = choices.parts
    with place.server(choices, {}) as nobody:
        head = place.described(nobody)
    found = Found(
        with_rooms(choices) if ROOMS in parts else {},
        with_messages(choices) if MESSAGES in parts else Filled({}, {}),
        with_sessions(choices) if MEMORY in parts else [],
    )
    print("\n\n".join([head, *_report(choices, found)]))
    if choices.chart:
        drawing.draw(choices.chart, "What grows as a server does", list(_panels(found)))
    return 0 if is_whole(found.runs) else 1


def _report(choices: argparse.Namespace, found: Found) -> Iterator[str]:
    moderate = f"{choices.rate:,.0f} deliveries a second, medians of {choices.rounds} rounds"
    heads = [column.head for column in _COLUMNS]
    if found.rooms:
        yield (
            f"Rooms of {SMALL_ROOM} among the same {PEOPLE} people, who are all there; in all "
            f"rooms in turns somebody posts. {moderate}:"
        )
        yield table(["rooms", *heads], rows(found.rooms, _COLUMNS))
    if found.filled.starts:
        yield f"Messages that are stored already, in ten rooms of ten. {moderate}:"
        yield _stored(found.filled, MODERATE)
        yield f"The same with {choices.window} posts in flight of each of ten senders:"
        yield _stored(found.filled, SATURATED)
    if found.memory:
        yield "Resident memory, of those who are logged in and idle:"
        heads = ["sessions", "rooms of each", "server memory", "KiB a session"]
        yield table(heads, [_resident(each) for each in found.memory])
    yield from remarks(found.runs)


def _stored(filled: Filled, load: str) -> str:
    starts = [milliseconds(middle(each)) for each in filled.starts.values()]
    lines = rows(of_load(filled.runs, load), _COLUMNS)
    cells = [[line[0], start, *line[1:]] for line, start in zip(lines, starts, strict=True)]
    return table(["messages", "start", *(column.head for column in _COLUMNS)], cells)


def _resident(each: Resident) -> list[str]:
    return [
        f"{each.sessions:,}",
        f"{each.memberships}",
        f"{each.kib / 1024:.1f} MiB",
        f"{each.kib_a_session:.1f}",
    ]


def _panels(found: Found) -> Iterator[Panel]:
    label = "s per million deliveries"
    if found.rooms:
        curve = _cpu(found.rooms, MODERATE, 0)
        yield Panel("CPU of the server, by rooms", "rooms", label, [curve], from_zero=True)
    if found.filled.starts:
        curves = [_cpu(found.filled.runs, each, 0) for each in (SATURATED, MODERATE)]
        yield Panel("CPU of the server, by what is stored", "messages stored", label, curves)
        xs, ys = list(found.filled.starts), [middle(each) for each in found.filled.starts.values()]
        start = Curve(label="from the command to an answer", xs=xs, ys=ys)
        yield Panel("Start", "messages stored", "s", [start], from_zero=True)
    if found.memory:
        curves = [
            _memory(found.memory, each, colour)
            for colour, each in enumerate(dict.fromkeys(one.memberships for one in found.memory))
        ]
        yield Panel("Memory of the server", "sessions", "MiB", curves, from_zero=True)


def _cpu(runs: Runs, load: str, colour: int) -> Curve:
    chosen = of_load(runs, load)
    return Curve(
        label=load,
        colour=colour,
        style="-" if load == MODERATE else "--",
        xs=[int(case.label.replace(",", "")) for case in chosen],
        ys=[CPU.value(median_of(some)) for some in chosen.values()],
    )


def _memory(memory: Sequence[Resident], memberships: int, colour: int) -> Curve:
    chosen = [each for each in memory if each.memberships == memberships]
    return Curve(
        label=f"each in {memberships}",
        colour=colour,
        xs=[each.sessions for each in chosen],
        ys=[each.kib / 1024 for each in chosen],
    )
