"""
What TLS costs: the same posts to the same room over it and over plain TCP.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import fanout, place
from benchmarks.figures import table
from benchmarks.people import by_token
from benchmarks.server import allow_files
from benchmarks.sides import Side, described, side
from benchmarks.turns import (
    BUSY,
    CPU,
    DELIVERIES,
    DELIVERY,
    MODERATE,
    SATURATED,
    Case,
    is_whole,
    remarks,
    rows,
    take_turns,
)
from tests.certificates import make_certificate

_COLUMNS = (DELIVERIES, CPU, *DELIVERY, *BUSY)

_PLAIN, _TLS = "plain TCP", "TLS"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser, has_one=False)
    fanout.add_arguments(parser)
    numbers = [
        ("--room", 100, "how many are in it"),
        ("--rounds", 5, "runs of each kind, of which there are the medians"),
        ("--connections", 1000, "idle ones, for the memory"),
    ]
    for name, default, text in numbers:
        parser.add_argument(name, type=int, default=default, help=f"{text} [%(default)s]")


def run(choices: argparse.Namespace) -> int:
    """
    Measure, and print what was found.

    @return: the exit status: 1 if anything was lost.
    """
    allow_files(2 * (max(choices.room, choices.connections) + 200))
    with _both(choices) as some:
        head = described(some)
        idle = {
            each.name: each.measurement.idle(each.lines, choices.room)["kib_per_connection"]
            for each in some
        }
        for each in some:
            each.pin()
        cases = [
            Case(
                label=load,
                side=each.name,
                load=load,
                measurement=each.measurement,
                kind=each.kinds[0],
            )
            for load in (SATURATED, MODERATE)
            for each in some
        ]
        runs = take_turns(cases, choices.rounds)
    found = table(["load", *(column.head for column in _COLUMNS)], rows(runs, _COLUMNS))
    parts = [head, _told(choices), found, _connections(choices, idle), *remarks(runs)]
    print("\n\n".join(parts))
    return 0 if is_whole(runs) else 1


@contextmanager
def _both(choices: argparse.Namespace) -> Iterator[Sequence[Side]]:
    people = max(choices.room, choices.connections)
    rooms = [[range(choices.room)]]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        certificate = (directory / "key.pem", directory / "certificate.pem")
        make_certificate(*certificate)
        yield [
            stack.enter_context(
                side(
                    choices,
                    fanout.talk(choices),
                    people,
                    rooms,
                    name=name,
                    certificate=files,
                    lines=by_token,
                )
            )
            for name, files in ((_PLAIN, None), (_TLS, certificate))
        ]


def _told(choices: argparse.Namespace) -> str:
    return (
        f"A room of {choices.room}. Saturated: {choices.senders} senders with {choices.window} "
        f"{choices.posts} posts in flight each. Moderate: {choices.rate:,.0f} deliveries a "
        "second, posted at even intervals."
    )


def _connections(choices: argparse.Namespace, idle: Mapping[str, float]) -> str:
    return (
        f"An idle connection that is logged in takes {idle[_PLAIN]:.1f} KiB of resident memory "
        f"over plain TCP, and {idle[_TLS]:.1f} KiB over TLS ({choices.connections} of each)."
    )
