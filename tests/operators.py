"""
An operator's desk for tests: a directory, servers that are started in it as real
processes, and what they leave behind.
"""

import sqlite3
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.peers import Message, Peer, connect_by_socket, post
from tests.processes import PYTHON, TWISTD, Place, Process
from tests.servers import log_in

FOREGROUND = (TWISTD, "--nodaemon", "--pidfile=twistd.pid", "chatroom", "--port", "0")
DAEMON = (TWISTD, "--pidfile=twistd.pid", "--logfile=twistd.log", "chatroom", "--port", "0")
MODULE = (PYTHON, "-m", "chatroom", "--port", "0")

#: What the log says of the port, when C{--port} leaves it to the system.
PORT = r"ChatFactory starting on (\d+)"


class ProcessTestCase(TestCase):
    """
    A place to start servers in, cleared afterwards.
    """

    timeout = 60

    def setUp(self) -> None:
        """
        Have an empty directory.
        """
        path = Path(self.mktemp()).absolute()
        path.mkdir(parents=True)
        self.place = Place(reactor, path)
        self.peers: list[Peer] = []

    async def tearDown(self) -> None:  # type: ignore[override]
        """
        Leave nothing behind.
        """
        for peer in self.peers:
            if not peer.wire.is_closed:
                peer.wire.abort()
            await peer.closed()
        await self.place.leave()

    async def serve(self, *command: str, **environment: str) -> tuple[Process, int]:
        """
        Start a server in the foreground.

        @return: it, and its port.
        """
        server = self.place.start(*(command or FOREGROUND), **environment)
        port = int(await server.says(PORT))
        await server.says("(serving)")
        return server, port

    async def connect(self, port: int) -> Peer:
        """
        @return: a new connection.
        """
        peer = await connect_by_socket(reactor, port)
        self.peers.append(peer)
        return peer

    async def talk(self, port: int) -> Peer:
        """
        Have a user say something.
        """
        alice = await self.connect(port)
        await log_in(alice, "alice")
        echo = await alice.ask(post("Hello!"))
        self.assertEqual(echo["content"], "Hello!")
        return alice

    def said(self) -> list[tuple[int, str, str]]:
        """
        @return: the seq, the client's id and the content of all that is stored.
        """
        with sqlite3.connect(self.place.path / "chatroom.db") as database:
            query = "SELECT seq, client_message_id, content FROM events ORDER BY seq"
            return database.execute(query).fetchall()


def names_of(lines: list[Message]) -> list[str]:
    """
    @return: the client's ids of the messages that are acknowledged.
    """
    return [each["client_message_id"] for each in lines if "duplicate" in each]
