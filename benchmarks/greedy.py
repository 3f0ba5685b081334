"""
What others notice of somebody who sends as much as the server takes: in another room and
in their own.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from attrs import define, evolve, field

from benchmarks import checkout, fanout, place
from benchmarks.fanout import Kind
from benchmarks.figures import middle, milliseconds, table
from benchmarks.pipelining import BAD_LINES, PINGS, POSTS, Done, Errand, pipeline
from benchmarks.server import cores
from benchmarks.sides import Side, described, sides
from benchmarks.trouble import Trouble
from benchmarks.turns import (
    BUSY,
    DELIVERY,
    MODERATE,
    Case,
    Runs,
    is_whole,
    median_of,
    remarks,
    rows,
    take_turns,
)

#: How long others may wait for a message meanwhile, in seconds, for one in a hundred.
_MOST_SECONDS = 0.1

#: How many of the others have a clock.
_PROBES = 10

#: How long is waited for somebody in another process.
_PATIENCE = 600

_COLUMNS = (*DELIVERY, *BUSY)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    checkout.add_arguments(parser)
    fanout.add_arguments(parser, "seconds", "senders", "characters")
    numbers: list[tuple[str, float, str]] = [
        ("--others", 100, "how many talk"),
        ("--rate", 50.0, "posts a second of theirs"),
        ("--lines", 100_000, "how many the greedy one sends, of each kind, each time"),
        ("--rounds", 3, "runs of each kind, of which there are the medians"),
    ]
    for name, default, text in numbers:
        parser.add_argument(
            name, type=type(default), default=default, help=f"{text} [%(default)s]"
        )


@define(eq=False)
class Greedy:
    """
    The greedy one, who is in another process.
    """

    _pipe: "Connection"

    def prepare(self, errand: Errand) -> None:
        """
        Have everything ready that is to be sent.
        """
        self._pipe.send(errand)
        self._expect()

    def go(self) -> Done:
        """
        Send it, and wait until it is answered.
        """
        self._pipe.send("go")
        done = self._expect()
        assert isinstance(done, Done)
        return done

    def _expect(self) -> Any:
        if not self._pipe.poll(_PATIENCE):
            raise Trouble("benchmarks: the greedy one has not answered")
        return self._pipe.recv()


@contextmanager
def _greedy(side: Side, login: bytes) -> Iterator[Greedy]:
    """
    Have somebody who is greedy when told so.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (theirs, side.server.port, login, cores()[1])
    process: Any = context.Process(target=pipeline, args=arguments, daemon=True)
    process.start()
    try:
        yield Greedy(ours)
    finally:
        process.kill()
        process.join()


@define(eq=False)
class Trial:
    """
    What the greedy one does while the others talk.

    @ivar label: what is told of it.
    @ivar errand: what it does; nothing, to compare with.
    @ivar room: where the others talk meanwhile, by id.
    @ivar done: what has become of it, each time.
    """

    label: str
    room: int
    errand: "Errand | None" = None
    done: list[Done] = field(factory=list, init=False)

    def case(self, side: Side, one: Greedy, others: int) -> Case:
        """
        @return: what is measured.
        """
        kind = Kind(others, [self.room], [range(others)], list(range(min(others, _PROBES))))
        case = Case(
            label=self.label,
            side=side.name,
            load=MODERATE,
            measurement=side.measurement,
            kind=kind,
        )
        errand = self.errand
        if errand is None:
            return case
        is_heard = errand.kind == POSTS and errand.room == self.room
        return evolve(
            case,
            before=lambda: one.prepare(errand),
            meanwhile=lambda: self.done.append(one.go()),
            more=errand.count * others if is_heard else 0,
        )

    def unanswered(self) -> int:
        """
        @return: how many lines were not answered as they should be.
        """
        wanted = self.errand.count if self.errand is not None else 0
        return sum(wanted - each.answered for each in self.done)


def _trials(choices: argparse.Namespace, side: Side) -> list[Trial]:
    theirs, shared, own = (kind.rooms[0] for kind in side.kinds)

    def errand(kind: str, room: int) -> Errand:
        return Errand(kind=kind, room=room, count=choices.lines)

    return [
        Trial("nobody", theirs),
        Trial("posts in another room", theirs, errand(POSTS, own)),
        Trial("posts in their room", shared, errand(POSTS, shared)),
        Trial("lines that are no JSON", theirs, errand(BAD_LINES, own)),
        Trial("pings", theirs, errand(PINGS, own)),
    ]


def run(choices: argparse.Namespace) -> int:
    """
    Measure, and print what was found.

    @return: the exit status: 1 if the others had to wait, or anything was lost.
    """
    compared = checkout.compared(choices)
    everybody = range(choices.others + 1)
    rooms = [[everybody[:-1]], [everybody], [everybody[-1:]]]
    talk = evolve(fanout.talk(choices), rate=choices.rate * choices.others)
    trials: dict[Case, Trial] = {}
    with ExitStack() as stack:
        some = stack.enter_context(sides(choices, talk, len(everybody), rooms, compared))
        head = described(some)
        ready = [(each, stack.enter_context(_ready(each))) for each in some]
        # Turns of the sides at each of them, not at all of them.
        for place_of in range(len(_trials(choices, some[0]))):
            for each, one in ready:
                trial = _trials(choices, each)[place_of]
                trials[trial.case(each, one, choices.others)] = trial
        runs = take_turns(list(trials), choices.rounds)
    print("\n\n".join([head, *_report(choices, trials, runs)]))
    is_well = is_whole(runs) and not any(each.unanswered() for each in trials.values())
    is_late = any(median_of(each).delivery_99 > _MOST_SECONDS for each in runs.values())
    return 0 if is_well and not is_late else 1


@contextmanager
def _ready(side: Side) -> Iterator[Greedy]:
    """
    Have everybody there.
    """
    *others, last = side.lines
    side.measurement.log_in(others)
    with _greedy(side, last) as one:
        side.pin()
        yield one


def _report(
    choices: argparse.Namespace, trials: Mapping[Case, Trial], runs: Runs
) -> Iterator[str]:
    yield (
        f"{choices.others} people post {choices.rate:g} times a second. Meanwhile one sends "
        f"{choices.lines:,} lines at once, all limits are off, and the others have to wait for "
        f"what is said, medians of {choices.rounds} rounds:"
    )
    heads = ["the greedy one sends", *(column.head for column in _COLUMNS)]
    yield table(heads, rows(runs, _COLUMNS))
    yield "What it sends is taken:"
    heads = ["lines", "a second", "all answered in"]
    yield table(heads, [_row(*each) for each in trials.items() if each[1].done])
    yield from remarks(runs)
    for case, trial in trials.items():
        if trial.unanswered():
            yield f"{case}: {trial.unanswered()} lines were not answered as they should be."


def _row(case: Case, trial: Trial) -> list[str]:
    seconds = middle([each.seconds for each in trial.done])
    rate = middle([each.answered / each.seconds if each.seconds else 0 for each in trial.done])
    label = ", ".join(filter(None, [case.label, case.side]))
    return [label, f"{rate:,.0f}", milliseconds(seconds)]
