"""
Clients that all come back at once, in a process of their own.
"""

import errno
import os
import selectors
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from attrs import define, field, frozen

from benchmarks.wire import place_of, request


@frozen(kw_only=True)
class Plan:
    """
    Who comes back, and to what.

    @ivar tokens: of each client.
    @ivar rooms: the room that each has missed something of.
    @ivar missed: how many messages.
    """

    port: int
    tokens: Sequence[str]
    rooms: Sequence[int]
    missed: int
    processors: set[int]


@frozen(kw_only=True)
class Return:
    """
    What became of it.

    @ivar seconds: of each client from the beginning to its last message; of those that
        were sent everything once and in order.
    @ivar wrong: what was wrong with the others.
    """

    seconds: list[float]
    wrong: list[str]


def come_back(pipe: Connection, plan: Plan) -> None:
    """
    Wait for a word, come back all at once, and tell what became of it; then stay until
    another word.
    """
    os.sched_setaffinity(0, plan.processors)
    crowd = _Crowd(plan)
    pipe.send("ready")
    pipe.recv()
    crowd.connect()
    pipe.send(crowd.outcome(seconds=120))
    pipe.recv()


@define(eq=False)
class _Client:
    """
    One client, from its connection to the last message that it has missed.
    """

    token: str
    room: int
    connection: socket.socket = field(factory=socket.socket)
    seqs: list[int] = field(factory=list)
    is_resuming: bool = False
    is_done: bool = False
    done_at: float = 0.0
    trouble: str = ""
    _rest: bytes = b""

    def connect(self, port: int) -> None:
        self.connection.setblocking(False)
        if self.connection.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
            self.trouble = "could not connect"

    def begin(self) -> None:
        self.connection.sendall(
            request("hello_request", protocol=1)
            + request("token_login_request", session_token=self.token)
        )

    def read(self) -> None:
        chunk = self.connection.recv(1 << 18)
        if not chunk:
            self.trouble = "the server has closed"
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        if line.startswith(b'{"message_type":"chat_message"'):
            found = place_of(line)
            if found is not None and found[0] == self.room:
                self.seqs.append(found[1])
        elif line.startswith(b'{"message_type":"hello_response"'):
            epoch = line.partition(b'"epoch":"')[2].partition(b'"')[0].decode()
            position = {"chat_group_id": self.room, "after_seq": 0}
            self.connection.sendall(request("resume_request", epoch=epoch, positions=[position]))
        elif line.startswith(b'{"message_type":"resume_response"'):
            self.is_done, self.done_at = True, time.monotonic()
        elif b'"success":false' in line or line.startswith(b'{"message_type":"error_message"'):
            self.trouble = line.decode()


class _Crowd:
    """
    All of them.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        pairs = zip(plan.tokens, plan.rooms, strict=True)
        self._clients = [_Client(token, room) for token, room in pairs]
        self._selector = selectors.DefaultSelector()
        self._begun = 0.0

    def connect(self) -> None:
        """
        Begin to connect, all in the same moment.
        """
        self._begun = time.monotonic()
        for client in self._clients:
            client.connect(self._plan.port)
            self._selector.register(client.connection, selectors.EVENT_WRITE, client)

    def outcome(self, *, seconds: float) -> Return:
        """
        Wait until all have what they have missed.

        @param seconds: how long that may take.
        """
        left = len(self._clients)
        while left and time.monotonic() - self._begun < seconds:
            for key, events in self._selector.select(0.1):
                left -= self._step(key.data, events)
        return Return(
            seconds=[each.done_at - self._begun for each in self._clients if self._is_right(each)],
            wrong=[_complaint(each) for each in self._clients if not self._is_right(each)],
        )

    def _step(self, client: _Client, events: int) -> bool:
        """
        @return: whether a client has come to its end.
        """
        if events & selectors.EVENT_WRITE:
            self._selector.modify(client.connection, selectors.EVENT_READ, client)
            client.begin()
        else:
            was_done = client.is_done
            client.read()
            if client.trouble:
                self._selector.unregister(client.connection)
            return bool(client.trouble) or (client.is_done and not was_done)
        return False

    def _is_right(self, client: _Client) -> bool:
        return client.is_done and client.seqs == list(range(1, self._plan.missed + 1))


def _complaint(client: _Client) -> str:
    return client.trouble or f"was sent {len(client.seqs)}, done: {client.is_done}"
