"""
The order of things in one conversation.

Requests take effect, and are answered, in the order in which they came. One is
under way at a time, but for posts: those in a row share commits, and their
answers, with those to bad lines between them, leave in the order of the lines.
A post's outcome comes here before its push: that of a post with a name leaves at
once; what follows a plain one leaves in a later turn, since its push is its answer.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred

from chatroom.chat.log import Waiter
from chatroom.server.dispatch import Shared, entry
from chatroom.server.inbox import Inbox
from chatroom.server.later import Later
from chatroom.server.outgoing import Outgoing
from chatroom.server.row import ITS_OWN, Place, Row
from chatroom.wire.codec import Refused, Request

#: How many lines of one session are handled in a turn: with a user, and without one.
LINES_A_TURN = 32
ANONYMOUS_LINES_A_TURN = 2

#: How many posts of one session may be under way, with the bad lines between them.
MOST_UNDER_WAY = 256


class Conversation(Protocol):
    """
    What there is to do, and who does it.
    """

    @property
    def room_id(self) -> int:
        """
        The current room.
        """

    @property
    def lines_a_turn(self) -> int:
        """
        How many lines are handled before others have their turn.
        """

    def read(self, line: bytes) -> Request | Refused:
        """
        Take up a line, since its turn has come.
        """

    def answer(self, request: Request) -> Awaitable[bytes]:
        """
        @return: the lines of the answer, or of the refusal; this never fails.
        """

    def start(self, request: Request, waiter: Waiter) -> None:
        """
        Begin what shares a commit, and have C{waiter} be told what becomes of it.
        """

    def conclude(self, request: Request, outcome: object) -> bytes:
        """
        @return: the lines of the answer to it, or of the refusal; this never fails.
        """

    def refuse(self, refused: Refused) -> bytes:
        """
        @return: the lines that answer what is no request.
        """

    def answers_in_full(self, request: Request) -> bool:
        """
        Whether a request is answered by more than a push.
        """

    def rest(self) -> None:
        """
        There is nothing to do for now.
        """


@define(eq=False)
class Order:
    """
    What one peer has asked, one after the other.
    """

    _inbox: Inbox
    _row: Row
    _outgoing: Outgoing
    _later: Later
    _conversation: Conversation
    _budget: int = field(init=False)
    _is_busy: bool = field(default=False, init=False)
    _is_due: bool = field(default=False, init=False)
    _is_stopped: bool = field(default=False, init=False)

    @_budget.default
    def _first_budget(self) -> int:
        return self._conversation.lines_a_turn

    @property
    def is_idle(self) -> bool:
        """
        Whether nothing is under way, nor waits.
        """
        return not (self._inbox or self._row or self._is_busy)

    @property
    def may_change(self) -> bool:
        """
        Whether something is under way, or waits, that may change who speaks.
        """
        return self._is_busy or bool(self._inbox)

    def take_in(self, lines: Sequence[bytes | Refused]) -> None:
        """
        Keep what the peer sent until its turn comes, which may be now.
        """
        self._inbox.put(lines)
        if not self._is_due:
            self.advance()

    def advance(self) -> None:
        """
        Handle what can be handled now, and see what follows from having done so.
        """
        if self._inbox:
            # The peer goes on after a login, and so may we.
            self._outgoing.release()
        while self._budget and self._may_go_on() and self._handle_next():
            self._budget -= 1
        if not self._budget:
            self.take_another_turn()
        if self.is_idle:
            self._conversation.rest()
        self._inbox.read_on()

    def take_another_turn(self) -> None:
        """
        Go on, when others have had their turn.
        """
        if not self._is_due and not self._inbox.is_forgotten:
            self._is_due = True
            self._later.call(self._next_turn)

    def close(self, *, forget: bool) -> None:
        """
        Take in nothing more.

        @param forget: whether what waits is dropped too, and nothing follows any more.
        """
        self._inbox.close(forget=forget)

    def stop(self) -> None:
        """
        Do nothing more.
        """
        self.close(forget=True)
        self._is_stopped = True

    def _next_turn(self) -> None:
        self._is_due = False
        if not self._is_stopped:
            self._budget = self._conversation.lines_a_turn
            self._row.move()
            self.advance()

    def _may_go_on(self) -> bool:
        is_full = len(self._row) >= MOST_UNDER_WAY or self._outgoing.is_crowded
        return bool(self._inbox) and not self._is_busy and not is_full

    def _handle_next(self) -> bool:
        """
        @return: whether a line was handled.
        """
        item = self._inbox.take()
        if isinstance(item, bytes):
            item = self._conversation.read(item)
        if isinstance(item, Refused):
            self._row.add(Place(self._conversation.refuse(item)), self._row.fate)
            self._row.move()
            return True
        fate = self._fate_of(item)
        if not self._row.takes(fate):
            self._inbox.put_back(item)
            return False
        if fate is None:
            self._answer(item)
        else:
            posting = Posting(order=self, request=item, is_named=fate is ITS_OWN)
            self._row.add(posting, fate)
            self._conversation.start(item, posting)
        return True

    def _fate_of(self, request: Request) -> object:
        """
        What posts have in common that are under way together. Those with a name need
        nothing; plain ones a room, for then the transaction refuses all or none of them,
        and no push overtakes a refusal.
        """
        if not isinstance(entry(type(request)).handler, Shared):
            return None
        if self._conversation.answers_in_full(request):
            return ITS_OWN
        return getattr(request, "chat_group_id", None) or self._conversation.room_id

    def _answer(self, request: Request) -> None:
        place = Place()
        self._row.add(place)
        self._is_busy = True

        async def handle() -> None:
            place.lines = await self._conversation.answer(request)
            self._is_busy = False
            self._row.move()
            self.take_another_turn()

        Deferred.fromCoroutine(handle())

    def settled(self, posting: "Posting", outcome: object) -> None:
        """
        Know what has become of a post.
        """
        if posting.is_named:
            posting.lines = self._conversation.conclude(posting.request, outcome)
            self._row.move()
        elif isinstance(outcome, Exception):
            posting.lines = self._conversation.conclude(posting.request, outcome)
        else:
            # Its push is its answer.
            posting.lines = b""
        if not self._is_due:
            self.take_another_turn()


@define(eq=False)
class Posting(Place):
    """
    A post that is under way: where its answer will be, and who is told the outcome.

    @ivar is_named: whether it is answered by more than a push.
    """

    _order: Order = field(kw_only=True)
    request: Request = field(kw_only=True)
    is_named: bool = field(kw_only=True)

    def settle(self, outcome: object) -> None:
        """
        Be told.
        """
        self._order.settled(self, outcome)
