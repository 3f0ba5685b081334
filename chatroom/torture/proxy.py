"""
The way from one client to the server, on which everything can happen that happens to
connections.

A link is two connections, one of the client's and one of the server's. What is held back
is not read, so that the kernel's buffers fill up, as they would; what is dropped is read
and forgotten, and then neither side hears of the other's end.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

from attrs import define, field
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from chatroom.torture.wiretap import Wiretap

_HOST = "127.0.0.1"

#: How many may wait to be accepted: all who come again at once.
_BACKLOG = 1024


class Way(Enum):
    """
    The two directions, by who sends.
    """

    FROM_CLIENT = "from client"
    FROM_SERVER = "from server"


def _other(way: Way) -> Way:
    return Way.FROM_SERVER if way is Way.FROM_CLIENT else Way.FROM_CLIENT


class _End(Protocol):
    """
    One of the two connections of a link.
    """

    def __init__(self, link: "Link", way: Way) -> None:
        self._link = link
        self._way = way

    def connectionMade(self) -> None:
        """Be a part of the link."""
        transport: Any = self.transport
        transport.setTcpNoDelay(True)
        self._link.made(self._way, transport)

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        self._link.came(self._way, data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Tell the other side, if it can be told."""
        self._link.lost(self._way)


@define(eq=False)
class Link:
    """
    One connection through the proxy.

    @ivar tap: listens.
    @ivar half_open_at: since when it is half-open, if it is.
    """

    _clock: Any
    tap: Wiretap
    _ended: "Callable[[Link], None]"
    half_open_at: float | None = None
    _transports: dict[Way, Any] = field(factory=dict)
    _lost: set[Way] = field(factory=set)
    _deaf: set[Way] = field(factory=set)
    _left: int | None = None
    _delay: float = 0.0
    _late: "deque[tuple[Way, bytes, IDelayedCall]]" = field(factory=deque)
    _is_held: bool = False

    def made(self, way: Way, transport: Any) -> None:
        """
        Have one of the two connections. The client's comes first, and waits for the other.
        """
        self._transports[way] = transport
        if self._lost:
            transport.abortConnection()
        elif way is Way.FROM_CLIENT or self._is_held:
            transport.pauseProducing()
        if way is Way.FROM_SERVER and not self._is_held and not self._lost:
            self._transports[Way.FROM_CLIENT].resumeProducing()

    def came(self, way: Way, data: bytes) -> None:
        """
        Pass on what one side says, if that is to be.
        """
        if way is Way.FROM_CLIENT:
            self.tap.client_sends(data)
        else:
            self.tap.server_sends(data)
        if way in self._deaf:
            return
        if self._delay or self._late:
            late = self._clock.callLater(self._delay, self._pass_next)
            self._late.append((way, data, late))
        else:
            self._pass_on(way, data)

    def lost(self, way: Way) -> None:
        """
        Have one of the two connections no more.
        """
        self._lost.add(way)
        other = self._transports.get(_other(way))
        self._flush()
        if len(self._lost) == len(Way) or other is None:
            self._ended(self)
        elif way not in self._deaf:
            other.resumeProducing()
            other.loseConnection()

    def unreachable(self) -> None:
        """
        There is no server.
        """
        self._lost.add(Way.FROM_SERVER)
        self._transports[Way.FROM_CLIENT].abortConnection()

    def cut(self, *, abruptly: bool) -> None:
        """
        End it.

        @param abruptly: with a reset.
        """
        self._deaf.clear()
        for way, transport in self._transports.items():
            if way not in self._lost and abruptly:
                transport.abortConnection()
            elif way not in self._lost:
                transport.resumeProducing()
                transport.loseConnection()

    def tear(self, size: int) -> None:
        """
        Reset it when the server has sent so many bytes more.
        """
        self._left = size

    def hold(self) -> None:
        """
        Let nothing through for now.
        """
        self._is_held = True
        for way, transport in self._transports.items():
            if way not in self._lost:
                transport.pauseProducing()

    def release(self) -> None:
        """
        Let through what waits.
        """
        self._is_held = False
        if len(self._transports) == len(Way):
            for way, transport in self._transports.items():
                if way not in self._lost:
                    transport.resumeProducing()

    def deafen(self, *ways: Way) -> None:
        """
        Let nothing through any more in these directions.
        """
        self._deaf.update(ways)
        self.half_open_at = self._clock.seconds()

    def delay(self, seconds: float) -> None:
        """
        Let everything through later; 0 is as soon as can be.
        """
        self._delay = seconds
        if not seconds:
            self._flush()

    def _pass_next(self) -> None:
        way, data, _ = self._late.popleft()
        self._pass_on(way, data)

    def _flush(self) -> None:
        while self._late:
            way, data, timer = self._late.popleft()
            timer.cancel()
            self._pass_on(way, data)

    def _pass_on(self, way: Way, data: bytes) -> None:
        to = _other(way)
        if to in self._lost or to not in self._transports:
            return
        if self._left is not None and way is Way.FROM_SERVER:
            data, self._left = data[: self._left], self._left - len(data)
        self._transports[to].write(data)
        if self._left is not None and self._left <= 0:
            # What was written is on its way before the reset, as far as the kernel takes it.
            self._left = None
            self._clock.callLater(0, self.cut, abruptly=True)


@define(eq=False)
class Proxy:
    """
    One client's way to the server.

    @ivar port: where the client connects.
    @ivar links: what is connected.
    @ivar noticed: how many half-open ones were given up on both sides.
    """

    _reactor: Any
    _server_port: int
    _tap: Callable[[], Wiretap]
    port: int = 0
    links: list[Link] = field(factory=list)
    noticed: int = 0
    _listening: Any = None

    async def listen(self) -> None:
        """
        Be there.
        """
        endpoint = TCP4ServerEndpoint(self._reactor, 0, _BACKLOG, _HOST)
        self._listening = await endpoint.listen(_quiet(self._accept))
        self.port = self._listening.getHost().port

    def endpoint(self) -> TCP4ClientEndpoint:
        """
        @return: what the client connects to.
        """
        return TCP4ClientEndpoint(self._reactor, _HOST, self.port, timeout=5)

    async def close(self) -> None:
        """
        Be there no more.
        """
        if self._listening is not None:
            await self._listening.stopListening()
        for link in list(self.links):
            link.cut(abruptly=True)

    def half_open(self) -> list[Link]:
        """
        @return: the links that are half-open, and are not given up.
        """
        return [each for each in self.links if each.half_open_at is not None]

    def _accept(self) -> Protocol:
        link = Link(self._reactor, self._tap(), self._forget)
        self.links.append(link)
        server = TCP4ClientEndpoint(self._reactor, _HOST, self._server_port, timeout=5)
        connecting = server.connect(_quiet(lambda: _End(link, Way.FROM_SERVER)))
        connecting.addErrback(lambda _: link.unreachable())
        return _End(link, Way.FROM_CLIENT)

    def _forget(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
            self.noticed += link.half_open_at is not None


def _quiet(make: Callable[[], Protocol]) -> Factory[Any]:
    factory: Factory[Any] = Factory.forProtocol(make)
    factory.noisy = False
    return factory
