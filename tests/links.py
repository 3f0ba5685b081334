"""
Connections for clients, without a network: what is written moves when a test says so.
"""

from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.server.line import ChatFactory
from tests.peers import MemoryTransport

ADDRESS = IPv4Address("TCP", "127.0.0.1", 8888)


class ServerSide(Protocol):
    """
    The server's end of a connection.
    """

    @property
    def is_closing(self) -> bool:
        """Whether the server closes."""

    def hear(self, data: bytes) -> None:
        """Take what the client sent."""

    def say(self) -> bytes:
        """Give what there is to send."""

    def gone(self) -> None:
        """The client is gone."""


@define(eq=False)
class Link:
    """
    One connection, and the client's transport.

    @ivar is_dead: whether nothing arrives any more, without anybody being told.
    """

    server: ServerSide
    protocol: Any = None
    is_dead: bool = False
    is_lost: bool = False
    is_reading: bool = True
    _to_server: bytearray = field(factory=bytearray, repr=False)
    _is_closing: bool = False

    def write(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._to_server += data

    def loseConnection(self) -> None:
        """Close when all is sent."""
        self._is_closing = True

    def abortConnection(self) -> None:
        """Close."""
        self._to_server.clear()
        self._is_closing = True
        self.is_dead = False

    def pauseProducing(self) -> None:
        """Read no more."""
        self.is_reading = False

    def resumeProducing(self) -> None:
        """Read on."""
        self.is_reading = True

    def flow(self) -> bool:
        """
        Move bytes both ways.

        @return: whether anything moved.
        """
        if self.is_dead or self.is_lost:
            return False
        sent = bytes(self._to_server)
        self._to_server.clear()
        if sent:
            self.server.hear(sent)
        came = self.server.say() if self.is_reading else b""
        if came:
            self.protocol.dataReceived(came)
        if self._is_closing or (self.server.is_closing and not came):
            self.cut(ConnectionDone())
            return True
        return bool(sent or came)

    def cut(self, reason: Exception | None = None) -> None:
        """
        Lose the connection, and what is on its way.
        """
        if not self.is_lost:
            self.is_lost = True
            self.server.gone()
            self.protocol.connectionLost(Failure(reason or ConnectionLost()))


@implementer(IStreamClientEndpoint)
@define(eq=False)
class MemoryEndpoint:
    """
    Leads to a server without a network.

    @ivar accept: makes the server's end of a connection.
    @ivar is_refusing: whether nobody listens there.
    @ivar tried: when somebody has tried to connect.
    @ivar others: other clocks that go with the client's.
    """

    clock: Clock
    accept: Callable[[], ServerSide]
    is_refusing: bool = False
    links: list[Link] = field(factory=list, repr=False)
    tried: list[float] = field(factory=list)
    others: list[Clock] = field(factory=list)

    def connect(self, factory: Any) -> "Deferred[Any]":
        """Connect, or don't."""
        self.tried.append(self.clock.seconds())
        if self.is_refusing:
            return fail(ConnectError())
        link = Link(self.accept())
        link.protocol = factory.buildProtocol(ADDRESS)
        self.links.append(link)
        link.protocol.makeConnection(link)
        return succeed(link.protocol)

    @property
    def link(self) -> Link:
        """
        The newest connection.
        """
        return self.links[-1]

    def run(self, seconds: float = 0.0) -> None:
        """
        Let all that is written arrive, and time go by.
        """
        self.flow()
        steps = 50 if seconds else 0
        for _ in range(steps):
            self.advance(seconds / steps)
            self.flow()

    def advance(self, seconds: float) -> None:
        """
        Let time go by.
        """
        for clock in (self.clock, *self.others):
            clock.advance(seconds)

    def flow(self) -> None:
        """
        Let all that is written arrive.
        """
        for _ in range(10_000):
            self.advance(0)
            moved = [each.flow() for each in self.links]
            if not any(moved):
                return
        raise AssertionError("it never ends")


@define(eq=False)
class RealSide:
    """
    A connection to a real server that is in memory.
    """

    factory: ChatFactory
    _transport: MemoryTransport = field(factory=MemoryTransport)
    _protocol: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._protocol = self.factory.buildProtocol(None)
        if self._protocol is None:
            raise ConnectError()
        self._protocol.makeConnection(self._transport)

    @property
    def is_closing(self) -> bool:
        """Whether the server closes."""
        return self._transport.is_closing and not self._transport.written

    def hear(self, data: bytes) -> None:
        """Take what the client sent."""
        self._protocol.dataReceived(data)

    def say(self) -> bytes:
        """Give what there is to send."""
        return self._transport.read()

    def gone(self) -> None:
        """The client is gone."""
        self._protocol.connectionLost()


_real: Callable[[ChatFactory], ServerSide] = RealSide
