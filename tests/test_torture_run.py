"""
C{chatroom torture} from its first start to its verdict, with a real server.
"""

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from chatroom.torture.ordeal import Ordeal
from chatroom.torture.plan import Fault, Plan
from chatroom.torture.verdict import judge


class RunTests(TestCase):
    """
    A small run.
    """

    timeout = 150

    def ordeal(self, plan: Plan) -> Ordeal:
        """
        @return: one that leaves nothing behind.
        """
        directory = Path(self.mktemp()).absolute()
        directory.mkdir(parents=True)
        self.told: list[str] = []
        ordeal = Ordeal(reactor, plan, directory, self.told.append)
        self.addCleanup(ordeal.server.abandon)
        return ordeal

    async def test_small(self) -> None:
        """
        One of each fault, and everything that was promised is so.
        """
        plan = Plan(
            seed=5,
            clients=4,
            rooms=2,
            kills=1,
            seconds=4,
            others=9,
            rate=4,
            heartbeat=1,
            patience=40,
        )
        outcome = await self.ordeal(plan).run()
        findings = judge(outcome.evidence)
        self.assertTrue(findings.is_clean, findings.wrong)
        # One more for each that the foreign lock was in the way of.
        prevented = outcome.counts["starts that a foreign lock prevented"]
        starts = outcome.counts["starts of the server"] - prevented
        self.assertEqual((outcome.faults[Fault.KILL], starts), (1, 2))
        self.assertGreater(outcome.counts["posts"], 0)
        self.assertGreater(findings.stored, outcome.counts["posts"] // 2)
        self.assertEqual(self.told[-1], "everybody knows everything")
        self.assertTrue(any(session.glimpsed for session in outcome.evidence.sessions))

    async def test_no_start(self) -> None:
        """
        Where the server can't start, that is what one hears, at once.
        """
        plan = Plan(seed=1, clients=1, database="sqlite:////nowhere/at/all.db")
        running = Deferred.fromCoroutine(self.ordeal(plan).run())
        end = await self.assertFailure(running, SystemExit)
        self.assertIn("/nowhere/at/all.db", str(end))
