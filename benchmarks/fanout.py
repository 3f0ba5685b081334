"""
What posts cost that go to many, and what a connection takes.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, fields, frozen

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

#: In how many rooms the times are looked at: of one member, the last.
_MOST_PROBES = 20

#: No run takes longer that ends when something else does.
_MOST_SECONDS = 600.0

NAMED, PLAIN = "named", "plain"


def _choice(text: str, default: Any, *, one_of: "Sequence[str] | None" = None) -> Any:
    return field(default=default, metadata={"help": text, "one_of": one_of})


@frozen(kw_only=True)
class Talk:
    """
    How people talk.
    """

    seconds: float = _choice("how long each run is measured", 3.0)
    senders: int = _choice("how many people post, in all rooms together", 10)
    window: int = _choice("each one's posts in flight, when it is saturated", 50)
    rate: float = _choice("deliveries a second, when it is not", 10_000.0)
    characters: int = _choice("the length of a post", 100)
    posts: str = _choice(
        "whether they have a client_message_id: named or plain", NAMED, one_of=(NAMED, PLAIN)
    )


def add_arguments(parser: argparse.ArgumentParser, *names: str, **defaults: float) -> None:
    """
    Declare what can be chosen of a L{Talk}.

    @param names: of which of it; all, if there are none.
    @param defaults: those that are others here.
    """
    for each in fields(Talk):
        if not names or each.name in names:
            default = defaults.get(each.name, each.default)
            parser.add_argument(
                f"--{each.name}",
                type=type(each.default),
                choices=each.metadata["one_of"],
                default=default,
                help=f"{each.metadata['help']} [%(default)s]",
            )


def talk(choices: argparse.Namespace) -> Talk:
    """
    @return: what was chosen of it.
    """
    names = [each.name for each in fields(Talk)]
    return Talk(**{name: getattr(choices, name) for name in names if hasattr(choices, name)})


@frozen
class Kind:
    """
    Rooms of one size, and who is in them.

    @ivar rooms: their ids.
    @ivar members: who is in each: indices of people.
    @ivar probes: for whom the time is taken.
    """

    size: int
    rooms: Sequence[int]
    members: Sequence[Sequence[int]]
    probes: Sequence[int] = field()

    @probes.default
    def _last_ones(self) -> list[int]:
        step = -(-len(self.members) // _MOST_PROBES)
        return sorted({members[-1] for members in self.members[::step]})

    def senders(self, count: int) -> Mapping[int, Sequence[int]]:
        """
        @param count: how many post; who does so in several rooms counts for each.
        @return: who posts in which rooms, spread evenly over all places in them.
        """
        places = len(self.rooms) * self.size
        count = min(count, places)
        found: dict[int, list[int]] = {}
        for number in range(count):
            room, place = divmod(number * places // count, self.size)
            found.setdefault(self.members[room][place], []).append(self.rooms[room])
        return dict(sorted(found.items()))


@frozen(kw_only=True)
class Figures:
    """
    What one run has shown.

    @ivar deliveries: a second; L{posts} and L{acknowledged} likewise.
    @ivar cpu_per_million: CPU seconds of the server per million deliveries.
    @ivar cpu_per_post: CPU seconds of the server per post that was acknowledged.
    @ivar delivery_50: in seconds, and likewise the other times.
    @ivar server_cpu: the share of a processor that the server took.
    @ivar load_cpu: the share that the busiest process of the load took.
    @ivar all_posts: how many were sent, from the beginning to the end.
    @ivar lost: deliveries that never came.
    @ivar closed: connections that the server has closed.
    """

    deliveries: float
    posts: float
    acknowledged: float
    octets_per_delivery: float
    cpu_per_million: float
    cpu_per_post: float
    delivery_50: float
    delivery_99: float
    acknowledgement_50: float
    acknowledgement_99: float
    server_cpu: float
    load_cpu: float
    all_posts: int
    lost: int
    closed: int


@define(eq=False)
class Measurement:
    """
    One server, and what talks to it.
    """

    server: Server
    team: Team
    talk: Talk
    _chance: random.Random = field(factory=lambda: random.Random(1), init=False)

    def log_in(self, lines: Sequence[bytes], first: int = 0) -> None:
        """
        Have people be there: those with the indices from the first one's on.

        @param lines: what each of them logs in by.
        """
        shares: list[list[bytes]] = [[] for _ in range(len(self.team))]
        for index, line in enumerate(lines, first):
            shares[index % len(self.team)].append(line)
        at_a_time = max(1, _AT_A_TIME // len(self.team))
        self.team.do("log_in", [(some, at_a_time) for some in shares])

    def idle(self, lines: Sequence[bytes], rest: int) -> dict[str, float]:
        """
        Log everybody in, and see what that takes; then let all go but some.

        @param lines: what each of them logs in by, on all processors.
        @param rest: how many stay.
        """
        self.log_in(lines[:_FIRST])
        before = self.settled_memory()
        cpu, begun = self.server.cpu(), time.monotonic()
        self.log_in(lines[_FIRST:], _FIRST)
        seconds = time.monotonic() - begun
        more = len(lines) - _FIRST
        cpu = self.server.cpu() - cpu
        memory = self.settled_memory() - before
        self.team.do("keep", [(len(some),) for some in self.team.share(range(rest))])
        return {
            "logins_per_second": more / seconds,
            "cpu_seconds_per_login": cpu / more,
            "kib_per_connection": memory / more,
            "kib_before": before,
        }

    def settled_memory(self) -> int:
        """
        @return: the server's memory when the last login has nothing left to do, in KiB.
        """
        time.sleep(0.5)
        return self.server.resident()

    def run(
        self, kind: Kind, *, saturated: bool, meanwhile: "Callable[[], None] | None" = None
    ) -> Figures:
        """
        Measure once.

        @param meanwhile: what to do while it is measured, which is as long as that
            takes then.
        """
        seconds = self.talk.seconds if meanwhile is None else _MOST_SECONDS
        begin = time.monotonic_ns() + int(_LEAD_SECONDS * 1e9)
        measure = begin + int(_WARM_SECONDS * 1e9)
        end = measure + int(seconds * 1e9)
        runs = self._runs(kind, saturated, (begin, measure, end))
        self.team.tell("run", [(each,) for each in runs])
        _sleep_until(measure)
        cpu = self.server.cpu()
        if meanwhile is None:
            _sleep_until(end)
        else:
            meanwhile()
            self.team.call_off()
        seconds = (time.monotonic_ns() - measure) / 1e9
        cpu = self.server.cpu() - cpu
        return _figures(self.team.results(), cpu, seconds, kind.size)

    def _runs(self, kind: Kind, saturated: bool, times: tuple[int, int, int]) -> Iterator[Run]:
        rooms_of = kind.senders(self.talk.senders)
        shares = self.team.share(rooms_of)
        probes = self.team.share(kind.probes)
        posts = self.talk.rate / kind.size
        begin, measure, end = times
        for process, (some, looked_at) in enumerate(zip(shares, probes, strict=True)):
            # Each time others are the first, for there may be more of them than posts.
            rooms = [self._shuffled(rooms_of[i * len(self.team) + process]) for i in some]
            yield Run(
                senders=list(zip(some, rooms, strict=True)),
                is_named=self.talk.posts == NAMED,
                probes=looked_at,
                window=self.talk.window if saturated else 0,
                rate=posts * sum(map(len, rooms)) / sum(map(len, rooms_of.values())),
                characters=self.talk.characters,
                begin=begin,
                measure=measure,
                end=end,
            )

    def _shuffled(self, rooms: Sequence[int]) -> list[int]:
        return self._chance.sample(rooms, len(rooms))


def _figures(counts: Sequence[Count], cpu: float, seconds: float, size: int) -> Figures:
    received = sum(each.received for each in counts)
    posted = sum(each.posted for each in counts)
    acknowledged = sum(each.acknowledged for each in counts)
    delivery = [ns / 1e9 for each in counts for ns in each.delivery]
    acknowledgement = [ns / 1e9 for each in counts for ns in each.acknowledgement]
    all_posts = sum(each.all_posted for each in counts)
    return Figures(
        deliveries=received / seconds,
        posts=posted / seconds,
        acknowledged=acknowledged / seconds,
        octets_per_delivery=sum(each.octets for each in counts) / max(1, received),
        cpu_per_million=cpu / max(1, received) * 1e6,
        cpu_per_post=cpu / max(1, acknowledged),
        delivery_50=percentile(delivery, 50),
        delivery_99=percentile(delivery, 99),
        acknowledgement_50=percentile(acknowledgement, 50),
        acknowledgement_99=percentile(acknowledgement, 99),
        server_cpu=cpu / seconds,
        load_cpu=max(each.busy for each in counts),
        all_posts=all_posts,
        lost=all_posts * size - sum(each.all_received for each in counts),
        closed=sum(each.closed for each in counts),
    )


def _sleep_until(moment: int) -> None:
    time.sleep(max(0, moment - time.monotonic_ns()) / 1e9)
