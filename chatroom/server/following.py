"""
How one session follows the log of each of its rooms: exactly once, in order, without
gaps, however slowly it reads and however long it was away.

At any time a room is live or behind. While it is live, each event is sent as it
happens. While it is behind, none is: the log is read from the place where the session
is, a page at a time, and only as fast as the peer reads; when the end of the log is
reached, and nothing has been published beyond it, then in the same turn of the reactor
the room is live. A session that comes back, a peer that reads slowly, and anything
that was not heard of take this one way.
"""

from collections.abc import Callable, Mapping, Sequence

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from chatroom.chat.pushes import Batch
from chatroom.chat.replays import LogPage, Replays
from chatroom.clock import cancel
from chatroom.errors import ChatError, SeqInFuture, ShuttingDown
from chatroom.logs.journal import Journal
from chatroom.server.outgoing import Outgoing
from chatroom.store.models import Head, Span, User
from chatroom.wire.codec import Reply
from chatroom.wire.messages import Position, ResumedChat, ResumeResponse

#: How long to wait before the log is read again that could not be read, in seconds.
PAUSE_SECONDS = 1.0


@define(eq=False)
class _Debt:
    """
    What a session was promised of a room's log.

    @ivar to_seq: up to where.
    @ivar complete: whether all of it is still kept.
    """

    from_seq: int
    to_seq: int
    complete: bool = True

    def settled(self, room_id: int) -> ResumedChat:
        return ResumedChat(
            chat_group_id=room_id,
            from_seq=self.from_seq,
            to_seq=self.to_seq,
            complete=self.complete,
        )


@frozen
class _Resumption:
    """
    A request to be sent what was missed.

    @ivar waiting: the rooms that are not done.
    """

    waiting: set[int]
    done: list[ResumedChat] = field(factory=list)
    finished: "Deferred[list[ResumedChat]]" = field(factory=Deferred)


@define(eq=False)
class Following:
    """
    Where one session is in the log of each of its rooms.

    @ivar published: tells the last place of a room's log that all were told of, as
        L{chatroom.chat.hub.Hub.last_seq} does.
    @ivar tell: takes what is to be said when what should come next is kept no longer.
    """

    _log = Journal()

    _user: User
    _outgoing: Outgoing
    _replays: Replays
    _clock: IReactorTime
    _published: Callable[[int], int]
    _tell: Callable[[Reply], None]
    _positions: dict[int, int] = field(factory=dict, init=False)
    #: The rooms that are behind, in the order in which they will be read.
    _behind: dict[int, None] = field(factory=dict, init=False)
    #: Where those of them end for this session that its user has left meanwhile.
    _ends: dict[int, int] = field(factory=dict, init=False)
    _resumption: _Resumption | None = field(default=None, init=False)
    _debts: dict[int, _Debt] = field(factory=dict, init=False)
    _is_resumed: bool = field(default=False, init=False)
    _is_reading: bool = field(default=False, init=False)
    _has_ended: bool = field(default=False, init=False)
    _retry: IDelayedCall | None = field(default=None, init=False)

    # What the hub tells

    def begin(self, heads: Sequence[Head]) -> None:
        """
        Follow these rooms, each from its end; nothing is sent before L{resume}.
        """
        self._positions = {head.room.id: head.last_seq for head in heads}

    def enter(self, room_id: int, seq: int) -> None:
        """
        Follow another room, from a place on, unless one is further already: what is
        stored may have been read before it was published.
        """
        self._positions.setdefault(room_id, seq)
        self._ends.pop(room_id, None)

    def leave(self, room_id: int, seq: int) -> None:
        """
        Follow a room no further than to a place, where its user has left it.
        """
        if room_id in self._behind and self._positions[room_id] < seq:
            self._ends[room_id] = seq
        else:
            self._forget(room_id, None)

    def lose(self, room_id: int, batch: Batch) -> None:
        """
        Be told the end of a room, of which nothing is left to be read.
        """
        position = self._positions.get(room_id)
        if self._is_resumed and position is not None and position < batch.first_seq:
            self._outgoing.answer(batch.lines_for(self._user.id, batch.first_seq - 1))
        self._forget(room_id, None)

    def follow(self, room_id: int, batch: Batch) -> None:
        """
        Send what has happened in a room that is live, if the peer keeps up.
        """
        position = self._positions.get(room_id)
        is_live = self._is_resumed and room_id not in self._behind
        if position is None or not is_live or batch.last_seq <= position:
            return
        if batch.first_seq > position + 1 or not self._outgoing.has_room:
            self._fall_behind(room_id)
        else:
            self._outgoing.answer(batch.lines_for(self._user.id, position))
            self._positions[room_id] = batch.last_seq

    # What the session asks for

    async def resume(self, positions: Sequence[Position]) -> list[ResumedChat]:
        """
        Send what was missed, then what happens.

        @param positions: where the peer is; it stays where it was in other rooms, and
            rooms that it does not follow are left out.
        @return: what of each room was sent, when it is done.
        @raise SeqInFuture: if a room has not got so far.
        @raise StoreUnavailable: if the database failed.
        @raise ShuttingDown: if the server goes, or the session ends, before it is done.
        """
        spans = await self._replays.spans(self._user)
        wanted = {each.chat_group_id: each.after_seq for each in positions}
        for room_id, seq in wanted.items():
            if self._follows(room_id) and seq > self._end(room_id, spans):
                raise SeqInFuture(field="positions")
        begun = dict(self._positions) if not self._is_resumed else {}
        begun |= {room_id: seq for room_id, seq in wanted.items() if self._follows(room_id)}
        self._is_resumed = True
        resumption = self._resumption = _Resumption(set(begun))
        for room_id, seq in begun.items():
            first_seq = spans[room_id].first_seq if room_id in spans else 1
            self._owe(room_id, seq, first_seq, self._end(room_id, spans))
        self._tell_if_finished()
        self.go_on()
        return await resumption.finished

    def go_on(self) -> None:
        """
        Read on, if there is anything to be read, and room for it.
        """
        if not (self._is_reading or self._has_ended) and self._behind and self._is_open():
            self._is_reading = True
            done = Deferred.fromCoroutine(self._read_on())
            done.addErrback(self._failed)

    def give_up(self) -> None:
        """
        The server goes: nobody is to wait for what was missed.
        """
        resumption, self._resumption = self._resumption, None
        if resumption is not None:
            resumption.finished.errback(ShuttingDown())

    def end(self) -> None:
        """
        The session is gone, or its user.
        """
        self._has_ended = True
        self._positions.clear()
        self._behind.clear()
        self._ends.clear()
        cancel(self._retry)
        self.give_up()

    # From behind to live

    def _follows(self, room_id: int) -> bool:
        return room_id in self._positions and room_id not in self._ends

    def _end(self, room_id: int, spans: Mapping[int, Span]) -> int:
        span = spans.get(room_id)
        return max(0 if span is None else span.last_seq, self._published(room_id))

    def _owe(self, room_id: int, seq: int, first_seq: int, end: int) -> None:
        self._debts[room_id] = _Debt(from_seq=seq + 1, to_seq=end)
        if first_seq > seq + 1:
            # A page that was read before this was cut off is not to be found again.
            self._miss(room_id, first_seq)
            seq = first_seq - 1
        self._positions[room_id] = seq
        if seq >= end:
            self._settle(room_id)
        else:
            self._behind[room_id] = None

    def _fall_behind(self, room_id: int) -> None:
        self._behind[room_id] = None
        self.go_on()

    def _is_open(self) -> bool:
        return not self._outgoing.is_crowded and self._retry is None

    async def _read_on(self) -> None:
        try:
            while self._behind and self._is_open() and not self._has_ended:
                room_id = next(iter(self._behind))
                # Behind the others: they need not wait for one that never ends, nor for
                # one that can't be read.
                self._behind[room_id] = self._behind.pop(room_id)
                position = self._positions[room_id]
                page = await self._replays.page(room_id, position)
                if self._positions.get(room_id) == position and room_id in self._behind:
                    self._take(room_id, position, page)
        finally:
            self._is_reading = False

    def _take(self, room_id: int, position: int, page: LogPage) -> None:
        """
        Send a page of the log.
        """
        if not page.events and not page.span.last_seq:
            # There is no such room any more, and nobody to tell of its end.
            self._forget(room_id, self._debts.get(room_id))
            return
        first_seq = page.events[0].seq if page.events else page.span.first_seq
        if first_seq > position + 1:
            self._miss(room_id, first_seq)
        last_seq = self._ends.get(room_id, page.span.last_seq)
        lines = page.lines_for(self._user.id, last_seq)
        if lines:
            # However much it is: the next page waits until there is room for it.
            self._outgoing.answer(lines)
        position = max(position, first_seq - 1, min(page.last_seq, last_seq))
        self._positions[room_id] = position
        debt = self._debts.get(room_id)
        if room_id in self._ends:
            if position >= last_seq:
                self._forget(room_id, debt)
            return
        if position >= max(last_seq, self._published(room_id), debt.to_seq if debt else 0):
            del self._behind[room_id]
        # Last of all: who waits for this may be done with following.
        self._settle(room_id)

    def _forget(self, room_id: int, debt: _Debt | None) -> None:
        """
        Follow a room no longer.

        @param debt: what was promised of it, if that was sent as far as can be.
        """
        position = self._positions.pop(room_id, 0)
        self._behind.pop(room_id, None)
        self._ends.pop(room_id, None)
        if self._debts.pop(room_id, None) is not None:
            resumed = None if debt is None else evolve(debt, to_seq=position).settled(room_id)
            self._finish_one(room_id, resumed)

    def _miss(self, room_id: int, first_seq: int) -> None:
        """
        Some of the log is kept no longer.
        """
        debt = self._debts.get(room_id)
        if debt is None:
            gone = _Debt(from_seq=first_seq, to_seq=first_seq - 1, complete=False)
            self._tell(ResumeResponse(chats=[gone.settled(room_id)]))
        else:
            debt.complete = False
            debt.from_seq = max(debt.from_seq, first_seq)
            debt.to_seq = max(debt.to_seq, first_seq - 1)

    def _settle(self, room_id: int) -> None:
        """
        Note that a session has what it was promised of a room, if it has.
        """
        debt = self._debts.get(room_id)
        if debt is not None and self._positions[room_id] >= debt.to_seq:
            del self._debts[room_id]
            debt.to_seq = self._positions[room_id]
            self._finish_one(room_id, debt.settled(room_id))

    def _finish_one(self, room_id: int, resumed: ResumedChat | None) -> None:
        if self._resumption is not None:
            self._resumption.waiting.discard(room_id)
            if resumed is not None:
                self._resumption.done.append(resumed)
            self._tell_if_finished()

    def _tell_if_finished(self) -> None:
        resumption = self._resumption
        if resumption is not None and not resumption.waiting:
            self._resumption = None
            resumption.finished.callback(resumption.done)

    def _failed(self, failure: Failure) -> None:
        """
        The log could not be read; it will be tried again.
        """
        if not failure.check(ChatError):
            self._log.note_failure("following_failed", failure)
        if not self._has_ended:
            self._retry = self._clock.callLater(PAUSE_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self.go_on()
