"""
What holds the reactor up is logged, and nothing else is.
"""

import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chatroom.assembly import assemble
from chatroom.server.stalls import StallWatch, cause_in
from chatroom.settings import Settings
from tests.lanes import InlineLane
from tests.log_lines import Seen, watch
from tests.operators import FOREGROUND, ProcessTestCase
from tests.servers import log_in

LIMIT = 0.1


@define(eq=False)
class Machine:
    """
    A reactor and a process, in a time that a test makes.

    @ivar work: what the process has worked, in seconds.
    @ivar doing: what the reactor does, if it does not wait.
    @ivar marks: how many marks it was given.
    """

    now: float = 1000.0
    work: float = 0.0
    doing: "str | None" = None
    marks: int = 0
    is_running: bool = True
    calls: "deque[Callable[[], None]]" = field(factory=deque)
    waiting: "list[Callable[[], None]]" = field(factory=list)
    threads: "list[Callable[[], None]]" = field(factory=list)

    def callFromThread(self, call: Callable[[], None]) -> None:
        """Call later."""
        self.calls.append(call)
        self.marks += 1

    def callWhenRunning(self, call: Callable[[], None]) -> None:
        """Call now, or when it runs."""
        if self.is_running:
            call()
        else:
            self.waiting.append(call)

    def turn(self) -> None:
        """Have the reactor do what it was asked to."""
        while self.calls:
            self.calls.popleft()()


class StallWatchTests(SynchronousTestCase):
    """
    The watch, in a time of its own.
    """

    def setUp(self) -> None:
        """
        Have a watch that works, and see what it logs.
        """
        self.machine = Machine()
        self.watch = self.make(self.machine)
        self.watch.startService()
        self.next = self.machine.now + LIMIT
        self.seen: Seen = watch(self)

    def make(self, machine: Machine) -> StallWatch:
        """
        @return: a watch in that machine.
        """
        return StallWatch(
            machine,
            LIMIT,
            lambda: machine.now,
            lambda: machine.work,
            lambda _: machine.doing,
            machine.threads.append,
        )

    def spend(self, seconds: float) -> None:
        """
        Let time go by, in which the watch looks, and the reactor does what it does.
        """
        ends = self.machine.now + seconds
        while self.next <= ends:
            self.machine.work += (self.next - self.machine.now) * (self.machine.doing is not None)
            self.machine.now = self.next
            self.next += self.watch.look()
            if self.machine.doing is None:
                self.machine.turn()
        self.machine.work += (ends - self.machine.now) * (self.machine.doing is not None)
        self.machine.now = ends

    def stall(self, seconds: float, cause: str = "chatroom.long") -> None:
        """
        Have the reactor do something for long.
        """
        self.machine.doing = cause
        self.spend(seconds)
        self.machine.doing = None
        self.machine.turn()

    def pass_unseen(self, seconds: float, *, works: bool) -> None:
        """
        Let time go by, in which the watch can't look.
        """
        self.machine.now += seconds
        self.machine.work += seconds * works
        self.next = max(self.next, self.machine.now)

    def logged(self) -> list[tuple[int, str]]:
        """
        @return: the milliseconds and the cause of each stall.
        """
        return [(each["milliseconds"], each["cause"]) for each in self.seen.of("stalled")]

    def test_idle(self) -> None:
        """
        Of a reactor that waits there is nothing to say, and nothing is asked of it.
        """
        self.spend(60)
        self.assertEqual(self.machine.marks, 0)
        self.assertEqual(self.logged(), [])

    def test_wakes(self) -> None:
        """
        The thread wakes ten times a second.
        """
        pauses = [self.watch.look() for _ in range(10)]
        self.assertEqual(pauses, [LIMIT] * 10)

    def test_stall(self) -> None:
        """
        A stall is logged when it ends, for how long it was, and by what.
        """
        self.spend(1.05)
        self.stall(0.5)
        [(milliseconds, cause)] = self.logged()
        self.assertLessEqual(abs(milliseconds - 500), 50)
        self.assertEqual(cause, "chatroom.long")
        self.spend(1)
        self.assertEqual(len(self.logged()), 1)

    def test_busy(self) -> None:
        """
        A reactor that has always something to do, and does it in time, has not stalled.
        """
        for _ in range(1000):
            self.stall(0.0317)
        self.assertEqual(self.logged(), [])

    def test_every_length(self) -> None:
        """
        A stall of the limit and a half is always seen, whenever it begins; one of half
        the limit never.
        """
        for phase in range(100):
            for milliseconds, is_seen in ((151, True), (49, False)):
                self.setUp()
                self.spend(1 + phase / 1000)
                self.stall(milliseconds / 1000)
                self.spend(1)
                self.assertEqual(bool(self.logged()), is_seen, (phase, milliseconds))

    def test_stopped_process(self) -> None:
        """
        A process that was stopped, or a machine that slept, has not stalled, whoever
        wakes first, and whatever the reactor did.
        """
        for is_watch_first in (True, False):
            for doing in (None, "chatroom.short"):
                self.spend(1)
                self.machine.doing = doing
                self.spend(0.11)
                self.pass_unseen(3600, works=False)
                if is_watch_first:
                    self.next += self.watch.look()
                self.machine.doing = None
                self.machine.turn()
                self.spend(1)
        self.assertEqual(self.logged(), [])
        self.stall(0.3)
        self.assertEqual(len(self.logged()), 1)

    def test_held_interpreter(self) -> None:
        """
        A call that lets no other thread run is a stall, though the watch could not
        look, and whoever comes first afterwards.
        """
        for is_watch_first, is_marked in ((True, True), (True, False), (False, True)):
            self.setUp()
            self.spend(1)
            if is_marked:
                self.machine.doing = "chatroom.short"
                self.spend(0.1)
                self.assertTrue(self.machine.calls)
            self.pass_unseen(0.5, works=True)
            self.machine.doing = None
            if is_watch_first:
                self.next += self.watch.look()
            self.machine.turn()
            self.spend(1)
            [(milliseconds, cause)] = self.logged()
            self.assertLessEqual(abs(milliseconds - (600 if is_marked else 500)), 50)
            self.assertIn("short" if is_marked else "unknown", cause)

    def test_no_answer(self) -> None:
        """
        A reactor that answers no more is given one mark, and nothing is logged.
        """
        self.machine.doing = "elsewhere"
        self.spend(60)
        self.assertEqual(len(self.machine.calls), 1)
        self.assertEqual(self.logged(), [])

    def test_before_the_reactor(self) -> None:
        """
        The time before the reactor runs is no stall.
        """
        machine = Machine(is_running=False)
        service = self.make(machine)
        service.startService()
        self.assertEqual(machine.threads, [])
        machine.now += 60
        for call in machine.waiting:
            call()
        self.assertEqual(len(machine.threads), 1)
        machine.doing = "chatroom.short"
        service.look()
        machine.turn()
        self.assertEqual(self.logged(), [])

    def test_stop_before_the_reactor(self) -> None:
        """
        A watch that was stopped, or started again, by then has one thread at most.
        """
        machine = Machine(is_running=False)
        service = self.make(machine)
        service.startService()
        service.stopService()
        for call in machine.waiting:
            call()
        self.assertEqual(machine.threads, [])
        service.startService()
        for call in machine.waiting:
            call()
        self.assertEqual(len(machine.threads), 1)

    def test_stop(self) -> None:
        """
        The thread ends when the service stops.
        """
        [go_on] = self.machine.threads
        thread = Thread(target=go_on, daemon=True)
        thread.start()
        self.watch.stopService()
        thread.join(10)
        self.assertFalse(thread.is_alive())


class CauseTests(SynchronousTestCase):
    """
    What a thread is doing.
    """

    def cause(self, work: Callable[[Event], object]) -> str:
        """
        @return: what is said of a thread that does something.
        """
        begun, may_end = Event(), Event()

        def go_on() -> None:
            begun.set()
            work(may_end)

        thread = Thread(target=go_on)
        thread.start()
        begun.wait(10)
        said = ""
        while "wait" not in said:
            said = cause_in(thread.ident or 0) or ""
        may_end.set()
        thread.join()
        return said

    def test_outside(self) -> None:
        """
        Where nothing of ours is going on, that is said.
        """
        self.assertRegex(
            self.cause(lambda event: event.wait(10)),
            r"^outside chatroom: threading\.(Condition\.)?wait$",
        )

    def test_ours(self) -> None:
        """
        Our innermost function is named, and what it calls.
        """
        name = "chatroom.chat.hub"
        code = "def publish(event):\n    event.wait(10)\n"
        module: dict[str, Any] = {"__name__": name}
        exec(code, module)
        self.assertRegex(
            self.cause(module["publish"]),
            r"^chatroom\.chat\.hub\.publish, in threading\.(Condition\.)?wait$",
        )

    def test_no_thread(self) -> None:
        """
        A thread that has gone does nothing that could be named.
        """
        self.assertIsNone(cause_in(-1))


class AssemblyTests(SynchronousTestCase):
    """
    Who has a watch.
    """

    def watches(self, **arguments: Any) -> int:
        """
        @return: how many watches a server has.
        """
        chosen = Settings(stall_log_milliseconds=arguments.pop("milliseconds", 100))
        chat = assemble(chosen, reactor, **arguments)
        return sum(isinstance(each, StallWatch) for each in chat.services)

    def test_watch(self) -> None:
        """
        A server with threads has one, unless the operator wants none.
        """
        self.assertEqual(self.watches(), 1)
        self.assertEqual(self.watches(milliseconds=0), 0)
        self.assertEqual(self.watches(make_lane=lambda *_: InlineLane()), 0)


class RealReactorTests(TestCase):
    """
    The watch of a real reactor.
    """

    async def stalled(self, work: Callable[[], object]) -> list[dict[str, Any]]:
        """
        @return: what is logged of something that the reactor does.
        """
        seen = watch(self)
        service = StallWatch(reactor, LIMIT)
        service.startService()
        self.addCleanup(service.stopService)
        await deferLater(reactor, 0, work)
        for _ in range(500):
            if seen.of("stalled"):
                break
            await deferLater(reactor, 0.01, lambda: None)
        return seen.of("stalled")

    async def test_sleep(self) -> None:
        """
        A function that blocks is named.
        """

        def block_for_long() -> None:
            time.sleep(0.3)

        stalls = await self.stalled(block_for_long)
        self.assertTrue(any("block_for_long" in each["cause"] for each in stalls), stalls)

    async def test_held_interpreter(self) -> None:
        """
        So is, or at least is its stall seen, what lets no other thread run.
        """
        text = "a" * 24 + "b"
        stalls = await self.stalled(lambda: re.match(r"(a+)+$", text))
        self.assertTrue(stalls)


#: A server one of whose handlers blocks, and that is told when it has.
SLOW = """
import time
from chatroom.chat.hub import Hub

publish = Hub.publish


def _slowly(self, events):
    time.sleep(0.3)
    publish(self, events)


_slowly.__globals__["__name__"] = "chatroom.chat.hub"
Hub.publish = _slowly

from twisted.scripts.twistd import run
run()
"""


class ProcessTests(ProcessTestCase):
    """
    The watch of a real server.
    """

    async def test_handler(self) -> None:
        """
        What blocks is named in the log, and the server ends as fast as ever.
        """
        (self.place.path / "slow.py").write_text(SLOW)
        server, port = await self.serve(sys.executable, "slow.py", *FOREGROUND[1:])
        await self.talk(port)
        said = await server.says(r"nothing went on for (\d+) ms: chatroom\.chat\.hub\._slowly")
        self.assertGreater(int(said), 200)
        await server.stop()

    async def test_suspended(self) -> None:
        """
        A server that was stopped for a while says nothing of it.
        """
        server, port = await self.serve()
        await self.talk(port)
        os.kill(server.pid, signal.SIGSTOP)
        ends = time.monotonic() + 1
        await self.place.until(lambda: time.monotonic() > ends)
        os.kill(server.pid, signal.SIGCONT)
        await log_in(await self.connect(port), "bob")
        outcome = await server.stop()
        stalls = re.findall(r"nothing went on for (\d+)", outcome.out)
        self.assertEqual([each for each in stalls if int(each) > 900], [])
