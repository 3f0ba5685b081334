"""
Peers to talk to a server with: in memory, and over a real socket. Every line
that a peer hears goes through the eyes of a strict client.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.interfaces import IHalfCloseableProtocol, IReactorTCP
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.server.line import ChatFactory, ChatProtocol
from chatroom.server.outgoing import PORTION
from tests.strict import Dialect, dialect_of, parse

Message = dict[str, Any]

PASSWORD = "secret123"


def line(message: "Message | bytes | str") -> bytes:
    """
    @return: a message as it goes over the wire.
    """
    if isinstance(message, dict):
        message = json.dumps(message, ensure_ascii=False)
    if isinstance(message, str):
        message = message.encode("utf-8")
    return message if message.endswith(b"\n") else message + b"\n"


def request(kind: str, **keys: object) -> Message:
    """
    @return: a request of a type.
    """
    return {"message_type": kind, "timestamp": 1640995200.0, **keys}


def register(name: str, **keys: object) -> Message:
    """
    @return: a request for an account.
    """
    return request("register_request", username=name, password=PASSWORD, **keys)


def login(name: str, password: str = PASSWORD, **keys: object) -> Message:
    """
    @return: a request to log in.
    """
    return request("login_request", username=name, password=password, **keys)


def post(content: str, **keys: object) -> Message:
    """
    @return: a request to say something.
    """
    return request("chat_message", content=content, **keys)


class Wire(Protocol):
    """
    How bytes get to a server and back.
    """

    @property
    def is_closed(self) -> bool:
        """Whether the server has closed."""

    def write(self, data: bytes) -> None:
        """Send."""

    def end(self) -> None:
        """Send no more."""

    def abort(self) -> None:
        """Be gone."""

    async def wait(self) -> None:
        """Let something happen: call again until it has."""


@define(eq=False)
class Peer:
    """
    Somebody at the other end.

    @ivar dialect: what they have shown to know.
    @ivar heard: the lines that nobody has asked for yet.
    @ivar raw: all that was heard, as bytes.
    """

    wire: Wire
    dialect: Dialect = Dialect.PLAIN
    heard: list[Message] = field(factory=list)
    raw: bytearray = field(factory=bytearray)
    _rest: bytes = b""

    def hear(self, data: bytes) -> None:
        """
        Take what the server sent.
        """
        self.raw += data
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.heard += [parse(each, self.dialect) for each in lines]

    def send(self, *messages: "Message | bytes | str") -> None:
        """
        Send lines, as one write.
        """
        for each in messages:
            self.dialect = dialect_of(each, self.dialect)
        self.wire.write(b"".join(line(each) for each in messages))

    async def receive(self) -> Message:
        """
        @return: the next line.
        """
        await self._until(lambda: bool(self.heard))
        return self.heard.pop(0)

    async def receive_some(self, count: int) -> list[Message]:
        """
        @return: the next lines.
        """
        return [await self.receive() for _ in range(count)]

    async def until(self, kind: str) -> list[Message]:
        """
        @return: the lines up to the next one of a type, that one included.
        """
        lines = [await self.receive()]
        while lines[-1]["message_type"] != kind:
            lines.append(await self.receive())
        return lines

    async def until_named(self, name: str, kind: str | None = None) -> list[Message]:
        """
        @param name: of a request.
        @param kind: the type of the last line of its answer, if it has several.
        @return: the lines of the answer.
        """
        lines: list[Message] = []
        while not lines or (kind is not None and lines[-1]["message_type"] != kind):
            line = await self.receive()
            if line.get("request_id") == name:
                lines.append(line)
                if line["message_type"] == "error_message":
                    break
        return lines

    async def ask(self, message: "Message | bytes | str") -> Message:
        """
        Send a line, and have the next one from the server.
        """
        self.send(message)
        return await self.receive()

    async def settle(self) -> list[Message]:
        """
        @return: all lines that come before the answer to what is asked last.
        """
        self.send(request("list_chats_request"))
        return (await self.until("list_chats_response"))[:-1]

    async def closed(self) -> list[Message]:
        """
        @return: all lines until the server closes.
        """
        await self._until(lambda: self.wire.is_closed)
        lines, self.heard = self.heard, []
        return lines

    async def finish(self) -> list[Message]:
        """
        Send no more, as C{nc -N} does.

        @return: all lines until the server closes.
        """
        self.wire.end()
        return await self.closed()

    async def _until(self, happened: Callable[[], bool]) -> None:
        for _ in range(2000):
            if happened():
                return
            await self.wire.wait()
        raise AssertionError(f"nothing came; last was {bytes(self.raw[-500:])!r}")


@define(eq=False)
class MemoryTransport:
    """
    A transport without a network, whose reader can be told not to read.

    @ivar written: what the server wrote and the reader has not read.
    """

    is_reading: bool = True
    written: bytearray = field(factory=bytearray, repr=False)
    is_closing: bool = False
    is_aborted: bool = False
    is_paused: bool = False
    producer: Any = None
    peer: Any = None

    def write(self, data: bytes) -> None:
        """Take bytes, and have the producer pause when there are many."""
        if not self.is_closing:
            self.written += data
            if self.producer is not None and len(self.written) > PORTION:
                self.producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have somebody to tell."""
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Have nobody to tell."""
        self.producer = None

    def loseConnection(self) -> None:
        """Close when all is read."""
        assert self.producer is None, "a transport does not close before its producer is done"
        self.is_closing = True

    def abortConnection(self) -> None:
        """Close."""
        self.is_aborted = self.is_closing = True
        self.written.clear()

    def pauseProducing(self) -> None:
        """Take no more from the peer."""
        self.is_paused = True

    def resumeProducing(self) -> None:
        """Take more from the peer."""
        self.is_paused = False

    def getPeer(self) -> object:
        """Come from where a test says."""
        return self.peer

    def read(self) -> bytes:
        """Read all that was written."""
        data = bytes(self.written)
        self.written.clear()
        if self.producer is not None and data:
            self.producer.resumeProducing()
        return data


@define(eq=False)
class MemoryWire:
    """
    A connection without a network, in a time that only tests advance.

    @ivar turn: lets the server's own work go on.
    """

    clock: Clock
    protocol: ChatProtocol
    transport: MemoryTransport
    peer: "Peer | None" = None
    turn: Callable[[], None] = lambda: None
    is_closed: bool = False
    _unsent: bytearray = field(factory=bytearray)

    def write(self, data: bytes) -> None:
        """Send, as far as the server takes it."""
        self._unsent += data
        self.flow()

    def end(self) -> None:
        """Send no more."""
        self.flow()
        self.protocol.readConnectionLost()
        self.flow()

    def abort(self) -> None:
        """Be gone."""
        self._lose()

    async def wait(self) -> None:
        """Let a turn of the reactor go by, and a hundredth of a second."""
        self.turn()
        self.clock.advance(0.01)
        self.flow()

    def flow(self) -> None:
        """Move bytes both ways."""
        while self._unsent and not self.transport.is_paused and not self.is_closed:
            chunk = bytes(self._unsent[: 2**16])
            del self._unsent[: 2**16]
            self.protocol.dataReceived(chunk)
        assert self.peer is not None
        while self.transport.is_reading and self.transport.written:
            self.peer.hear(self.transport.read())
        if self.transport.is_closing and not self.transport.written:
            self._lose()

    def _lose(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.protocol.connectionLost()


def connect_in_memory(factory: ChatFactory, clock: Clock, host: str | None = None) -> Peer:
    """
    @param host: the address that the peer comes from; this machine's, if there is none.
    @return: a peer that is connected.
    """
    protocol = factory.buildProtocol(None)
    assert protocol is not None
    transport = MemoryTransport()
    if host is not None:
        transport.peer = IPv4Address("TCP", host, 40000)
    wire = MemoryWire(clock, protocol, transport)
    wire.peer = Peer(wire)
    protocol.makeConnection(transport)
    return wire.peer


@implementer(IHalfCloseableProtocol)
class SocketWire(TwistedProtocol):
    """
    A connection through the kernel.
    """

    def __init__(self, reactor: Any) -> None:
        self.is_closed = False
        self.peer = Peer(self)
        self._reactor = reactor
        self._waiting: list[Deferred[None]] = []

    def write(self, data: bytes) -> None:
        """Send."""
        assert self.transport is not None
        self.transport.write(data)

    def end(self) -> None:
        """Send no more."""
        self.transport.loseWriteConnection()  # type: ignore[union-attr]

    def abort(self) -> None:
        """Be gone."""
        self.transport.abortConnection()  # type: ignore[union-attr]

    async def wait(self) -> None:
        """Wait for bytes or the end, but not for ever."""
        waiting: Deferred[None] = Deferred()
        waiting.addTimeout(10, self._reactor)
        self._waiting.append(waiting)
        await waiting

    def dataReceived(self, data: bytes) -> None:
        """Hear."""
        self.peer.hear(data)
        self._tell()

    def readConnectionLost(self) -> None:
        """The server closes, and so do we."""
        self.transport.loseConnection()  # type: ignore[union-attr]

    def writeConnectionLost(self) -> None:
        """We send no more."""

    def connectionLost(self, reason: Failure = Failure(ConnectionError())) -> None:  # noqa: B008
        """It is over."""
        self.is_closed = True
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


async def connect_by_socket(reactor: Any, port: int) -> Peer:
    """
    @param port: on the loopback interface.
    @return: a peer that is connected.
    """
    assert IReactorTCP.providedBy(reactor)
    endpoint = HostnameEndpoint(reactor, "127.0.0.1", port)
    wire = await connectProtocol(endpoint, SocketWire(reactor))
    assert isinstance(wire, SocketWire)
    return wire.peer
