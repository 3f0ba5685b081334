"""
Sending at once what goes to a plain TCP or UNIX connection.

A transport of Twisted's keeps what is written until the reactor finds the connection
writable, which takes two more calls of the kernel and a turn for each write. Here the
kernel is given the data at once while the transport has nothing waiting; from the first
byte that the kernel does not take, all goes through the transport, until that has sent it.
"""

from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection


@define(eq=False)
class Direct:
    """
    A connection that is sent to directly.
    """

    _connection: Any
    _socket: Any = field(init=False)

    @_socket.default
    def _find_socket(self) -> Any:
        return self._connection.getHandle()

    @classmethod
    def accepts(cls, transport: object) -> bool:
        """
        Whether a transport is one that there is nothing between it and the kernel.
        """
        is_plain = isinstance(transport, Connection) and not transport.TLS
        return is_plain and hasattr(transport, "_tempDataBuffer")

    def write(self, data: bytes) -> None:
        """
        Send, or keep until that is possible.
        """
        there = self._connection
        if there.connected and not (
            there.dataBuffer or there._tempDataBuffer or there._writeDisconnected
        ):
            try:
                sent = self._socket.send(data)
            except OSError:
                # The kernel has no room; or the connection is lost, as the transport will
                # find, too.
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        there.write(data)

    def unsent(self) -> int:
        """
        @return: how much waits in the transport, about.
        """
        return len(self._connection.dataBuffer) - int(self._connection.offset)

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """
        Tell a producer when to pause and when to go on.
        """
        self._connection.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """
        Tell it no more.
        """
        self._connection.unregisterProducer()

    def loseConnection(self) -> None:
        """
        Close, when all that was written is sent.
        """
        self._connection.loseConnection()

    def abortConnection(self) -> None:
        """
        Close at once.
        """
        self._connection.abortConnection()
