"""
Whether anything acknowledged is lost when the server is killed in a storm of posts.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from attrs import define, field

from benchmarks import place
from benchmarks.checkout import OURS
from benchmarks.evidence import Findings, examine
from benchmarks.figures import table
from benchmarks.people import populate
from benchmarks.server import Server, allow_files, cores
from benchmarks.stormers import Plan, Testimony, storm

#: How long it may take until all that was sent is acknowledged, after the last kill.
_DRAINING_SECONDS = 90.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    numbers: list[tuple[str, float, str]] = [
        ("--clients", 50, "how many people post, each on a connection"),
        ("--rate", 500.0, "posts a second that each has to say"),
        ("--window", 64, "posts that each has in flight at the most"),
        ("--rooms", 10, "how many rooms there are; each person is in two"),
        ("--kills", 20, "how often the server is killed"),
        ("--alive", 4.0, "seconds from a first answer to the kill, at the most"),
        ("--seed", 1, "of the moments and the contents"),
        ("--start-seconds", 30.0, "how long a start may take"),
    ]
    for name, default, text in numbers:
        parser.add_argument(
            name, type=type(default), default=default, help=f"{text} [%(default)s]"
        )


def run(choices: argparse.Namespace) -> int:
    """
    Storm, kill, look at what is left, and print it.

    @return: the exit status: 1 if anything is not as it was promised.
    """
    allow_files(choices.clients + 200)
    choices.rooms = min(choices.rooms, choices.clients)
    rooms = [_members(room, choices) for room in range(choices.rooms)]
    with place.server(choices, OURS.no_limits()) as server:
        populace = populate(server.database, choices.clients, rooms)
        server.start(seconds=choices.start_seconds)
        storming = _Storm(server, choices, cores()[1])
        storming.begin(populace.names, _rooms_of(populace.rooms, choices))
        try:
            alive = storming.kill_all()
            testimonies, seconds = storming.end()
        finally:
            storming.leave()
        server.stop()
        findings = examine(server.database, testimonies, populace.rooms, choices.seed)
    print(_report(choices, testimonies, findings, alive, seconds))
    return 0 if findings.is_clean else 1


def _members(room: int, choices: argparse.Namespace) -> list[int]:
    return sorted({c for c in range(choices.clients) if room in _places(c, choices.rooms)})


def _places(client: int, rooms: int) -> tuple[int, int]:
    """
    @return: the two rooms of a person, as indices, so that rooms overlap.
    """
    return client % rooms, (client + 1) % rooms


def _rooms_of(ids: Sequence[int], choices: argparse.Namespace) -> list[list[int]]:
    return [
        sorted({ids[place] for place in _places(client, choices.rooms)})
        for client in range(choices.clients)
    ]


@define(eq=False)
class _Storm:
    """
    The server that is killed, and the processes of those who post.
    """

    server: Server
    choices: argparse.Namespace
    processors: set[int]
    _pipes: "list[Connection]" = field(factory=list, init=False)
    _processes: list[Any] = field(factory=list, init=False)

    def begin(self, names: Sequence[str], rooms: Sequence[Sequence[int]]) -> None:
        """
        Have everybody post, from now on whatever happens.
        """
        context = get_context("spawn")
        count = min(len(self.processors), 4)
        for number in range(count):
            clients = range(number, len(names), count)
            plan = Plan(
                port=self.server.port,
                clients={c: (names[c], rooms[c]) for c in clients},
                rate=self.choices.rate,
                window=self.choices.window,
                seed=self.choices.seed,
                processors=self.processors,
            )
            ours, theirs = context.Pipe()
            process = context.Process(target=storm, args=(theirs, plan), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)

    def kill_all(self) -> float:
        """
        Kill the server as often as it is to be, at random moments of its life, some
        of which are before anybody has got in again.

        @return: how many seconds it has lived.
        """
        chance, total = random.Random(self.choices.seed), 0.0
        for number in range(self.choices.kills):
            self.server.pin(cores()[0])
            alive = chance.uniform(0, self.choices.alive)
            time.sleep(alive)
            total += alive
            self.server.kill()
            took = self.server.start(seconds=self.choices.start_seconds)
            print(
                f"kill {number + 1} after {alive:.2f} s, up again in {took:.2f} s", file=sys.stderr
            )
        return total

    def end(self) -> tuple[list[Testimony], float]:
        """
        Have everybody say nothing new, and wait until all is acknowledged.

        @return: what they have seen, and how many seconds it took.
        """
        begun = time.monotonic()
        for pipe in self._pipes:
            pipe.send(_DRAINING_SECONDS)
        testimonies: list[Testimony] = []
        for pipe in self._pipes:
            if not pipe.poll(_DRAINING_SECONDS + 30):
                raise SystemExit("benchmarks: those who post have not come to an end")
            testimonies.append(pipe.recv())
        return testimonies, time.monotonic() - begun

    def leave(self) -> None:
        """
        End the processes.
        """
        for process in self._processes:
            process.kill()
            process.join()


def _report(
    choices: argparse.Namespace,
    testimonies: Sequence[Testimony],
    findings: Findings,
    alive: float,
    seconds: float,
) -> str:
    happened = [
        ("kills", choices.kills),
        ("posts", sum(sum(each.said.values()) for each in testimonies)),
        ("posts acknowledged", findings.acknowledged),
        ("sent again after a reconnection", sum(each.resent for each in testimonies)),
        ("of these acknowledged as duplicates", findings.duplicates),
        ("logins", sum(each.logins for each in testimonies)),
        ("refused", sum(each.refusals.total() for each in testimonies)),
        ("posts stored", findings.stored),
        ("pushes seen", findings.seen),
    ]
    promised = [(name, len(found)) for name, found in findings.wrong.items()]
    lines = [
        f"{choices.clients} people, each with {choices.rate:g} posts a second to say (and "
        f"{choices.window} in flight at the most), in {choices.rooms} rooms. Offered: "
        f"{choices.clients * choices.rate:,.0f} posts a second; stored: "
        f"{findings.stored / max(1e-9, alive + seconds):,.0f} in each of the "
        f"{alive + seconds:.1f} s that the server was up, logins included.",
        table(["what happened", "count"], happened),
        table(["what must not happen", "count"], promised),
        *(f"{name}: for example {found[:3]}" for name, found in findings.wrong.items() if found),
        "Everything that was promised is so." if findings.is_clean else "A promise is broken.",
    ]
    return "\n\n".join(lines)
