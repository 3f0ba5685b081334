"""
The way to a server in the same process.
"""

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import deferLater
from zope.interface import implementer

from chatroom.server.inside import Inside
from chatroom.server.line import ChatFactory
from chatroom.server.pair import local_pair
from chatroom.server.service import ChatService


@implementer(IStreamClientEndpoint)
@frozen
class LocalEndpoint:
    """
    Leads to a chat in this process, without a socket. Who connects is talked to as
    anybody is, but that no limit for addresses counts.

    @ivar username: who may log in there without a password, since the program says so;
        C{None} is nobody.
    @ivar is_bot: whether that account is to be one without a password, and is made if
        there is none.
    """

    _chat: ChatService
    username: str | None = None
    is_bot: bool = False

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """
        Connect, in a later turn of the reactor; it fails while the chat does not run.
        """
        connected: Deferred[Any] = deferLater(self._chat.clock, 0, self._connect, factory)
        return connected

    def _connect(self, factory: Any) -> IProtocol:
        here = Inside(username=self.username, is_bot=self.is_bot)
        there = Inside()
        served: Any = ChatFactory(self._chat).buildProtocol(here)
        protocol: Any = None if served is None else factory.buildProtocol(there)
        if protocol is None:
            raise ConnectError(string="the chat does not run")
        end, other = local_pair(self._chat.clock, here, there)
        end.protocol, other.protocol = protocol, served
        served.makeConnection(other)
        protocol.makeConnection(end)
        return protocol  # type: ignore[no-any-return]
