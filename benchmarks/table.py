"""
The table of figures: C{python -m benchmarks}.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, fields

from benchmarks import place
from benchmarks.fanout import Figures, Kind, Measurement
from benchmarks.figures import middle, milliseconds, table
from benchmarks.people import populate
from benchmarks.server import allow_files, cores, no_limits
from benchmarks.team import Team

#: The fewest connections that talk: ten rooms of ten, rather than one.
_FEWEST = 100

#: The share of a processor above which the load is too busy to tell.
_BUSY = 0.9

_SATURATED, _MODERATE = "saturated", "moderate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    parser.add_argument("--rooms", default="10,100,1000", help="sizes of rooms [%(default)s]")
    numbers: list[tuple[str, float, str]] = [
        ("--seconds", 3.0, "how long each run is measured"),
        ("--rounds", 3, "runs of each kind, of which the table has the medians"),
        ("--senders", 10, "how many people post, in all rooms together"),
        ("--window", 50, "each one's posts in flight, when it is saturated"),
        ("--rate", 10_000.0, "deliveries a second, when it is not"),
        ("--characters", 100, "the length of a post"),
        ("--connections", 2000, "idle ones, for the memory"),
    ]
    for name, default, text in numbers:
        parser.add_argument(
            name, type=type(default), default=default, help=f"{text} [%(default)s]"
        )
    parser.add_argument("--json", action="store_true", help="print JSON, with every round")


def run(choices: argparse.Namespace) -> int:
    """
    Measure, and print what was found.

    @return: the exit status: 1 if anything was lost.
    """
    sizes = [int(each) for each in choices.rooms.split(",")]
    counts = {size: max(1, _FEWEST // size) for size in sizes}
    talking = max(size * count for size, count in counts.items())
    people = max(talking, choices.connections)
    allow_files(people + 200)
    rooms = [
        range(i * size, (i + 1) * size) for size, count in counts.items() for i in range(count)
    ]
    with place.server(choices, no_limits()) as server:
        populace = populate(server.database, people, rooms)
        ids = iter(populace.rooms)
        kinds = [Kind(size, [next(ids) for _ in range(n)], size * n) for size, n in counts.items()]
        server.start()
        head = place.described(server)
        mine, others = cores()
        with Team(server.port, others) as team:
            measurement = Measurement(server, team, choices)
            idle = measurement.idle(populace.names, talking)
            server.pin(mine)
            runs = _measure(measurement, kinds, choices.rounds)
        server.stop()
    print(_as_json(head, idle, runs) if choices.json else _as_text(head, idle, runs, choices))
    return 1 if any(each.lost or each.closed for some in runs.values() for each in some) else 0


_Runs = Mapping[tuple[str, int], Sequence[Figures]]


def _measure(measurement: Measurement, kinds: Sequence[Kind], rounds: int) -> _Runs:
    """
    Take turns, so that what disturbs for a while does not disturb one kind alone.
    """
    runs: dict[tuple[str, int], list[Figures]] = {}
    for count in range(rounds):
        for kind in kinds:
            for name in (_SATURATED, _MODERATE):
                print(f"round {count + 1}, rooms of {kind.size}, {name}", file=sys.stderr)
                figures = measurement.run(kind, saturated=name == _SATURATED)
                runs.setdefault((name, kind.size), []).append(figures)
    return runs


def _median(figures: Sequence[Figures]) -> Figures:
    """
    @return: each figure's median; of what must not happen at all, the sum.
    """
    values: dict[str, Any] = {
        each.name: middle([getattr(one, each.name) for one in figures]) for each in fields(Figures)
    }
    values["lost"] = sum(each.lost for each in figures)
    values["closed"] = sum(each.closed for each in figures)
    return Figures(**values)


def _as_json(head: str, idle: Mapping[str, float], runs: _Runs) -> str:
    found = [
        {"load": name, "room": size, **asdict(_median(some)), "rounds": list(map(asdict, some))}
        for (name, size), some in runs.items()
    ]
    return json.dumps({"about": head, "idle": idle, "runs": found}, indent=1)


def _as_text(
    head: str, idle: Mapping[str, float], runs: _Runs, choices: argparse.Namespace
) -> str:
    saturated = (
        f"Saturated: {choices.senders} senders with {choices.window} posts in flight each. "
        "What a post takes here is mostly waiting behind the others."
    )
    moderate = (
        f"Moderate: {choices.rate:,.0f} deliveries a second, posted at even intervals. "
        "This is what a post takes."
    )
    logins = (
        f"An idle connection that is logged in takes {idle['kib_per_connection']:.1f} KiB of "
        f"resident memory ({choices.connections} of them). Logins a second: "
        f"{idle['logins_per_second']:.0f}, on all processors; one takes "
        f"{milliseconds(idle['cpu_seconds_per_login'])} of CPU."
    )
    parts = [head, saturated, _table(runs, _SATURATED), moderate, _table(runs, _MODERATE), logins]
    return "\n\n".join([*parts, *_remarks(runs)])


def _table(runs: _Runs, name: str) -> str:
    heads = ["members", "deliveries/s", "posts/s", "CPU s per million deliveries"]
    heads += ["delivery p50", "p99", "acknowledgement p50", "p99", "server CPU", "load CPU"]
    rows = [_row(f"{size}", _median(some)) for (kind, size), some in runs.items() if kind == name]
    return table(heads, rows)


def _row(size: str, figures: Figures) -> list[str]:
    times = [figures.delivery_50, figures.delivery_99]
    times += [figures.acknowledgement_50, figures.acknowledgement_99]
    return [
        size,
        f"{figures.deliveries:,.0f}",
        f"{figures.posts:,.0f}",
        f"{figures.cpu_per_million:.3f}",
        *map(milliseconds, times),
        f"{figures.server_cpu:.0%}",
        f"{figures.load_cpu:.0%}",
    ]


def _remarks(runs: _Runs) -> list[str]:
    """
    @return: what whoever reads the table has to know.
    """
    remarks = []
    for (name, size), some in runs.items():
        figures = _median(some)
        which = f"Rooms of {size}, {name}"
        if figures.load_cpu > _BUSY:
            remarks.append(
                f"{which}: the load took {figures.load_cpu:.0%} of a processor. It may be what "
                "was slow; of this row only the CPU seconds count."
            )
        if figures.lost or figures.closed:
            remarks.append(
                f"{which}: {figures.lost} deliveries were lost, and {figures.closed} "
                "connections closed by the server."
            )
    return remarks
