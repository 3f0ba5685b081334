"""
What posts cost that go to many, and what a connection takes.
"""

import argparse
import time
from collections.abc import Iterator, Sequence

from attrs import define, frozen

from benchmarks.figures import percentile
from benchmarks.load import Count, Run
from benchmarks.server import Server
from benchmarks.team import Team

#: How long before it is measured a run has begun.
_WARM_SECONDS = 1.0

#: How long after it was given out.
_LEAD_SECONDS = 0.2

#: How many log in at the same time.
_AT_A_TIME = 32

#: How many log in before the memory of the first ones is taken for the server's own.
_FIRST = 20


@frozen
class Kind:
    """
    A room's size, and where the people are.

    @ivar rooms: the ids of rooms with so many members.
    @ivar people: how many there are in all of them.
    """

    size: int
    rooms: Sequence[int]
    people: int

    @property
    def members(self) -> list[range]:
        """
        Who is in each room: indices of people.
        """
        return [range(i * self.size, (i + 1) * self.size) for i in range(len(self.rooms))]


@frozen(kw_only=True)
class Figures:
    """
    What one run has shown.

    @ivar deliveries: a second; L{posts} likewise.
    @ivar cpu_per_million: CPU seconds of the server per million deliveries.
    @ivar delivery_50: in seconds, and likewise the other times.
    @ivar server_cpu: the share of a processor that the server took.
    @ivar load_cpu: the share that the busiest process of the load took.
    @ivar lost: deliveries that never came.
    """

    deliveries: float
    posts: float
    octets_per_delivery: float
    cpu_per_million: float
    delivery_50: float
    delivery_99: float
    acknowledgement_50: float
    acknowledgement_99: float
    server_cpu: float
    load_cpu: float
    lost: int
    closed: int


@define(eq=False)
class Measurement:
    """
    One server, and what talks to it.
    """

    server: Server
    team: Team
    choices: argparse.Namespace

    def idle(self, names: Sequence[str], rest: int) -> dict[str, float]:
        """
        Log everybody in, and see what a connection takes.

        @param rest: how many stay.
        @return: logins a second, and KiB a connection.
        """
        self._log_in(names[:_FIRST], 0)
        before = self._settled_memory()
        cpu, begun = self.server.cpu(), time.monotonic()
        self._log_in(names[_FIRST:], _FIRST)
        seconds = time.monotonic() - begun
        more = len(names) - _FIRST
        cpu = self.server.cpu() - cpu
        memory = self._settled_memory() - before
        self.team.do("keep", [(len(some),) for some in self.team.share(range(rest))])
        return {
            "logins_per_second": more / seconds,
            "cpu_seconds_per_login": cpu / more,
            "kib_per_connection": memory / more,
            "kib_before": before,
        }

    def _log_in(self, names: Sequence[str], first: int) -> None:
        shares: list[list[str]] = [[] for _ in range(len(self.team))]
        for index, name in enumerate(names, first):
            shares[index % len(self.team)].append(name)
        self.team.do("log_in", [(some, _AT_A_TIME // len(self.team)) for some in shares])

    def _settled_memory(self) -> int:
        # What the last login has left to do takes no longer.
        time.sleep(0.5)
        return self.server.resident()

    def run(self, kind: Kind, *, saturated: bool) -> Figures:
        """
        Measure once.
        """
        begin = time.monotonic_ns() + int(_LEAD_SECONDS * 1e9)
        measure = begin + int(_WARM_SECONDS * 1e9)
        end = measure + int(self.choices.seconds * 1e9)
        self.team.tell("run", [(each,) for each in self._runs(kind, saturated, begin, end)])
        _sleep_until(measure)
        cpu = self.server.cpu()
        _sleep_until(end)
        cpu = self.server.cpu() - cpu
        return _figures(self.team.results(), cpu, self.choices.seconds, kind.size)

    def _runs(self, kind: Kind, saturated: bool, begin: int, end: int) -> Iterator[Run]:
        senders = self._senders(kind)
        shares = self.team.share(senders)
        probes = self.team.share(sorted(members[-1] for members in kind.members))
        room_of = {i: kind.rooms[i // kind.size] for i in senders}
        posts = self.choices.rate / kind.size
        for process, (some, looked_at) in enumerate(zip(shares, probes, strict=True)):
            rooms = [room_of[i * len(self.team) + process] for i in some]
            yield Run(
                senders=list(zip(some, rooms, strict=True)),
                probes=looked_at,
                window=self.choices.window if saturated else 0,
                rate=posts * len(some) / len(senders),
                characters=self.choices.characters,
                begin=begin,
                measure=begin + int(_WARM_SECONDS * 1e9),
                end=end,
            )

    def _senders(self, kind: Kind) -> list[int]:
        """
        @return: who posts, spread over the rooms and over the processes.
        """
        count = min(self.choices.senders, kind.people)
        return sorted({i * kind.people // count for i in range(count)})


def _figures(counts: Sequence[Count], cpu: float, seconds: float, size: int) -> Figures:
    received = sum(each.received for each in counts)
    posted = sum(each.posted for each in counts)
    delivery = [ns / 1e9 for each in counts for ns in each.delivery]
    acknowledgement = [ns / 1e9 for each in counts for ns in each.acknowledgement]
    wanted = sum(each.all_posted for each in counts) * size
    return Figures(
        deliveries=received / seconds,
        posts=posted / seconds,
        octets_per_delivery=sum(each.octets for each in counts) / max(1, received),
        cpu_per_million=cpu / max(1, received) * 1e6,
        delivery_50=percentile(delivery, 50),
        delivery_99=percentile(delivery, 99),
        acknowledgement_50=percentile(acknowledgement, 50),
        acknowledgement_99=percentile(acknowledgement, 99),
        server_cpu=cpu / seconds,
        load_cpu=max(each.busy for each in counts),
        lost=wanted - sum(each.all_received for each in counts),
        closed=sum(each.closed for each in counts),
    )


def _sleep_until(moment: int) -> None:
    time.sleep(max(0, moment - time.monotonic_ns()) / 1e9)
