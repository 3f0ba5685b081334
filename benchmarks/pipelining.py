"""
Somebody who sends as much as the server takes, in a process of their own.
"""

import os
import select
import socket
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from attrs import define, field, frozen

from benchmarks.trouble import Trouble
from benchmarks.wire import Peer, is_success, request

_CHUNK = 1 << 18

#: How long it may take until something more is answered, where not all is.
_MOST_SECONDS = 10.0

POSTS, BAD_LINES, PINGS = "posts", "bad lines", "pings"


def _post(room: int, number: int) -> bytes:
    # Of another time each time, for the names of posts are kept.
    name = f"{time.monotonic_ns()}-{number}"
    said = f"greedy {number}".ljust(100, "x")
    return request("chat_message", chat_group_id=room, client_message_id=name, content=said)


def _bad_line(_room: int, _number: int) -> bytes:
    return b"this is no JSON\n"


def _ping(_room: int, number: int) -> bytes:
    return request("ping", nonce=f"{number}")


#: What one line of each kind is, by the room and a number, and how its answer begins.
_KINDS: Mapping[str, tuple[Callable[[int, int], bytes], bytes]] = {
    POSTS: (_post, b'{"message_type":"chat_message_ack"'),
    BAD_LINES: (_bad_line, b'{"message_type":"error_message"'),
    PINGS: (_ping, b'{"message_type":"pong"'),
}


@frozen(kw_only=True)
class Errand:
    """
    What is to be sent.

    @ivar room: where, if it is posts.
    @ivar count: how many lines.
    """

    kind: str
    room: int
    count: int


@frozen(kw_only=True)
class Done:
    """
    What became of it.

    @ivar answered: how many lines were answered as they should be.
    """

    answered: int
    seconds: float


def pipeline(pipe: Connection, port: int, login: bytes, processors: set[int]) -> None:
    """
    Log in; then prepare for each L{Errand} that comes, say so, wait for a word, do it,
    and tell what became of it.
    """
    os.sched_setaffinity(0, processors)
    peer = Peer.connect(port)
    if not is_success(peer.ask(login)):
        raise Trouble("benchmarks: the greedy one can't log in")
    while True:
        try:
            errand = pipe.recv()
        except EOFError:
            return
        make, answer = _KINDS[errand.kind]
        lines = b"".join(make(errand.room, number) for number in range(errand.count))
        pipe.send("ready")
        pipe.recv()
        pipe.send(_Pipeline(peer.connection, lines, answer, errand.count).run())


@define(eq=False)
class _Pipeline:
    connection: socket.socket
    lines: bytes
    answer: bytes
    count: int
    _sent: int = field(default=0, init=False)
    _answered: int = field(default=0, init=False)
    _rest: bytes = field(default=b"", init=False)

    def run(self) -> Done:
        begun = at = time.monotonic()
        self.connection.setblocking(False)
        while self._answered < self.count and time.monotonic() - at < _MOST_SECONDS:
            before = self._answered
            unsent = [self.connection] if self._sent < len(self.lines) else []
            readable, writable, _ = select.select([self.connection], unsent, [], 1)
            if readable and not self._read():
                break
            if writable:
                rest = memoryview(self.lines)[self._sent : self._sent + _CHUNK]
                self._sent += self.connection.send(rest)
            if self._answered > before:
                at = time.monotonic()
        return Done(answered=self._answered, seconds=at - begun)

    def _read(self) -> bool:
        """
        @return: whether the server has not closed.
        """
        chunk = self.connection.recv(_CHUNK)
        text = self._rest + chunk
        self._answered += text.count(self.answer)
        # Too short to be counted twice.
        self._rest = text[-len(self.answer) + 1 :]
        return bool(chunk)
