"""
Connections through a proxy that says, before anything else, whose they are: what
C{haproxy:} stands for in an endpoint. Until it has said so, they are the proxy's.
"""

from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import alsoProvides


def is_proxied(transport: Any) -> bool:
    """
    Whether something stands between a connection and us that may yet learn where
    it comes from.
    """
    is_wrapped = isinstance(transport, ProtocolWrapper)
    return is_wrapped and not isinstance(transport, TLSMemoryBIOProtocol)


def pass_on_half_closes(wrapper: Any, protocol: IHalfCloseableProtocol) -> None:
    """
    Have a protocol be told when its peer sends no more; Twisted's wrapper would take
    that for the end of the connection.
    """
    wrapper.readConnectionLost = protocol.readConnectionLost
    wrapper.writeConnectionLost = protocol.writeConnectionLost
    alsoProvides(wrapper, IHalfCloseableProtocol)
