"""
Questions and their answers, on one connection.

A server of the hello dialect, and an older one of this project, repeat the name of a
request on each line of its answer. One of the seed does not: there, one thing is asked at
a time, and what comes next of the right type is the answer.
"""

from collections import deque
from enum import Enum

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chatroom.client.errors import NetworkError, Unanswered, refusal
from chatroom.client.line import Line
from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import (
    ChatHistory,
    ChatHistoryComplete,
    ChatMessage,
    EnterChatRequest,
    EnterChatResponse,
    ErrorMessage,
    LogoutRequest,
    PostRequest,
    ReadMarker,
    SystemMessage,
)

#: How long a server of the seed may take for an answer, in seconds.
ANSWER_SECONDS = 30.0

_CONTINUED = (ChatHistory, EnterChatResponse)
#: What is told like a push, even where it is an answer.
_TOLD = (ChatMessage, ReadMarker)
_ENTERED = (ChatHistory, ChatHistoryComplete)


class Dialect(Enum):
    """
    What a server understands.

    @cvar HELLO: all of it.
    @cvar NAMED: the seed's requests, each with a name, and posts with one.
    @cvar PLAIN: the seed's requests, without any key that the seed does not know.
    """

    HELLO = "hello"
    NAMED = "named"
    PLAIN = "plain"


@define(eq=False)
class Question:
    """
    A request that is not answered yet.
    """

    request: Request
    replies: list[Reply] = field(factory=list)
    answer: "Deferred[list[Reply]]" = field(factory=Deferred)

    def add(self, reply: Reply) -> bool:
        """
        @return: whether that was the last line of the answer.
        """
        self.replies.append(reply)
        return refusal(reply) is not None or not isinstance(reply, _CONTINUED)

    def finish(self) -> None:
        """
        Tell who asks.
        """
        refused = refusal(self.replies[-1])
        if self.answer.called:
            return
        if refused is None:
            self.answer.callback(self.replies)
        else:
            self.answer.errback(refused)


@define(eq=False)
class Conversation:
    """
    What is said on one connection.

    @ivar user_id: who speaks, once that is known.
    @ivar is_greeting: whether only the hello was asked so far, so that a refusal is of
        that even if it has no name.
    """

    line: Line
    _clock: IReactorTime
    dialect: Dialect = Dialect.HELLO
    user_id: int | None = None
    is_greeting: bool = True
    _named: dict[str, Question] = field(factory=dict)
    _row: "deque[Question]" = field(factory=deque)
    _timer: IDelayedCall | None = None
    _count: int = 0
    _end: NetworkError | None = None

    def ask(self, request: Request) -> "Deferred[list[Reply]]":
        """
        Send a request.

        @raise ValueError: if it holds something that JSON cannot.
        @raise LineTooLong: if the server would not take it.
        @return: all lines of its answer; fails with a L{Refusal}, or a L{NetworkError}
            if the connection is lost before.
        """
        question = Question(request)
        if self._end is not None:
            question.answer.errback(self._end)
        elif self.dialect is Dialect.PLAIN:
            self.line.check(request)
            self._row.append(question)
            self._go_on()
        else:
            self._count += 1
            name = str(self._count)
            self.line.send(evolve(request, request_id=name))
            self._named[name] = question
        return question.answer

    def tell(self, request: Request) -> None:
        """
        Send what nothing answers, to a server that knows it.
        """
        if self.dialect is Dialect.HELLO and self._end is None:
            self.line.send(request)

    def take(self, reply: Reply) -> bool:
        """
        @return: whether it belongs to an answer, and is nothing else besides.
        """
        if self.dialect is Dialect.PLAIN:
            return self._take_next(reply)
        name = reply.request_id
        if name is None and self.is_greeting and isinstance(reply, ErrorMessage):
            name = str(self._count)
        if name is None:
            return False
        question = self._named.get(name)
        if question is not None and question.add(reply):
            del self._named[name]
            question.finish()
        return not isinstance(reply, _TOLD)

    def end(self, error: NetworkError) -> None:
        """
        Fail what is not answered: there is no connection any more.
        """
        self._end = error
        self._stop_waiting()
        questions = [*self._named.values(), *self._row]
        self._named.clear()
        self._row.clear()
        for each in questions:
            if not each.answer.called:
                each.answer.errback(error)

    def _take_next(self, reply: Reply) -> bool:
        if not self._row or not _is_answer(self._row[0].request, reply, self.user_id):
            return False
        question = self._row[0]
        self._stop_waiting()
        if question.add(reply):
            self._row.popleft()
            self._go_on()
            question.finish()
        else:
            self._wait()
        return not isinstance(reply, _TOLD)

    def _go_on(self) -> None:
        if self._row and self._timer is None:
            self._wait()
            self.line.send(_plain(self._row[0].request))

    def _wait(self) -> None:
        self._timer = self._clock.callLater(ANSWER_SECONDS, self._overdue)

    def _stop_waiting(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _overdue(self) -> None:
        self._timer = None
        question = self._row.popleft()
        if not question.answer.called:
            question.answer.errback(Unanswered())
        self._go_on()


def _is_answer(request: Request, reply: Reply, user_id: int | None) -> bool:
    if isinstance(request, PostRequest) and isinstance(reply, ChatMessage):
        is_own = reply.sender_id == user_id and reply.content == request.content
        return is_own and reply.chat_group_id == request.chat_group_id
    if isinstance(request, EnterChatRequest) and isinstance(reply, _ENTERED):
        return True
    if isinstance(request, LogoutRequest) and isinstance(reply, SystemMessage):
        return True
    expected = request.message_type.value.replace("_request", "_response")
    return isinstance(reply, ErrorMessage) or reply.message_type.value == expected


def _plain(request: Request) -> Request:
    if isinstance(request, PostRequest):
        return evolve(request, client_message_id=None, reply_to=None, request_id=None)
    return evolve(request, request_id=None)
