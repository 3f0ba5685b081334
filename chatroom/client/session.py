"""
One connection from its hello to its end.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.client.conversation import Conversation, Dialect
from chatroom.client.entrance import Entrance, ask_one, greet, rooms_of
from chatroom.client.errors import NetworkError, Refusal, Unanswered
from chatroom.client.events import Connected
from chatroom.client.gate import Gate
from chatroom.client.line import MOST_LINE_BYTES
from chatroom.client.tracker import Tracker
from chatroom.errors import ErrorCode
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    ChatChanged,
    ChatDeleted,
    ChatHead,
    ChatHeads,
    ChatInvitation,
    ChatMessage,
    ErrorMessage,
    FileNotification,
    Goodbye,
    HelloRequest,
    HelloResponse,
    LoginResponse,
    MemberChanged,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    MessageEdited,
    Ping,
    PongRequest,
    Position,
    Presence,
    ReactionChanged,
    ReadMarker,
    Receipt,
    ResumeRequest,
    ResumeResponse,
    SystemMessage,
    Typing,
)
from chatroom.wire.unknown import Place

#: How many rooms are asked for at once: so many fit into a line.
MOST_POSITIONS = 1000


@define(eq=False)
class Session:
    """
    A client on one connection.

    @ivar is_told: whether the program knows that it is connected.
    @ivar ready_at: since when it is all there; C{None} before.
    @ivar goodbye: what the server said before it closed, if it did.
    """

    conversation: Conversation
    _entrance: Entrance
    _tracker: Tracker
    log = Logger()
    is_told: bool = False
    ready_at: float | None = None
    goodbye: Goodbye | None = None
    _heads: Gate[list[ChatHead]] = field(factory=Gate)
    _is_following: bool = False

    async def log_in(self, hello: HelloRequest) -> None:
        """
        Say hello and who one is, and learn one's rooms.

        @raise Refusal: if the server refuses.
        """
        conversation = self.conversation
        greeting = await greet(conversation, hello)
        if greeting is not None:
            self._begin(greeting)
        answer = await self._entrance.log_in(conversation)
        if answer.user_id is None:
            raise Unanswered()
        self._be(answer)
        heads = self._heads.wait() if greeting else rooms_of(conversation)
        self._tracker.begin(await heads)
        server = "" if greeting is None else greeting.server
        self.is_told = True
        self._tracker.audience.tell(Connected(server=server, is_hello=greeting is not None))

    async def follow(self) -> None:
        """
        Be told what happens, and first what was missed.

        @raise Refusal: if the server refuses.
        """
        if self.conversation.dialect is not Dialect.HELLO:
            return
        following, heads = self._tracker.following, self._tracker.heads
        try:
            await self._resume(following.ask_for_all(heads.values()))
        except Refusal as error:
            if error.temporary or error.code != ErrorCode.INVALID_COMMAND:
                raise
            # Such as a place that is not reached yet: the database is not what it was.
            self._tracker.lose_epoch(following.epoch or "")
            await self._resume(following.ask_for_all(heads.values()))
        self._is_following = True
        self.catch_up()

    def catch_up(self) -> None:
        """
        Ask for what is missing, unless somebody has enough to read already.
        """
        following = self._tracker.following
        if self._is_following and not self._tracker.audience.is_full:
            rooms = following.short()
            if rooms:
                asking = Deferred.fromCoroutine(self._resume(following.ask_for(rooms)))
                asking.addErrback(self._failed)

    def heard(self, message: Reply) -> None:
        """
        Take what the server says.
        """
        if isinstance(message, ReadMarker):
            # Who asked for it goes on at once, and may look at the head of the room.
            self._tracker.mark(message)
        if not self.conversation.take(message):
            take = _TAKERS.get(type(message))
            if take is not None:
                take(self, message)

    def passed(self, place: Place) -> None:
        """
        Count what happened, and is of a kind that is not known.
        """
        self._tracker.pass_by(place)

    def end(self, error: NetworkError) -> None:
        """
        The connection is lost.
        """
        self._is_following = False
        self.conversation.end(error)
        self._heads.fail(error)

    def _begin(self, greeting: HelloResponse) -> None:
        line, limits = self.conversation.line, greeting.limits
        line.most_bytes = limits.line_bytes if limits.line_bytes > 0 else MOST_LINE_BYTES
        line.silence.start(limits.heartbeat_seconds)
        self._tracker.enter_epoch(greeting.epoch)

    def _be(self, answer: LoginResponse) -> None:
        self.conversation.user_id = self._tracker.user_id = answer.user_id

    async def _resume(self, positions: list[Position]) -> None:
        epoch = self._tracker.following.epoch
        for start in range(0, len(positions), MOST_POSITIONS) or [0]:
            some = positions[start : start + MOST_POSITIONS]
            request = ResumeRequest(epoch=epoch, positions=some)
            answer = await ask_one(self.conversation, request, ResumeResponse)
            self._tracker.finish(some, answer)
        self.catch_up()

    def _failed(self, failure: Any) -> None:
        if failure.check(NetworkError) is None:
            self.log.failure("the log of a room can't be had", failure)
        self.conversation.line.drop("the server does not tell what is missing")

    def _take_event(self, message: Any) -> None:
        self._tracker.take(message)

    def _take_notice(self, message: Any) -> None:
        self._tracker.audience.tell(message)

    def _take_ping(self, message: Ping) -> None:
        self.conversation.tell(PongRequest(nonce=message.nonce))

    def _take_heads(self, message: ChatHeads) -> None:
        self._heads.open(message.chats)

    def _take_goodbye(self, message: Goodbye) -> None:
        self.goodbye = message

    def _take_error(self, message: ErrorMessage) -> None:
        self.log.warn("the server refuses what nobody asked: {code}", code=message.error_code)


_EVENTS = (
    ChatMessage,
    MessageEdited,
    MessageDeleted,
    ReactionChanged,
    MemberJoined,
    MemberLeft,
    MemberChanged,
    ChatChanged,
    ChatDeleted,
    FileNotification,
)
_NOTICES = (ReadMarker, Receipt, Typing, Presence, SystemMessage, ChatInvitation)

_TAKERS: dict[type[Reply], Callable[[Session, Any], None]] = {
    **dict.fromkeys(_EVENTS, Session._take_event),
    **dict.fromkeys(_NOTICES, Session._take_notice),
    Ping: Session._take_ping,
    ChatHeads: Session._take_heads,
    Goodbye: Session._take_goodbye,
    ErrorMessage: Session._take_error,
}
