"""
The real lanes.
"""

from functools import partial
from threading import Event, get_ident

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import TestCase

from chatroom.errors import ShuttingDown
from chatroom.threads import ThreadLane


class ThreadLaneTests(TestCase):
    """
    A lane with one thread.
    """

    def setUp(self) -> None:
        """
        Start it.
        """
        self.lane = ThreadLane(IReactorFromThreads(reactor), "test", 1)
        self.lane.start()
        self.addCleanup(self.lane.stop)

    async def test_in_another_thread(self) -> None:
        """
        Work is done in another thread, in its order, and its result comes here.
        """
        done: list[int] = []
        works = [self.lane.run(partial(done.append, number)) for number in range(9)]
        self.assertNotEqual(await self.lane.run(get_ident), get_ident())
        for each in works:
            await each
        self.assertEqual(done, list(range(9)))

    async def test_failure(self) -> None:
        """
        An exception comes back as what it is.
        """

        def fail() -> None:
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            await self.lane.run(fail)

    async def test_refuse(self) -> None:
        """
        What has begun is finished; what waits or comes is not begun.
        """
        begun, may_end, done = Event(), Event(), []

        def work() -> str:
            begun.set()
            may_end.wait(10)
            return "done"

        first = self.lane.run(work)
        waiting = self.lane.run(lambda: done.append("waiting"))
        begun.wait(10)
        self.lane.refuse()
        late = self.lane.run(lambda: done.append("late"))
        may_end.set()
        self.assertEqual(await first, "done")
        for each in (waiting, late):
            with self.assertRaises(ShuttingDown):
                await each
        self.assertEqual(done, [])

    async def test_stopped(self) -> None:
        """
        A lane that is not running refuses, and can be started again.
        """
        self.lane.stop()
        with self.assertRaises(ShuttingDown):
            await self.lane.run(get_ident)
        self.lane.start()
        await self.lane.run(get_ident)
