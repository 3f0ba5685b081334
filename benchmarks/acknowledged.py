"""
What an acknowledged post costs that nobody else is told of: a room of one, and a hundred
posts in flight.
"""

import argparse

from benchmarks import checkout, fanout, place
from benchmarks.figures import table
from benchmarks.sides import described, sides
from benchmarks.turns import (
    ACKNOWLEDGED,
    ACKNOWLEDGEMENT,
    BUSY,
    CPU_A_POST,
    SATURATED,
    Case,
    is_whole,
    remarks,
    rows,
    take_turns,
)

_COLUMNS = (ACKNOWLEDGED, CPU_A_POST, *ACKNOWLEDGEMENT, *BUSY)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    checkout.add_arguments(parser)
    fanout.add_arguments(parser, "seconds", "window", "characters", "posts", window=100)
    parser.add_argument(
        "--rounds", type=int, default=5, help="runs, of which there are the medians [%(default)s]"
    )


def run(choices: argparse.Namespace) -> int:
    """
    Measure, and print what was found.

    @return: the exit status: 1 if anything was lost.
    """
    compared = checkout.compared(choices)
    with sides(choices, fanout.talk(choices), 1, [[[0]]], compared) as some:
        head = described(some)
        for each in some:
            each.measurement.log_in(each.lines)
            each.pin()
        cases = [
            Case(
                label="a room of one",
                side=each.name,
                load=SATURATED,
                measurement=each.measurement,
                kind=each.kinds[0],
            )
            for each in some
        ]
        runs = take_turns(cases, choices.rounds)
    what = (
        f"One sender, alone in its room, with {choices.window} {choices.posts} posts of "
        f"{choices.characters} characters in flight; {choices.rounds} runs of "
        f"{choices.seconds:g} s, medians. The server is on one processor."
    )
    found = table(["room", *(column.head for column in _COLUMNS)], rows(runs, _COLUMNS))
    print("\n\n".join([head, what, found, *remarks(runs)]))
    return 0 if is_whole(runs) else 1
