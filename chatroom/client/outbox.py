"""
Messages on their way: each is sent until the server has answered, in the order of its
room.

A room's next message leaves when the one before is stored. To send several at once would
be faster, but the server may refuse the first for now and take the second.
"""

from collections import deque
from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chatroom.client.errors import NetworkError, Refusal, Unanswered
from chatroom.client.events import Stored, Unsent
from chatroom.client.journal import Journal
from chatroom.errors import Busy, ChatError, ErrorCode
from chatroom.wire.codec import encode
from chatroom.wire.messages import PostRequest, ResumeRequest

#: How many messages may wait.
MOST_WAITING = 10_000

#: How long to wait after a refusal for now that does not say how long, in seconds.
USUAL_WAIT = 1.0

#: The same, in seconds, where the server is at fault and does not expect to be better soon.
FAULT_WAIT = 10.0

#: How long to wait at the least, whatever the server says, in seconds.
LEAST_WAIT = 0.1

#: Sends a message and tells what became of it.
Deliver = Callable[[PostRequest], Awaitable[Stored]]


def _wait_after(result: Stored | ChatError) -> float | None:
    """
    @return: how long to wait before a message is sent again, if it is to be: what a
        server at fault has refused it may take later, and may even have stored.
    """
    if not isinstance(result, Refusal):
        return None
    if result.temporary:
        return max(LEAST_WAIT, result.retry_after or USUAL_WAIT)
    return FAULT_WAIT if result.number == ErrorCode.SERVER_ERROR else None


@define(eq=False)
class _Entry:
    post: PostRequest
    done: "Deferred[Stored] | None"
    is_durable: bool = False

    def tell(self, result: Stored | Exception) -> None:
        if self.done is not None and not self.done.called:
            if isinstance(result, Stored):
                self.done.callback(result)
            else:
                self.done.errback(result)


@define(eq=False)
class _Row:
    """
    What is to be said in one room.
    """

    entries: "deque[_Entry]" = field(factory=deque)
    is_busy: bool = False
    timer: IDelayedCall | None = None

    @property
    def is_waiting(self) -> bool:
        return self.timer is not None and self.timer.active()


@define(eq=False)
class Outbox:
    """
    Messages that the server has not acknowledged.

    @ivar tell: called with what becomes of a message that nobody waits for.
    """

    _clock: IReactorTime
    _journal: Journal | None
    _tell: Callable[[Unsent], None]
    log = Logger()
    _rows: dict[int, _Row] = field(factory=dict)
    _count: int = 0
    _deliver: Deliver | None = None
    _unsynced: list[_Entry] = field(factory=list)
    _syncing: IDelayedCall | None = None

    def open(self) -> None:
        """
        Take up what an earlier run has left.

        @raise chatroom.client.errors.OutboxError: if the file can't be used.
        """
        for post in [] if self._journal is None else self._journal.open():
            self._enqueue(_Entry(post, None, is_durable=True))

    def put(self, post: PostRequest) -> "Deferred[Stored]":
        """
        Have a message sent, however long it takes.

        @param post: with its room and its C{client_message_id}.
        @return: fires when it is stored; fails if it never will be.
        @raise ValueError: if it holds something that JSON cannot.
        @raise Busy: if too many wait already.
        """
        encode(post, now=0.0)
        if self._count >= MOST_WAITING:
            raise Busy()
        done: Deferred[Stored] = Deferred()
        entry = _Entry(post, done, is_durable=self._journal is None)
        if self._journal is not None:
            self._journal.add(post)
            self._unsynced.append(entry)
            self._sync_soon()
        self._enqueue(entry)
        return done

    def start(self, deliver: Deliver) -> None:
        """
        There is a session: send what waits.
        """
        self._deliver = deliver
        for row in list(self._rows.values()):
            self._go_on(row)

    def pause(self) -> None:
        """
        There is no session.
        """
        self._deliver = None

    def save(self, position: ResumeRequest | None) -> None:
        """
        Have the file say what is acknowledged, if there is one. It need not be on the disk
        at once: what is sent or told twice for that is known again.

        @param position: where the client is, if that has changed.
        """
        if self._journal is None:
            return
        if position is not None:
            self._journal.move(position)
        if self._syncing is None:
            try:
                self._journal.write()
            except OSError as error:
                self.log.error("the outbox can't be written: {error}", error=error.strerror)

    def close(self, error: ChatError) -> None:
        """
        Send no more. What is in a file stays there.

        @param error: for those who wait.
        """
        self._deliver = None
        if self._syncing is not None:
            self._sync()
        rows, self._rows = self._rows, {}
        self._count = 0
        for row in rows.values():
            if row.timer is not None and row.timer.active():
                row.timer.cancel()
            for entry in row.entries:
                entry.tell(error)
        if self._journal is not None:
            self._journal.close()

    def _enqueue(self, entry: _Entry) -> None:
        row = self._rows.setdefault(entry.post.chat_group_id or 0, _Row())
        row.entries.append(entry)
        self._count += 1
        self._go_on(row)

    def _sync_soon(self) -> None:
        if self._syncing is None:
            self._syncing = self._clock.callLater(0, self._sync)

    def _sync(self) -> None:
        """
        Have on the disk what was put in this turn of the reactor, and send it then.
        """
        timer, self._syncing = self._syncing, None
        if timer is not None and timer.active():
            timer.cancel()
        entries, self._unsynced = self._unsynced, []
        assert self._journal is not None
        try:
            self._journal.sync()
        except OSError as error:
            self._fail(entries, error)
            return
        for entry in entries:
            entry.is_durable = True
        for row in list(self._rows.values()):
            self._go_on(row)

    def _fail(self, entries: list[_Entry], error: OSError) -> None:
        self.log.error("the outbox can't be written: {error}", error=error.strerror)
        for entry in entries:
            row = self._rows[entry.post.chat_group_id or 0]
            row.entries.remove(entry)
            self._forget(entry, row)
            entry.tell(error)

    def _go_on(self, row: _Row) -> None:
        deliver = self._deliver
        if deliver is None or row.is_busy or row.is_waiting:
            return
        if row.entries and row.entries[0].is_durable:
            row.is_busy = True
            sending = Deferred.fromCoroutine(self._send_first(row, deliver))
            sending.addErrback(lambda failure: self.log.failure("sending failed", failure))

    async def _send_first(self, row: _Row, deliver: Deliver) -> None:
        entry = row.entries[0]
        try:
            result: Stored | ChatError = await deliver(entry.post)
        except ChatError as error:
            result = error
        row.is_busy = False
        self._judge(row, entry, result)

    def _judge(self, row: _Row, entry: _Entry, result: Stored | ChatError) -> None:
        if not row.entries or row.entries[0] is not entry or entry.post.client_message_id is None:
            return
        if isinstance(result, NetworkError) and not isinstance(result, Unanswered):
            return
        wait = _wait_after(result)
        if wait is not None:
            row.timer = self._clock.callLater(wait, self._go_on, row)
            return
        row.entries.popleft()
        self._settle(row, entry, result)
        self._go_on(row)

    def _settle(self, row: _Row, entry: _Entry, result: Stored | ChatError) -> None:
        self._forget(entry, row)
        if isinstance(result, ChatError) and entry.done is None:
            self._tell(Unsent(post=entry.post, error=result))
        entry.tell(result)

    def _forget(self, entry: _Entry, row: _Row) -> None:
        self._count -= 1
        if not row.entries:
            self._rows.pop(entry.post.chat_group_id or 0, None)
        if self._journal is not None and entry.post.client_message_id is not None:
            self._journal.settle(entry.post.client_message_id)
