"""
docs/operating.md: its commands are run by C{.ci/readme.py}; this is what it says
beside them.
"""

import ast
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from configparser import RawConfigParser
from errno import EACCES, EISDIR
from pathlib import Path

from twisted.internet import base, reactor, tcp
from twisted.internet.endpoints import TCP4ServerEndpoint, serverFromString
from twisted.internet.protocol import Factory
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from chatroom.errors import ErrorCode
from chatroom.logs.table import KINDS
from chatroom.settings import options
from chatroom.tap import Options
from tests.certificates import make_certificate
from tests.inventory import SOURCES, reasons
from tests.operators import MODULE, ProcessTestCase
from tests.pages import DOCS, anchor, code, sections

PAGE = DOCS / "operating.md"
SECTIONS = sections(PAGE)
TEXT = PAGE.read_text("utf-8")

#: What SQLite says, word for word; tests/test_trouble.py brings it about.
_SQLITE = {"database or disk is full", "disk I/O error", "database is locked"}


def section(heading: str) -> list[list[str]]:
    """
    @return: the rows of the table under a heading.
    """
    [table] = next(each for each in SECTIONS if each.heading == heading).tables
    return table[1:] if table[0][0] in ("options", "what happens") else table


def failures() -> dict[str, list[str]]:
    """
    @return: what the page says of each failure.
    """
    return {row[0]: row[1:] for row in section("What failures look like")}


def pattern(quoted: str) -> str:
    """
    @return: a regular expression for a line that the page has with dots in it.
    """
    return re.escape(quoted).replace("…", ".+")


class UnitTests(SynchronousTestCase):
    """
    The unit for systemd.
    """

    def setUp(self) -> None:
        """
        Find it.
        """
        blocks = [block for each in SECTIONS for block in each.blocks]
        [unit] = [block.text for block in blocks if block.info == "ini chatroom.service"]
        self.unit = unit
        [start] = re.findall(r"^ExecStart=((?:.*\\\n)*.*)$", unit, re.MULTILINE)
        self.command = shlex.split(start.replace("\\\n", " "))

    def test_command(self) -> None:
        """
        It starts twistd with options that there are.
        """
        twistd, *before, name = self.command[: self.command.index("chatroom") + 1]
        self.assertEqual(Path(twistd).name, "twistd")
        self.assertEqual((before, name), (["--nodaemon", "--pidfile="], "chatroom"))
        parsed = Options({})
        parsed.parseOptions(self.command[4:])
        self.assertEqual(parsed.settings.database, "sqlite:////var/lib/chatroom/chatroom.db")
        self.assertEqual(len(parsed.ports), 2)

    def test_endpoints(self) -> None:
        """
        Its ports are endpoints, with the keys that the unit hands over.
        """
        place = Path(self.mktemp())
        place.mkdir()
        make_certificate(place / "privkey.pem", place / "cert.pem")
        shutil.copy(place / "cert.pem", place / "chain.pem")
        parsed = Options({})
        parsed.parseOptions(self.command[4:])
        for port in parsed.ports:
            serverFromString(reactor, port.replace("%d", str(place)))
        used = set(re.findall(r"%d/([\w.]+)", self.unit))
        self.assertEqual(used, set(re.findall(r"LoadCredential=([\w.]+):", self.unit)))

    def test_keys_once(self) -> None:
        """
        Nothing is said twice, but for what may be.
        """
        parser = RawConfigParser(strict=False)
        parser.read_string(self.unit)
        keys = re.findall(r"^(\w+)=", self.unit, re.MULTILINE)
        twice = {key for key in keys if keys.count(key) > 1}
        self.assertEqual(twice, {"LoadCredential"})

    def test_systemd(self) -> None:
        """
        systemd finds nothing wrong with it.
        """
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            raise SkipTest("systemd-analyze is not installed")
        place = Path(self.mktemp()).absolute()
        place.mkdir()
        unit = place / "chatroom.service"
        # It insists on a program that is there, and on a user.
        text = self.unit.replace(self.command[0], sys.executable)
        unit.write_text(text.replace("User=chatroom", "User=root"))
        done = subprocess.run(
            [analyze, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60
        )
        said = [each for each in done.stderr.splitlines() if "chatroom.service" in each]
        self.assertEqual((done.returncode, said), (0, []))


class OptionTests(SynchronousTestCase):
    """
    The options on the page.
    """

    def test_known(self) -> None:
        """
        Every option that the page sets as code is one.
        """
        known = {"--" + each.name.replace("_", "-") for each in options()} | {"--port"}
        known |= {"--limit", "--reason", "--yes", "--json", "--force"}
        of_twistd = {"--nodaemon", "--pidfile", "--logfile"}
        for each in SECTIONS:
            for item in each.items():
                used = set(re.findall(r"(?:^| )(--[a-z-]+)", item)) if item[:2] == "--" else set()
                self.assertEqual(used - known - of_twistd, set(), item)

    def test_limits(self) -> None:
        """
        The table has every limit that there is.
        """
        told = {each for row in section("Limits") for each in re.findall("`--([a-z-]+)`", row[0])}
        limits = {
            each.name.replace("_", "-") for each in options() if "; 0 is " in each.metadata["help"]
        }
        self.assertEqual(limits - told, set())

    def test_values(self) -> None:
        """
        What it proposes is accepted.
        """
        proposed = [
            item for each in SECTIONS for item in each.items() if re.match(r"--[a-z-]+ \d", item)
        ]
        self.assertGreater(len(proposed), 0)
        for item in proposed:
            Options({}).parseOptions(item.split())
        [public] = re.findall(r"`(--registrations-per-hour 5 [^`]+)`", TEXT)
        Options({}).parseOptions(public.split())


class SaidTests(SynchronousTestCase):
    """
    What the page says that others say.
    """

    def test_log(self) -> None:
        """
        Every line of the log that is quoted is one that may be there.
        """
        kinds = [_sentence(kind.format) for kind in KINDS.values()]
        ours = {text for source in SOURCES for text in _texts(source.tree)}
        others = _texts_of_twisted()
        for row in failures().values():
            for quoted in re.findall("`([^`]+)`", row[0]):
                if re.match("--port|cannot|another", quoted):
                    continue  # StartTests bring these about.
                is_kind = any(re.fullmatch(each, quoted) for each in kinds)
                self.assertTrue(is_kind or quoted in _SQLITE | ours | others, quoted)
                slugs = set(re.findall(r"\b[a-z]+_[a-z_]+\b", quoted))
                self.assertEqual(slugs - ours, set())

    def test_codes(self) -> None:
        """
        Every code and every reason is one, and they belong together.
        """
        codes = {int(each) for each in re.findall(r"\b10\d\d\b", TEXT)} - {1000}
        self.assertEqual(codes - {int(each) for each in ErrorCode}, set())
        for row in failures().values():
            for reason in re.findall(r"`([a-z]+_[a-z_]+)`", row[1]):
                if reason not in ("system_message", "retry_after"):
                    self.assertIn(str(int(reasons()[reason].code)), row[1])

    def test_links(self) -> None:
        """
        Every link within the docs leads to a file, and a heading, that is there.
        """
        for page in (PAGE, DOCS / "embedding.md", DOCS.parent / "README.md"):
            for link in re.findall(r"\]\(([^):]+)\)", page.read_text("utf-8")):
                file, _, heading = link.partition("#")
                path = page.parent / file if file else page
                self.assertTrue(path.exists(), f"{page.name}: {link}")
                if heading:
                    anchors = {anchor(each.heading) for each in sections(path)}
                    self.assertIn(heading, anchors, page.name)


def _sentence(log_format: str) -> str:
    """
    @return: a regular expression for a sentence with its fields.
    """
    return ".+".join(map(re.escape, re.split(r"\{[^}]*\}", log_format)))


def _texts(tree: ast.AST) -> set[str]:
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {each for each in constants if isinstance(each, str)}


def _texts_of_twisted() -> set[str]:
    found: set[str] = set()
    for module in (base, tcp):
        assert module.__file__ is not None
        found |= _texts(ast.parse(Path(module.__file__).read_text("utf-8")))
    return found


class StartTests(ProcessTestCase):
    """
    What a server says that can't start is what the page quotes.
    """

    async def says(self, failure: str, *options: str) -> str:
        """
        @return: the line that it says, which is the one on the page.
        """
        outcome = await self.place.run(*MODULE, *options)
        [line] = outcome.err.splitlines()
        self.assertEqual(outcome.status, 1)
        [quoted] = re.findall("^`([^`]+)`$", failures()[failure][0])
        self.assertRegex(line, f"^chatroom: {pattern(quoted)}$")
        return line

    async def test_port(self) -> None:
        """
        The port is taken.
        """
        listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory())
        self.addCleanup(listening.stopListening)
        await self.says("the port is taken", "--port", str(listening.getHost().port))

    async def test_second(self) -> None:
        """
        There is a server already.
        """
        await self.serve(*MODULE)
        await self.says("a second server on the database")

    async def test_directory(self) -> None:
        """
        There is no such directory.
        """
        await self.says("the directory is not there", "--database", "sqlite:///nowhere/chat.db")

    async def test_permission(self) -> None:
        """
        The lock can't be made. (For root nothing is forbidden: it is another reason here.)
        """
        (self.place.path / "chatroom.db.lock").mkdir()
        row = failures()["it may not write there"]
        self.assertIn(os.strerror(EACCES), row[0])
        outcome = await self.place.run(*MODULE)
        line = outcome.err.strip().replace(os.strerror(EISDIR), os.strerror(EACCES))
        self.assertRegex(line, f"^chatroom: {pattern(code(row[0]))}$")

    async def test_no_database(self) -> None:
        """
        The file is something else.
        """
        (self.place.path / "chatroom.db").write_text("buy milk\n" * 100)
        await self.says("the file is no database")

    async def test_newer(self) -> None:
        """
        A newer version was here.
        """
        server, _ = await self.serve(*MODULE)
        await server.stop()
        with sqlite3.connect(self.place.path / "chatroom.db") as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        await self.says("a newer version has changed the database")

    async def test_keys(self) -> None:
        """
        The key is not there, or that of another certificate.
        """
        place = self.place.path
        make_certificate(place / "one.pem", place / "one.crt")
        make_certificate(place / "two.pem", place / "two.crt")
        await self.says(
            "the TLS key is not there, or can't be read", "--port", "ssl:0:privateKey=none.pem"
        )
        await self.says(
            "the key is not the certificate's",
            "--port",
            "ssl:0:privateKey=one.pem:certKey=two.crt",
        )
