"""
Measuring several things in turns, so that what disturbs for a while does not disturb one
of them alone; and what is shown of it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, fields, frozen

from benchmarks.fanout import Figures, Kind, Measurement
from benchmarks.figures import middle, milliseconds

#: The share of a processor above which the load is too busy to tell.
_BUSY = 0.9

SATURATED, MODERATE = "saturated", "moderate"


@frozen(eq=False, kw_only=True)
class Case:
    """
    One thing that is measured.

    @ivar label: what it is of, as those are called that are compared with it.
    @ivar side: what makes the difference between those; empty, if there are none.
    @ivar load: whether it is saturated or moderate.
    @ivar before: what is done before it is measured, if anything.
    @ivar meanwhile: what is done while it is measured, if anything, until it is done.
    @ivar more: how many lines that causes for those who are counted.
    """

    label: str
    side: str
    load: str
    measurement: Measurement
    kind: Kind
    before: "Callable[[], None] | None" = None
    meanwhile: "Callable[[], None] | None" = None
    more: int = 0

    def measure(self) -> Figures:
        """
        Measure it once.
        """
        if self.before is not None:
            self.before()
        saturated = self.load == SATURATED
        found = self.measurement.run(self.kind, saturated=saturated, meanwhile=self.meanwhile)
        return evolve(found, lost=found.lost + self.more)

    def __str__(self) -> str:
        names = (self.label, self.side, self.load)
        return ", ".join(dict.fromkeys(name for name in names if name))


Runs = Mapping[Case, Sequence[Figures]]


def take_turns(cases: Sequence[Case], rounds: int) -> Runs:
    """
    Measure each so many times.
    """
    runs: dict[Case, list[Figures]] = {case: [] for case in cases}
    for count in range(rounds):
        for case in cases:
            print(f"round {count + 1}: {case}", file=sys.stderr)
            runs[case].append(case.measure())
    return runs


def of_load(runs: Runs, load: str, side: "str | None" = None) -> Runs:
    """
    @return: those of one load, and of one side if need be.
    """
    return {
        case: figures
        for case, figures in runs.items()
        if case.load == load and side in (None, case.side)
    }


def median_of(figures: Sequence[Figures]) -> Figures:
    """
    @return: each figure's median; of what must not happen at all, the sum.
    """
    values: dict[str, Any] = {
        each.name: middle([getattr(one, each.name) for one in figures]) for each in fields(Figures)
    }
    values["lost"] = sum(each.lost for each in figures)
    values["closed"] = sum(each.closed for each in figures)
    return Figures(**values)


@frozen
class Column:
    """
    A figure, as tables have it.
    """

    head: str
    value: Callable[[Figures], float]
    shown: Callable[[float], str]


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _share(number: float) -> str:
    return f"{number:.0%}"


DELIVERIES = Column("deliveries/s", lambda each: each.deliveries, _count)
POSTS = Column("posts/s", lambda each: each.posts, _count)
ACKNOWLEDGED = Column("acknowledged posts/s", lambda each: each.acknowledged, _count)
CPU = Column("CPU s per million deliveries", lambda each: each.cpu_per_million, "{:.3f}".format)
CPU_A_POST = Column("CPU µs a post", lambda each: each.cpu_per_post * 1e6, "{:.1f}".format)
DELIVERY = (
    Column("delivery p50", lambda each: each.delivery_50, milliseconds),
    Column("p99", lambda each: each.delivery_99, milliseconds),
)
ACKNOWLEDGEMENT = (
    Column("acknowledgement p50", lambda each: each.acknowledgement_50, milliseconds),
    Column("p99", lambda each: each.acknowledgement_99, milliseconds),
)
BUSY = (
    Column("server CPU", lambda each: each.server_cpu, _share),
    Column("load CPU", lambda each: each.load_cpu, _share),
)


def rows(runs: Runs, columns: Sequence[Column]) -> list[list[str]]:
    """
    @return: for each label a row; where there are sides to it, one for each, and one with
        what the last one's figures are by the first one's.
    """
    labelled: dict[str, list[tuple[Case, Figures]]] = {}
    for case, some in runs.items():
        labelled.setdefault(case.label, []).append((case, median_of(some)))
    found = []
    for label, each in labelled.items():
        for case, figures in each:
            name = f"{label}, {case.side}" if len(each) > 1 else label
            found.append([name, *(column.shown(column.value(figures)) for column in columns)])
        if len(each) > 1:
            ratios = (_ratio(column, each[-1][1], each[0][1]) for column in columns)
            found.append([f"{label}, ratio", *ratios])
    return found


def _ratio(column: Column, figures: Figures, other: Figures) -> str:
    by = column.value(other)
    return f"{column.value(figures) / by:.2f}" if by else "-"


def remarks(runs: Runs) -> list[str]:
    """
    @return: what whoever reads the figures has to know.
    """
    return [each for case, some in runs.items() for each in remarks_on(str(case), some)]


def remarks_on(what: str, some: Sequence[Figures]) -> list[str]:
    """
    @return: likewise, of some runs.
    """
    found = []
    figures = median_of(some)
    if figures.load_cpu > _BUSY:
        found.append(
            f"{what}: the load took {figures.load_cpu:.0%} of a processor. It may be what was "
            "slow; of this only the CPU seconds count."
        )
    if figures.lost or figures.closed:
        found.append(
            f"{what}: {figures.lost} deliveries were lost, and {figures.closed} connections "
            "closed by the server."
        )
    return found


def is_whole(runs: Runs) -> bool:
    """
    Whether nothing was lost, and nobody cut off.
    """
    return not any(each.lost or each.closed for some in runs.values() for each in some)
