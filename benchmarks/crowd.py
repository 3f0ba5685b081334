"""
Connections that say nothing, in a process of their own.
"""

import os
import select
import socket
import time
from multiprocessing.connection import Connection

from attrs import define, field, frozen

#: How many are on their way at the same time, and how many seconds they have: a
#: server's queue has an end (50 in Twisted, if one does not say otherwise), and
#: the kernel lets whoever comes then wait for a second.
_ON_THEIR_WAY = 32
_BREATH = 0.02

#: How many come from one address of the loopback network, whose ports have an end.
_FROM_ONE_ADDRESS = 20_000


@frozen(kw_only=True)
class Standing:
    """
    What has become of the connections so far.

    @ivar opened: how many there have been.
    @ivar closed: how many of them the server has closed.
    @ivar open: how many there are.
    """

    opened: int
    closed: int
    open: int


def stand_around(
    pipe: Connection, port: int, count: int, again: int, processors: set[int]
) -> None:
    """
    Open connections, and when they are, and whenever it is asked, say how many
    there are.

    @param again: how many a second are opened anew when they are closed.
    """
    os.sched_setaffinity(0, processors)
    crowd = _Crowd(port)
    while crowd.opened < count:
        crowd.open_some(min(_ON_THEIR_WAY, count - crowd.opened))
        crowd.look(_BREATH)
    pipe.send(crowd.standing())
    begun, returned = time.monotonic(), 0
    while True:
        if pipe.poll():
            pipe.recv()
            pipe.send(crowd.standing())
        crowd.look(0.01)
        due = min(crowd.missing(count), int((time.monotonic() - begun) * again) - returned)
        if due > 0:
            returned += due
            crowd.open_some(min(due, _ON_THEIR_WAY))


@define(eq=False)
class _Crowd:
    port: int
    opened: int = 0
    closed: int = 0
    _by_fd: dict[int, socket.socket] = field(factory=dict, init=False)
    _poll: "select.epoll" = field(factory=select.epoll, init=False)

    def open_some(self, count: int) -> None:
        """Connect so many, and wait until they are."""
        for _ in range(count):
            address = f"127.0.0.{1 + self.opened // _FROM_ONE_ADDRESS % 254}"
            fresh = socket.create_connection(("127.0.0.1", self.port), 30, (address, 0))
            fresh.setblocking(False)
            self._by_fd[fresh.fileno()] = fresh
            self._poll.register(fresh.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
            self.opened += 1

    def look(self, seconds: float) -> None:
        """
        Notice for some time what the server has closed; what it says first is of
        no interest.
        """
        time.sleep(seconds)
        for fd, _ in self._poll.poll(0, 4096):
            try:
                is_open = bool(self._by_fd[fd].recv(65536))
            except BlockingIOError:
                is_open = True
            except OSError:
                is_open = False
            if not is_open:
                self._poll.unregister(fd)
                self._by_fd.pop(fd).close()
                self.closed += 1

    def missing(self, count: int) -> int:
        """How many fewer are open than there should be."""
        return count - len(self._by_fd)

    def standing(self) -> Standing:
        """How it stands."""
        return Standing(opened=self.opened, closed=self.closed, open=len(self._by_fd))
