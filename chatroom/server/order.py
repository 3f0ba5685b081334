"""
The order of things in one conversation.

Requests take effect, and are answered, in the order in which they came. One is
under way at a time, but for posts: those in a row share commits, and their
answers, with those to bad lines between them, leave in the order of the lines.
A post's outcome comes here before its push: that of a post with a name leaves at
once; what follows a plain one leaves in a later turn, since its push is its answer.
"""

from collections.abc import Awaitable
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chatroom.chat.log import Waiter
from chatroom.clock import cancel
from chatroom.server.cork import Cork
from chatroom.server.dispatch import Shared, entry
from chatroom.server.inbox import Inbox
from chatroom.server.outgoing import Outgoing
from chatroom.server.row import ITS_OWN, Place, Row
from chatroom.wire.codec import Refused, Request

#: How many posts of one session may be under way, with the bad lines between them.
MOST_UNDER_WAY = 64


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
    _cork: Cork
    _clock: IReactorTime
    _conversation: Conversation
    _budget: int = field(init=False)
    _is_busy: bool = field(default=False, init=False)
    _turn: IDelayedCall | None = field(default=None, init=False)

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

    def take_in(self, line: bytes | Refused) -> None:
        """
        Keep what the peer sent until its turn comes, which may be now.
        """
        self._inbox.put(line)
        if self._turn is None:
            self.advance()

    def advance(self) -> None:
        """
        Handle what can be handled now, and see what follows from having done so.
        """
        while self._budget and self._handle_next():
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
        if self._turn is None and not self._inbox.is_forgotten:
            self._turn = self._clock.callLater(0, self._next_turn)

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
        cancel(self._turn)

    def _next_turn(self) -> None:
        self._turn = None
        self._budget = self._conversation.lines_a_turn
        with self._cork:
            self._row.move()
            self.advance()

    def _handle_next(self) -> bool:
        """
        @return: whether a line was handled.
        """
        is_full = len(self._row) >= MOST_UNDER_WAY or self._outgoing.is_crowded
        if not self._inbox or self._is_busy or is_full:
            return False
        # The peer goes on after a login, and so may we.
        self._outgoing.release()
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
            posting = Posting(order=self, request=item)
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
        posting.lines = self._conversation.conclude(posting.request, outcome)
        if self._conversation.answers_in_full(posting.request):
            self._row.move()
        self.take_another_turn()


@define(eq=False)
class Posting(Place):
    """
    A post that is under way: where its answer will be, and who is told the outcome.
    """

    _order: Order = field(kw_only=True)
    request: Request = field(kw_only=True)

    def settle(self, outcome: object) -> None:
        """
        Be told.
        """
        self._order.settled(self, outcome)
