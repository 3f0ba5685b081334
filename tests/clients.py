"""
Clients for tests, in a time that only tests advance.
"""

from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.client import ChatClient, Credentials, Event
from chatroom.wire.messages import ChatMessage
from tests.fake_chat import FakeChat
from tests.links import MemoryEndpoint

T = TypeVar("T")

PASSWORD = "secret123"


@define(eq=False)
class Told:
    """
    What a client has told.
    """

    events: list[Event] = field(factory=list)

    def of(self, cls: type[T]) -> list[T]:
        """
        @return: all of a class, in order.
        """
        return [each for each in self.events if isinstance(each, cls)]

    @property
    def contents(self) -> list[str]:
        """
        What was said, in order.
        """
        return [each.content for each in self.of(ChatMessage)]


class ClientCase(SynchronousTestCase):
    """
    A server that can misbehave, which knows alice and bob, and clients of it.
    """

    def setUp(self) -> None:
        """
        Have a server.
        """
        self.clock = Clock()
        self.chat = FakeChat()
        self.chat.add_user("alice")
        self.chat.add_user("bob")
        self.endpoint = MemoryEndpoint(self.clock, self.chat.accept)
        self.told = Told()

    def make(self, username: str = "alice", **options: Any) -> ChatClient:
        """
        @return: a client that is not started.
        """
        credentials = Credentials(username=username, password=options.pop("password", PASSWORD))
        options = {"random": Random(7), "on_event": self.told.events.append, **options}
        return ChatClient(self.clock, self.endpoint, credentials, **options)

    def start(self, username: str = "alice", **options: Any) -> ChatClient:
        """
        @return: a client that is ready, or as far as it got.
        """
        client = self.make(username, **options)
        client.startService()
        self.addCleanup(self.stop, client)
        self.endpoint.flow()
        return client

    def stop(self, client: ChatClient) -> None:
        """
        Stop a client, which takes no longer than it may.
        """
        stopping = client.stopService()
        self.endpoint.run(3)
        self.successResultOf(stopping)

    def begin(self, work: Coroutine[Any, Any, T]) -> "Deferred[T]":
        """
        Begin something, and let what it writes arrive.
        """
        begun = Deferred.fromCoroutine(work)
        self.endpoint.flow()
        return begun

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """
        Do something that is done at once.
        """
        return self.successResultOf(self.begin(work))

    def fails(self, work: Coroutine[Any, Any, Any], cls: type[Exception]) -> Any:
        """
        @return: the error that it ends with.
        """
        return self.failureResultOf(self.begin(work), cls).value

    def contents(self, room_id: int = 1) -> list[str]:
        """
        @return: what the server has stored.
        """
        log = self.chat.rooms[room_id].log
        return [each["content"] for each in log if each["message_type"] == "chat_message"]
