"""
Whether a login tells who has an account: unknown users against wrong passwords.
"""

import argparse
import random
import re
import time
from collections.abc import Sequence

from benchmarks import place
from benchmarks.checkout import OURS
from benchmarks.figures import middle, milliseconds, percentile, table
from benchmarks.people import populate
from benchmarks.server import cores
from benchmarks.wire import Peer, login

#: How far the medians may be apart.
_TOLERANCE = 0.05

_WARM_UP = 20

_TIMESTAMP = re.compile(rb'"timestamp":[0-9.e+-]+,')

_UNKNOWN, _WRONG = "unknown user", "wrong password"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    parser.add_argument(
        "--tries", type=int, default=1000, help="logins of both kinds together [%(default)s]"
    )
    parser.add_argument("--seed", type=int, default=1, help="of their order [%(default)s]")


def run(choices: argparse.Namespace) -> int:
    """
    Try, and print what can be told from the answers.

    @return: the exit status: 1 if something can.
    """
    tries = max(1, choices.tries // 2)
    taken: dict[str, list[float]] = {_UNKNOWN: [], _WRONG: []}
    answers: dict[str, set[bytes]] = {_UNKNOWN: set(), _WRONG: set()}
    with place.server(choices, OURS.no_limits()) as server:
        names = populate(server.database, max(10, tries // 10), []).names
        server.start()
        server.pin(cores()[0])
        with Peer.connect(server.port) as peer:
            for _ in range(_WARM_UP):
                peer.ask(login(names[0], "not the password"))
            for kind, name in _plan(names, tries, random.Random(choices.seed)):
                begun = time.perf_counter()
                answer = peer.ask(login(name, "not the password"))
                taken[kind].append(time.perf_counter() - begun)
                answers[kind].add(_TIMESTAMP.sub(b"", answer))
        server.stop()
    return _report(taken, answers)


def _plan(names: Sequence[str], tries: int, chance: random.Random) -> list[tuple[str, str]]:
    """
    @return: what to try: pairs of one of each kind, each in a random order, so that
        what disturbs the machine for a while disturbs both alike. All names are
        of the same length.
    """
    plan = []
    for number in range(tries):
        pair = [(_UNKNOWN, f"nobody{number:05d}"), (_WRONG, chance.choice(names))]
        chance.shuffle(pair)
        plan += pair
    return plan


def _report(taken: dict[str, list[float]], answers: dict[str, set[bytes]]) -> int:
    heads = ["answer to", "tries", "p25", "median", "p75", "different answers"]
    rows = [
        [
            kind,
            len(times),
            *(milliseconds(percentile(times, percent)) for percent in (25, 50, 75)),
            len(answers[kind]),
        ]
        for kind, times in taken.items()
    ]
    ratio = middle(taken[_UNKNOWN]) / middle(taken[_WRONG])
    every = answers[_UNKNOWN] | answers[_WRONG]
    is_same, is_near = len(every) == 1, abs(ratio - 1) <= _TOLERANCE
    print(table(heads, rows))
    print(f"\nThe bytes without the time: {'equal' if is_same else 'different'}")
    for answer in sorted(every):
        print(f"  {answer.decode('utf-8').rstrip()}")
    print(f"The medians' ratio: {ratio:.4f}, {'within' if is_near else 'beyond'} {_TOLERANCE:.0%}")
    return 0 if is_same and is_near else 1
