"""
Those who send and have files, in a process of their own.
"""

import json
import os
import selectors
import socket
import time
from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection

from attrs import define, field, frozen

from benchmarks.people import PASSWORD
from benchmarks.wire import Message, Peer, is_success, login, request

#: How much a carrier is ready to take, and after how much it says so again.
_CREDIT = 1 << 20

#: How much is read at a time.
_READ_BYTES = 1 << 18


@frozen
class Carried:
    """
    What was carried.

    @ivar seconds: how long that took.
    @ivar failed: how many files did not arrive, or go out.
    """

    sent: int
    had: int
    seconds: float
    failed: int


def carry(
    pipe: Connection, port: int, names: Sequence[str], room: int, size: int, processors: set[int]
) -> None:
    """
    Send one file; when asked, have half of the people send one each and the others have
    the first, all at the same time.

    @param room: where, by id.
    @param size: of each file, in bytes.
    """
    os.sched_setaffinity(0, processors)
    connections = [_log_in(port, name) for name in names]
    first = _Sender(connections[0], room, size)
    _run([first])
    pipe.send("ready")
    pipe.recv()
    half = len(connections) // 2
    senders = [_Sender(each, room, size) for each in connections[:half]]
    takers = [_Taker(each, first.file_id, size) for each in connections[half:]]
    begun = time.monotonic()
    _run([*senders, *takers])
    seconds = time.monotonic() - begun
    failed = sum(not each.is_good for each in (*senders, *takers))
    had = sum(each.had for each in takers)
    pipe.send(Carried(sum(each.sent for each in senders), had, seconds, failed))


def _log_in(port: int, name: str) -> socket.socket:
    peer = Peer.connect(port)
    if not is_success(peer.ask(login(name, PASSWORD))):
        raise SystemExit("benchmarks: a carrier could not log in")
    peer.connection.setblocking(False)
    return peer.connection


@define(eq=False)
class _Carrier:
    """
    One connection, and what waits to be sent on it.
    """

    connection: socket.socket
    is_done: bool = field(default=False, init=False)
    is_good: bool = field(default=False, init=False)
    _out: deque[bytes] = field(factory=deque, init=False)
    _rest: bytearray = field(factory=bytearray, init=False)

    @property
    def wants_to_write(self) -> bool:
        return bool(self._out)

    def write(self) -> None:
        """
        Send as much as the kernel takes.
        """
        while self._out:
            try:
                count = self.connection.send(self._out[0])
            except BlockingIOError:
                return
            rest = self._out.popleft()[count:]
            if rest:
                self._out.appendleft(rest)

    def read(self) -> None:
        """
        Read what there is.
        """
        data = self.connection.recv(_READ_BYTES)
        if not data:
            self.is_done = True
            return
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for each in lines:
            self.hear(bytes(each))

    def hear(self, said: bytes) -> None:
        """
        Take a line.
        """
        raise AssertionError(said)


@define(eq=False)
class _Sender(_Carrier):
    """
    Somebody who sends a file.
    """

    room: int
    size: int
    file_id: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)
    _upload_id: str = field(default="", init=False)
    _data: bytes = field(default=b"", init=False)
    _text: bytes = field(default=b"", init=False)

    def __attrs_post_init__(self) -> None:
        asked = {"chat_group_id": self.room, "filename": "carried.bin", "file_size": self.size}
        self._out.append(request("file_upload_request", **asked))

    def hear(self, said: bytes) -> None:
        kind = _kind(said)
        if kind == "file_chunk_ack":
            self._send_one()
        elif kind == "file_upload_response":
            self._hear_answer(_message(said))
        elif kind == "error_message":
            self.is_done = True

    def _hear_answer(self, answer: Message) -> None:
        if "success" in answer:
            self.is_done, self.is_good = True, answer["success"]
            self.file_id = answer.get("file_id", 0)
            return
        self._upload_id = answer["upload_id"]
        self._data = os.urandom(answer["chunk_bytes"])
        self._text = b64encode(self._data)
        for _ in range(answer["window"]):
            self._send_one()

    def _send_one(self) -> None:
        count = min(len(self._data), self.size - self.sent)
        if not count:
            return
        text = self._text if count == len(self._data) else b64encode(self._data[:count])
        head = request("file_chunk", upload_id=self._upload_id, offset=self.sent)
        self._out.append(head[:-2] + b',"data":"' + text + b'"}\n')
        self.sent += count


@define(eq=False)
class _Taker(_Carrier):
    """
    Somebody who has a file.
    """

    file_id: int
    size: int
    had: int = field(default=0, init=False)
    _granted: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        asked = {"file_id": self.file_id, "credit": 2 * _CREDIT}
        self._granted = 2 * _CREDIT
        self._out.append(request("file_download_request", **asked))

    def hear(self, said: bytes) -> None:
        kind = _kind(said)
        if kind == "file_data":
            text = said[said.index(b'"data":"') + 8 : said.rindex(b'"')]
            self.had += len(text) * 3 // 4 - text[-2:].count(b"=")
            if self._granted - self.had < _CREDIT:
                self._granted += _CREDIT
                self._out.append(request("file_credit", file_id=self.file_id, bytes=_CREDIT))
        elif kind in ("file_end", "error_message"):
            self.is_done, self.is_good = True, self.had == self.size


def _run(carriers: Sequence[_Carrier]) -> None:
    """
    Carry until all is done.
    """
    selector = selectors.DefaultSelector()
    for each in carriers:
        selector.register(each.connection, selectors.EVENT_READ, each)
    while not all(each.is_done for each in carriers):
        for each in carriers:
            each.write()
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if each.wants_to_write else 0)
            selector.modify(each.connection, events, each)
        for key, events in selector.select(1.0):
            if events & selectors.EVENT_READ:
                key.data.read()
    selector.close()


def _kind(said: bytes) -> str:
    return said[:60].partition(b'"message_type":"')[2].partition(b'"')[0].decode()


def _message(said: bytes) -> Message:
    found: Message = json.loads(said)
    return found
