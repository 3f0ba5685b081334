"""
Users of the hello dialect, in memory, and what they are shown.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.peers import PASSWORD, MemoryTransport, MemoryWire, Message, Peer, register, request
from tests.servers import MemoryServer

#: All that is for the moment only.
EVERYTHING = ("presence", "typing", "receipts")


def flow(peer: Peer) -> list[Message]:
    """
    @return: what has come, without any time going by.
    """
    assert isinstance(peer.wire, MemoryWire)
    peer.wire.flow()
    heard, peer.heard = peer.heard, []
    return heard


def transport(peer: Peer) -> MemoryTransport:
    """
    @return: the server's end of a connection.
    """
    assert isinstance(peer.wire, MemoryWire)
    return peer.wire.transport


def mark(seq: int, **keys: object) -> Message:
    """
    @return: a request to have read a room up to a place.
    """
    return request("mark_read_request", seq=seq, **keys)


def typing(active: bool = True, **keys: object) -> Message:
    """
    @return: what says that one is writing, or no longer.
    """
    return request("typing", active=active, **keys)


class HelloTestCase(SynchronousTestCase):
    """
    A test with a server and users of the hello dialect.

    @ivar server: made by C{setUp}.
    """

    server: MemoryServer

    def ask(self, peer: Peer, message: Message) -> Message:
        """
        @return: the next line, which is to be the answer.
        """
        return self.successResultOf(Deferred.fromCoroutine(peer.ask(message)))

    def user(self, name: str, *want: str, is_new: bool = True) -> Peer:
        """
        @param want: what they wish to be shown.
        @param is_new: whether they have no account yet.
        @return: somebody who follows the log; nothing is left to be read.
        """
        peer = self.server.connect()
        hello = request("hello_request", protocol=1, want=list(want))
        login = request("login_request", username=name, password=PASSWORD)
        peer.send(hello, *([register(name)] if is_new else []), login, request("resume_request"))
        self.successResultOf(Deferred.fromCoroutine(peer.until("resume_response")))
        return peer

    def pass_time(self, seconds: float) -> None:
        """
        Let time go by, in steps.
        """
        self.server.pass_time(seconds)

    def shown(self, peer: Peer, kind: str) -> list[Message]:
        """
        @return: what has come of a type, or of several; other lines are forgotten.
        """
        return [each for each in flow(peer) if each["message_type"] in kind.split()]


def keys(messages: list[Message], *names: str) -> list[tuple[Any, ...]]:
    """
    @return: some keys of each message.
    """
    return [tuple(each[name] for name in names) for each in messages]
