"""
What the operator asks a chat, and what it answers: the lines of the protocol, whichever
way they go.
"""

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from chatroom.admin.exits import REFUSED, UNREACHABLE, USAGE, Failed
from chatroom.clock import cancel
from chatroom.errors import InvalidMessage, UnknownType
from chatroom.wire.codec import Reply, Request, decode_message, encode
from chatroom.wire.messages import ErrorMessage, HelloRequest, HelloResponse
from chatroom.wire.messages.greeting import PROTOCOL

R = TypeVar("R", bound=Reply)

#: How long an answer may take, in seconds.
PATIENCE = 60.0

_UNKNOWN = "whether it was done is not known; look before you do it again"


@define(eq=False)
class Desk:
    """
    Asks one thing after the other.

    @ivar send: takes a line.
    @ivar show: takes a line of the result.
    """

    _clock: IReactorTime
    show: Callable[[str], None]
    send: Callable[[bytes], None] = field(init=False)
    _rest: bytes = field(default=b"", init=False)
    _names: "count[int]" = field(factory=lambda: count(1), init=False)
    _asked: "tuple[str, Deferred[Reply]] | None" = field(default=None, init=False)
    _is_lost: bool = field(default=False, init=False)

    async def greet(self) -> None:
        """
        Begin, with a server that understands.
        """
        hello = HelloRequest(protocol=PROTOCOL, client="chatroom admin", language="en")
        await self.ask(hello, HelloResponse)

    async def ask(self, request: Request, form: type[R]) -> R:
        """
        @param form: of the answer.
        @raise Failed: if it is refused, or no answer comes.
        """
        if self._is_lost:
            raise Failed(UNREACHABLE, "the server has gone")
        name = f"admin-{next(self._names)}"
        try:
            line = encode(evolve(request, request_id=name), now=self._clock.seconds())
        except ValueError:
            raise Failed(USAGE, "there is something in it that is no text") from None
        answer: Deferred[Reply] = Deferred()
        self._asked = name, answer
        timer = self._clock.callLater(PATIENCE, self._give_up)
        try:
            self.send(line)
            reply = await answer
        finally:
            cancel(timer)
            self._asked = None
        if isinstance(reply, ErrorMessage):
            raise Failed(REFUSED, f"{reply.error_message} ({reply.reason})")
        if not isinstance(reply, form):
            raise Failed(UNREACHABLE, f"the server has answered something else; {_UNKNOWN}")
        return reply

    def hear(self, data: bytes) -> None:
        """
        Take what the server sends.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)

    def lose(self) -> None:
        """
        The server sends no more.
        """
        self._is_lost = True
        self._fail("the server has gone before it answered")

    def _give_up(self) -> None:
        self._fail(f"the server has not answered in {PATIENCE:g} seconds")

    def _fail(self, why: str) -> None:
        if self._asked is not None:
            _, answer = self._asked
            self._asked = None
            answer.errback(Failed(UNREACHABLE, f"{why}; {_UNKNOWN}"))

    def _take(self, line: bytes) -> None:
        try:
            message = decode_message(line)
        except UnknownType:
            return
        except InvalidMessage:
            self._fail("the server does not speak the protocol")
            return
        if isinstance(message, Reply) and self._asked is not None:
            name, answer = self._asked
            if message.request_id == name:
                self._asked = None
                answer.callback(message)
