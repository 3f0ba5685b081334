"""
The protocol on a plain connection: JSON lines.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.tcp import Connection
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.errors import LineNotEnded
from chatroom.logs.journal import Journal
from chatroom.server.direct import Direct
from chatroom.server.foreign import LONGEST_PREFIX, may_become_other, other_protocol
from chatroom.server.inside import Inside
from chatroom.server.order import LINES_A_TURN
from chatroom.server.proxied import is_proxied, pass_on_half_closes
from chatroom.server.service import ChatService
from chatroom.server.session import Session
from chatroom.wire.codec import Refused

#: How much the kernel keeps for a connection, about; it may take twice of it.
_KERNEL_BYTES = 64 * 1024

#: When a peer's machine is taken to be gone: it does not answer four questions, of
#: which the first comes after a minute of silence, or does not confirm in two
#: minutes what it was sent. Without these it takes hours.
_GONE = {
    "TCP_KEEPIDLE": 60,
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 120_000,
}


@implementer(IHalfCloseableProtocol)
class ChatProtocol(LineReceiver):
    """
    Lines for a L{Session}, one after the other, for as long as it takes them.

    What L{LineReceiver} does with its buffer costs a copy of all the rest for
    every line; here a line costs its own length. A line that is too long is
    reported once and skipped, and the connection stays.
    """

    delimiter = b"\n"
    transport: Any

    def __init__(self, chat: ChatService, is_operator: bool = False) -> None:
        self._chat = chat
        self._is_operator = is_operator
        self._bytes = bytearray()
        self._start = 0
        self._searched = 0
        self._is_splitting = False
        self._is_skipping = False
        self._has_ended = False
        self._is_known = False
        self._is_proxied = False
        self._session: Session | None = None

    def connectionMade(self) -> None:
        """
        Begin a conversation.
        """
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        peer = _host(self.transport.getPeer())
        self._is_proxied = is_proxied(self.transport)
        if self._is_proxied:
            # No address: whom the proxy brings are not limited together.
            peer = f"proxy {peer}"
            pass_on_half_closes(self.transport, self)
        unsent, way = _tune(self.transport), self.transport
        if Direct.accepts(way):
            way = Direct(way)
            unsent = way.unsent
        self._session = self._chat.converse(self, way, unsent, peer, is_operator=self._is_operator)
        address = self.transport.getPeer()
        if isinstance(address, Inside):
            self._chat.let_in(self._session, address)

    def dataReceived(self, data: bytes) -> None:
        """
        Keep what came, and go on with the lines of it.
        """
        if self._is_proxied and self._session is not None:
            self._is_proxied = False
            self._chat.move(self._session, _host(self.transport.getPeer()))
        self._bytes += data
        if self._is_known or self._is_ours():
            self._split()

    def lineReceived(self, line: bytes) -> None:
        """
        Pass a line on.
        """
        self.linesReceived([line])

    def linesReceived(self, lines: list[bytes]) -> None:
        """
        Pass lines on that came together.
        """
        if self._session is not None and lines:
            self._session.receive(lines)

    def lineLengthExceeded(self, line: bytes) -> None:
        """
        Refuse a line of which there is too much.
        """
        if self._session is not None:
            self._session.receive_too_long()

    def resumeProducing(self) -> None:
        """
        Go on with what is here, then with the connection.
        """
        self.paused = False
        if not self._has_ended:
            self.transport.resumeProducing()
        self._split()

    def readConnectionLost(self) -> None:
        """
        The peer sends no more; it is answered all the same.
        """
        self._has_ended = True
        self._split()

    def writeConnectionLost(self) -> None:
        """
        We send no more, which only happens at the end of all.
        """

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        End the conversation.
        """
        session, self._session = self._session, None
        if session is not None:
            session.lose()

    def _is_ours(self) -> bool:
        """
        @return: whether lines can be made of what came first.
        """
        start = bytes(self._bytes[:LONGEST_PREFIX])
        other = other_protocol(start)
        self._is_known = other is None and not may_become_other(start)
        if other is not None and self._session is not None:
            self._bytes.clear()
            self._session.receive_other_protocol(other)
        return self._is_known

    def _split(self) -> None:
        if self._is_splitting:
            return
        self._is_splitting = True
        try:
            with self._chat.cork:
                while not self.paused and self._next_lines():
                    pass
                self._forget()
                if self._has_ended and not self.paused:
                    self._end()
        finally:
            self._is_splitting = False

    def _next_lines(self) -> bool:
        """
        Pass on what lines there are, as many as are handled in a turn.

        @return: whether there were any.
        """
        octets, start, most = self._bytes, self._start, self._most() + 1
        lines: list[bytes] = []
        end = octets.find(b"\n", self._searched)
        while end >= 0 and len(lines) < LINES_A_TURN:
            line = bytes(octets[start:end])
            start = end + 1
            if len(line) > most:
                # What was before it may change how long it may be.
                self.linesReceived(lines)
                lines, most = [], self._most() + 1
            if self._is_skipping:
                self._is_skipping = False
            elif len(line) > most:
                self.lineLengthExceeded(b"")
            else:
                # Without the carriage return that may end it.
                lines.append(line[:-1] if line.endswith(b"\r") else line)
            end = octets.find(b"\n", start)
        self._searched = start if end >= 0 else len(octets)
        had_some = start > self._start
        self._start = start
        self.linesReceived(lines)
        return had_some

    def _forget(self) -> None:
        """
        Let go of what is done with, and of a line that can only be too long.
        """
        del self._bytes[: self._start]
        self._searched -= self._start
        self._start = 0
        if not self.paused and len(self._bytes) > self._most() + 1:
            if not self._is_skipping:
                self._is_skipping = True
                self.lineLengthExceeded(b"")
            self._bytes.clear()
            self._searched = 0

    def _most(self) -> int:
        return 0 if self._session is None else self._session.most_bytes_to_come()

    def _end(self) -> None:
        session = self._session
        if session is not None:
            if self._bytes and not self._is_skipping:
                session.receive([Refused(error=LineNotEnded())])
            self._bytes.clear()
            self._searched = 0
            session.end()


def _host(address: object) -> str:
    """
    @return: where a peer is, as the operator knows it.
    """
    return str(getattr(address, "host", "local"))


def _tune(transport: Any) -> Callable[[], int]:
    """
    Have little wait in the kernel, so that a peer's progress is seen in time, and
    have the kernel notice when the peer's machine is gone.

    @return: what tells how much waits in the transport.
    """
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    if not isinstance(transport, Connection):
        return lambda: 0
    # Where the peer is gone already, some systems refuse, and the transport will tell.
    with suppress(OSError):
        _set_options(transport.getHandle())
    return lambda: len(transport.dataBuffer) - transport.offset


def _set_options(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    if connection.family != socket.AF_UNIX:
        for option, value in _GONE.items():
            # Not every system has each of them.
            if hasattr(socket, option):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


class ChatFactory(Factory):
    """
    Conversations in JSON lines with a L{ChatService}, for any endpoint.
    """

    noisy = False
    _log = Journal()

    def __init__(self, chat: ChatService, *, is_operator: bool = False) -> None:
        """
        @param chat: what is talked to; until it runs, connections are refused.
        @param is_operator: whether all who connect are the operator; only for what
            nobody else can reach.
        """
        self._chat = chat
        self.is_operator = is_operator

    def buildProtocol(self, addr: IAddress | None) -> ChatProtocol | None:
        """
        Answer a connection.
        """
        if not self._chat.is_open:
            self._log.note("connection_refused", address=_host(addr), reason="not_running")
            return None
        return ChatProtocol(self._chat, self.is_operator)
