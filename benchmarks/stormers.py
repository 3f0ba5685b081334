"""
Those who post in a storm: each keeps what is not acknowledged, sends it again after
a reconnection, and remembers everything it was ever told.
"""

import errno
import json
import os
import select
import socket
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

from attrs import define, field, frozen

from benchmarks.contents import Contents, identity
from benchmarks.people import PASSWORD, person
from benchmarks.wire import Message, login, request

#: How long to wait before connecting again.
_PAUSE = 0.05

#: How long it has to be quiet before all has been said, and how long that may take.
_QUIET = 0.5
_MOST_QUIET = 10.0


@frozen(kw_only=True)
class Plan:
    """
    What one process does.

    @ivar clients: the name and the rooms of each, by number.
    @ivar rate: how many posts a second each has to say.
    @ivar window: how many of them it has unacknowledged at the most.
    """

    port: int
    clients: Mapping[int, tuple[str, Sequence[int]]]
    rate: float
    window: int
    seed: int
    processors: set[int]


@frozen(kw_only=True)
class Acknowledgement:
    """
    What a client was told of one of its posts.
    """

    client: int
    number: int
    room_id: int
    message_id: int
    seq: int
    duplicate: bool


@frozen(kw_only=True)
class View:
    """
    What one client saw of one room, from a login to the loss of the connection.

    @ivar posts: of each its id, who said it, and its number there, one after the other.
    """

    client: int
    room_id: int
    posts: "array[int]"


@define(kw_only=True)
class Testimony:
    """
    All that the clients of one process have seen.

    @ivar said: how many posts each has begun to send.
    @ivar waiting: what never was acknowledged: the client and the number.
    @ivar altered: contents that nobody has said, or not they.
    @ivar surprises: lines that nobody had asked for.
    """

    said: dict[int, int] = field(factory=dict)
    acknowledgements: list[Acknowledgement] = field(factory=list)
    views: list[View] = field(factory=list)
    waiting: list[tuple[int, int]] = field(factory=list)
    altered: list[str] = field(factory=list)
    surprises: list[str] = field(factory=list)
    refusals: "Counter[int]" = field(factory=Counter)
    resent: int = 0
    logins: int = 0


def storm(pipe: "Connection", plan: Plan) -> None:
    """
    Post until the pipe says to end, and within how many seconds; then tell it
    what was seen.
    """
    os.sched_setaffinity(0, plan.processors)
    stormers = _Stormers(plan)
    while not pipe.poll():
        stormers.turn()
    stormers.finish(pipe.recv())
    pipe.send(stormers.testify())


@define(eq=False)
class _Client:
    """
    One client, with a connection or without.
    """

    number: int
    name: str
    rooms: Sequence[int]
    testimony: Testimony
    contents: Contents
    said: int = 0
    waiting: dict[int, bytes] = field(factory=dict)
    socket: "socket.socket | None" = None
    is_in: bool = False
    again_at: float = 0.0
    _unsent: bytearray = field(factory=bytearray)
    _rest: bytes = b""
    _views: dict[int, View] = field(factory=dict)

    def connect(self, port: int) -> None:
        """Begin to connect, and to log in."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.socket.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
            self.lose()
            return
        self._unsent += login(self.name, PASSWORD)

    def lose(self) -> None:
        """Have no connection any more."""
        if self.socket is not None:
            self.socket.close()
        self.socket, self.is_in, self._rest = None, False, b""
        self.again_at = time.monotonic() + _PAUSE
        self._unsent.clear()
        self._views.clear()

    def say(self, due: int, window: int) -> None:
        """Say what is due, as far as the window allows."""
        while self.said < due and len(self.waiting) < window:
            line = request(
                "chat_message",
                chat_group_id=self.rooms[self.said % len(self.rooms)],
                client_message_id=f"storm-{self.said}",
                content=self.contents.of(self.number, self.said),
            )
            self.waiting[self.said] = line
            self.said += 1
            if self.is_in:
                self._unsent += line

    def send(self) -> None:
        """Send what is not sent."""
        if self._unsent and self.socket is not None:
            try:
                with suppress(BlockingIOError):
                    del self._unsent[: self.socket.send(self._unsent)]
            except OSError:
                self.lose()

    def receive(self) -> None:
        """Read what came."""
        assert self.socket is not None
        try:
            chunk = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))
        if not chunk:
            self.lose()

    def _hear(self, message: Message) -> None:
        kind = message["message_type"]
        if kind == "chat_message":
            self._see(message)
        elif kind == "chat_message_ack":
            self._be_acknowledged(message)
        elif kind == "login_response":
            self._get_in(message)
        elif kind == "error_message":
            # Which post it was for does not matter: all that wait are sent again.
            self.testimony.refusals[message["error_code"]] += 1
            self.lose()
        elif kind != "system_message":
            self.testimony.surprises.append(kind)

    def _get_in(self, message: Message) -> None:
        if not message["success"]:
            self.lose()
            return
        self.is_in = True
        self.testimony.logins += 1
        self.testimony.resent += len(self.waiting)
        self._unsent += b"".join(self.waiting.values())

    def _be_acknowledged(self, message: Message) -> None:
        number = int(message["client_message_id"].partition("-")[2])
        if self.waiting.pop(number, None) is None:
            self.testimony.surprises.append(f"{self.number}.{number} acknowledged again")
        acknowledgement = Acknowledgement(
            client=self.number,
            number=number,
            room_id=message["chat_group_id"],
            message_id=message["message_id"],
            seq=message["seq"],
            duplicate=message["duplicate"],
        )
        self.testimony.acknowledgements.append(acknowledgement)

    def _see(self, message: Message) -> None:
        client, number = identity(message["content"])
        is_theirs = message["sender_username"] == person(client)
        if not is_theirs or message["content"] != self.contents.of(client, number):
            self.testimony.altered.append(message["content"])
        room_id = message["chat_group_id"]
        view = self._views.get(room_id)
        if view is None:
            view = View(client=self.number, room_id=room_id, posts=array("q"))
            self._views[room_id] = view
            self.testimony.views.append(view)
        view.posts.extend((message["message_id"], client, number))


class _Stormers:
    """
    All clients of one process.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._testimony = Testimony()
        contents = Contents(plan.seed)
        self._clients = [
            _Client(number, name, rooms, self._testimony, contents)
            for number, (name, rooms) in plan.clients.items()
        ]
        self._begun = time.monotonic()
        self._is_ending = False

    def turn(self) -> bool:
        """
        Do what there is to do, for a hundredth of a second at the most.

        @return: whether anything came.
        """
        now = time.monotonic()
        due = 0 if self._is_ending else int((now - self._begun) * self._plan.rate)
        poll = select.poll()
        by_fd = {}
        for client in self._clients:
            if client.socket is None and now >= client.again_at:
                client.connect(self._plan.port)
            client.say(due, self._plan.window)
            client.send()
            if client.socket is not None:
                by_fd[client.socket.fileno()] = client
                poll.register(client.socket, select.POLLIN)
        ready = poll.poll(10)
        for fd, _ in ready:
            by_fd[fd].receive()
        return bool(ready)

    def finish(self, seconds: float) -> None:
        """
        Say nothing new, and wait until all is acknowledged and seen.

        @param seconds: how long that may take.
        """
        self._is_ending = True
        give_up = time.monotonic() + seconds
        while any(each.waiting for each in self._clients) and time.monotonic() < give_up:
            self.turn()
        last, give_up = time.monotonic(), time.monotonic() + _MOST_QUIET
        while time.monotonic() < min(give_up, last + _QUIET):
            if self.turn():
                last = time.monotonic()

    def testify(self) -> Testimony:
        """
        @return: what was seen.
        """
        for each in self._clients:
            self._testimony.said[each.number] = each.said
            self._testimony.waiting += [(each.number, number) for number in each.waiting]
        return self._testimony
