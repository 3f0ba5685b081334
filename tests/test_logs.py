"""
The table of events, what becomes of values, and the two formats.
"""

import ast
import json
import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel, formatEvent, formatEventAsClassicLogText
from twisted.python import log as old_log
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatroom.errors import StoreUnavailable
from chatroom.logs.failures import MOST_CHARS, Reduced, explain, traceback_of
from chatroom.logs.lines import json_line, text_line
from chatroom.logs.table import AUDIT, FAULT, KINDS, WINDOW
from chatroom.logs.values import MOST_CHARS as MOST_OF_A_VALUE
from chatroom.logs.values import Told, told
from tests.inventory import SOURCES, Source, imports
from tests.log_lines import event_of, fields, watch

CANARY = "c4n4ry"

#: Names by which somebody might wish to write lines of their own, or to hide some.
HOSTILE = [
    "a\n2026-01-01T00:00:00+0000 [x#info] root logged in from 127.0.0.1",
    "a\r\nb",
    "a\x1b[2J\x1b]0;title\x07",
    "a\u2028b\u2029c\x85d",
    "\u202egnp.exe",
    "\u2066a\u2069",
    "x" * 65536,
    "{user} {event} {log_logger} {0}",
    "%(user)s %s",
    '","event":"stopped","x":"',
    "a\0b\x7f\x9b",
    "\udcff",
    "'; \\",
    "",
    " ",
]


@frozen
class Call:
    """
    A call that logs an event.
    """

    where: str
    method: str
    name: str
    fields: frozenset[str]


def calls() -> Iterator[Call]:
    """
    @return: every call in the project that logs.
    """
    for source in SOURCES:
        for node in ast.walk(source.tree):
            method = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and method in ("note", "note_failure"):
                yield _call(source, node, method)


def _call(source: Source, node: ast.Call, method: str) -> Call:
    where = f"{source.name}, line {node.lineno}"
    assert node.args and isinstance(node.args[0], ast.Constant), f"{where} names no event"
    names = [keyword.arg for keyword in node.keywords]
    assert None not in names, f"{where} does not name its fields"
    name = str(node.args[0].value)
    return Call(where, method, name, frozenset(filter(None, names)))


class TableTests(SynchronousTestCase):
    """
    The table has every event, and every event is in the table.
    """

    def test_calls(self) -> None:
        """
        Every call that logs is of an event in the table, with its fields.
        """
        for call in calls():
            self.assertIn(call.name, KINDS, call.where)
            kind = KINDS[call.name]
            self.assertEqual(call.fields, set(kind.fields), call.where)
            self.assertEqual(call.method == "note_failure", kind.has_traceback, call.where)

    def test_table(self) -> None:
        """
        Every event in the table is logged somewhere.
        """
        self.assertEqual({call.name for call in calls()}, set(KINDS))

    def test_no_other_way(self) -> None:
        """
        Nothing of the project logs by any other way.
        """
        for source in SOURCES:
            # Programs with a client have logs of their own.
            if not source.place.startswith(("logs", "client", "torture")):
                others = ("twisted.logger.", "twisted.python.log.", "logging.", "warnings.")
                names = [f"{name}." for name, _ in imports(source)]
                observers = {"twisted.logger.ILogObserver."}
                hits = [each for each in names if each.startswith(others)]
                self.assertEqual(set(hits) - observers, set(), source.name)

    def test_names(self) -> None:
        """
        Names and fields are words that no other key of a line has.
        """
        taken = {"time", "level", "event", "text", "traceback", "system", "namespace", "message"}
        for kind in KINDS.values():
            for word in (kind.name, *kind.fields):
                self.assertRegex(word, r"\A[a-z]+(_[a-z]+)*\Z")
                self.assertFalse(word.startswith("log_") and word in kind.fields, kind.name)
            self.assertEqual(taken & set(kind.fields), set(), kind.name)
            self.assertEqual(len(kind.fields), len(set(kind.fields)), kind.name)

    def test_sentences(self) -> None:
        """
        A sentence leaves to the values how they are shown; only texts that are ours
        go without quotation marks.
        """
        for kind in KINDS.values():
            for _, name, spec, conversion in Formatter().parse(kind.format):
                if name is not None:
                    self.assertIsNone(conversion, kind.name)
                    is_ours = name in ("why", "cause") or kind.name in (
                        "database_failed",
                        "commit_unknown",
                        "hash_not_kept",
                        "file_failed",
                    )
                    self.assertIn(spec, ("", "bare") if is_ours else ("",), kind.name)

    def test_bounds(self) -> None:
        """
        What has no bound cannot be brought about by a peer, nor over and over.
        """
        free = {kind.name for kind in KINDS.values() if kind.most is None}
        self.assertEqual(
            free,
            {
                "serving",
                "stopped",
                "cannot_start",
                "no_admin_socket",
                "requests_unfinished",
                "log_unfinished",
                "sessions_left",
                "left_out",
                "lines_lost",
            },
        )
        self.assertEqual((AUDIT, FAULT, WINDOW), (100, 10, 10.0))


class ValueTests(SynchronousTestCase):
    """
    Values from anybody.
    """

    def test_numbers(self) -> None:
        """
        A number stays one, and so does no value.
        """
        for value in (0, -3, 1.5, True, None):
            self.assertIs(told(value), value)

    def test_numbers_that_json_has_not(self) -> None:
        """
        What JSON can't say, or most programs can't read, becomes a text.
        """
        for value in (float("nan"), float("inf"), 2**64, 10**5000):
            self.assertIsInstance(told(value), Told)

    def test_words(self) -> None:
        """
        A plain word is shown as it is, anything else as Python would write it.
        """
        shown = {each: f"{told(each)}" for each in ("alice", "::1", "a b", "o'neil", "张三", "")}
        self.assertEqual(
            shown,
            {
                "alice": "alice",
                "::1": "::1",
                "a b": "'a b'",
                "o'neil": '"o\'neil"',
                "张三": "'张三'",
                "": "''",
            },
        )

    def test_as_it_was(self) -> None:
        """
        A program finds what the peer sent.
        """
        for value in HOSTILE:
            if len(value) <= MOST_OF_A_VALUE and value != "\udcff":
                self.assertEqual(told(value), value)

    def test_bounded(self) -> None:
        """
        Of a long value there is the beginning.
        """
        value = told("x" * 65536)
        self.assertEqual(value, "x" * MOST_OF_A_VALUE + "…")

    def test_objects(self) -> None:
        """
        What is neither text nor number is told as its C{repr}, though that fails.
        """

        class Broken:
            def __repr__(self) -> str:
                raise ZeroDivisionError

        self.assertEqual(told(b"a\n"), r"b'a\n'")
        self.assertIn("Broken", str(told(Broken())))
        self.assertLess(len(str(told(["x" * 65536]))), 300)


class ForgeryTests(SynchronousTestCase):
    """
    Nobody writes lines but the server.
    """

    def lines_of(self, value: str) -> tuple[str, dict[str, Any], str]:
        """
        @return: a failed login of somebody, from there, as text, as JSON, and as
            Twisted's own observer writes it.
        """
        event = event_of("login_failed", user=value, address=value, reason="busy")
        text, line = text_line(event), json_line(event)
        theirs = formatEventAsClassicLogText(event)
        assert text is not None and line is not None and theirs is not None
        self.assertTrue(line.isascii())
        self.assertEqual(line.splitlines(keepends=True), [line])
        return text, json.loads(line), theirs

    def check(self, value: str) -> None:
        """
        Nothing of a value is a line of its own, or more than a value.
        """
        text, record, theirs = self.lines_of(value)
        for each in (text, theirs):
            self.assertTrue(each.endswith("\n"))
            self.assertTrue(each[:-1].isprintable(), each)
            self.assertLess(len(each), 6000)
        self.assertEqual(
            list(record), ["time", "level", "event", "user", "address", "reason", "text"]
        )
        self.assertEqual((record["event"], record["reason"]), ("login_failed", "busy"))
        self.assertTrue(record["text"].isprintable())

    def test_hostile(self) -> None:
        """
        No control, newline or mark gets through, and no other field changes.
        """
        for value in HOSTILE:
            self.check(value)

    @given(st.text(max_size=300))
    def test_any(self, value: str) -> None:
        """
        Nor with any other text.
        """
        self.check(value)

    def test_two_are_not_one(self) -> None:
        """
        Different values are shown differently, so that a sentence can be trusted.
        """
        values = [each for each in HOSTILE if len(each) < 100]
        self.assertEqual(len({f"{told(each)}" for each in values}), len(values))


def raised(error: BaseException) -> Failure:
    """
    @return: the failure of something that was raised.
    """
    try:
        raise error
    except BaseException:
        return Failure()


class FailureTests(SynchronousTestCase):
    """
    What is told of exceptions.
    """

    def test_message(self) -> None:
        """
        The type and the place are told, the message is not.
        """
        text = traceback_of(raised(ValueError(CANARY)))
        self.assertIn("in raised\n", text)
        self.assertTrue(text.endswith("\nValueError"))
        self.assertNotIn(CANARY, text)

    def test_causes(self) -> None:
        """
        So it is with what it came from.
        """
        try:
            try:
                dict[str, str]()[CANARY]
            except KeyError as error:
                raise StoreUnavailable() from error
        except StoreUnavailable:
            text = traceback_of(Failure())
        self.assertRegex(text, r"(?s)KeyError\nwhich led to\nTraceback.*Unavailable: store_un")
        self.assertNotIn(CANARY, text)

    def test_harmless(self) -> None:
        """
        Of our refusals, of the system and of a database there is more.
        """
        from sqlite3 import IntegrityError, OperationalError

        for error, said in (
            (StoreUnavailable(), "chatroom.errors.StoreUnavailable: store_unavailable"),
            (OSError(28, CANARY, CANARY), "OSError: [Errno 28] No space left on device"),
            (OSError(CANARY), "OSError"),
            (
                OperationalError("database is locked"),
                "sqlite3.OperationalError: database is locked",
            ),
            (OperationalError(f'fts5: syntax error near "{CANARY}"'), "sqlite3.OperationalError"),
            (IntegrityError(CANARY), "sqlite3.IntegrityError"),
            (RuntimeError(CANARY), "RuntimeError"),
        ):
            self.assertEqual(explain(error), said)

    def test_postgresql(self) -> None:
        """
        Of PostgreSQL there is the state, and the sentence if it is about the server.
        """

        def error(name: str, text: str, state: str | None, primary: str = CANARY) -> Exception:
            diag = type("Diagnostic", (), {"message_primary": primary})
            members = {"__module__": "psycopg.errors", "sqlstate": state, "diag": diag}
            made: Exception = type(name, (Exception,), members)(text)
            return made

        for what, said in (
            (error("UniqueViolation", f"key=({CANARY})", "23505"), "UniqueViolation: 23505"),
            (error("DiskFull", CANARY, "53100", "disk full"), "DiskFull: 53100 disk full"),
            (error("OperationalError", f"refused\n{CANARY}", None), "OperationalError: refused"),
            (error("ProgrammingError", CANARY, None), "ProgrammingError"),
        ):
            self.assertEqual(explain(what), f"psycopg.errors.{said}")

    def test_long(self) -> None:
        """
        A traceback is bounded, and its end is kept.
        """

        def deeper(n: int) -> None:
            if n:
                deeper(n - 1)
            raise RuntimeError from RecursionError("x" * 99999)

        try:
            deeper(300)
        except RuntimeError:
            text = traceback_of(Failure())
        self.assertLess(len(text), MOST_CHARS + 10)
        self.assertTrue(text.endswith("RuntimeError"))

    def test_reduced(self) -> None:
        """
        Whoever prints one of our failures prints no message.
        """
        reduced = Reduced(raised(ValueError(CANARY)))
        for text in (
            str(reduced),
            repr(reduced),
            reduced.getTraceback(),
            reduced.getTraceback(detail="verbose"),
            reduced.getBriefTraceback(),
            reduced.getErrorMessage(),
        ):
            self.assertIn("ValueError", text)
            self.assertNotIn(CANARY, text)
        self.assertTrue(reduced.check(ValueError))


class FormatTests(SynchronousTestCase):
    """
    Lines.
    """

    def test_json(self) -> None:
        """
        An event of ours has its name, its fields and its sentence.
        """
        event = event_of("logged_in", user="Al ice", address="10.0.0.1")
        event["log_time"] = 1640995200.0625
        self.assertEqual(
            json_line(event),
            '{"time": "2022-01-01T00:00:00.062Z", "level": "info", "event": "logged_in", '
            '"user": "Al ice", "address": "10.0.0.1", '
            '"text": "\'Al ice\' logged in from 10.0.0.1"}\n',
        )

    def test_text(self) -> None:
        """
        Text is as C{twistd} writes it.
        """
        event = event_of("logged_in", user="alice", address="10.0.0.1")
        self.assertEqual(text_line(event), formatEventAsClassicLogText(event))

    def others(self, said: str, **values: object) -> dict[str, Any]:
        """
        @return: an event that is not ours.
        """
        events: list[Any] = []
        Logger("elsewhere", observer=events.append).info(said, **values)  # type: ignore[arg-type]
        event: dict[str, Any] = events[0]
        return event

    def test_others(self) -> None:
        """
        An event of others has no name but its system and its namespace.
        """
        line = json.loads(json_line(self.others("{x} happened", x=5, event="stopped")) or "")
        del line["time"]
        self.assertEqual(
            line,
            {
                "level": "info",
                "event": None,
                "system": "elsewhere#info",
                "namespace": "elsewhere",
                "text": "5 happened",
            },
        )

    def test_lines_of_others(self) -> None:
        """
        Others may have several lines, of which the further ones are indented.
        """
        event = self.others("one\n2026 two\x1b\r\n\tthree\u2028four")
        text = text_line(event) or ""
        self.assertTrue(
            text.endswith("#info] one\n\t2026 two\\x1b\\r\n\t\tthree\\u2028four\n"), text
        )

    def test_old_style(self) -> None:
        """
        An old-style error is told without its message too.
        """
        seen = watch(self)
        old_log.err(raised(ValueError(CANARY)), "it broke")
        old_log.err(raised(ValueError(CANARY)))
        old_log.msg("hello")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)
        first, second, third = seen.events
        text = "".join(form(each) or "" for each in seen.events for form in (json_line, text_line))
        self.assertNotIn(CANARY, text)
        self.assertIn("it broke", text_line(first) or "")
        self.assertIn("ValueError", text_line(first) or "")
        self.assertIn("Unhandled Error", text_line(second) or "")
        self.assertIn("hello", text_line(third) or "")

    def test_nothing(self) -> None:
        """
        What says nothing is no line.
        """
        self.assertIsNone(json_line({"log_time": 1.0}))
        self.assertIsNone(text_line({"log_time": 1.0}))

    def test_unformattable(self) -> None:
        """
        An event that can't be formatted is told without what it holds.
        """
        event = self.others("{nothing} happened", password=CANARY)
        self.assertIn(CANARY, formatEvent(event))
        for form in (json_line, text_line):
            line = form(event) or ""
            self.assertIn("cannot be shown", line)
            self.assertNotIn(CANARY, line)

    def test_traceback(self) -> None:
        """
        In JSON a traceback is one text, in text it is indented lines.
        """
        event = self.others("broken", log_failure=raised(ValueError(CANARY)))
        event["log_level"] = LogLevel.critical
        record = json.loads(json_line(event) or "")
        self.assertEqual(record["level"], "critical")
        self.assertRegex(record["traceback"], r"(?s)\ATraceback.*\nValueError\Z")
        first, *rest = (text_line(event) or "").splitlines()
        self.assertTrue(first.endswith("broken"))
        self.assertTrue(rest and all(re.match(r"\t", each) for each in rest))

    def test_fields(self) -> None:
        """
        Observers of other programs find the name and the fields of an event in it.
        """
        event = event_of("cut_off", address="local", reason="slow_reader")
        self.assertEqual(event["event"], "cut_off")
        self.assertEqual(fields(event), {"address": "local", "reason": "slow_reader"})
