"""
The log of real processes, as an operator reads it.
"""

import json
import os
import signal
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from tests.operators import FOREGROUND, MODULE, ProcessTestCase
from tests.processes import TWISTD, Outcome


def records(text: str) -> list[dict[str, Any]]:
    """
    @return: what a log in JSON has, each line of it.
    """
    return [json.loads(line) for line in text.splitlines()]


class JSONTests(ProcessTestCase):
    """
    A log in JSON.
    """

    async def test_foreground(self) -> None:
        """
        On standard output each line is an object, Twisted's own too.
        """
        # Where the path of the operator's socket would be too long there is a line more.
        off = ("--admin-socket", "off")
        server, port = await self.serve(*FOREGROUND, "--log-format", "json", *off)
        alice = await self.talk(port)
        stopped = Deferred.fromCoroutine(server.stop())
        await alice.closed()
        lines = records((await stopped).out)
        names = [each["event"] for each in lines if each["event"]]
        self.assertEqual(names, ["serving", "registered", "logged_in", "stopped"])
        self.assertIn(None, [each["event"] for each in lines])
        self.assertEqual({each["address"] for each in lines if "user" in each}, {"127.0.0.1"})

    async def test_environment(self) -> None:
        """
        C{python -m chatroom} and the environment choose it as well.
        """
        server, port = await self.serve(*MODULE, CHATROOM_LOG_FORMAT="json")
        await self.talk(port)
        lines = records((await server.stop()).out)
        self.assertIn("stopped", [each["event"] for each in lines])

    async def test_daemon(self) -> None:
        """
        A daemon writes it to its file, goes on when that is moved away, and sets it
        aside on SIGUSR1; that it works elsewhere does not matter.
        """
        (self.place.path / "run").mkdir()
        command = (TWISTD, "--pidfile=twistd.pid", "--logfile=log/my.log", "--rundir=run")
        (self.place.path / "log").mkdir()
        options = ("chatroom", "--port", "0", "--log-format", "json")
        self.assertEqual(await self.place.run(*command, *options), Outcome(0, "", ""))
        path = self.place.path / "log" / "my.log"
        await self.place.until(lambda: '"serving"' in path.read_text())
        text = path.read_text()
        port = int(text.partition("ChatFactory starting on ")[2].split('"')[0])
        path.rename(path.with_name("moved.log"))
        alice = await self.talk(port)
        await self.place.until(path.exists)
        self.assertIn("registered", [each["event"] for each in records(path.read_text())])
        pid = int((self.place.path / "twistd.pid").read_text())
        os.kill(pid, signal.SIGUSR1)
        aside = path.with_name("my.log.1")
        await self.place.until(aside.exists)
        os.kill(pid, signal.SIGTERM)
        await alice.closed()
        await self.place.until(lambda: not (self.place.path / "twistd.pid").exists())
        self.assertIn("stopped", [each["event"] for each in records(path.read_text())])
        self.assertEqual(oct(path.stat().st_mode & 0o007), oct(0))

    async def test_by_name(self) -> None:
        """
        C{twistd} takes the observer by its name, for whatever it runs.
        """
        root = Path(__file__).parent.parent
        tac = (root / "chatroom.tac").read_text().replace("tcp:8888:", "tcp:0:")
        (self.place.path / "my.tac").write_text(tac)
        server = self.place.start(
            *(TWISTD, "--nodaemon", "--pidfile=", "--logger=chatroom.logs.json_lines"),
            *("--python", "my.tac"),
        )
        await server.says("(serving)")
        lines = records((await server.stop()).out)
        self.assertIn("serving", [each["event"] for each in lines])
