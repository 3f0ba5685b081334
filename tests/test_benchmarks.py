"""
The benchmarks run, and notice what they are there to notice.
"""

import json
import sqlite3
from array import array
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.checkout import LIMITS, OURS
from benchmarks.contents import Contents, identity
from benchmarks.evidence import Findings, examine
from benchmarks.figures import percentile, table
from benchmarks.people import person, populate
from benchmarks.stormers import Acknowledgement, Testimony, View
from tests.benchmarking import BenchmarkTestCase


class CommandTests(BenchmarkTestCase):
    """
    Each command runs.
    """

    async def test_table(self) -> None:
        """
        The table has a row for each kind of load and room, and nothing is lost.
        """
        small = ("--rounds", "1", "--seconds", "0.5", "--connections", "30", "--senders", "2")
        outcome = await self.benchmark("--rooms", "5,20", *small, "--rate", "500", "--json")
        self.assertEqual(outcome.status, 0, outcome.err)
        found = json.loads(outcome.out)
        rows = {(each["load"], each["room"]): each for each in found["runs"]}
        kinds = {(load, size) for load in ("saturated", "moderate") for size in (5, 20)}
        self.assertEqual(set(rows), kinds)
        for row in rows.values():
            self.assertGreater(row["deliveries"], 0)
            self.assertGreaterEqual(row["delivery_99"], row["delivery_50"])
            self.assertEqual((row["lost"], row["closed"]), (0, 0))
        self.assertGreater(found["idle"]["this"]["kib_per_connection"], 0)

    async def test_storm(self) -> None:
        """
        A server that is killed loses nothing, and the command says so.
        """
        small = ("--clients", "6", "--rooms", "3", "--kills", "2", "--alive", "1.5")
        outcome = await self.benchmark("storm", *small)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assertIn("Everything that was promised is so.", outcome.out)
        rows = [
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in outcome.out.splitlines()
            if line.startswith("| ")
        ]
        counts = {name: int(count) for name, count in rows if count.isdecimal()}
        self.assertEqual(counts["acknowledged and missing"], 0)
        self.assertEqual(counts["kills"], 2)
        self.assertGreater(counts["posts stored"], 0)

    async def test_logins(self) -> None:
        """
        The answers' bytes are compared; how long a few take says nothing.
        """
        outcome = await self.benchmark("logins", "--tries", "4")
        self.assertIn("The bytes without the time: equal", outcome.out, outcome.err)

    async def test_guesses(self) -> None:
        """
        The answers' bytes are compared here, too.
        """
        outcome = await self.benchmark("guesses", "--tries", "4")
        self.assertIn("The bytes without the time: equal", outcome.out, outcome.err)

    async def test_silent(self) -> None:
        """
        People get in among those who say nothing.
        """
        outcome = await self.benchmark("silent", "--connections", "60", "--people", "2")
        self.assertIn("| limits off: all stay |     60 |", outcome.out, outcome.err)

    async def test_reconnect(self) -> None:
        """
        Everybody who comes back has what they missed, once and in order.
        """
        small = ("--clients", "20", "--room", "5", "--missed", "250", "--others", "3")
        outcome = await self.benchmark("reconnect", *small, "--settle", "1")
        self.assertIn("20 of 20", outcome.out, outcome.err)

    async def test_files(self) -> None:
        """
        Files arrive while people talk.
        """
        small = ("--transfers", "2", "--megabytes", "0.3", "--people", "3", "--seconds", "0.5")
        outcome = await self.benchmark("files", *small)
        self.assertIn("; 0 failed", outcome.out, outcome.err)
        self.assertIn("| beside 4 files |", outcome.out)

    async def test_million(self) -> None:
        """
        Each question is answered, in a room of a size that one chooses.
        """
        outcome = await self.benchmark("million", "--messages", "2000", "--requests", "3")
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        rows = [line for line in outcome.out.splitlines() if line.startswith("| ")]
        self.assertEqual(len([line for line in rows if " ms |" in line]), 8, outcome.out)

    async def test_trouble(self) -> None:
        """
        A server that cannot start is one line.
        """
        outcome = await self.benchmark("logins", "--database", "sqlite:////no/such/place.db")
        self.assertEqual(outcome.status, 1)
        self.assertEqual(outcome.err.count("\n"), 1, outcome.err)
        self.assertIn("no such directory", outcome.err)

    async def test_not_empty(self) -> None:
        """
        A database with people in it is left alone.
        """
        database = f"sqlite:///{Path(self.mktemp()).absolute()}"
        populate(database, 1, [])
        outcome = await self.benchmark("logins", "--database", database)
        self.assertEqual(
            (outcome.status, outcome.err),
            (1, "benchmarks: the database has people; an empty one is needed\n"),
        )


class LimitTests(SynchronousTestCase):
    """
    What is off while something is measured.
    """

    def test_known(self) -> None:
        """
        The server has each of the limits that are turned off, under that name.
        """
        self.assertEqual(set(OURS.no_limits()), set(LIMITS))


class EvidenceTests(SynchronousTestCase):
    """
    Each broken promise is noticed, and none where none is broken.
    """

    def setUp(self) -> None:
        """
        Have a room of two, in which each has said two things that both saw.
        """
        path = self.mktemp()
        self.database = f"sqlite:///{path}"
        self.populace = populate(self.database, 2, [[0, 1]])
        self.room = self.populace.rooms[0]
        self.contents = Contents(seed=3)
        self.stored = sqlite3.connect(path)
        self.addCleanup(self.stored.close)
        self.testimony = Testimony(said={0: 2, 1: 2})
        said = [(0, 0), (1, 0), (0, 1), (1, 1)]
        for place, (client, number) in enumerate(said, 1):
            self.store(place, client, number)
            self.testimony.acknowledgements.append(self.acknowledged(place, client, number))
        seen = [value for place, one in enumerate(said, 1) for value in (place, *one)]
        for client in (0, 1):
            view = View(client=client, room_id=self.room, posts=array("q", seen))
            self.testimony.views.append(view)

    def store(self, place: int, client: int, number: int) -> None:
        """
        Store a post, with its place in the room for its id.
        """
        query = (
            "INSERT INTO events (id, room_id, seq, kind, sender_id, content, created_at, "
            "client_message_id) VALUES (?, ?, ?, 'message', ?, ?, 0, ?)"
        )
        sender, content = self.populace.ids[client], self.contents.of(client, number)
        name = f"storm-{number}"
        self.change(query, place, self.room, place, sender, content, name)
        self.change("UPDATE rooms SET last_seq = ? WHERE id = ?", place, self.room)

    def change(self, query: str, *values: object) -> None:
        """
        Change what is stored.
        """
        self.stored.execute(query, values)
        self.stored.commit()

    def acknowledged(self, place: int, client: int, number: int) -> Acknowledgement:
        """
        @return: what was told of a post.
        """
        return Acknowledgement(
            client=client,
            number=number,
            room_id=self.room,
            message_id=place,
            seq=place,
            duplicate=False,
        )

    def findings(self) -> Findings:
        """
        @return: what is found.
        """
        return examine(self.database, [self.testimony], self.populace.rooms, 3)

    def broken(self) -> set[str]:
        """
        @return: the promises that are found broken.
        """
        return {name for name, found in self.findings().wrong.items() if found}

    def test_clean(self) -> None:
        """
        Nothing is wrong where nothing is.
        """
        findings = self.findings()
        self.assertEqual(self.broken(), set())
        self.assertTrue(findings.is_clean)
        self.assertEqual((findings.stored, findings.acknowledged, findings.seen), (4, 4, 8))

    def test_lost(self) -> None:
        """
        What is acknowledged and gone.
        """
        self.change("DELETE FROM events WHERE id = 4")
        self.assertLessEqual(
            {"acknowledged and missing", "seq gaps", "pushed but not stored"}, self.broken()
        )

    def test_gap(self) -> None:
        """
        A place in a room that nothing has.
        """
        self.change("UPDATE events SET seq = 9 WHERE id = 4")
        self.assertIn("seq gaps", self.broken())

    def test_end(self) -> None:
        """
        A room whose log ends elsewhere than its last event.
        """
        self.change("UPDATE rooms SET last_seq = 5 WHERE id = ?", self.room)
        self.assertEqual(self.broken(), {"seq gaps"})

    def test_twice(self) -> None:
        """
        What is stored twice.
        """
        query = (
            "INSERT INTO events (id, room_id, seq, kind, sender_id, content, created_at) "
            "SELECT 5, room_id, 5, kind, sender_id, content, 0 FROM events WHERE id = 4"
        )
        self.change(query)
        self.assertIn("stored twice", self.broken())

    def test_otherwise(self) -> None:
        """
        What is stored elsewhere than was said.
        """
        self.testimony.acknowledgements[0] = self.acknowledged(2, 0, 0)
        self.assertEqual(self.broken(), {"acknowledged otherwise than stored"})

    def test_waiting(self) -> None:
        """
        What nobody has ever acknowledged.
        """
        self.testimony.waiting.append((1, 1))
        self.assertEqual(self.broken(), {"never acknowledged"})

    def test_never_said(self) -> None:
        """
        What is stored and nobody has said.
        """
        self.testimony.said[1] = 1
        self.assertEqual(self.broken(), {"stored and never said"})

    def test_shown(self) -> None:
        """
        What was shown and is not stored.
        """
        self.testimony.views[0].posts.extend((7, 1, 1))
        self.assertEqual(self.broken(), {"pushed but not stored"})

    def test_order(self) -> None:
        """
        What two have seen in different orders.
        """
        posts = self.testimony.views[0].posts
        posts[:6] = posts[3:6] + posts[:3]
        self.assertIn("order differences", self.broken())

    def test_missed(self) -> None:
        """
        What one of them has not seen.
        """
        del self.testimony.views[1].posts[3:6]
        self.assertEqual(self.broken(), {"pushes missed"})

    def test_sender(self) -> None:
        """
        What is stored in another order than its sender's.
        """
        self.change("UPDATE events SET seq = 10 - seq")
        self.change("UPDATE events SET seq = seq - 5")
        self.assertIn("order of a sender changed", self.broken())

    def test_altered(self) -> None:
        """
        What is stored with another content.
        """
        self.change("UPDATE events SET content = content || ' ' WHERE id = 2")
        self.assertEqual(self.broken(), {"content altered"})

    def test_whose(self) -> None:
        """
        What is stored as somebody else's.
        """
        query = "UPDATE events SET sender_id = ?, client_message_id = NULL WHERE id = 4"
        self.change(query, self.populace.ids[0])
        self.assertEqual(person(0), self.populace.names[0])
        self.assertIn("content altered", self.broken())

    def test_surprise(self) -> None:
        """
        An answer too many.
        """
        self.testimony.surprises.append("0.1 acknowledged again")
        self.assertEqual(self.broken(), {"answers nobody asked for"})


class ContentsTests(SynchronousTestCase):
    """
    What is said can be told by who says it.
    """

    def test_identity(self) -> None:
        """
        A content names its sender and its number, and follows from these.
        """
        contents = Contents(seed=1)
        for client, number in ((0, 0), (12, 345), (49, 60_000)):
            said = contents.of(client, number)
            self.assertEqual(identity(said), (client, number))
            self.assertEqual(said, Contents(seed=1).of(client, number))
        self.assertNotEqual(contents.of(1, 2), Contents(seed=2).of(1, 2))

    def test_nobody(self) -> None:
        """
        What has no name at its beginning is nobody's.
        """
        self.assertEqual(identity("hello"), (-1, -1))


class FiguresTests(SynchronousTestCase):
    """
    Numbers, and how they are shown.
    """

    def test_percentile(self) -> None:
        """
        A percentile is a sample, the last at the most.
        """
        samples = [5.0, 1.0, 4.0, 2.0, 3.0]
        self.assertEqual([percentile(samples, p) for p in (0, 50, 99, 100)], [1, 3, 5, 5])

    def test_table(self) -> None:
        """
        A table is Markdown.
        """
        shown = table(["what", "n"], [["a", 1], ["bc", 20]])
        self.assertEqual(shown, "| what |  n |\n|------|---:|\n| a    |  1 |\n| bc   | 20 |")
