"""
A client of the seed: it logs in, reads what it is sent, and does so again. What it is sent
is heard on its way; it remembers nothing.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from chatroom.torture.plan import PASSWORD
from chatroom.torture.proxy import Proxy
from chatroom.wire.codec import encode
from chatroom.wire.messages import LoginRequest, RegisterRequest

#: How long it waits before it connects again, in seconds.
_WAIT = 0.5


class _Looking(Protocol):
    """
    One connection.
    """

    def __init__(self, greeting: bytes, came: Callable[[], None]) -> None:
        self._greeting = greeting
        self._came = came
        self._lines = 0

    def connectionMade(self) -> None:
        """Say who one is."""
        transport: Any = self.transport
        transport.write(self._greeting)

    def dataReceived(self, data: bytes) -> None:
        """See whether one is in: two answers are there."""
        self._lines += data.count(b"\n")
        if self._lines >= self._greeting.count(b"\n"):
            self._came()


@define(eq=False)
class Onlooker:
    """
    Stays connected as well as a client can that knows of no heartbeat.
    """

    clock: Any
    name: str
    proxy: Proxy
    _service: ClientService | None = None
    _is_known: bool = False
    _coming: "Deferred[None]" = field(factory=Deferred)

    def start(self) -> "Deferred[None]":
        """
        Be there.

        @return: fires when it is logged in for the first time.
        """
        factory: Factory[Any] = Factory.forProtocol(self._look)
        factory.noisy = False
        self._service = ClientService(self.proxy.endpoint(), factory, lambda _: _WAIT, self.clock)
        self._service.startService()
        return self._coming

    async def leave(self) -> None:
        """
        Be there no more.
        """
        if self._service is not None:
            await self._service.stopService()

    def _look(self) -> _Looking:
        login = LoginRequest(username=self.name, password=PASSWORD)
        greeting = encode(login, now=self.clock.seconds())
        if not self._is_known:
            register = RegisterRequest(username=self.name, password=PASSWORD)
            greeting = encode(register, now=self.clock.seconds()) + greeting
        return _Looking(greeting, self._came)

    def _came(self) -> None:
        self._is_known = True
        if not self._coming.called:
            self._coming.callback(None)
