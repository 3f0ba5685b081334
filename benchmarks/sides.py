"""
Servers that are measured in turns, each with those who talk to it: of two checkouts, with
more rooms and fewer, with TLS and without.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks import place
from benchmarks.checkout import OURS, Checkout
from benchmarks.fanout import Kind, Measurement, Talk
from benchmarks.people import Populace, by_password, populate
from benchmarks.server import Server, cores
from benchmarks.team import Team

#: Another checkout's own benchmarks know how to put people into its database.
_POPULATE = """
import json, sys
from attrs import asdict
from benchmarks.people import populate
print(json.dumps(asdict(populate(*json.load(sys.stdin)))))
"""

#: What makes, of a database with people, the lines by which they log in.
Lines = Callable[[str, Populace], Sequence[bytes]]


@frozen(eq=False, kw_only=True)
class Side:
    """
    One of the servers, which has started.

    @ivar name: what it is called beside others; empty, if there are none.
    @ivar lines: by which its people log in.
    @ivar kinds: the rooms that there are, of one size each.
    @ivar started_in: how many seconds the start took.
    """

    name: str
    populace: Populace
    lines: Sequence[bytes]
    kinds: Sequence[Kind]
    measurement: Measurement
    started_in: float

    @property
    def server(self) -> Server:
        """
        The server itself.
        """
        return self.measurement.server

    def pin(self) -> None:
        """
        Keep it on the processor that is the servers'.
        """
        self.server.pin(cores()[0])


@contextmanager
def side(
    choices: argparse.Namespace,
    talk: Talk,
    people: int,
    rooms: Sequence[Sequence[Sequence[int]]],
    *,
    name: str = "",
    checkout: Checkout = OURS,
    certificate: "tuple[Path, Path] | None" = None,
    settings: "Mapping[str, object] | None" = None,
    lines: Lines = by_password,
) -> Iterator[Side]:
    """
    Have one, which is gone afterwards.

    @param people: how many there are.
    @param rooms: the members of each room, as indices of people; those of one size together.
    @param settings: what differs from having no limits.
    @param lines: called before the server starts.
    """
    chosen = {**checkout.no_limits(), **(settings or {})}
    with place.server(choices, chosen, checkout=checkout, certificate=certificate) as server:
        every = [list(members) for some in rooms for members in some]
        populace = _populated(server, people, every)
        ids = iter(populace.rooms)
        kinds = [Kind(len(some[0]), [next(ids) for _ in some], some) for some in rooms]
        logins = lines(server.database, populace)
        started_in = server.start()
        with Team(server, cores()[1]) as team:
            yield Side(
                name=name,
                populace=populace,
                lines=logins,
                kinds=kinds,
                measurement=Measurement(server, team, talk),
                started_in=started_in,
            )
        server.stop()


@contextmanager
def sides(
    choices: argparse.Namespace,
    talk: Talk,
    people: int,
    rooms: Sequence[Sequence[Sequence[int]]],
    checkouts: Sequence[Checkout],
) -> Iterator[list[Side]]:
    """
    Have one of each checkout.
    """
    with ExitStack() as stack:
        made = []
        for each in checkouts:
            name = each.name if len(checkouts) > 1 else ""
            one = side(choices, talk, people, rooms, name=name, checkout=each)
            made.append(stack.enter_context(one))
        yield made


def described(some: Sequence[Side]) -> str:
    """
    @return: what else the figures depend on, in a few lines.
    """
    lines = [place.described(some[-1].server)]
    for each in some:
        checkout = each.server.checkout
        if checkout is not OURS:
            lines.append(
                f"In turns with {each.name}: chatroom {checkout.version} in {checkout.path}."
            )
    return "\n".join(lines)


def _populated(server: Server, people: int, rooms: Sequence[Sequence[int]]) -> Populace:
    if server.checkout is OURS:
        return populate(server.database, people, rooms)
    return Populace(**server.checkout.ask(_POPULATE, [server.database, people, rooms]))
