"""
The benchmarks of posts: they run, compare, and notice what must not be.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path
from unittest import skipUnless

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import drawing, fanout
from benchmarks.checkout import OURS, Checkout, compared
from benchmarks.drawing import Curve, Panel, readable
from benchmarks.fanout import Figures, Kind, Measurement, Talk
from benchmarks.growing import Resident
from benchmarks.past import say_before
from benchmarks.people import give_tokens, populate, with_store
from benchmarks.server import Server
from benchmarks.sleepers import Waking
from benchmarks.team import Team
from benchmarks.trouble import Trouble
from benchmarks.turns import (
    CPU,
    DELIVERIES,
    MODERATE,
    SATURATED,
    Case,
    is_whole,
    median_of,
    of_load,
    remarks,
)
from benchmarks.turns import (
    rows as rows_of,
)
from chatroom.store.models import User
from tests.benchmarking import PROJECT, BenchmarkTestCase, rows

SHORT = ("--rounds", "1", "--seconds", "0.3")

HAS_MATPLOTLIB = find_spec("matplotlib") is not None


class CommandTests(BenchmarkTestCase):
    """
    Each command runs. How long anything takes says nothing.
    """

    def another_checkout(self) -> Path:
        """
        @return: one with the same in it.
        """
        path = Path(self.mktemp()).absolute() / "another"
        path.mkdir(parents=True)
        for name in ("benchmarks", "chatroom", "twisted"):
            (path / name).symlink_to(PROJECT / name)
        return path

    async def test_acknowledged(self) -> None:
        """
        A sender is told of its posts, with names and without.
        """
        for posts in ("named", "plain"):
            outcome = await self.benchmark("acknowledged", *SHORT, "--posts", posts)
            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            self.assertGreater(int(rows(outcome)["a room of one"][0].replace(",", "")), 0)

    async def test_against(self) -> None:
        """
        Another checkout is measured in turns with this one, and both stand side by side.
        """
        small = ("--connections", "25", "--senders", "2", "--rate", "500", "--rooms", "5")
        path = self.another_checkout()
        outcome = await self.benchmark("table", *SHORT, *small, "--against", str(path))
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertLessEqual({"5, another", "5, this", "5, ratio"}, set(rows(outcome)))
        self.assertIn(f"In turns with another: chatroom {OURS.version} in {path}", outcome.out)
        turns = [line for line in outcome.err.splitlines() if line.endswith("saturated")]
        self.assertEqual(turns, ["round 1: 5, another, saturated", "round 1: 5, this, saturated"])

    async def test_greedy(self) -> None:
        """
        All that the greedy one sends is answered, and all that the others say comes.
        """
        small = ("--others", "4", "--lines", "200", "--senders", "2")
        outcome = await self.benchmark("greedy", *SHORT, *small)
        found = rows(outcome)
        for sent in ("posts in another room", "posts in their room", "lines that are no JSON"):
            self.assertIn(sent, found, outcome.err)
        self.assertIn("pings", found)
        self.assertNotIn("not answered", outcome.out)
        self.assertNotIn("lost", outcome.out)

    async def test_growth(self) -> None:
        """
        Each part has a row for each number.
        """
        some = ("--rooms", "3,12", "--messages", "20", "--sessions", "5,10")
        outcome = await self.benchmark("growth", *SHORT, *some, "--memberships", "2")
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertLessEqual({"3", "12", "20", "5", "10"}, set(rows(outcome)))

    async def test_slow(self) -> None:
        """
        Silent members are cut off in the one dialect, and find all they missed in the other.
        """
        small = ("--members", "12", "--silent", "3", "--rate", "200", "--push-bytes", "65536")
        outcome = await self.benchmark("slow", "--rounds", "1", "--seconds", "1", *small)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        found = rows(outcome)
        self.assertEqual((found["seed"][2], found["hello"][2]), ("3 of 3", "0 of 3"))

    async def test_tls(self) -> None:
        """
        The same is measured over both.
        """
        small = ("--room", "4", "--connections", "25", "--senders", "2", "--rate", "200")
        outcome = await self.benchmark("tls", *SHORT, *small)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        sides = {f"{load}, {side}" for load in ("saturated", "moderate") for side in SIDES}
        self.assertLessEqual(sides, set(rows(outcome)))

    async def test_bad_lists(self) -> None:
        """
        What is no list is refused in one line, before anything is measured.
        """
        for arguments in (("table", "--rooms", "10,x"), ("growth", "--parts", "rooms,luck")):
            outcome = await self.benchmark(*arguments)
            self.assertEqual(outcome.status, 2)
            self.assertIn(f"{arguments[2]!r} is no list of", outcome.err)

    async def test_nobody_is_silent(self) -> None:
        """
        There is nothing to compare where all read, or none.
        """
        for silent in ("0", "5"):
            outcome = await self.benchmark("slow", "--members", "5", "--silent", silent)
            self.assertEqual((outcome.status, outcome.err.count("\n")), (1, 1), outcome.err)


SIDES = ("plain TCP", "TLS", "ratio")


class CheckoutTests(SynchronousTestCase):
    """
    What another checkout has.
    """

    def test_known(self) -> None:
        """
        A server is told only of the options that it has.
        """
        old = Checkout(name="old", path=Path(), version="0", options=frozenset(["post_rate"]))
        self.assertEqual(old.no_limits(), {"post_rate": 0})
        self.assertEqual(old.known({"post_rate": 3, "token_days": 1}), {"post_rate": 3})

    def test_at(self) -> None:
        """
        A checkout is asked itself what it has.
        """
        found = Checkout.at(PROJECT)
        self.assertEqual((found.name, found.path), (PROJECT.name, PROJECT.resolve()))
        self.assertEqual((found.version, found.options), (OURS.version, OURS.options))

    def test_none(self) -> None:
        """
        A folder without the project is none, nor one where a package is broken.
        """
        path = Path(self.mktemp())
        path.mkdir()
        error = self.assertRaises(Trouble, Checkout.at, path)
        self.assertIn("is no checkout of the project", str(error))
        (path / "chatroom").mkdir()
        (path / "chatroom" / "__init__.py").write_text("raise SystemExit('too old')")
        error = self.assertRaises(Trouble, Checkout.at, path)
        self.assertEqual(str(error), f"benchmarks: {path.name}: too old")

    def test_alone(self) -> None:
        """
        Without another this one is measured alone; with one, there is no place for both
        in a database from elsewhere.
        """
        alone = argparse.Namespace(against=None, database="postgresql://")
        self.assertEqual(compared(alone), [OURS])
        both = argparse.Namespace(against=PROJECT, database="postgresql://")
        self.assertRaises(Trouble, compared, both)


class KindTests(SynchronousTestCase):
    """
    Who posts where, and whose times are taken.
    """

    def test_one_room(self) -> None:
        """
        Senders are spread over a room, and one member has a clock.
        """
        kind = Kind(10, [7], [range(10)])
        self.assertEqual(kind.senders(2), {0: [7], 5: [7]})
        self.assertEqual(kind.probes, [9])

    def test_rooms(self) -> None:
        """
        Or over rooms.
        """
        kind = Kind(2, [7, 8, 9], [range(2), range(2, 4), range(4, 6)])
        self.assertEqual(kind.senders(3), {0: [7], 2: [8], 4: [9]})
        self.assertEqual(kind.senders(100), {i: [7 + i // 2] for i in range(6)})
        self.assertEqual(kind.probes, [1, 3, 5])

    def test_overlapping(self) -> None:
        """
        Somebody may post in several.
        """
        kind = Kind(2, [7, 8], [[0, 1], [0, 2]])
        self.assertEqual(kind.senders(2), {0: [7, 8]})

    def test_many(self) -> None:
        """
        Not in each of very many rooms is there a clock.
        """
        kind = Kind(1, list(range(100)), [[i] for i in range(100)])
        self.assertEqual(len(kind.probes), 20)


FIGURES = Figures(
    deliveries=100.0,
    posts=10.0,
    acknowledged=10.0,
    octets_per_delivery=200.0,
    cpu_per_million=2.0,
    cpu_per_post=0.001,
    delivery_50=0.01,
    delivery_99=0.02,
    acknowledgement_50=0.01,
    acknowledgement_99=0.02,
    server_cpu=0.5,
    load_cpu=0.1,
    all_posts=20,
    lost=0,
    closed=0,
)


class TurnsTests(SynchronousTestCase):
    """
    What is made of runs.
    """

    def case(self, label: str, side: str, load: str = SATURATED) -> Case:
        """
        @return: one that is not going to be measured.
        """
        server = Server(Path(), "sqlite://", {})
        measurement = Measurement(server, Team(server, {0}), Talk())
        kind = Kind(10, [1], [range(10)])
        return Case(label=label, side=side, load=load, measurement=measurement, kind=kind)

    def test_ratio(self) -> None:
        """
        Of two sides the last one's figures are shown by the first one's.
        """
        faster = evolve(FIGURES, deliveries=150.0, cpu_per_million=1.0)
        runs = {self.case("10", "old"): [FIGURES], self.case("10", "new"): [faster]}
        self.assertEqual(
            rows_of(runs, [DELIVERIES, CPU]),
            [
                ["10, old", "100", "2.000"],
                ["10, new", "150", "1.000"],
                ["10, ratio", "1.50", "0.50"],
            ],
        )

    def test_one_side(self) -> None:
        """
        One alone has no ratio.
        """
        runs = {self.case("10", ""): [FIGURES], self.case("20", ""): [FIGURES]}
        self.assertEqual(rows_of(runs, [DELIVERIES]), [["10", "100"], ["20", "100"]])

    def test_median(self) -> None:
        """
        Figures are medians, but what must not be adds up.
        """
        some = [evolve(FIGURES, deliveries=float(n), lost=1, closed=2) for n in (1, 5, 900)]
        found = median_of(some)
        self.assertEqual((found.deliveries, found.lost, found.closed), (5, 3, 6))
        self.assertFalse(is_whole({self.case("10", ""): some}))
        self.assertTrue(is_whole({self.case("10", ""): [FIGURES]}))

    def test_remarks(self) -> None:
        """
        Whoever reads the figures is told that the load was busy, and what was lost.
        """
        self.assertEqual(remarks({self.case("10", ""): [FIGURES]}), [])
        busy = evolve(FIGURES, load_cpu=0.95, lost=4)
        [told, lost] = remarks({self.case("10", "old"): [busy]})
        self.assertIn("10, old, saturated: the load took 95% of a processor", told)
        self.assertIn("4 deliveries were lost", lost)

    def test_of_load(self) -> None:
        """
        Runs are taken apart by their load and their side.
        """
        one, two = self.case("10", "old"), self.case("10", "new", MODERATE)
        runs = {one: [FIGURES], two: [FIGURES]}
        self.assertEqual(list(of_load(runs, MODERATE)), [two])
        self.assertEqual(list(of_load(runs, SATURATED, "new")), [])

    def test_more(self) -> None:
        """
        What others say does not hide what was lost.
        """
        case = evolve(self.case("10", ""), more=30, measurement=_Measured(-30))
        self.assertEqual(case.measure().lost, 0)
        case = evolve(case, measurement=_Measured(-29))
        self.assertEqual(case.measure().lost, 1)


class _Measured(Measurement):
    """
    What has been measured already.
    """

    def __init__(self, lost: int) -> None:
        self._lost = lost

    def run(self, *_: object, **__: object) -> Figures:
        """
        @return: so many deliveries lost, in the end.
        """
        return evolve(FIGURES, lost=self._lost)


class WakingTests(SynchronousTestCase):
    """
    What those find who have slept is compared with what there was.
    """

    def complaint(self, *seqs: int, is_cut: bool = False) -> str:
        """
        @return: what is wrong where the posts from 3 to 6 were to come.
        """
        return Waking(is_cut=is_cut, seqs=seqs).complaint(3, 6)

    def test_all(self) -> None:
        """
        Nothing, where each came once and in order.
        """
        self.assertEqual(self.complaint(3, 4, 5, 6), "")

    def test_gap(self) -> None:
        """
        A gap, wherever it is.
        """
        for seqs in ((4, 5, 6), (3, 5, 6), (3, 4, 5), ()):
            self.assertIn(f"{4 - len(seqs)} are missing", self.complaint(*seqs))

    def test_twice(self) -> None:
        """
        One that came again.
        """
        self.assertIn("0 are missing, 1 came again", self.complaint(3, 4, 4, 5, 6))

    def test_order(self) -> None:
        """
        Another order.
        """
        self.assertIn("not in order", self.complaint(3, 5, 4, 6))

    def test_more(self) -> None:
        """
        One that was not to come.
        """
        self.assertIn("was sent 5 posts where there were 4", self.complaint(3, 4, 5, 6, 7))

    def test_cut(self) -> None:
        """
        And that it was cut off.
        """
        self.assertEqual(self.complaint(3, 4, 5, 6, is_cut=True), "was cut off")


class PastTests(SynchronousTestCase):
    """
    What was said before is in the database as if it had been said.
    """

    def test_rooms(self) -> None:
        """
        Rooms are filled in turns, each without a gap.
        """
        database = f"sqlite:///{self.mktemp()}"
        people = populate(database, 2, [[0], [1]])
        users = [User(id=i, name=n) for i, n in zip(people.ids, people.names, strict=True)]
        say_before(database, users, people.rooms, 5, is_named=True)
        self.assertEqual(with_store(database, lambda store: store.last_event_id()), 5)
        found = with_store(database, lambda store: store.lock_rooms(people.rooms))
        self.assertEqual([found[room][1] for room in people.rooms], [3, 2])
        named = [(people.ids[0], "before-3"), (people.ids[1], "before-2")]
        self.assertEqual(len(with_store(database, lambda store: store.sent_before(named))), 2)

    def test_tokens(self) -> None:
        """
        Everybody has a token of their own.
        """
        database = f"sqlite:///{self.mktemp()}"
        tokens = give_tokens(database, populate(database, 3, []))
        self.assertEqual(len(set(tokens)), 3)

    def test_memory(self) -> None:
        """
        What a session takes is what it is more than without any.
        """
        self.assertEqual(Resident(100, 1, 3000, 2000).kib_a_session, 10)


class TalkTests(SynchronousTestCase):
    """
    How people talk can be chosen.
    """

    def test_choices(self) -> None:
        """
        A command offers some of it with defaults of its own; the rest is as always.
        """
        parser = argparse.ArgumentParser()
        fanout.add_arguments(parser, "window", "posts", window=7)
        self.assertEqual(fanout.talk(parser.parse_args([])), Talk(window=7))
        found = fanout.talk(parser.parse_args(["--posts", "plain"]))
        self.assertEqual(found, Talk(window=7, posts="plain"))


class DrawingTests(SynchronousTestCase):
    """
    Figures can be drawn.
    """

    PANELS = [
        Panel("one", "members", "s", [Curve(label="a", xs=[10, 100], ys=[1.0, 2.0])]),
        Panel("two", "members", "s", [Curve(label="a", xs=[10], ys=[0.0])], from_zero=True),
        Panel("three", "members", "s", [Curve(label="b", xs=[1, 2], ys=[3, 4], style="--")]),
    ]

    @skipUnless(HAS_MATPLOTLIB, "matplotlib is not installed")
    def test_draw(self) -> None:
        """
        What comes of it is a PNG file.
        """
        path = Path(self.mktemp())
        drawing.check(argparse.Namespace(chart=path))
        drawing.draw(path, "title", self.PANELS)
        self.assertEqual(path.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")

    def test_missing(self) -> None:
        """
        Without the library one is told early what to install, and only if one wants it.
        """
        self.patch(drawing, "find_spec", lambda _: None)
        error = self.assertRaises(Trouble, drawing.check, argparse.Namespace(chart=Path("c.png")))
        self.assertIn("pip install '.[benchmarks]'", str(error))
        drawing.check(argparse.Namespace(chart=None))

    @skipUnless(HAS_MATPLOTLIB, "matplotlib is not installed")
    def test_nowhere(self) -> None:
        """
        Nor does one wait for figures that have no place.
        """
        chart = Path(self.mktemp()) / "chart.png"
        self.assertRaises(Trouble, drawing.check, argparse.Namespace(chart=chart))

    def test_readable(self) -> None:
        """
        Numbers at an axis are short.
        """
        shown = [readable(number) for number in (0.002, 5, 2000, 1_500_000)]
        self.assertEqual(shown, ["0.002", "5", "2k", "1.5M"])
