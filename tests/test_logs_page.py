"""
docs/logs.md is true, and whole.
"""

import json
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from chatroom.logs.lines import json_line, text_line
from chatroom.logs.places import ROTATE_BYTES
from chatroom.logs.table import AUDIT, KINDS, OTHERS, SHARE, WINDOW
from chatroom.logs.values import MOST_CHARS
from tests.inventory import reasons
from tests.log_lines import event_of
from tests.pages import DOCS, Block, Section, code, sections

PAGE = DOCS / "logs.md"
SECTIONS = {each.heading: each for each in sections(PAGE)}


def section(heading: str) -> Section:
    """
    @return: the section of this heading.
    """
    return SECTIONS[heading]


def blocks(heading: str, info: str) -> list[Block]:
    """
    @return: the blocks of a section, of one sort.
    """
    return [each for each in section(heading).blocks if each.info == info]


def example() -> str:
    """
    @return: the log on the page.
    """
    [block] = blocks("Formats", "json chatroom.log")
    return block.text


def seconds(time: str) -> float:
    """
    @return: a time of the page, in Unix seconds.
    """
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


class TableTests(SynchronousTestCase):
    """
    The tables.
    """

    def test_events(self) -> None:
        """
        Every event is there, with its level, its fields, its meaning and its bound.
        """
        table, _ = section("Events").tables
        rows = {code(row[0]): row[1:] for row in table}
        expected = {
            kind.name: [
                kind.level.name,
                ", ".join(f"`{name}`" for name in kind.fields) or "–",
                kind.meaning,
                "all" if kind.most is None else str(kind.most),
            ]
            for kind in KINDS.values()
        }
        self.assertEqual(rows, expected)
        self.assertEqual(list(rows), list(expected))

    def test_fields(self) -> None:
        """
        Every field is told of.
        """
        _, table = section("Events").tables
        told = {name for row in table for name in re.findall(r"`(\w+)`", row[0])}
        self.assertEqual(told, {name for kind in KINDS.values() for name in kind.fields})

    def test_tracebacks(self) -> None:
        """
        The events with a traceback are named.
        """
        [line] = [each for each in section("Events").prose if each.endswith("have a `traceback`.")]
        named = set(re.findall(r"`(\w+)`", line)) - {"traceback"}
        self.assertEqual(named, {kind.name for kind in KINDS.values() if kind.has_traceback})

    def test_keys(self) -> None:
        """
        Every key of a line is told of.
        """
        [table] = section("Formats").tables
        told = {name for row in table for name in re.findall(r"`(\w+)`", row[0])}
        used = {key for line in example().splitlines() for key in json.loads(line)}
        mine = {name for kind in KINDS.values() for name in kind.fields}
        self.assertEqual(used - mine | {"traceback"}, told)

    def test_levels(self) -> None:
        """
        Every level is named.
        """
        [row] = [row for row in section("Formats").tables[0] if row[0] == "`level`"]
        levels = {each.name for each in LogLevel.iterconstants()}
        self.assertEqual(set(re.findall(r"`(\w+)`", row[1])), levels)

    def test_numbers(self) -> None:
        """
        The numbers of the prose are the code's.
        """
        text = " ".join(PAGE.read_text("utf-8").split())
        self.assertIn(f"what others tell, {OTHERS} of each module", text)
        self.assertIn(f"the first {AUDIT} in ten seconds", text)
        self.assertIn(f"no more than {SHARE} of one address", text)
        self.assertIn(f"cut off after {MOST_CHARS} characters", text)
        self.assertEqual((WINDOW, ROTATE_BYTES), (10.0, 1_000_000))

    def test_reasons(self) -> None:
        """
        The reasons in the example are reasons.
        """
        lines = [json.loads(line) for line in example().splitlines()]
        self.assertLessEqual(
            {each["reason"] for each in lines if "reason" in each}, set(reasons())
        )


class ExampleTests(SynchronousTestCase):
    """
    The examples.
    """

    def test_json(self) -> None:
        """
        Each line of the log in JSON is what the server writes of that event.
        """
        for line in example().splitlines(keepends=True):
            record: dict[str, Any] = json.loads(line)
            if record["event"] is None:
                event: dict[str, Any] = {
                    "log_namespace": record["namespace"],
                    "log_level": LogLevel.lookupByName(record["level"]),
                    "log_format": record["text"],
                }
            else:
                names = KINDS[record["event"]].fields
                event = event_of(record["event"], **{name: record[name] for name in names})
            event["log_time"] = seconds(record["time"]) + 0.0001
            self.assertEqual(json_line(event), line)

    def test_text(self) -> None:
        """
        So is each line of text, but for the zone of its time.
        """
        records = [json.loads(line) for line in example().splitlines()]
        [block] = blocks("Formats", "text")
        for line, record in zip(block.text.splitlines(), records, strict=False):
            names = KINDS[record["event"]].fields
            event = event_of(record["event"], **{name: record[name] for name in names})
            event["log_namespace"] = "chatroom.server.handlers.accounts"
            expected = (text_line(event) or "").partition(" ")[2].rstrip("\n")
            self.assertEqual(line.partition(" ")[2], expected)
            self.assertEqual(line[:19], record["time"][:19])

    def test_jq(self) -> None:
        """
        Each command prints what the page says.
        """
        if shutil.which("jq") is None:
            raise SkipTest("there is no jq here")
        place = Path(self.mktemp()).absolute()
        place.mkdir()
        (place / "chatroom.log").write_text(example())
        commands, outputs = blocks("With jq", "sh"), blocks("With jq", "text")
        self.assertGreater(len(commands), 2)
        for command, output in zip(commands, outputs, strict=True):
            result = subprocess.run(
                ["sh", "-c", command.text],
                cwd=place,
                capture_output=True,
                encoding="utf-8",
                timeout=60,
                check=True,
            )
            self.assertEqual(result.stdout, output.text)

    def test_programs(self) -> None:
        """
        Each program runs, and logs to the file that it names.
        """
        for block in blocks("In a program of yours", "python"):
            place = Path(self.mktemp()).absolute()
            place.mkdir()
            code = (
                block.text + "from chatroom.logs.journal import Journal\nJournal().note('stopped')"
            )
            subprocess.run([sys.executable, "-c", code], cwd=place, timeout=60, check=True)
            self.assertTrue((place / "mine.log").exists())
