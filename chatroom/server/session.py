"""
One conversation: who speaks, what may be asked, what may be heard. In what order
things happen is up to L{chatroom.server.order.Order}.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred

from chatroom.chat.access import Who
from chatroom.chat.log import Waiter
from chatroom.errors import (
    LineTooLong,
    NotLoggedIn,
    OtherProtocol,
)
from chatroom.logs.journal import Journal
from chatroom.server import answers
from chatroom.server.following import Following
from chatroom.server.inbox import Inbox
from chatroom.server.inside import Inside
from chatroom.server.order import ANONYMOUS_LINES_A_TURN, LINES_A_TURN, Order
from chatroom.server.outgoing import Outgoing
from chatroom.server.replies import CLOSING_SECONDS, Replies
from chatroom.server.row import Row
from chatroom.server.transfers import Transfers
from chatroom.store.models import PUBLIC_ROOM_ID, Login, User
from chatroom.wire.codec import Refused, Reply, Request, decode_request
from chatroom.wire.messages import HelloRequest
from chatroom.wire.messages.greeting import Ephemeral

if TYPE_CHECKING:
    from chatroom.server.service import ChatService

#: How many logins of one connection are finished however many others wait.
_LOGINS_SPARED = 3


@define(eq=False, repr=False)
class Session:
    """
    A conversation with one connection.

    @ivar is_closing: whether the server goes, and nothing more is begun.
    @ivar outgoing: the way to the peer.
    @ivar deliver: pushes lines to the peer.
    @ivar replies: in which words it is answered.
    @ivar peer: where it comes from, for the operator.
    @ivar address: the same, as it is limited; C{None} if it is not.
    @cvar nobody: what the peer is as long as it has no user.
    @ivar inside: where it is in this process, if it is there.
    @ivar greeting: what the client has said of itself, if it speaks the hello dialect.
    @ivar follower: where it is in the log, if it does and has logged in.
    @ivar login: what it can be taken up again by, if it can.
    @ivar user: who speaks, once that is known.
    @ivar room_id: the current room.
    @ivar is_proving: whether who speaks is being found out, and this is to be finished.
    @ivar lines_heard: how many lines have come.
    @ivar transfers: the files that are under way, if there were any.
    """

    _log = Journal()
    nobody: ClassVar[Who] = Who.ANONYMOUS

    _chat: "ChatService"
    _inbox: Inbox
    outgoing: Outgoing
    peer: str
    address: str | None
    inside: Inside | None = field(default=None, init=False)
    greeting: HelloRequest | None = field(default=None, init=False)
    user: User | None = field(default=None, init=False)
    follower: Following | None = field(default=None, init=False)
    login: Login | None = field(default=None, init=False)
    room_id: int = field(default=PUBLIC_ROOM_ID, init=False)
    is_connected: bool = field(default=True, init=False)
    lines_heard: int = field(default=0, init=False)
    is_proving: bool = field(default=False, init=False)
    _gone: "Deferred[None] | None" = field(default=None, init=False)
    _finished: "Deferred[None] | None" = field(default=None, init=False)
    deliver: Callable[[bytes], None] = field(init=False)
    replies: Replies = field(init=False)
    transfers: Transfers | None = field(default=None, init=False)
    _order: Order = field(init=False)
    _followers: tuple[Following, ...] = field(default=(), init=False)
    _logins: int = field(default=0, init=False)
    _has_ended: bool = field(default=False, init=False)
    is_closing: bool = field(default=False, init=False)

    @deliver.default
    def _find_push(self) -> Callable[[bytes], None]:
        return self.outgoing.push

    @replies.default
    def _make_replies(self) -> Replies:
        return Replies(self._chat.settings.language, self._chat.now)

    @_order.default
    def _make_order(self) -> Order:
        chat, row = self._chat, Row(self.outgoing.answer)
        return Order(self._inbox, row, self.outgoing, chat.later, self)

    # What the connection says

    def begin(self) -> None:
        """
        The connection is there.
        """
        self.outgoing.start(self.go_on)
        self._chat.admission.enter(self)

    def receive(self, lines: Sequence[bytes | Refused]) -> None:
        """
        The peer sent lines, or what are none.
        """
        self.lines_heard += len(lines)
        self._order.take_in(lines)

    def receive_too_long(self) -> None:
        """
        The peer is sending a line that is longer than any may be.
        """
        self._order.take_in([self._too_long()])

    def most_bytes_to_come(self) -> int:
        """
        @return: how long a line may get that is not here yet; a login may be under way.
        """
        return self._chat.settings.line_bytes if self._order.may_change else self._most_bytes()

    def receive_other_protocol(self, name: str) -> None:
        """
        The peer speaks something else.
        """
        error = OtherProtocol(protocol=name)
        self._log.note("cut_off", address=self.peer, reason=error.reason)
        self._last_words(self.replies.no_request(Refused(error=error)))

    def turn_away(self, slug: str, *, within: float = CLOSING_SECONDS) -> None:
        """
        The peer may not be here.

        @param slug: the text that says why.
        @param within: how many seconds that may take to be read.
        """
        if self.is_connected:
            self._log.note("cut_off", address=self.peer, reason=slug)
            self.close(slug, within=within)

    def part(self, slug: str) -> None:
        """
        The peer may be here no longer than until its last request is answered.

        @param slug: the text that says why.
        """
        self._order.close(forget=True)
        self._chat.clock.callLater(0, self.turn_away, slug)

    def end(self) -> None:
        """
        The peer sends no more, and may still read.
        """
        self._has_ended = True
        self._order.advance()

    def lose(self) -> None:
        """
        The connection is gone.
        """
        self.is_connected = False
        self._chat.hub.detach(self)
        self._chat.admission.leave(self)
        self._chat.heartbeats.forget(self)
        self.outgoing.lost()
        self._order.stop()
        self.stop_following()
        self._finish()
        self._chat.sessions.discard(self)
        if self._gone is not None:
            self._gone.callback(None)

    def finish(self) -> "Deferred[None]":
        """
        The server goes: finish what is under way, and refuse what waits.

        @return: when that is done, or the connection is lost.
        """
        finished = self._finished = Deferred()
        self.is_closing = True
        self._order.close(forget=False)
        for follower in self._followers:
            follower.give_up()
        self._order.advance()
        return finished

    def when_gone(self) -> "Deferred[None]":
        """
        @return: when the connection, which is there, is lost.
        """
        if self._gone is None:
            self._gone = Deferred()
        return self._gone

    def close(self, slug: str, *, within: float = CLOSING_SECONDS) -> None:
        """
        Say why, and close.

        @param slug: the text that says why.
        @param within: how many seconds that may take to be read.
        """
        others = len(self._chat.sessions)
        self._last_words(self.replies.goodbye(slug, self._chat.chance, others), within)

    def go_on(self) -> None:
        """
        The peer has read most of what it was sent.
        """
        self._order.take_another_turn()
        for follower in self._followers:
            follower.go_on()

    # What handlers and the hub ask for

    @contextmanager
    def proving(self) -> Iterator[None]:
        """
        @return: a context in which who speaks is being found out.
        """
        self._logins += 1
        self.is_proving = self._logins <= _LOGINS_SPARED
        try:
            yield
        finally:
            self.is_proving = False

    def greet(self, greeting: HelloRequest, language: str) -> None:
        """
        Speak the hello dialect.

        @param language: of texts for people.
        """
        self.greeting = greeting
        self.replies.language, self.replies.in_full = language, True
        self._chat.heartbeats.watch(self)

    def wants(self, what: Ephemeral) -> bool:
        """
        Whether the client wishes to be shown something that is for the moment only.
        """
        return self.greeting is not None and what in (self.greeting.want or ())

    def show(self, lines: bytes) -> None:
        """
        Push lines that are for the moment only, if nothing else waits for the peer.
        """
        self.outgoing.show(lines)

    def put_out(self, room_id: int, seq: int) -> None:
        """
        Be in a room no longer, which the user has left at a place of its log.
        """
        if self.room_id == room_id:
            self.room_id = PUBLIC_ROOM_ID
        for follower in self._followers:
            follower.leave(room_id, seq)

    @property
    def is_waited_for(self) -> bool:
        """
        Whether it is our turn to do something.
        """
        return not (self._order.is_idle and self.outgoing.is_idle)

    def tell(self, reply: Reply) -> None:
        """
        Push a message of the hello dialect to the peer.
        """
        self.deliver(self.replies.answer(reply))

    def log_out(self) -> None:
        """
        Make this nobody's session.
        """
        self._chat.hub.detach(self)
        self.stop_following()
        self.user = self.login = None
        if self.is_connected:
            self._chat.admission.forget_name(self)

    def new_follower(self, user: User) -> Following:
        """
        @return: what reads the log for this session, as fast as its peer reads.
        """
        follower = self._chat.following(user, self.outgoing, self.tell)
        self._followers += (follower,)
        return follower

    def drop(self, follower: Following) -> None:
        """
        Have the log be read no longer.
        """
        self._followers = tuple(each for each in self._followers if each is not follower)
        follower.end()

    def stop_following(self) -> None:
        """
        Have nothing of the log be read any more.
        """
        self.follower = None
        if self.transfers is not None:
            self.transfers.end()
            self.transfers = None
        for follower in self._followers:
            self.drop(follower)

    @property
    def speaker(self) -> User:
        """
        The user, where a request has needed a login.

        @raise NotLoggedIn: if there is none.
        """
        if self.user is None:
            raise NotLoggedIn()
        return self.user

    # What the order of things asks for

    @property
    def lines_a_turn(self) -> int:
        """
        How many lines are handled before other sessions have their turn.
        """
        return LINES_A_TURN if self.user else ANONYMOUS_LINES_A_TURN

    def read(self, line: bytes) -> Request | Refused:
        """
        Take up a line; its limit is the one that holds by now.
        """
        return self._too_long() if len(line) > self._most_bytes() else decode_request(line)

    def refuse(self, refused: Refused) -> bytes:
        """
        @return: the answer to what is no request.
        """
        return self.replies.no_request(refused)

    def answers_in_full(self, request: Request) -> bool:
        """
        Whether who asks knows more than the seed's keys.
        """
        return self.replies.is_named(request)

    async def answer(self, request: Request) -> bytes:
        """
        Do what is asked.
        """
        return await answers.answer(self._chat, self, request)

    def start(self, request: Request, waiter: Waiter) -> None:
        """
        Begin what shares a commit.
        """
        answers.start(self._chat, self, request, waiter)

    def conclude(self, request: Request, outcome: object) -> bytes:
        """
        Answer it.
        """
        return answers.conclude(self, request, outcome)

    def rest(self) -> None:
        """
        There is nothing to do for now.
        """
        if self.is_closing:
            self._finish()
        elif self._has_ended and not (self.transfers and self.transfers.is_busy):
            self.outgoing.close()

    # Limits and ends

    def _finish(self) -> None:
        if self._finished is not None and not self._finished.called:
            self._finished.callback(None)

    def _most_bytes(self) -> int:
        settings = self._chat.settings
        return settings.login_line_bytes if self.user is None else settings.line_bytes

    def _too_long(self) -> Refused:
        return Refused(error=LineTooLong(limit=self._most_bytes()))

    def _last_words(self, lines: bytes, within: float = CLOSING_SECONDS) -> None:
        self._order.close(forget=True)
        self.outgoing.answer(lines)
        self.outgoing.close(within=within)
