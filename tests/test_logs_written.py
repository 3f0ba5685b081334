"""
Where the log goes, and what becomes of too much of it.
"""

import errno
import json
import os
import resource
import signal
import sys
import syslog
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.application.service import Application
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger
from twisted.trial.unittest import SynchronousTestCase

from chatroom.logs import json_lines, text_lines
from chatroom.logs.daemon import daemon_log
from chatroom.logs.lines import json_line, text_line
from chatroom.logs.places import ROTATE_BYTES, File, Place, Stream, SystemLog, Writer
from chatroom.logs.seldom import Seldom, later_in
from chatroom.logs.table import AUDIT, FAULT, KINDS, OTHERS, SHARE, WINDOW
from chatroom.tap import Operated
from tests.log_lines import event_of, fields


def failed(number: int = 0) -> LogEvent:
    """
    @return: a fault, of which there may be many.
    """
    return event_of("database_failed", reason=f"no {number}")


class SeldomTests(SynchronousTestCase):
    """
    Only so many events of one name in a time.
    """

    def setUp(self) -> None:
        """
        Have an observer, and a time.
        """
        self.clock = Clock()
        self.events: list[LogEvent] = []
        self.seldom = Seldom(
            self.events.append,  # type: ignore[arg-type]
            self.clock.seconds,
            self.clock.callLater,
        )

    def names(self) -> list[str | None]:
        """
        @return: the names of what was passed on since this was asked last.
        """
        names = [each.get("event") for each in self.events]
        self.events.clear()
        return names

    def left_out(self) -> list[dict[str, Any]]:
        """
        @return: the counts since this was asked last.
        """
        found = [fields(each) for each in self.events if each.get("event") == "left_out"]
        self.events.clear()
        return found

    def storm(self, count: int) -> None:
        """
        Have the database fail.
        """
        for number in range(count):
            self.seldom(failed(number))

    def test_few(self) -> None:
        """
        What is not too much is passed on at once, as it is.
        """
        events = [failed(number) for number in range(FAULT)]
        for event in events:
            self.seldom(event)
        self.assertEqual(self.events, events)

    def test_many(self) -> None:
        """
        Of what is too much there is the beginning and, when the time is over, the
        number of the others; nothing else need happen.
        """
        self.storm(FAULT + 1234)
        self.assertEqual(self.names(), ["database_failed"] * FAULT)
        self.clock.advance(WINDOW - 0.1)
        self.assertEqual(self.names(), [])
        self.clock.advance(0.1)
        count = {"count": 1234, "of": "database_failed", "seconds": WINDOW}
        self.assertEqual(self.left_out(), [count])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_none_is_missing(self) -> None:
        """
        What is passed on and what is counted is all there was.
        """
        passed = counted = 0
        for number in range(500):
            self.storm(number % 7)
            self.clock.advance(0.3)
            passed += sum(each.get("event") == "database_failed" for each in self.events)
            counted += sum(each["count"] for each in self.left_out())
        self.clock.advance(WINDOW)
        counted += sum(each["count"] for each in self.left_out())
        self.assertEqual(passed + counted, sum(number % 7 for number in range(500)))
        self.assertGreater(counted, 500)

    def test_again(self) -> None:
        """
        After the time there may be as many again.
        """
        self.storm(FAULT * 2)
        self.clock.advance(WINDOW)
        self.names()
        self.storm(FAULT)
        self.assertEqual(self.names(), ["database_failed"] * FAULT)

    def test_names_apart(self) -> None:
        """
        One event does not cost another its place.
        """
        self.storm(FAULT * 2)
        self.names()
        self.seldom(event_of("logged_out", user="alice", address="local"))
        self.assertEqual(self.names(), ["logged_out"])

    def test_values_together(self) -> None:
        """
        Many names and addresses are one event still: a peer has no say in the bound.
        """
        for number in range(AUDIT * 10):
            user, address = f"u{number}", f"10.0.{number % 256}.1"
            self.seldom(event_of("login_failed", user=user, address=address, reason="busy"))
        self.assertEqual(len(self.events), AUDIT)

    def test_share(self) -> None:
        """
        Who brings about many events does not hide the one that another does.
        """
        for number in range(AUDIT * 10):
            failed = event_of("login_failed", user=f"u{number}", address="one", reason="busy")
            self.seldom(failed)
        self.assertEqual(len(self.names()), SHARE)
        self.seldom(event_of("login_failed", user="alice", address="another", reason="busy"))
        self.assertEqual(self.names(), ["login_failed"])

    def test_hard_won(self) -> None:
        """
        Whoever has logged in is in the log, however many did.
        """
        for _ in range(AUDIT * 3):
            self.seldom(event_of("logged_in", user="alice", address="one"))
        self.assertEqual(len(self.names()), AUDIT * 3)

    def test_unbounded(self) -> None:
        """
        What is never left out comes after the counts of all that was.
        """
        self.storm(FAULT + 3)
        self.names()
        self.clock.advance(1)
        self.seldom(event_of("stopped"))
        count, _ = self.events
        self.assertEqual(fields(count)["seconds"], 1.0)
        self.assertEqual(self.names(), ["left_out", "stopped"])
        self.clock.advance(WINDOW)
        self.assertEqual(self.names(), [])

    def test_without_a_timer(self) -> None:
        """
        Without a reactor the count is written when the next event comes.
        """
        self.seldom = Seldom(self.events.append, self.clock.seconds)  # type: ignore[arg-type]
        self.storm(FAULT + 5)
        self.clock.advance(WINDOW * 3)
        self.names()
        self.seldom(event_of("logged_out", user="alice", address="local"))
        self.assertEqual(self.names(), ["left_out", "logged_out"])

    def test_others(self) -> None:
        """
        Others are bounded too, by their module.
        """
        log = Logger("noisy", observer=self.seldom)
        for _ in range(OTHERS + 7):
            log.info("accept failed", event="serving")
        self.assertEqual(len(self.events), OTHERS)
        self.clock.advance(WINDOW)
        [count] = self.left_out()[-1:]
        self.assertEqual((count["of"], count["count"]), ("noisy", 7))

    def test_every_event(self) -> None:
        """
        Every event that has a bound is held to it.
        """
        for kind in KINDS.values():
            if kind.most is not None:
                for number in range(kind.most + 2):
                    values: dict[str, object] = dict.fromkeys(kind.fields, "x")
                    if "address" in values:
                        values["address"] = f"10.0.0.{number}"
                    self.seldom(event_of(kind.name, **values))
                self.assertEqual(self.names(), [kind.name] * kind.most)

    def test_early(self) -> None:
        """
        A timer that is early by a hair is in time.
        """
        timers: list[Any] = []
        now = self.clock.seconds
        self.seldom = Seldom(self.events.append, now, lambda _, call: timers.append(call))  # type: ignore[arg-type]
        self.storm(FAULT + 1)
        self.clock.advance(WINDOW - 1e-6)
        [call] = timers
        call()
        call()
        self.assertEqual([each["count"] for each in self.left_out()], [1])

    def test_from_threads(self) -> None:
        """
        The reactor is asked in the way that any thread may.
        """
        clock = Clock()
        clock.callFromThread = lambda call, *args: call(*args)  # type: ignore[attr-defined]
        done: list[None] = []
        later_in(clock)(5, lambda: done.append(None))
        clock.advance(5)
        self.assertEqual(done, [None])


@define(eq=False)
class Broken:
    """
    A place that is full, until it is not.
    """

    is_full: bool = False
    written: str = ""

    def write(self, lines: str, level: str) -> None:
        """Write, if there is room."""
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written += lines


_broken: type[Place] = Broken


class WriterTests(SynchronousTestCase):
    """
    What can't be written.
    """

    def test_full(self) -> None:
        """
        Lines that were lost are counted, and the count is the first thing written.
        """
        place = Broken(is_full=True)
        writer = Writer(json_line, place)
        for number in range(3):
            writer(failed(number))
        place.is_full = False
        writer(failed(3))
        writer(failed(4))
        lines = [json.loads(line) for line in place.written.splitlines()]
        self.assertEqual(
            [each["event"] for each in lines],
            ["lines_lost", "database_failed", "database_failed"],
        )
        self.assertEqual(lines[0]["count"], 3)

    def test_closed(self) -> None:
        """
        A stream that is closed harms nobody.
        """
        stream = StringIO()
        writer = Writer(text_line, Stream(stream))
        stream.close()
        writer(failed())

    def test_hostile_objects(self) -> None:
        """
        An event that can't be made a line is a line that says so.
        """

        class Hostile:
            def __str__(self) -> str:
                raise ZeroDivisionError

            __repr__ = __format__ = __str__  # type: ignore[assignment]

        for form in (json_line, text_line):
            place = Broken()
            log = Logger("theirs", observer=Writer(form, place))
            log.info("{x}", x=Hostile())
            log.info("{x}", x=1, log_system=Hostile())
            log.emit(log.info, "no level")  # type: ignore[arg-type]
            log.info("{x!r}", x={"a": Hostile()})
            lines = place.written.splitlines()
            self.assertEqual(sum("cannot be shown" in line for line in lines), 3, lines)


class StreamTests(SynchronousTestCase):
    """
    Streams.
    """

    def test_text(self) -> None:
        """
        A stream of text in an encoding that has not all characters gets the others
        escaped.
        """
        raw = BytesIO()
        stream = TextIOWrapper(raw, "ascii")
        text_lines(stream)(event_of("logged_out", user="张", address="local"))
        self.assertIn(rb"'\u5f20' logged out from local", raw.getvalue())

    def test_bytes(self) -> None:
        """
        A stream of bytes gets UTF-8.
        """
        raw = BytesIO()
        text_lines(raw)(event_of("logged_out", user="张", address="local"))
        self.assertIn("'张' logged out", raw.getvalue().decode("utf-8"))


class FileTests(SynchronousTestCase):
    """
    Files.
    """

    def setUp(self) -> None:
        """
        Have a place for a file.
        """
        self.path = Path(self.mktemp()).absolute()
        self.rotated = Path(f"{self.path}.1")

    def open(self) -> File:
        """
        @return: the file, open.
        """
        file = File(str(self.path))
        self.addCleanup(file.close)
        return file

    def test_append(self) -> None:
        """
        What is there stays.
        """
        self.path.write_text("before\n")
        self.open().write("after\n", "info")
        self.assertEqual(self.path.read_text(), "before\nafter\n")

    def test_mode(self) -> None:
        """
        Strangers can't read it.
        """
        self.addCleanup(os.umask, os.umask(0))
        self.open()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)

    def test_moved(self) -> None:
        """
        When somebody moves the file away, a new one is begun.
        """
        file = self.open()
        file.write("one\n", "info")
        self.path.rename(self.rotated)
        file.write("two\n", "info")
        self.assertEqual((self.rotated.read_text(), self.path.read_text()), ("one\n", "two\n"))

    def test_truncated(self) -> None:
        """
        When somebody empties it, it goes on from its beginning.
        """
        file = self.open()
        file.write("one\n", "info")
        os.truncate(self.path, 0)
        file.write("two\n", "info")
        self.assertEqual(self.path.read_text(), "two\n")

    def test_large(self) -> None:
        """
        When it is large it is set aside, and what was set aside moves up.
        """
        file = self.open()
        for number in range(3):
            file.write(f"{number}" * ROTATE_BYTES + "\n", "info")
        aside = {path.name: path.read_text()[0] for path in self.path.parent.glob("*")}
        name = self.path.name
        self.assertEqual(
            {key: aside[key] for key in (name, f"{name}.1", f"{name}.2")},
            {name: "2", f"{name}.1": "1", f"{name}.2": "0"},
        )

    def test_told(self) -> None:
        """
        So it is when somebody asks.
        """
        file = self.open()
        file.write("one\n", "info")
        file.rotate()
        file.write("two\n", "info")
        self.assertEqual((self.rotated.read_text(), self.path.read_text()), ("one\n", "two\n"))

    def test_no_new_one(self) -> None:
        """
        Where no new file can be made, it goes on with the one it has.
        """
        place = self.path
        place.mkdir()
        file = File(str(place / "log"))
        self.addCleanup(file.close)
        place.rename(self.rotated)
        file.write("one\n", "info")
        file.rotate()
        self.assertEqual((self.rotated / "log").read_text(), "one\n")

    def test_torn(self) -> None:
        """
        After a line of which a full disk took only a part, a new line is begun.
        """
        file = self.open()
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGXFSZ, before)

        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            self.assertRaises(OSError, file.write, "a" * 15 + "\n", "info")
            self.assertRaises(OSError, file.write, "b\n", "info")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        file.write("c\n", "info")
        self.assertEqual(self.path.read_text(), "a" * 10 + "\nc\n")


@define(eq=False)
class Sent:
    """
    What the system's log was sent.
    """

    opened: list[Any] = field(factory=list)
    lines: list[tuple[int, str]] = field(factory=list)

    def open(self, *arguments: object) -> None:
        """Be opened."""
        self.opened.append(arguments)

    def send(self, priority: int, line: str) -> None:
        """Be sent a line."""
        self.lines.append((priority, line))


class SystemLogTests(SynchronousTestCase):
    """
    The system's log.
    """

    def test_lines(self) -> None:
        """
        Each line is sent by itself, as serious as its event.
        """
        sent = Sent()
        place = SystemLog("chat", sent.open, sent.send)
        place.write("one\n\ttwo\n", "error")
        place.write("three\n", "info")
        self.assertEqual(sent.opened, [("chat", syslog.LOG_PID, syslog.LOG_USER)])
        self.assertEqual(
            sent.lines,
            [(syslog.LOG_ERR, "one"), (syslog.LOG_ERR, "\ttwo"), (syslog.LOG_INFO, "three")],
        )


class DaemonTests(SynchronousTestCase):
    """
    Where C{twistd} was told to log.
    """

    def setUp(self) -> None:
        """
        Be in a directory of one's own, and leave the signals alone.
        """
        self.path = Path(self.mktemp()).absolute()
        self.path.mkdir()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.path)
        before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        self.out = StringIO()
        self.patch(sys, "stdout", self.out)

    def log(self, form: str = "json", **twistd: object) -> None:
        """
        Log an event, as C{twistd} with these options does.
        """
        observer = daemon_log(twistd, form, Clock())
        assert observer is not None
        observer(event_of("stopped"))

    def test_foreground(self) -> None:
        """
        In the foreground it is standard output, in either format.
        """
        self.log("json", nodaemon=True, logfile=None)
        self.log("text", nodaemon=True, logfile="-")
        first, second = self.out.getvalue().splitlines()
        self.assertEqual(json.loads(first)["event"], "stopped")
        self.assertTrue(second.endswith("] stopped"))

    def test_file(self) -> None:
        """
        A file that is named gets it, in the foreground too.
        """
        self.log(nodaemon=True, logfile="my.log")
        self.assertEqual(json.loads((self.path / "my.log").read_text())["event"], "stopped")

    def test_daemon(self) -> None:
        """
        A daemon without one has a file of the usual name.
        """
        self.log(nodaemon=False, logfile=None)
        self.assertEqual(json.loads((self.path / "twistd.log").read_text())["event"], "stopped")

    def test_refused(self) -> None:
        """
        Where one can't log is said in one line.
        """
        for twistd in ({"logfile": "-"}, {"logfile": "nowhere/my.log"}):
            error = self.assertRaises(SystemExit, self.log, **twistd)
            self.assertRegex(str(error.code), r"\Achatroom: .*\Z")

    def test_own_observer(self) -> None:
        """
        An observer that C{twistd} was given is left alone.
        """
        self.assertIsNone(daemon_log({"logger": json_lines}, "json", Clock()))

    def test_signal(self) -> None:
        """
        SIGUSR1 has the file set aside, in the reactor's own time.
        """
        clock: Any = Clock()
        clock.callFromThread = lambda call: clock.callLater(0, call)
        observer = daemon_log({"logfile": "my.log"}, "json", clock)
        assert observer is not None
        observer(event_of("stopped"))
        os.kill(os.getpid(), signal.SIGUSR1)
        clock.advance(0)
        self.assertEqual(json.loads((self.path / "my.log.1").read_text())["event"], "stopped")
        self.assertEqual((self.path / "my.log").read_text(), "")

    def test_signal_of_others(self) -> None:
        """
        Whoever has a use for the signal keeps it.
        """
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        self.log(logfile="my.log")
        self.assertEqual(signal.getsignal(signal.SIGUSR1), signal.SIG_IGN)

    def test_component(self) -> None:
        """
        The application has the observer, where C{twistd} looks for it.
        """
        application = Application("chatroom")
        observer = text_lines(StringIO())
        Operated(None, lambda: observer).setServiceParent(application)
        self.assertIs(application.getComponent(ILogObserver), observer)

    def test_no_component(self) -> None:
        """
        Where there is nothing to log with, C{twistd} has its own way.
        """
        application = Application("chatroom")
        Operated(None, lambda: None).setServiceParent(application)
        Operated(None).setServiceParent(Application("another"))
        self.assertIsNone(application.getComponent(ILogObserver, None))


class FactoryTests(SynchronousTestCase):
    """
    Observers for other programs.
    """

    def test_path(self) -> None:
        """
        They write to a path as well as to a stream, and are bounded.
        """
        path = Path(self.mktemp()).absolute()
        observer = json_lines(path)
        for number in range(FAULT * 2):
            observer(failed(number))
        lines = path.read_text().splitlines()
        self.assertEqual(len(lines), FAULT)
        self.assertEqual(json.loads(lines[-1])["reason"], f"no {FAULT - 1}")

    def test_standard_output(self) -> None:
        """
        By default they write to standard output, so C{twistd} can have them by name.
        """
        out = StringIO()
        self.patch(sys, "stdout", out)
        json_lines()(failed())
        self.assertEqual(json.loads(out.getvalue())["event"], "database_failed")
