"""
How far people have read.

Marks are many and matter little: of those that come while others are under way one
batch is made, and not more than some a second. In the writing thread, where posts wait,
nothing is done but to write those that move somebody; what has to be known for it is
looked up before, and what is unread is counted after it, and only for those who have
not read all there is. The statement that writes decides: it finds nobody who is a
member no longer, and nobody who has read further meanwhile.
"""

from collections.abc import Mapping

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from chatroom.chat.access import Action, permit
from chatroom.clock import cancel
from chatroom.errors import Busy, ChatError, SeqInFuture, ShuttingDown, StoreUnavailable
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Head, Mark, Progress

#: How long it takes at the least from the beginning of one batch to the next, in seconds.
PAUSE_SECONDS = 0.1

#: How many places are marked in one batch at the most.
MOST_A_BATCH = 512

#: How many marks wait at the most; one more is refused as busy.
MOST_WAITING = 8192

#: A room and a user.
Place = tuple[int, int]


@frozen(kw_only=True)
class Read:
    """
    How far somebody has read a room.

    @ivar unread: messages of others behind it, not counted on beyond
        L{chatroom.store.models.MOST_UNREAD}.
    @ivar mentions: those of them that name the user with an C{@}.
    @ivar has_moved: whether it was this mark that has moved it.
    """

    seq: int
    unread: int
    mentions: int
    has_moved: bool


@frozen
class _Wish:
    """
    A mark that waits, and whoever waits for it.
    """

    seq: int
    done: "Deferred[Read]" = field(factory=Deferred)


@define(eq=False)
class _Batch:
    """
    Marks that are made together.

    @ivar wishes: those without an outcome.
    @ivar found: what was true of each place before.
    @ivar moves: how far it is read from now on, where that is further.
    """

    wishes: dict[Place, list[_Wish]]
    found: Mapping[Place, Progress] = field(factory=dict, init=False)
    moves: dict[Place, int] = field(factory=dict, init=False)

    def judge(self, found: Mapping[Place, Progress]) -> None:
        """
        Refuse what can't be, and see what is new.
        """
        self.found = found
        for place, wishes in tuple(self.wishes.items()):
            kept = [each for each in wishes if not _is_refused(each, found.get(place))]
            if not kept:
                del self.wishes[place]
                continue
            self.wishes[place] = kept
            seq = max(each.seq for each in kept)
            if seq > found[place].read_seq:
                self.moves[place] = seq

    @property
    def marks(self) -> list[Mark]:
        """
        What is to be written.
        """
        return [
            Mark(room_id=room_id, user_id=user_id, seq=seq)
            for (room_id, user_id), seq in self.moves.items()
        ]

    def is_at_end(self, place: Place) -> bool:
        """
        Whether nothing was left to be read there.
        """
        return self._seq(place) >= self.found[place].last_seq

    def settle(self, place: Place, head: Head | None = None) -> None:
        """
        Tell those who have marked a place.

        @param head: what is left to be read there, if anything is.
        """
        wishes, seq = self.wishes.pop(place), self._seq(place)
        mover = next((each for each in wishes if self.moves.get(place) == each.seq), None)
        unread, mentions = (0, 0) if head is None else (head.unread, head.mentions)
        for wish in wishes:
            read = Read(seq=seq, unread=unread, mentions=mentions, has_moved=wish is mover)
            wish.done.callback(read)

    def refuse(self, error: BaseException | None) -> None:
        """
        Tell all that are left that it has failed; each has a refusal of its own, if it
        is one for peers.
        """
        for wishes in self.wishes.values():
            for wish in wishes:
                refusal = error
                if isinstance(error, ChatError):
                    refusal = type(error)()
                    refusal.__cause__ = error.__cause__
                wish.done.errback(Failure(refusal))

    def _seq(self, place: Place) -> int:
        return self.moves.get(place, self.found[place].read_seq)


def _is_refused(wish: _Wish, progress: Progress | None) -> bool:
    """
    Refuse a mark that can't be made.
    """
    try:
        permit(Action.MARK_READ, None if progress is None else progress.standing)
        if progress is not None and wish.seq > progress.last_seq:
            raise SeqInFuture(field="seq")
    except ChatError as refusal:
        wish.done.errback(Failure(refusal))
        return True
    return False


@define(eq=False)
class Marks:
    """
    How far each member has read each room; nobody ever has read less.
    """

    _database: Database
    _clock: IReactorTime
    _waiting: dict[Place, list[_Wish]] = field(factory=dict, init=False)
    _count: int = field(default=0, init=False)
    _begun: float = field(default=-PAUSE_SECONDS, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)
    _is_running: bool = field(default=False, init=False)
    _is_stopping: bool = field(default=False, init=False)

    def start(self) -> None:
        """
        Take marks.
        """
        self._is_stopping = False

    def stop(self) -> None:
        """
        Take no more, and refuse those that wait.
        """
        self._is_stopping = True
        cancel(self._timer)
        self._timer = None
        _Batch(self._take(len(self._waiting))).refuse(ShuttingDown())

    def mark(self, user_id: int, room_id: int, seq: int) -> "Deferred[Read]":
        """
        Note that somebody has read a room up to a place.

        @return: how far they have, which may be further.
        @raise RoomNotFound: if there is no such room, or they may not know of it.
        @raise NotAMember: if they are no member.
        @raise SeqInFuture: if the room has not got there yet.
        @raise StoreUnavailable: if the database failed; whether it is noted is not
            known, and to do it again does no harm.
        @raise Busy: if too many marks wait.
        """
        if self._is_stopping:
            return fail(ShuttingDown())
        if self._count >= MOST_WAITING:
            return fail(Busy(retry_after=1.0))
        wish = _Wish(seq)
        self._waiting.setdefault((room_id, user_id), []).append(wish)
        self._count += 1
        self._write_later()
        return wish.done

    def _write_later(self) -> None:
        if self._waiting and self._timer is None and not self._is_running:
            pause = self._begun + PAUSE_SECONDS - self._clock.seconds()
            self._timer = self._clock.callLater(max(0.0, pause), self._run)

    def _run(self) -> None:
        self._timer = None
        self._is_running = True
        self._begun = self._clock.seconds()
        batch = _Batch(self._take(MOST_A_BATCH))
        done = Deferred.fromCoroutine(self._write(batch))
        # It has failed for each of them, who will tell.
        done.addErrback(lambda failure: batch.refuse(failure.value))
        done.addCallback(lambda _: self._rest())

    def _rest(self) -> None:
        self._is_running = False
        self._write_later()

    def _take(self, most: int) -> dict[Place, list[_Wish]]:
        places = list(self._waiting)[:most]
        taken = {place: self._waiting.pop(place) for place in places}
        self._count -= sum(map(len, taken.values()))
        return taken

    async def _write(self, batch: _Batch) -> None:
        places = tuple(batch.wishes)
        batch.judge(await self._database.read(lambda store: store.progress(places)))
        if batch.moves:
            try:
                await self._database.write(lambda store: store.mark_read(batch.marks))
            except CommitUncertain as error:
                raise StoreUnavailable() from error
        for place in tuple(batch.wishes):
            if batch.is_at_end(place):
                batch.settle(place)
        left = tuple(batch.wishes)
        if left:
            heads = await self._database.read(lambda store: store.heads_at(left))
            for place in left:
                batch.settle(place, heads.get(place))
