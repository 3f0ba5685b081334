"""
The parts of C{chatroom torture}: its plan, its schedule, its taps, its command line, and
what its page says of it.
"""

import json
import re
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chatroom.__main__ import COMMANDS
from chatroom.torture import command
from chatroom.torture.histories import Acknowledged, Album, Event, Glimpse, Place
from chatroom.torture.ordeal import TROUBLES, Outcome, described
from chatroom.torture.plan import OF_FILES, Fault, Plan, name_of
from chatroom.torture.report import for_people, for_programs, happened
from chatroom.torture.schedule import draw
from chatroom.torture.server import EXPECTED, Server
from chatroom.torture.verdict import CHECKS, judge
from chatroom.torture.wiretap import Listener
from tests.forgeries import evidence
from tests.pages import DOCS, code, sections


class PlanTests(SynchronousTestCase):
    """
    What a seed decides.
    """

    def test_same_seed(self) -> None:
        """
        The same seed is the same schedule and the same contents, another one is another.
        """
        plan, same, other = (Plan(seed=seed) for seed in (1, 1, 2))
        self.assertEqual(draw(plan), draw(same))
        self.assertNotEqual(draw(plan), draw(other))
        self.assertEqual(plan.text(3, 4), same.text(3, 4))
        self.assertNotEqual(plan.text(3, 4), plan.text(3, 4, version=1))

    def test_names(self) -> None:
        """
        A text begins with the name of its message, whatever its version.
        """
        for version in (0, 1):
            text = Plan(seed=1).text(3, 4, version)
            self.assertEqual(text.partition(" ")[0], name_of(3, 4))

    def test_people(self) -> None:
        """
        Rooms overlap; some post and some do not; some are on the disk and some are not.
        """
        plan = Plan(seed=1, clients=10, rooms=3)
        self.assertEqual(plan.rooms_of(0), {0, 1})
        self.assertEqual(plan.rooms_of(2), {2, 0})
        self.assertEqual({plan.posts(each) for each in range(10)}, {True, False})
        self.assertEqual({plan.is_on_disk(each) for each in range(10)}, {True, False})


class ScheduleTests(SynchronousTestCase):
    """
    When what goes wrong.
    """

    def test_counts(self) -> None:
        """
        There are so many kills, and so many of the others; of each kind about as many.
        """
        plan = Plan(seed=1, kills=10, seconds=60, others=3)
        counts = Counter(each.fault for each in draw(plan))
        self.assertEqual(counts.pop(Fault.KILL), 10)
        self.assertEqual(sum(counts.values()), 30)
        self.assertEqual(set(counts), set(Fault) - {Fault.KILL})
        self.assertLessEqual(max(counts.values()) - min(counts.values()), 1)

    def test_times(self) -> None:
        """
        All is in order and in time, and the kills are spread.
        """
        strokes = draw(Plan(seed=1, kills=10, seconds=60))
        times = [each.at for each in strokes]
        self.assertEqual(times, sorted(times))
        self.assertLessEqual(max(times), 60)
        kills = [each.at for each in strokes if each.fault is Fault.KILL]
        self.assertEqual([int(at // 6) for at in kills], list(range(10)))

    def test_victims(self) -> None:
        """
        There are always some where there have to be, and only clients with a disk crash.
        """
        plan = Plan(seed=1, kills=40, clients=7)
        for stroke in draw(plan):
            is_of_clients = stroke.fault not in {Fault.KILL, Fault.STOP, *OF_FILES}
            self.assertEqual(bool(stroke.victims), is_of_clients)
            self.assertLessEqual(set(stroke.victims), set(range(8)))
            if stroke.fault is Fault.CRASH:
                self.assertTrue(all(map(plan.is_on_disk, stroke.victims)))
            self.assertTrue(described(stroke).startswith(stroke.fault.value))

    def test_chosen(self) -> None:
        """
        Only chosen kinds are drawn; without kills there are others.
        """
        plan = Plan(seed=1, seconds=60, faults=frozenset({Fault.CUT, Fault.STALL}))
        strokes = draw(plan)
        self.assertEqual({each.fault for each in strokes}, {Fault.CUT, Fault.STALL})
        self.assertEqual(len(strokes), 40)
        only_kills = Plan(seed=1, kills=3, faults=frozenset({Fault.KILL}))
        self.assertEqual([each.fault for each in draw(only_kills)], [Fault.KILL] * 3)


PUSH = (
    b'{"message_type":"chat_message","timestamp":1.0,"message_id":9,"sender_id":2,'
    b'"sender_username":"b","chat_group_id":1,"chat_group_name":"public","content":"1-0 x",'
    b'"seq":5,"server_time":"2022-01-01T00:00:02.000Z"}\n'
)
ACK = (
    b'{"message_type":"chat_message_ack","timestamp":1.0,"chat_group_id":1,"message_id":9,'
    b'"seq":5,"client_message_id":"1-0","server_time":"2022-01-01T00:00:02.000Z",'
    b'"duplicate":true}\n'
)
RESUME = (
    b'{"message_type":"resume_request","epoch":"e",'
    b'"positions":[{"chat_group_id":1,"after_seq":4}]}\n'
)


class WiretapTests(SynchronousTestCase):
    """
    What is heard on a connection.
    """

    def setUp(self) -> None:
        """
        Listen.
        """
        self.listener = Listener(Album())
        self.tap = self.listener.tap(3)

    def test_in_pieces(self) -> None:
        """
        Lines are put together, in both directions; what is torn off is none.
        """
        self.tap.client_sends(RESUME[:30])
        self.tap.client_sends(RESUME[30:] + b'{"mess')
        for byte in ACK + PUSH + PUSH[:50]:
            self.tap.server_sends(bytes([byte]))
        event = Event(1, 5, "chat_message", 2, 9, text="1-0 x")
        [session] = self.listener.sessions
        self.assertEqual(session.heard, [Place(1, 4), event])
        told = Acknowledged(name="1-0", room=1, seq=5, message=9, duplicate=True)
        self.assertEqual(session.acknowledged, [told])
        self.assertEqual(session.surprises, [])
        self.assertEqual(self.listener.counts["of these duplicates"], 1)

    def test_nonsense(self) -> None:
        """
        A server that sends no message is noticed.
        """
        self.tap.server_sends(b"Hello?\n")
        [surprise] = self.listener.sessions[0].surprises
        self.assertIn("not_json", surprise)

    def test_the_seed_dialect(self) -> None:
        """
        A message without a place is seen, too.
        """
        self.tap.server_sends(PUSH.replace(b'"seq":5,', b""))
        [session] = self.listener.sessions
        self.assertEqual(session.glimpsed, [Glimpse(1, 9, 2, "1-0 x")])

    def test_one_of_each(self) -> None:
        """
        What many are told is kept once.
        """
        other = self.listener.tap(4)
        self.tap.server_sends(PUSH)
        other.server_sends(PUSH)
        first, second = (each.heard[0] for each in self.listener.sessions)
        self.assertIs(first, second)


class LogTests(SynchronousTestCase):
    """
    What the server's log says.
    """

    def test_faults(self) -> None:
        """
        Errors are the server's own fault, but for those about a tormented database.
        """
        server = Server(None, Path(self.mktemp()), "sqlite:///x", 2.0)
        server.log.parent.mkdir()
        names = ["request_failed", "serving", *EXPECTED, None]
        levels = {"serving": "info"}
        lines = [
            json.dumps({"time": "t", "level": levels.get(name or "", "error"), "event": name})
            for name in names
        ]
        server.log.write_text("\n".join([*lines, "chatroom: cannot start"]))
        self.assertEqual(server.faults(), [lines[0], lines[-1]])
        self.assertEqual(server.failures(), len(EXPECTED))


class ReportTests(SynchronousTestCase):
    """
    What is printed.
    """

    def outcome(self) -> Outcome:
        """
        @return: what has happened in no time.
        """
        return Outcome(
            plan=Plan(seed=1), faults=Counter(), counts=Counter(posts=3), evidence=evidence()
        )

    def test_clean(self) -> None:
        """
        Where nothing is wrong, there is a 0 for everything that might be.
        """
        outcome = self.outcome()
        text = for_people(outcome, judge(outcome.evidence))
        self.assertIn("seed 1: 50 clients", text)
        for name in CHECKS:
            self.assertRegex(text, rf"(?m)^{name} +0$")
        self.assertRegex(text, r"(?m)^posts +3$")
        self.assertIn("Everything that was promised is so.", text)

    def test_broken(self) -> None:
        """
        Where something is wrong, there are examples.
        """
        outcome = self.outcome()
        outcome.evidence.testimonies[0].surprises.append("here it is")
        findings = judge(outcome.evidence)
        text = for_people(outcome, findings)
        self.assertIn("surprises, for example:\n  client 0: here it is", text)
        self.assertIn("A PROMISE IS BROKEN.", text)
        read = json.loads(for_programs(outcome, findings))
        self.assertEqual((read["clean"], read["wrong"]["surprises"]), (False, 1))
        self.assertEqual(read["happened"]["posts"], 3)


class CommandTests(SynchronousTestCase):
    """
    The command line.
    """

    def refuses(self, *arguments: str) -> str:
        """
        @return: the one line with which a command line is refused.
        """
        refused = self.assertRaises(SystemExit, COMMANDS["torture"].run, arguments)
        self.assertNotIn("\n", str(refused))
        return str(refused)

    def test_mistakes(self) -> None:
        """
        A bad option is one line that says which.
        """
        self.assertIn("--clients", self.refuses("--clients", "many"))
        self.assertIn("--clients must be more than 0", self.refuses("--clients", "0"))
        self.assertIn("not 'rain'", self.refuses("--faults", "kill,rain"))
        self.assertIn("--what", self.refuses("--what"))

    def test_plan(self) -> None:
        """
        Without options there are fifty clients and ten kills, a minute long.
        """
        plan = command.plan_of([])
        self.assertEqual((plan.clients, plan.kills, plan.seconds), (50, 10, 60.0))
        self.assertEqual(command.plan_of(["--kills", "100", "--seed", "7"]).seconds, 600.0)
        self.assertEqual(command.plan_of(["--seed", "7"]).seed, 7)

    def test_another_database(self) -> None:
        """
        A database that is no file has no faults of files.
        """
        plan = command.plan_of(["--database", "postgresql+psycopg://localhost/x"])
        self.assertEqual(plan.faults & OF_FILES, frozenset())


class PageTests(SynchronousTestCase):
    """
    docs/torture.md.
    """

    def setUp(self) -> None:
        """
        Read it.
        """
        self.sections = {each.heading: each for each in sections(DOCS / "torture.md")}

    def names(self, heading: str) -> list[str]:
        """
        @return: the first cells of the rows of a section's table.
        """
        [table] = self.sections[heading].tables
        return [row[0] for row in table]

    def test_options(self) -> None:
        """
        The page has every option, with its default.
        """
        [table] = self.sections["Options"].tables
        told = {code(row[0]): row[1] for row in table}
        defaults = command.defaults()
        self.assertEqual(set(told), set(defaults))
        for name, default in defaults.items():
            if default is not None:
                self.assertEqual(told[name], default, name)

    def test_faults(self) -> None:
        """
        The page has every kind of fault.
        """
        self.assertEqual(
            [code(each) for each in self.names("What goes wrong")], [f.value for f in Fault]
        )

    def test_counts(self) -> None:
        """
        The page has everything that is counted, and everything that must not happen.
        """
        outcome = Outcome(
            plan=Plan(seed=1), faults=Counter(), counts=Counter(), evidence=evidence()
        )
        counted = happened(outcome, judge(outcome.evidence))
        self.assertEqual(self.names("What happened"), list(counted))
        self.assertEqual(self.names("What must not happen"), [*CHECKS, *TROUBLES])

    def test_output(self) -> None:
        """
        The output that the page shows is one as it would be printed today.
        """
        [block] = [
            each for each in self.sections["A long run"].blocks if each.text.startswith("seed ")
        ]
        for name in [*self.names("What happened"), *self.names("What must not happen")]:
            self.assertTrue(re.search(rf"(?m)^{re.escape(name)} +\d+$", block.text), name)
        self.assertIn("Everything that was promised is so.", block.text)
