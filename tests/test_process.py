"""
The server as an operator meets it: real processes, sockets, signals and files.

C{CHATROOM_TEST_PYTHON} chooses the environment whose C{twistd} is started.
"""

import os
import re
import resource
import shutil
import signal
from itertools import count
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall, deferLater

from tests.operators import DAEMON, FOREGROUND, MODULE, ProcessTestCase, names_of
from tests.pages import sections
from tests.peers import PASSWORD, Peer, login, post
from tests.processes import PYTHON, TWISTD, Outcome, Place
from tests.servers import log_in

README = Path(__file__).parent.parent / "README.md"

#: An application of which one part starts and the other can't.
BOTH = """
from twisted.application.service import Application, Service
from twisted.internet import reactor

from chatroom.assembly import assemble
from chatroom.settings import Settings


class Broken(Service):
    def startService(self):
        raise RuntimeError("no such part")


application = Application("both")
assemble(Settings(), reactor).setServiceParent(application)
Broken().setServiceParent(application)
"""


class ForegroundTests(ProcessTestCase):
    """
    A server that stays in the foreground.
    """

    async def stays(self, *command: str, stopped_by: int = signal.SIGTERM) -> None:
        """
        Start a server, talk, and stop it.
        """
        server, port = await self.serve(*command)
        alice = await self.talk(port)
        stopped = Deferred.fromCoroutine(server.stop(stopped_by))
        farewell = (await alice.closed())[-1]
        outcome = await stopped
        self.assertEqual(
            (farewell["message_type"], farewell["level"]), ("system_message", "warning")
        )
        self.assertEqual((outcome.status, outcome.err), (-stopped_by, ""))
        self.assertIn("Server Shut Down", outcome.out.splitlines()[-1])
        self.assertNotIn("Traceback", outcome.out)
        self.assertEqual(list(self.place.path.glob("*.pid")), [])

    async def test_twistd(self) -> None:
        """
        C{twistd --nodaemon chatroom} serves until SIGTERM, then says goodbye and ends.
        """
        await self.stays(*FOREGROUND)

    async def test_module(self) -> None:
        """
        C{python -m chatroom} is the same, and Ctrl-C ends it too.
        """
        await self.stays(*MODULE, stopped_by=signal.SIGINT)

    async def test_help(self) -> None:
        """
        C{--help} names the other commands, and then the server's options.
        """
        outcome = await self.place.run(PYTHON, "-m", "chatroom", "--help")
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        commands, _, options = outcome.out.partition("Options:")
        self.assertIn("chatroom torture [options]", commands)
        self.assertIn("--database=", options)

    async def test_torture_help(self) -> None:
        """
        A command is not the server, and has options of its own.
        """
        outcome = await self.place.run(PYTHON, "-m", "chatroom", "torture", "--help")
        self.assertEqual(outcome.status, 0)
        self.assertIn("--kills", outcome.out)
        outcome = await self.place.run(PYTHON, "-m", "chatroom", "torture", "--clients", "no")
        self.assertEqual(outcome.status, 1)
        self.assertEqual(len(outcome.err.splitlines()), 1)

    async def test_environment(self) -> None:
        """
        The environment is as good as the command line.
        """
        server, port = await self.serve(
            *(PYTHON, "-m", "chatroom"), CHATROOM_PORT="0 unix:chat.sock", CHATROOM_LANGUAGE="en"
        )
        await server.says("(chat.sock)")
        refusal = await (await self.connect(port)).ask(post("Hello!"))
        self.assertEqual(refusal["error_message"], "Please log in first")

    async def test_without_a_terminal(self) -> None:
        """
        It serves with standard error closed, too.
        """
        _, port = await self.serve("sh", "-c", 'exec "$@" 2>&-', "sh", *FOREGROUND)
        await self.talk(port)

    async def test_a_failure_beside_it(self) -> None:
        """
        A program whose other part can't start ends, and takes the chat with it.
        """
        (self.place.path / "both.tac").write_text(BOTH)
        program = self.place.start(TWISTD, "--nodaemon", "--pidfile=", "--python", "both.tac")
        outcome = await program.outcome()
        self.assertEqual(outcome.status, 1)
        self.assertIn("serving", outcome.out)
        self.assertIn("no such part", outcome.out + outcome.err)

    async def test_many_files(self) -> None:
        """
        It takes as many connections as the system lets it, not as few as it is started with.
        """
        few = ("sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh")
        server, port = await self.serve(*few, *FOREGROUND)
        soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)
        for _ in range(100):
            await self.connect(port)
        await self.talk(port)

    async def test_many_at_once(self) -> None:
        """
        A thousand can wait to be accepted, where the system allows it, or as many as one says.
        """
        if shutil.which("ss") is None:
            raise SkipTest("there is no ss to ask how many may wait")
        system = int(Path("/proc/sys/net/core/somaxconn").read_text())
        for number, most in (("0", 1024), ("tcp:0:backlog=7", 7)):
            command = (*MODULE[:-1], number, "--database", f"sqlite:///{most}.db")
            _, port = await self.serve(*command)
            listening = await self.place.run("ss", "-Hltn")
            [queue] = re.findall(rf"LISTEN +\d+ +(\d+) +\S+:{port} ", listening.out)
            self.assertEqual(int(queue), min(most, system))

    async def test_private_by_default(self) -> None:
        """
        What is stored is its owner's alone.
        """
        await self.serve(*MODULE)
        for path in self.place.path.glob("chatroom.db*"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path.name)


class DaemonTests(ProcessTestCase):
    """
    A server that goes to the background.
    """

    async def test_daemon(self) -> None:
        """
        C{twistd chatroom} leaves the terminal, serves until SIGTERM, and clears its pidfile.
        """
        self.assertEqual(await self.place.run(*DAEMON), Outcome(0, "", ""))
        pid = int((self.place.path / "twistd.pid").read_text())
        log = (self.place.path / "twistd.log").read_text()
        port = int(log.partition("ChatFactory starting on ")[2].split()[0])
        alice = await self.talk(port)
        os.kill(pid, signal.SIGTERM)
        await alice.closed()
        await self.place.until(lambda: not (self.place.path / "twistd.pid").exists())
        self.assertNotIn("Traceback", (self.place.path / "twistd.log").read_text())
        self.assertEqual([content for _, _, content in self.said()], ["Hello!"])


class Refusals:
    """
    What keeps a server from starting is one line on the terminal and exit status 1.
    """

    command: tuple[str, ...]
    place: Place
    serve: Any
    assertEqual: Any
    assertIn: Any
    addCleanup: Any

    async def refused(self, *options: str) -> str:
        """
        @return: what a server that can't start says.
        """
        outcome = await self.place.run(*self.command, *options)
        [line] = outcome.err.splitlines()
        self.assertEqual(outcome.status, 1)
        self.assertEqual(line.partition(" ")[0], "chatroom:")
        # A daemon that has said so is about to end.
        for _ in range(100):
            if not list(self.place.path.glob("*.pid")):
                return line
            await deferLater(reactor, 0.05)
        raise AssertionError("there is a pidfile of a server that is gone")

    async def test_port_taken(self) -> None:
        """
        A port that is taken is named.
        """
        listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory())
        self.addCleanup(listening.stopListening)
        port = listening.getHost().port
        line = await self.refused("--port", str(port))
        self.assertIn(f"port {port} of 127.0.0.1: Address already in use", line)
        self.assertIn("--port", line)

    async def test_no_such_port(self) -> None:
        """
        A port that can't be is refused.
        """
        self.assertIn("0-65535", await self.refused("--port", "65536"))

    async def test_missing_directory(self) -> None:
        """
        A directory that is not there is named.
        """
        line = await self.refused("--database", "sqlite:///nowhere/chatroom.db")
        self.assertIn(f"{self.place.path}/nowhere/chatroom.db", line)
        self.assertIn("there is no such directory", line)

    async def test_no_database(self) -> None:
        """
        A file that is no database is named, and left as it is.
        """
        path = self.place.path / "notes.txt"
        path.write_text("buy milk\n" * 100)
        line = await self.refused("--database", "sqlite:///notes.txt")
        self.assertIn(f"{path}: file is not a database", line)
        self.assertEqual(path.read_text(), "buy milk\n" * 100)

    async def test_second_server(self) -> None:
        """
        A second server on the same database is refused.
        """
        await self.serve(*MODULE)
        self.assertIn("another server is using this database", await self.refused())

    async def test_bad_option(self) -> None:
        """
        A bad option is named.
        """
        self.assertIn("language must be one of", await self.refused("--language", "tlh"))


class ForegroundRefusalTests(Refusals, ProcessTestCase):
    """
    In the foreground.
    """

    command = FOREGROUND


class DaemonRefusalTests(Refusals, ProcessTestCase):
    """
    As a daemon, which has to reach the terminal that it has left.
    """

    command = DAEMON

    async def test_log(self) -> None:
        """
        The log says why, too.
        """
        line = await self.refused("--database", "sqlite:///nowhere/chatroom.db")
        log = (self.place.path / "twistd.log").read_text()
        self.assertIn("cannot start: " + line.removeprefix("chatroom: "), log)
        self.assertNotIn("Traceback", log)


class PromiseTests(ProcessTestCase):
    """
    What an acknowledgement is worth.
    """

    async def test_half_close(self) -> None:
        """
        Who sends all and closes its side gets all answers; sent again, nothing is doubled.
        """
        _, port = await self.serve()
        await log_in(await self.connect(port), "alice")
        lines = [login("alice"), *(post(f"Note {n}", client_message_id=f"n{n}") for n in range(3))]
        for is_repeat in (False, True):
            peer = await self.connect(port)
            peer.send(*lines)
            answers = [a for a in await peer.finish() if a["message_type"] != "chat_message"]
            self.assertTrue(answers[0]["success"])
            self.assertEqual(
                [(a["client_message_id"], a["seq"], a["duplicate"]) for a in answers[1:]],
                [(f"n{n}", n + 1, is_repeat) for n in range(3)],
            )
            self.assertEqual(self.said(), [(n + 1, f"n{n}", f"Note {n}") for n in range(3)])

    async def test_kill(self) -> None:
        """
        What was acknowledged before the server is killed is there afterwards, once.
        """
        server, port = await self.serve(*FOREGROUND, "--post-rate", "0")
        posts = [post(f"Note {n}", client_message_id=f"n{n}") for n in range(3000)]
        alice = await self.connect(port)
        await log_in(alice, "alice")
        alice.send(*posts)
        heard = [await alice.receive() for _ in range(500)]
        os.kill(server.pid, signal.SIGKILL)
        heard += await alice.closed()
        await server.outcome()
        acknowledged = names_of(heard)
        self.assertGreater(len(acknowledged), 100)
        self.assertLess(len(acknowledged), len(posts))

        _, port = await self.serve(*FOREGROUND, "--post-rate", "0")
        again = await self.connect(port)
        again.send(login("alice"), *posts)
        repeated = names_of(
            [a for a in await again.finish() if a.get("duplicate") or "user_id" in a]
        )
        self.assertLessEqual(set(acknowledged), set(repeated))
        expected = [(n + 1, f"n{n}", f"Note {n}") for n in range(len(posts))]
        self.assertEqual(self.said(), expected)


class ClientTests(ProcessTestCase):
    """
    The client in the README.
    """

    async def test_in_a_storm(self) -> None:
        """
        It logs in every time, while another user posts 500 messages a second.
        """
        server, port = await self.serve(*FOREGROUND, "--post-rate", "0")
        [source] = [
            block.text
            for section in sections(README)
            for block in section.blocks
            if block.info == "python client.py"
        ]
        self.assertIn("('localhost', 8888)", source)
        source = source.replace("('localhost', 8888)", f"('127.0.0.1', {port})")
        source = source.replace('"password123"', repr(PASSWORD))
        (self.place.path / "client.py").write_text(source)
        await log_in(await self.connect(port), "alice")
        storm = Storm(await self.connect(port))
        await storm.begin()
        for _ in range(5):
            runs = [Deferred.fromCoroutine(self.place.run(PYTHON, "client.py")) for _ in range(2)]
            for outcome in await gatherResults(runs):
                self.assertEqual(outcome, Outcome(0, "登录成功: alice\n", ""))
        posted, seconds = await storm.end()
        self.assertGreater(posted / seconds, 400)
        self.assertEqual(len(self.said()), posted)
        self.assertNotIn("Traceback", server.out.decode())


class Storm:
    """
    Somebody who posts 500 messages a second.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._numbers = count(1)
        self._posted = 0
        self._calls = LoopingCall.withCount(self._post)
        self._began = 0.0

    async def begin(self) -> None:
        """
        Log in, and go on posting.
        """
        await log_in(self._peer, "bob")
        self._began = self._calls.clock.seconds()
        self._calls.start(0.02).addErrback(self._failed)

    def _post(self, calls: int) -> None:
        posts = [post(f"Note {next(self._numbers)}") for _ in range(10 * calls)]
        self._posted += len(posts)
        self._peer.send(*posts)

    def _failed(self, failure: Any) -> None:
        raise failure.value

    async def end(self) -> tuple[int, float]:
        """
        Stop posting, and wait until all is said.

        @return: how many were posted, in how many seconds.
        """
        self._calls.stop()
        seconds = self._calls.clock.seconds() - self._began
        echoes = await self._peer.receive_some(self._posted)
        assert echoes[-1]["content"] == f"Note {self._posted}"
        return self._posted, seconds
