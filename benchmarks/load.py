"""
Many connections in one process, which count what they receive.

A member costs a C{recv} and a count of newlines a chunk, whatever is in it. Only
a few are looked at: who sends sees its acknowledgements, and one member a room
the times in what was said. So the load takes less than what it measures.
"""

import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any

from attrs import define, field, frozen

from benchmarks.wire import connected, is_success, read_line

_CHUNK = 1 << 18

#: With the room, the time of sending in nanoseconds, a number, and the content.
_NAMED = (
    b'{"message_type":"chat_message","chat_group_id":%d,'
    b'"client_message_id":"%d-%d","content":"%s"}\n'
)

#: With the room and the content.
_PLAIN = b'{"message_type":"chat_message","chat_group_id":%d,"content":"%s"}\n'

#: With the time of sending, and who sends.
_CONTENT = b"%d %d "

#: An acknowledgement, whose id has the time of sending.
_ACKNOWLEDGED = re.compile(rb'"client_message_id":"(\d+)-')

#: What was said, with that time; and what one said oneself.
_SAID = re.compile(rb'"content":"(\d+) ')
_OWN = rb'"content":"(\d+) %d '

#: How many latencies of a kind one process keeps of one run.
_MOST_SAMPLES = 200_000

#: epoll counts in milliseconds: what is shorter is waited for with select, of which
#: this is the only file.
_SHORT = 0.01

#: How long to wait without looking whether the run was called off.
_MOST_WAITING = 100_000_000

#: What says that a connection can't be read, or written, for now.
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

#: How long it has to be quiet before all has arrived, and how long that may take.
_QUIET = 0.3
_MOST_DRAINING = 15.0


@frozen(kw_only=True)
class Run:
    """
    What one process is to do, in one room or several.

    @ivar senders: who sends, as indices of connections, each with the ids of the rooms
        where it posts in turns.
    @ivar is_named: whether posts have a C{client_message_id}; without one, a sender's
        own post coming back is its acknowledgement.
    @ivar probes: whose received times are looked at.
    @ivar window: how many posts of a sender are unacknowledged at any time;
        0 is to post at a rate instead.
    @ivar rate: of this process, in posts a second.
    @ivar begin: when to start, by the monotonic clock, in nanoseconds.
    @ivar measure: when to start counting.
    @ivar end: when to stop.
    """

    senders: Sequence[tuple[int, Sequence[int]]]
    is_named: bool
    probes: Sequence[int]
    window: int
    rate: float
    characters: int
    begin: int
    measure: int
    end: int


@define(kw_only=True)
class Count:
    """
    What came of a run in one process.

    @ivar received: how many lines came while it was measured, but for
        acknowledgements.
    @ivar posted: how many posts were sent then, and L{acknowledged} likewise.
    @ivar all_received: the same from the beginning, until nothing came any more.
    @ivar delivery: from sending until a probe read it, in nanoseconds.
    @ivar acknowledgement: from sending until the sender read it.
    @ivar busy: the share of a processor that the process took.
    @ivar closed: how many connections the server has closed.
    """

    received: int = 0
    octets: int = 0
    posted: int = 0
    acknowledged: int = 0
    all_received: int = 0
    all_posted: int = 0
    delivery: list[int] = field(factory=list)
    acknowledgement: list[int] = field(factory=list)
    busy: float = 0.0
    closed: int = 0


@define(eq=False)
class _Connection:
    socket: socket.socket
    fd: int = field(init=False)
    sender: "_Sender | None" = None
    is_probe: bool = False
    rest: bytes = b""

    @fd.default
    def _number(self) -> int:
        return self.socket.fileno()


@define(eq=False)
class _Sender:
    fd: int
    rooms: Iterator[int]
    mark: int
    is_named: bool
    answer: "re.Pattern[bytes]"
    outstanding: int = 0
    unsent: bytearray = field(factory=bytearray)


@define(eq=False)
class Load:
    """
    The connections of one process.

    @ivar is_secure: whether they speak TLS.
    @ivar called_off: has a true C{value} when a run is to end before its time.
    """

    port: int
    is_secure: bool
    called_off: Any
    _connections: "list[_Connection]" = field(factory=list, init=False)
    _by_fd: "dict[int, _Connection]" = field(factory=dict, init=False)
    _poll: "select.epoll" = field(factory=select.epoll, init=False)
    _buffer: bytearray = field(factory=lambda: bytearray(_CHUNK), init=False)
    _count: Count = field(factory=Count, init=False)
    _is_measuring: bool = field(default=False, init=False)
    _next: int = field(default=0, init=False)

    def log_in(self, lines: Sequence[bytes], at_a_time: int) -> None:
        """
        Connect people, some of them at a time.

        @param lines: what each of them logs in by.
        """
        for start in range(0, len(lines), at_a_time):
            some = lines[start : start + at_a_time]
            fresh = [connected(self.port, secure=self.is_secure) for _ in some]
            for connection, line in zip(fresh, some, strict=True):
                connection.sendall(line)
            for connection in fresh:
                answer = read_line(connection)
                if not is_success(answer):
                    raise ConnectionError(f"somebody can't log in: {answer!r}")
                connection.setblocking(False)
                self._add(_Connection(connection))

    def keep(self, count: int) -> None:
        """
        Close all connections but the first ones.
        """
        for each in self._connections[count:]:
            self._drop(each)
        del self._connections[count:]

    def run(self, run: Run) -> Count:
        """
        Do what is to be done, and count.
        """
        self._count = Count()
        senders = [self._sender(i, rooms, run.is_named) for i, rooms in run.senders]
        for sender in senders:
            self._by_fd[sender.fd].sender = sender
        for index in run.probes:
            self._connections[index].is_probe = True
        _sleep_until(run.begin)
        send = self._fill if run.window else self._keep_up
        self._go(run, senders, send)
        self._drain()
        for each in self._connections:
            each.sender, each.is_probe = None, False
        return self._count

    def _sender(self, index: int, rooms: Sequence[int], is_named: bool) -> _Sender:
        connection = self._connections[index]
        # No other connection of any process has it.
        mark = connection.socket.getsockname()[1]
        answer = _ACKNOWLEDGED if is_named else re.compile(_OWN % mark)
        return _Sender(connection.fd, cycle(rooms), mark, is_named, answer)

    def _go(
        self, run: Run, senders: Sequence[_Sender], send: "Callable[[Run, Sequence[_Sender]], int]"
    ) -> None:
        self._next, self._is_measuring = 0, False
        used = begun = 0
        while (now := time.monotonic_ns()) < run.end and not self.called_off.value:
            if not self._is_measuring and now >= run.measure:
                self._is_measuring, used, begun = True, time.process_time_ns(), now
            due = send(run, senders)
            now = time.monotonic_ns()
            self._receive(min(run.end, due, now + _MOST_WAITING) - now)
        self._is_measuring = False
        self._count.busy = (time.process_time_ns() - used) / (time.monotonic_ns() - begun)

    def _fill(self, run: Run, senders: Sequence[_Sender]) -> int:
        """
        Have every sender's window full.
        """
        for sender in senders:
            missing = run.window - sender.outstanding
            if missing > 0:
                now = time.monotonic_ns()
                self._post(sender, [now] * missing, run.characters)
        return run.end

    def _keep_up(self, run: Run, senders: Sequence[_Sender]) -> int:
        """
        Post what is due, in turns. It is sent with the time at which it was due: if
        we are late, it is not the server that gains by it.

        @return: when the next is due.
        """
        if not senders:
            return run.end
        now = time.monotonic_ns()
        while (due := run.begin + int(self._next * 1e9 / run.rate)) <= now:
            self._post(senders[self._next % len(senders)], [due], run.characters)
            self._next += 1
        return due

    def _post(self, sender: _Sender, times: Sequence[int], characters: int) -> None:
        for number, at in enumerate(times, self._count.all_posted):
            room_id, content = next(sender.rooms), _CONTENT % (at, sender.mark)
            content = content.ljust(characters, b"x")
            if sender.is_named:
                sender.unsent += _NAMED % (room_id, at, number, content)
            else:
                sender.unsent += _PLAIN % (room_id, content)
        sender.outstanding += len(times)
        self._count.all_posted += len(times)
        if self._is_measuring:
            self._count.posted += len(times)
        self._send(sender)

    def _send(self, sender: _Sender) -> None:
        connection = self._by_fd.get(sender.fd)
        if connection is None:
            return
        try:
            with suppress(*_NOT_NOW):
                del sender.unsent[: connection.socket.send(sender.unsent)]
        except OSError:
            self._lose(connection)

    def _receive(self, nanoseconds: int) -> None:
        seconds = max(0, nanoseconds) / 1e9
        if seconds < _SHORT:
            select.select([self._poll], [], [], seconds)
            seconds = 0
        for fd, _ in self._poll.poll(seconds, 4096):
            connection = self._by_fd.get(fd)
            if connection is not None:
                self._read(connection)

    def _read(self, connection: "_Connection") -> None:
        try:
            size = connection.socket.recv_into(self._buffer)
        except _NOT_NOW:
            return
        except OSError:
            size = 0
        if not size:
            self._lose(connection)
            return
        lines = self._buffer.count(b"\n", 0, size)
        if connection.sender or connection.is_probe:
            lines -= self._look(connection, size)
        self._count.all_received += lines
        if self._is_measuring:
            self._count.received += lines
            self._count.octets += size

    def _look(self, connection: "_Connection", size: int) -> int:
        """
        Read the times in what was received.

        @return: how many lines of it were acknowledgements, and no deliveries.
        """
        now = time.monotonic_ns()
        text = connection.rest + self._buffer[:size]
        end = text.rfind(b"\n") + 1
        connection.rest = bytes(text[end:])
        if connection.is_probe:
            self._keep(self._count.delivery, _SAID.findall(text, 0, end), now)
        sender = connection.sender
        if sender is None:
            return 0
        acknowledged = sender.answer.findall(text, 0, end)
        sender.outstanding -= len(acknowledged)
        if self._is_measuring:
            self._count.acknowledged += len(acknowledged)
            self._keep(self._count.acknowledgement, acknowledged, now)
        if sender.unsent:
            self._send(sender)
        return len(acknowledged) if sender.is_named else 0

    def _keep(self, samples: list[int], times: Sequence[bytes], now: int) -> None:
        if self._is_measuring and len(samples) < _MOST_SAMPLES:
            samples += [now - int(each) for each in times]

    def _drain(self) -> None:
        last, give_up = 0, time.monotonic() + _MOST_DRAINING
        while last != self._count.all_received and time.monotonic() < give_up:
            last = self._count.all_received
            quiet = time.monotonic_ns() + int(_QUIET * 1e9)
            while (left := quiet - time.monotonic_ns()) > 0:
                self._receive(left)

    def _add(self, connection: "_Connection") -> None:
        self._connections.append(connection)
        self._by_fd[connection.fd] = connection
        self._poll.register(connection.fd, select.EPOLLIN)

    def _lose(self, connection: "_Connection") -> None:
        self._count.closed += 1
        self._drop(connection)

    def _drop(self, connection: "_Connection") -> None:
        if self._by_fd.pop(connection.fd, None) is not None:
            self._poll.unregister(connection.fd)
            connection.socket.close()


def _sleep_until(moment: int) -> None:
    time.sleep(max(0, moment - time.monotonic_ns()) / 1e9)
