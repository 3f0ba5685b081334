"""
Members who stop reading, in either dialect, and what they find when they read again.
"""

import json
import selectors
import socket
import time
from collections.abc import Sequence

from attrs import define, field, frozen

from benchmarks.trouble import Trouble
from benchmarks.wire import Message, Peer, is_success, place_of, request

_CHUNK = 1 << 18

#: How much the kernel takes in for one who does not read: as little as possible; and
#: for one who reads.
_RECEIVING_ASLEEP = 4096
_RECEIVING = 1 << 18

#: How much of what one is sent the server has got rid of, or does not count as waiting,
#: while nobody reads: in the kernel, on both sides, and in the transport.
UNCOUNTED = 512 * 1024

#: How long nothing has to come until all has come, and how long that may take.
_QUIET = 1.0
_MOST_SECONDS = 120.0

SEED, HELLO = "seed", "hello"


@frozen(kw_only=True)
class Waking:
    """
    What one of them found.

    @ivar is_cut: whether the server has closed the connection.
    @ivar seqs: the places of the posts that there were to read, where the dialect has
        such.
    """

    is_cut: bool
    seqs: Sequence[int]

    def complaint(self, first: int, last: int) -> str:
        """
        @param first: the place of the first post that it was to be sent.
        @param last: of the last one.
        @return: what is wrong with what it was sent; nothing, if it was each of them
            once and in order.
        """
        if self.is_cut:
            return "was cut off"
        if list(self.seqs) == list(range(first, last + 1)):
            return ""
        missing = set(range(first, last + 1)) - set(self.seqs)
        again = len(self.seqs) - len(set(self.seqs))
        return (
            f"was sent {len(self.seqs)} posts where there were {last + 1 - first}: "
            f"{len(missing)} are missing, {again} came again, and they were "
            + ("in order" if list(self.seqs) == sorted(self.seqs) else "not in order")
        )


@define(eq=False)
class Sleeper:
    """
    One who has logged in and reads no more.

    @ivar seq: the place of the room's last post at that time, and of the last one that
        was read since, where the dialect has places.
    """

    connection: socket.socket
    room: int
    seq: int = 0
    _is_cut: bool = field(default=False, init=False)
    _seqs: list[int] = field(factory=list, init=False)
    _rest: bytes = field(default=b"", init=False)

    def wake(self) -> None:
        """
        Be able to read again.
        """
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVING)
        self.connection.setblocking(False)

    def read(self) -> bool:
        """
        Read some of what there is.

        @return: whether there may be more.
        """
        try:
            chunk = self.connection.recv(_CHUNK)
        except OSError:
            chunk = b""
        self._is_cut = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        places = (place_of(line) for line in lines)
        self._seqs += [place[1] for place in places if place and place[0] == self.room]
        self.seq = self._seqs[-1] if self._seqs else self.seq
        return not self._is_cut

    def waking(self) -> Waking:
        """
        @return: what it has found so far.
        """
        return Waking(is_cut=self._is_cut, seqs=self._seqs)


def fall_asleep(port: int, login: bytes, room: int, dialect: str) -> Sleeper:
    """
    Log in, follow the room if the dialect can, and read no more.

    @param login: the line that logs in.
    @raise Trouble: if that is refused.
    """
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVING_ASLEEP)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    peer = Peer(connection)
    if dialect == HELLO:
        return Sleeper(connection, room, _follow(peer, login, room))
    if not is_success(peer.ask(login)):
        raise Trouble("benchmarks: somebody who is to sleep can't log in")
    return Sleeper(connection, room)


def wake_all(sleepers: Sequence[Sleeper], last: int) -> float:
    """
    Have all read until there is no more.

    @param last: the place after which nothing is to come; 0 if that is not known.
    @return: how many seconds that took.
    """
    selector = selectors.DefaultSelector()
    begun = at = time.monotonic()
    for each in sleepers:
        each.wake()
        selector.register(each.connection, selectors.EVENT_READ, each)
    while selector.get_map() and at - begun < _MOST_SECONDS:
        found = selector.select(_QUIET)
        if not found:
            break
        for key, _ in found:
            sleeper = key.data
            if not sleeper.read() or (last and sleeper.seq >= last):
                selector.unregister(key.fileobj)
        at = time.monotonic()
    selector.close()
    return at - begun


def _follow(peer: Peer, login: bytes, room: int) -> int:
    """
    @return: where the room ends that is followed from now on.
    """
    heard = _hear(peer, request("hello_request", protocol=1) + login, "chat_heads")
    epoch = heard["hello_response"]["epoch"]
    _hear(peer, request("resume_request", epoch=epoch, positions=[]), "resume_response")
    [seq] = [
        each["last_seq"] for each in heard["chat_heads"]["chats"] if each["chat_group_id"] == room
    ]
    return int(seq)


def _hear(peer: Peer, lines: bytes, kind: str) -> dict[str, Message]:
    """
    @return: what was said until a message of this kind, which it is too, by its kind.
    """
    heard: dict[str, Message] = {}
    text = peer.ask(lines)
    while True:
        for each in map(json.loads, text.splitlines()):
            heard[each["message_type"]] = each
            if each["message_type"] == "error_message" or each.get("success") is False:
                raise Trouble(f"benchmarks: refused: {each!r}")
        if kind in heard:
            return heard
        text = peer.read()
