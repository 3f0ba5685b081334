"""
Those who were there all the time and talk, in a process of their own: what they notice
of what others do.
"""

import os
import selectors
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from attrs import frozen

from benchmarks.people import PASSWORD
from benchmarks.wire import Peer, is_success, login, request


@frozen
class Seen:
    """
    What the bystanders saw since they were asked last.

    @ivar delays: of each delivery, from when its post was due, in seconds.
    """

    delays: list[float]


def stand_by(
    pipe: Connection, port: int, names: Sequence[str], room: int, rate: float, processors: set[int]
) -> None:
    """
    Log in, post at a steady rate whatever happens, and tell what was seen when asked.

    @param room: where, by id.
    @param rate: posts a second, of all of them together.
    """
    os.sched_setaffinity(0, processors)
    connections = [_log_in(port, name) for name in names]
    pipe.send("ready")
    talk = _Talk(connections, room, rate)
    while True:
        talk.turn()
        if pipe.poll():
            pipe.recv()
            pipe.send(talk.seen())


def _log_in(port: int, name: str) -> socket.socket:
    peer = Peer.connect(port)
    if not is_success(peer.ask(login(name, PASSWORD))):
        raise SystemExit("benchmarks: a bystander could not log in")
    peer.connection.setblocking(False)
    return peer.connection


class _Talk:
    """
    A conversation at a steady rate: each post says when it was due.
    """

    def __init__(self, connections: Sequence[socket.socket], room: int, rate: float) -> None:
        self._connections = connections
        self._room = room
        self._rate = rate
        self._selector = selectors.DefaultSelector()
        for connection in connections:
            self._selector.register(connection, selectors.EVENT_READ)
        self._rests = dict.fromkeys(connections, b"")
        self._begun = time.monotonic()
        self._posted = 0
        self._delays: list[float] = []

    def turn(self) -> None:
        """
        Do what there is to do, for a hundredth of a second at the most.
        """
        while self._posted < (time.monotonic() - self._begun) * self._rate:
            due = self._begun + self._posted / self._rate
            sender = self._connections[self._posted % len(self._connections)]
            post = request("chat_message", chat_group_id=self._room, content=f"due {due:.6f} !")
            sender.sendall(post)
            self._posted += 1
        for key, _ in self._selector.select(0.01):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            self._read(connection)

    def _read(self, connection: socket.socket) -> None:
        *lines, rest = (self._rests[connection] + connection.recv(1 << 16)).split(b"\n")
        self._rests[connection] = rest
        now = time.monotonic()
        for line in lines:
            due = line.partition(b'"due ')[2].partition(b" ")[0]
            if due:
                self._delays.append(now - float(due))

    def seen(self) -> Seen:
        """
        @return: what was seen since this was asked last.
        """
        seen, self._delays = Seen(self._delays), []
        return seen
