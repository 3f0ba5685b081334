"""
One conversation: who speaks, in what order things happen, what may be heard.

Requests take effect, and are answered, in the order in which they came. One is
under way at a time, but for posts: those in a row share commits, and their
answers, with those to bad lines between them, leave in the order of the lines.
A post's outcome comes here before its push: that of a post with a name leaves at
once; what follows a plain one leaves in a later turn, since its push is its answer.

This is where trust ends: only here does an exception become a line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from chatroom.clock import cancel
from chatroom.errors import (
    AlreadyLoggedIn,
    ChatError,
    InternalError,
    LineNotEnded,
    LineTooLong,
    NotLoggedIn,
    OtherProtocol,
    ShuttingDown,
    TooManySessions,
)
from chatroom.logs.journal import Journal
from chatroom.server.dispatch import Needs, entry
from chatroom.server.inbox import Inbox
from chatroom.server.outgoing import Outgoing
from chatroom.server.replies import Replies, is_named
from chatroom.server.row import Place, Row
from chatroom.store.models import PUBLIC_ROOM_ID, User
from chatroom.wire.codec import Refused, Request, decode_request

if TYPE_CHECKING:
    from chatroom.server.service import ChatService

#: How many posts of one session may be under way, with the bad lines between them.
MOST_UNDER_WAY = 64

#: How many lines of one session are handled before others have their turn: of one
#: that has logged in, and of one that has not.
LINES_A_TURN = 32
ANONYMOUS_LINES_A_TURN = 2

#: How many logins of one connection are finished however many others wait.
_LOGINS_SPARED = 3

#: How long a goodbye may take to be read.
CLOSING_SECONDS = 2.0

#: How long nothing follows a login unasked, unless the peer goes on earlier.
QUIET_SECONDS = 0.2


@define(eq=False)
class Session:
    """
    A conversation with one connection.

    @ivar outgoing: the way to the peer.
    @ivar peer: where it comes from, for the operator.
    @ivar address: the same, as it is limited; C{None} if it is not.
    @ivar user: who speaks, once that is known.
    @ivar room_id: the current room.
    @ivar is_proving: whether who speaks is being found out, and this is to be finished.
    @ivar gone: fires when the connection is lost.
    """

    _log = Journal()

    _chat: "ChatService"
    _inbox: Inbox
    outgoing: Outgoing
    peer: str
    address: str | None
    user: User | None = field(default=None, init=False)
    room_id: int = field(default=PUBLIC_ROOM_ID, init=False)
    is_connected: bool = field(default=True, init=False)
    is_proving: bool = field(default=False, init=False)
    gone: "Deferred[None]" = field(factory=Deferred, init=False)
    _finished: "Deferred[None]" = field(factory=Deferred, init=False)
    _replies: Replies = field(init=False)
    _row: Row = field(init=False)
    _budget: int = field(default=ANONYMOUS_LINES_A_TURN, init=False)
    _logins: int = field(default=0, init=False)
    _is_busy: bool = field(default=False, init=False)
    _has_ended: bool = field(default=False, init=False)
    _is_closing: bool = field(default=False, init=False)
    _turn: IDelayedCall | None = field(default=None, init=False)
    _quiet: IDelayedCall | None = field(default=None, init=False)

    @_replies.default
    def _make_replies(self) -> Replies:
        return Replies(self._chat.settings.language, self._chat.now)

    @_row.default
    def _make_row(self) -> Row:
        return Row(self.outgoing.answer)

    # What the connection says

    def begin(self) -> None:
        """
        The connection is there.
        """
        self.outgoing.start()
        self._chat.admission.enter(self)

    def receive(self, line: bytes) -> None:
        """
        The peer sent a line.
        """
        self._take_in(line)

    def receive_too_long(self) -> None:
        """
        The peer is sending a line that is longer than any may be.
        """
        self._take_in(self._too_long())

    def most_bytes_to_come(self) -> int:
        """
        @return: how long a line may get that is not here yet: that of somebody whose
            login is under way may be as long as after it.
        """
        settings = self._chat.settings
        may_log_in = self._is_busy or self._inbox
        return settings.line_bytes if may_log_in else self._most_bytes()

    def receive_unended(self) -> None:
        """
        The peer stopped sending in the middle of a line.
        """
        self._take_in(Refused(error=LineNotEnded()))

    def receive_other_protocol(self, name: str) -> None:
        """
        The peer speaks something else.
        """
        error = OtherProtocol(protocol=name)
        self._log.note("cut_off", address=self.peer, reason=error.reason)
        self._last_words(self._replies.no_request(Refused(error=error)))

    def turn_away(self, slug: str) -> None:
        """
        The peer may not be here.

        @param slug: the text that says why.
        """
        self._log.note("cut_off", address=self.peer, reason=slug)
        self._close(slug)

    def end(self) -> None:
        """
        The peer sends no more, and may still read.
        """
        self._has_ended = True
        self._advance()

    def lose(self) -> None:
        """
        The connection is gone.
        """
        self.is_connected = False
        self._chat.hub.detach(self)
        self._chat.admission.leave(self)
        self.outgoing.lost()
        self._inbox.close(forget=True)
        for timer in (self._turn, self._quiet):
            cancel(timer)
        self._tell_finished()
        self.gone.callback(None)

    def finish(self) -> "Deferred[None]":
        """
        The server goes: finish what is under way, and refuse what waits.

        @return: when that is done, or the connection is lost.
        """
        self._is_closing = True
        self._inbox.close(forget=False)
        self._advance()
        return self._finished

    def say_goodbye(self) -> None:
        """
        The server is gone.
        """
        self._close("shutting_down")

    def go_on(self) -> None:
        """
        The peer has read most of what it was sent.
        """
        self._take_another_turn()

    # What handlers and the hub ask for

    def deliver(self, lines: bytes) -> None:
        """
        Push lines to the peer.
        """
        self.outgoing.push(lines)

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

    async def log_in(self, user: User) -> None:
        """
        Make this the session of a user, whose current room is the public one.

        @raise TooManySessions: if the user has too many.
        @raise StoreUnavailable: if the user's rooms can't be read.
        """
        limit = self._chat.settings.sessions_per_user
        if self._chat.hub.session_count(user.id) >= limit > 0:
            raise TooManySessions(limit=limit)
        await self._chat.hub.attach(self, user)
        self.user = user
        self.room_id = PUBLIC_ROOM_ID
        self._chat.admission.name(self)
        if self.is_connected:
            self.outgoing.hold()
            self._quiet = self._chat.clock.callLater(QUIET_SECONDS, self.outgoing.release)

    def log_out(self) -> None:
        """
        Make this nobody's session.
        """
        self._chat.hub.detach(self)
        self.user = None
        self._chat.admission.forget_name(self)

    @property
    def speaker(self) -> User:
        """
        The user, where a request has needed a login.

        @raise NotLoggedIn: if there is none.
        """
        if self.user is None:
            raise NotLoggedIn()
        return self.user

    def require_anonymous(self) -> None:
        """
        @raise AlreadyLoggedIn: if the session has a user.
        """
        if self.user is not None:
            raise AlreadyLoggedIn()

    # The order of things

    def _take_in(self, line: bytes | Refused) -> None:
        self._inbox.put(line)
        if self._turn is None:
            self._advance()

    def _advance(self) -> None:
        """
        Handle what can be handled now, and see what follows from having done so.
        """
        while self._budget and self._handle_next():
            self._budget -= 1
        if not self._budget:
            self._take_another_turn()
        if not (self._inbox or self._row or self._is_busy):
            self._rest()
        self._inbox.read_on()

    def _take_another_turn(self) -> None:
        if self._turn is None and self.is_connected:
            self._turn = self._chat.clock.callLater(0, self._next_turn)

    def _next_turn(self) -> None:
        self._turn = None
        self._budget = LINES_A_TURN if self.user else ANONYMOUS_LINES_A_TURN
        self._row.move()
        self._advance()

    def _handle_next(self) -> bool:
        """
        @return: whether a line was handled.
        """
        is_full = len(self._row) >= MOST_UNDER_WAY or self.outgoing.is_crowded
        if not self._inbox or self._is_busy or is_full:
            return False
        self._end_quiet()
        item = self._inbox.take()
        if isinstance(item, bytes):
            item = self._decode(item)
        if isinstance(item, Refused):
            self._row.stand(self._replies.no_request(item))
            self._row.move()
        elif not self._row.takes(item, self.room_id):
            self._inbox.put_back(item)
            return False
        else:
            self._begin(item)
        return True

    def _decode(self, line: bytes) -> Request | Refused:
        return self._too_long() if len(line) > self._most_bytes() else decode_request(line)

    def _begin(self, request: Request) -> None:
        place = self._row.stand_for(request, self.room_id)
        self._is_busy = not entry(type(request)).shares_commit
        done = Deferred.fromCoroutine(self._handle(request))
        done.addErrback(self._refuse, request)
        done.addCallback(self._handled, place, request)

    async def _handle(self, request: Request) -> bytes:
        if self._is_closing:
            raise ShuttingDown()
        asked = entry(type(request))
        if asked.needs is Needs.LOGIN and self.user is None:
            raise NotLoggedIn()
        answer = await asked.handler(self._chat, self, request)
        return self._replies.answer(answer, request.request_id)

    def _handled(self, lines: bytes, place: Place, request: Request) -> None:
        place.lines = lines
        if not entry(type(request)).shares_commit:
            self._is_busy = False
            self._row.move()
        elif is_named(request):
            self._row.move()
        self._take_another_turn()

    def _refuse(self, failure: Failure, request: Request) -> bytes:
        """
        Turn whatever went wrong into what the peer may hear.
        """
        error = failure.value
        if not isinstance(error, ChatError):
            kind = request.message_type.value
            self._log.note_failure("request_failed", failure, type=kind, address=self.peer)
            error = InternalError()
        return self._replies.no(error, request)

    # Limits and ends

    def _most_bytes(self) -> int:
        settings = self._chat.settings
        return settings.login_line_bytes if self.user is None else settings.line_bytes

    def _too_long(self) -> Refused:
        return Refused(error=LineTooLong(limit=self._most_bytes()))

    def _end_quiet(self) -> None:
        """
        The peer goes on, and so may we.
        """
        if self._quiet is not None:
            cancel(self._quiet)
            self._quiet = None
            self.outgoing.release()

    def _rest(self) -> None:
        """
        There is nothing to do.
        """
        if self._is_closing:
            self._tell_finished()
        elif self._has_ended:
            self.outgoing.close()

    def _tell_finished(self) -> None:
        if not self._finished.called:
            self._finished.callback(None)

    def _close(self, slug: str) -> None:
        self._last_words(self._replies.warning(slug))

    def _last_words(self, lines: bytes) -> None:
        self._inbox.close(forget=True)
        self.outgoing.answer(lines)
        self.outgoing.close(within=CLOSING_SECONDS)
