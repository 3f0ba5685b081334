"""
What a room costs that has a million messages: starting, looking back, searching.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks import place
from benchmarks.checkout import OURS
from benchmarks.figures import milliseconds, percentile, table
from benchmarks.past import COMMON, RARE, say_before
from benchmarks.people import PASSWORD, populate
from benchmarks.server import Server, cores
from benchmarks.wire import Peer, login, request
from chatroom.store.models import User

#: How long a start may take, in seconds.
_MOST_SECONDS = 2.0

#: How many people are in the room.
_PEOPLE = 10

Question = Callable[[random.Random], bytes]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    numbers = [
        ("--messages", 1_000_000, "how many the room has"),
        ("--requests", 500, "how many of each kind"),
        ("--seed", 1, "of the contents and the places"),
    ]
    for name, default, what in numbers:
        parser.add_argument(name, type=int, default=default, help=f"{what} [%(default)s]")


def run(choices: argparse.Namespace) -> int:
    """
    Fill a room, and print what it takes to look at it.

    @return: the exit status: 1 if a start took too long.
    """
    settings = {**OURS.no_limits(), "search_rate": 0}
    with place.server(choices, settings) as server:
        begun = time.monotonic()
        room, name = _fill(server, choices)
        filled = time.monotonic() - begun
        starts = []
        for _ in range(3):
            starts.append(server.start())
            server.stop()
        server.start()
        server.pin(cores()[0])
        taken = _ask_all(server, choices, room, name)
        memory = server.resident()
        server.stop()
        print(_report(choices, place.described(server), filled, starts, taken, memory))
    return 1 if max(starts) > _MOST_SECONDS else 0


def _fill(server: Server, choices: argparse.Namespace) -> tuple[int, str]:
    """
    @return: the room, and somebody in it.
    """
    people = populate(server.database, _PEOPLE, [list(range(_PEOPLE))])
    users = [User(id=i, name=n) for i, n in zip(people.ids, people.names, strict=True)]
    say_before(server.database, users, people.rooms, choices.messages, seed=choices.seed)
    return people.rooms[0], people.names[0]


def _questions(room: int, count: int) -> Mapping[str, Question]:
    def history(**places: Callable[[random.Random], int]) -> Question:
        return lambda chance: request(
            "history_request",
            chat_group_id=room,
            **{key: place(chance) for key, place in places.items()},
        )

    def search(query: str) -> Question:
        return lambda _: request("search_request", query=query)

    def anywhere(chance: random.Random) -> int:
        return chance.randint(1, count)

    return {
        "entering: the newest 50": lambda _: request("enter_chat_request", chat_name="room0000"),
        "50 before any place": history(before_seq=anywhere),
        "50 around any place": history(around_seq=anywhere),
        "search: a word in one of three": search(COMMON),
        "search: a word in one of 100,000": search(RARE),
        "search: two such words": search(f"{COMMON} {RARE}"),
        "search: 上海, in one of 1,000": search("上海"),
        "search: nothing to be found": search("zzyzx"),
    }


def _ask_all(
    server: Server, choices: argparse.Namespace, room: int, name: str
) -> Mapping[str, list[float]]:
    """
    @return: how long each answer took, in seconds, by the question.
    """
    chance = random.Random(choices.seed)
    taken: dict[str, list[float]] = {}
    with Peer.connect(server.port) as peer:
        peer.ask(login(name, PASSWORD))
        for what, question in _questions(room, choices.messages).items():
            taken[what] = []
            for _ in range(choices.requests):
                line = question(chance)
                begun = time.perf_counter()
                _answer(peer, line)
                taken[what].append(time.perf_counter() - begun)
    return taken


def _answer(peer: Peer, line: bytes) -> None:
    """
    Ask, and read until the answer has ended.
    """
    received = peer.ask(line)
    while not _is_end(received.rstrip(b"\n").rpartition(b"\n")[2]):
        received = peer.read()


def _is_end(line: bytes) -> bool:
    kind = json.loads(line)["message_type"]
    if kind == "error_message":
        raise SystemExit(f"benchmarks: refused: {line!r}")
    return kind in ("chat_history_complete", "search_response")


def _report(
    choices: argparse.Namespace,
    where: str,
    filled: float,
    starts: Sequence[float],
    taken: Mapping[str, list[float]],
    memory: int,
) -> str:
    rows = [
        (what, *(milliseconds(percentile(each, percent)) for percent in (50, 99, 100)))
        for what, each in taken.items()
    ]
    parts = [
        f"A room of {choices.messages:,} messages, which took {filled:.0f} s to make; "
        f"{choices.requests} requests of each kind, one after the other. The server starts in "
        f"{', '.join(milliseconds(each) for each in sorted(starts))}, and has "
        f"{memory / 1024:.0f} MiB of memory at the end.",
        where,
        table(["what is asked for", "p50", "p99", "max"], rows),
    ]
    return "\n\n".join(parts)
