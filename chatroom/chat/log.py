"""
The log: the only way to write an event, and the promise it keeps.

What comes while a commit is in flight waits for the next one, so a lone post
waits for nothing and a storm of them is one commit for hundreds. When a commit
is done, in one call of the reactor and in this order: the posts' outcomes go
out (so an acknowledgement precedes the push), the events are published, and
whoever asked for another change goes on (in a world where it has happened).
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import Any, Protocol, TypeVar, cast

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from chatroom.chat.transaction import Post, Stored, Transaction
from chatroom.clock import Now
from chatroom.errors import Busy, ChatError, InternalError, ShuttingDown, StoreUnavailable
from chatroom.logs.failures import explain
from chatroom.logs.journal import Journal
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Event
from chatroom.store.repository import Repository

T = TypeVar("T")
Work = Callable[[Transaction], T]
Publish = Callable[[Sequence[Event]], None]

#: How many changes share a commit at the most.
MOST_A_COMMIT = 512

#: How many bytes of lines the posts that share a commit come to, about, when it is
#: full: all of it is pushed to every member in one turn of the reactor.
MOST_BYTES_A_COMMIT = 64 * 1024

#: What a line has besides its content, about.
_BYTES_OF_KEYS = 200

#: How long after the beginning of a commit the next one begins at the soonest, in
#: seconds, unless so many changes wait: more share it then. What comes while there is no
#: commit waits for nothing.
PACE_SECONDS = 0.003
ENOUGH = 32

#: How many changes wait at the most; one more is refused as busy.
MOST_WAITING = 8192

#: The longest pause between two looks at what an uncertain commit has left.
_LONGEST_PAUSE = 2.0


class Waiter(Protocol):
    """
    Whoever waits for a change.
    """

    def settle(self, outcome: Any) -> None:
        """
        Be told what has become of it: what came of it, or a L{ChatError}. Must not raise,
        and must not block.
        """


@define(eq=False)
class _Promise:
    """
    Somebody who waits for a L{Deferred}.
    """

    done: "Deferred[Any]" = field(factory=Deferred)

    def settle(self, outcome: object) -> None:
        if isinstance(outcome, ChatError):
            self.done.errback(Failure(outcome))
        else:
            self.done.callback(outcome)


@define(eq=False)
class _Entry:
    """
    A change that waits, and whoever waits for it.
    """

    task: "Post | Work[Any]"
    waiter: Waiter


@define(eq=False)
class _Batch:
    """
    The changes of one commit.
    """

    entries: Sequence[_Entry]
    now: int
    outcomes: list[object] = field(factory=list, init=False)
    events: list[Event] = field(factory=list, init=False)

    def store(self, store: Repository) -> None:
        """
        Apply all changes in their order. Runs in the writing thread; what is
        left from an earlier try that failed is forgotten.
        """
        transaction = Transaction(store, self.now)
        self.outcomes = []
        for is_post, run in groupby(self.entries, lambda entry: isinstance(entry.task, Post)):
            tasks = [entry.task for entry in run]
            if is_post:
                self.outcomes += transaction.post(cast("list[Post]", tasks))
            else:
                works = cast("list[Work[Any]]", tasks)
                self.outcomes += [transaction.attempt(work) for work in works]
        transaction.finish()
        self.events = transaction.recorded


@define(eq=False)
class Log:
    """
    The log of every room.

    @ivar publish: told the events of each commit, in order, in the reactor.
    @ivar together: what is said in this context leaves at its end.
    """

    _logger = Journal()

    _database: Database
    _clock: IReactorTime
    _now: Now
    _publish: Publish
    _together: AbstractContextManager[object] = field(factory=nullcontext)
    _waiting: deque[_Entry] = field(factory=deque, init=False)
    _is_running: bool = field(default=False, init=False)
    _is_pausing: bool = field(default=False, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _has_given_up: bool = field(default=False, init=False)
    _resting: "Deferred[None] | None" = field(default=None, init=False)
    _when_idle: "list[Deferred[None]]" = field(factory=list, init=False)

    def start(self) -> None:
        """
        Take changes.
        """
        self._is_stopping = self._has_given_up = False

    def post(self, post: Post) -> Deferred[Stored]:
        """
        Store what somebody says, once, and tell everyone who is there.

        The outcome comes before the push does.

        @raise RoomNotFound: if there is no such room, or the sender may not know of it.
        @raise NotAMember: if the sender is no member.
        @raise ClientMessageIdReused: if the sender gave the id to another message.
        @raise StoreUnavailable: if the database failed; nothing is stored.
        @raise Busy: if too many changes wait.
        """
        promise = _Promise()
        self.enter(post, promise)
        return promise.done

    def enter(self, task: "Post | Work[Any]", waiter: Waiter) -> None:
        """
        Do what L{post} or L{commit} does, and tell C{waiter} what has become of it.
        """
        if self._is_stopping:
            waiter.settle(ShuttingDown())
        elif len(self._waiting) >= MOST_WAITING:
            waiter.settle(Busy(retry_after=1.0))
        else:
            self._waiting.append(_Entry(task, waiter))
            if not self._is_running:
                self._is_running = True
                self._clock.callLater(0, self._run)
            elif self._is_pausing and len(self._waiting) >= ENOUGH:
                self._wake()

    def commit(self, work: Work[T]) -> Deferred[T]:
        """
        Make any other change to rooms.

        @param work: called in the writing thread, perhaps more than once. What
            it records is published before the result comes. It refuses with a
            L{ChatError}, and then has changed nothing.
        @raise StoreUnavailable: if the database failed; nothing is stored.
        @raise Busy: if too many changes wait.
        """
        promise = _Promise()
        self.enter(work, promise)
        return promise.done

    def stop(self) -> Deferred[None]:
        """
        Refuse what is new.

        @return: when everything that was accepted has its outcome.
        """
        self._is_stopping = True
        idle: Deferred[None] = Deferred()
        self._when_idle.append(idle)
        self._tell_if_idle()
        return idle

    def give_up(self) -> None:
        """
        Wait no longer for a database that does not answer; what has no outcome
        is refused, and not acknowledged.
        """
        self._has_given_up = True
        waiting, self._waiting = self._waiting, deque()
        self._refuse(waiting, ShuttingDown(), None)
        self._wake()

    def _run(self) -> None:
        def stumbled(failure: Failure) -> None:
            self._logger.note_failure("log_stumbled", failure)

        done = Deferred.fromCoroutine(self._commit_all())
        done.addErrback(stumbled)

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                begun = self._clock.seconds()
                await self._commit(self._take())
                pause = begun + PACE_SECONDS - self._clock.seconds()
                if pause > 0 and 0 < len(self._waiting) < ENOUGH:
                    self._is_pausing = True
                    await self._rest(pause)
                    self._is_pausing = False
        finally:
            self._is_running = False
            self._tell_if_idle()

    def _take(self) -> list[_Entry]:
        """
        @return: what waits, as far as it goes into one commit.
        """
        taken: list[_Entry] = []
        room = MOST_BYTES_A_COMMIT
        while self._waiting and room > 0 and len(taken) < MOST_A_COMMIT:
            entry = self._waiting.popleft()
            taken.append(entry)
            if isinstance(entry.task, Post):
                room -= len(entry.task.content.encode()) + _BYTES_OF_KEYS
        return taken

    async def _commit(self, entries: Sequence[_Entry]) -> None:
        batch = _Batch(entries, now=int(self._now() * 1000))
        try:
            await self._database.write(batch.store)
        except CommitUncertain as error:
            if await self._is_stored(batch):
                self._settle(batch)
            else:
                refusal = ShuttingDown() if self._has_given_up else StoreUnavailable()
                self._refuse(entries, refusal, error)
        except ChatError as error:
            self._refuse(entries, error, error.__cause__)
        except Exception as error:
            if len(entries) > 1:
                # Something in one of them: the others are not to suffer for it.
                for entry in entries:
                    await self._commit([entry])
            else:
                self._logger.note_failure("change_failed")
                self._refuse(entries, InternalError(), error)
        else:
            self._settle(batch)

    async def _is_stored(self, batch: _Batch) -> bool:
        """
        Find out what an uncertain commit has left. Until that is known nothing
        else may be written, for it would be numbered on top.
        """
        if not batch.events:
            return True
        event_id = batch.events[0].id
        pause = 0.1
        while not self._has_given_up:
            try:
                return await self._database.look(lambda store: store.has_event(event_id))
            except Exception as error:
                self._logger.note("commit_unknown", reason=explain(error))
                await self._rest(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        return False

    async def _rest(self, seconds: float) -> None:
        self._resting = Deferred()
        timer = self._clock.callLater(seconds, self._wake)
        await self._resting
        if timer.active():
            timer.cancel()

    def _wake(self) -> None:
        resting, self._resting = self._resting, None
        if resting is not None:
            resting.callback(None)

    def _settle(self, batch: _Batch) -> None:
        others = []
        with self._together:
            for entry, outcome in zip(batch.entries, batch.outcomes, strict=True):
                if isinstance(entry.task, Post):
                    entry.waiter.settle(outcome)
                else:
                    others.append((entry.waiter, outcome))
            if batch.events:
                try:
                    self._publish(batch.events)
                except Exception:
                    self._logger.note_failure("publishing_failed")
            for waiter, outcome in others:
                waiter.settle(outcome)

    def _refuse(
        self, entries: Iterable[_Entry], error: ChatError, cause: BaseException | None
    ) -> None:
        for entry in entries:
            refusal = type(error)()
            refusal.__cause__ = cause
            entry.waiter.settle(refusal)

    def _tell_if_idle(self) -> None:
        if not self._is_running:
            waiting, self._when_idle = self._when_idle, []
            for idle in waiting:
                idle.callback(None)
