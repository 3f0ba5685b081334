"""
An endpoint that remembers why it failed.
"""

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IStreamClientEndpoint)
class Watched:
    """
    Another endpoint.

    @ivar failure: why no connection could be made the last time, if none could.
    """

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint
        self.failure: BaseException | None = None

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """
        Connect, as the other endpoint does.
        """
        # One that raises is one that fails: it may do better the next time.
        connecting: Any = maybeDeferred(self._endpoint.connect, factory)
        result: Deferred[IProtocol] = connecting.addCallbacks(self._made, self._failed)
        return result

    def __repr__(self) -> str:
        return repr(self._endpoint)

    def _made(self, protocol: IProtocol) -> IProtocol:
        self.failure = None
        return protocol

    def _failed(self, failure: Failure) -> Failure:
        self.failure = failure.value
        return failure
