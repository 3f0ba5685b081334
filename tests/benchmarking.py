"""
Running the benchmarks' commands.
"""

import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.processes import Outcome, Place

#: The checkout that they are of.
PROJECT = Path(__file__).parent.parent


class BenchmarkTestCase(TestCase):
    """
    The commands, each as small as it can be.
    """

    timeout = 120

    async def benchmark(self, *arguments: str) -> Outcome:
        """
        Run one, from a checkout.
        """
        path = Path(self.mktemp()).absolute()
        path.mkdir(parents=True)
        place = Place(reactor, PROJECT)
        command = (sys.executable, "-m", "benchmarks", *arguments, "--directory", str(path))
        process = place.start(*command)
        outcome = await process.outcome(100)
        self.assertEqual(list(path.iterdir()), [], "it has left something behind")
        return outcome


def rows(outcome: Outcome) -> dict[str, list[str]]:
    """
    @return: the cells of each row of all tables that were printed, by the first one.
    """
    lines = [line.split("|")[1:-1] for line in outcome.out.splitlines() if line.startswith("|")]
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in lines}
