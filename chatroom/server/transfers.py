"""
The files that are under way on one connection.

What of a file goes to a peer goes only when nothing else waits for it, a chunk at a
time, and no more than it has asked for. What comes from it is acknowledged when it is
written, which may be after the answers to later requests: chat never waits for a file.
"""

from base64 import b64encode
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from chatroom.clock import cancel
from chatroom.errors import ChatError, FileNotFound, InternalError, TooManyTransfers
from chatroom.logs.journal import Journal
from chatroom.server.outgoing import Outgoing
from chatroom.store.filed import File
from chatroom.wire.codec import Reply
from chatroom.wire.messages import FileData, FileEnd

T = TypeVar("T")

#: How many files one connection may be sent at the same time.
MOST_DOWNLOADS = 4

#: How much of a file is read at a time.
READ_BYTES = 128 * 1024

#: How long to wait, in seconds, until one looks again whether a peer has read what it was
#: sent: at first, and at the most.
_LEAST_PAUSE = 0.002
_LONGEST_PAUSE = 0.25


@frozen
class Means:
    """
    What transfers need of their session.

    @ivar may_have: tells whether the user is in a room.
    @ivar read: reads some of a file; what it returns fails with a L{ChatError}.
    @ivar encode: makes a message a line.
    @ivar say: puts a refusal into words.
    @ivar rested: called when nothing is under way any more.
    """

    outgoing: Outgoing
    clock: IReactorTime
    chunk_bytes: int
    may_have: Callable[[int], bool]
    read: "Callable[[File, int, int], Deferred[bytes]]"
    encode: Callable[[Reply], bytes]
    say: Callable[[ChatError], str]
    rested: Callable[[], None]


@define(eq=False)
class Download:
    """
    A file on its way to a peer.

    @ivar offset: where what was sent has ended.
    @ivar credit: how much more may be sent.
    @ivar block: what was read, and not sent.
    """

    file: File
    offset: int
    credit: int
    block: bytes = b""
    is_reading: bool = False
    error: ChatError | None = None

    @property
    def left(self) -> int:
        """
        How much there is to be sent.
        """
        return self.file.facts.size - self.offset

    @property
    def has_something(self) -> bool:
        """
        Whether there is a line to be sent.
        """
        return self.error is not None or not self.left or bool(self.block and self.credit)

    @property
    def is_due(self) -> bool:
        """
        Whether a line is to be sent, as soon as can be.
        """
        return self.has_something or self.credit > 0

    @property
    def wants_to_read(self) -> bool:
        """
        Whether there would be, if some of the file were read.
        """
        is_served = self.is_reading or self.block or self.error is not None
        return not is_served and self.credit > 0 and self.left > 0


@define(eq=False, repr=False)
class Transfers:
    """
    What is under way on one connection.
    """

    _log = Journal()

    _means: Means
    _downloads: dict[int, Download] = field(factory=dict, init=False)
    _row: deque[Download] = field(factory=deque, init=False)
    _arriving: int = field(default=0, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)
    _pause: float = field(default=0.0, init=False)
    _has_ended: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._means.outgoing.idle_again = self._try_again

    @property
    def is_busy(self) -> bool:
        """
        Whether the peer is owed something: an acknowledgement, or what it has credit for.
        """
        return bool(self._arriving) or any(each.is_due for each in self._row)

    def expect(self, done: "Deferred[T]", tell: Callable[[T | ChatError], Reply]) -> None:
        """
        Answer what was taken when it is done.

        @param tell: makes an answer of what became of it.
        """
        self._arriving += 1

        def settled(outcome: "T | Failure") -> None:
            self._arriving -= 1
            result = _refusal(outcome) if isinstance(outcome, Failure) else outcome
            if not self._has_ended:
                self._means.outgoing.answer(self._means.encode(tell(result)))
                self._rest()

        done.addBoth(settled)

    def check(self, file_id: int) -> None:
        """
        @raise TooManyTransfers: if no other file may be sent.
        """
        if file_id not in self._downloads and len(self._downloads) >= MOST_DOWNLOADS:
            raise TooManyTransfers(limit=MOST_DOWNLOADS)

    def begin(self, file: File, offset: int, credit: int) -> None:
        """
        Send a file, from a place on; one that is being sent already begins anew.
        """
        self._drop(self._downloads.get(file.id))
        download = Download(file=file, offset=offset, credit=0)
        self._downloads[file.id] = download
        self._row.append(download)
        self._add(download, credit)

    def add_credit(self, file_id: int, count: int) -> None:
        """
        Have more of a file be sent, if it is being sent.
        """
        download = self._downloads.get(file_id)
        if download is not None:
            self._add(download, count)

    def end(self) -> None:
        """
        Send nothing more, and answer nothing more.
        """
        self._has_ended = True
        self._downloads.clear()
        self._row.clear()
        cancel(self._timer)

    def _add(self, download: Download, count: int) -> None:
        # More than there is of it means all of it.
        download.credit = min(download.credit + count, download.left)
        self._go_on(0.0)

    def _drop(self, download: Download | None) -> None:
        if download is not None:
            self._downloads.pop(download.file.id, None)
            self._row.remove(download)

    def _go_on(self, pause: float) -> None:
        for each in tuple(self._row):
            if each.wants_to_read:
                self._read(each)
        if any(each.has_something for each in self._row):
            if self._timer is None:
                self._timer = self._means.clock.callLater(pause, self._send_one)
        else:
            self._rest()

    def _try_again(self) -> None:
        """
        Wait no longer: the peer has read all there was.
        """
        if self._pause and self._timer is not None and self._timer.active():
            self._pause = 0.0
            self._timer.reset(0.0)

    def _send_one(self) -> None:
        """
        Send the next line, if nothing else waits for the peer.
        """
        self._timer = None
        download = next((each for each in self._row if each.has_something), None)
        if download is None:
            return
        if not self._means.may_have(download.file.room_id):
            # What was read before is not to be had any more either.
            download.block, download.error = b"", FileNotFound(field="file_id")
        line, length = self._line(download)
        if not self._means.outgoing.offer(line):
            self._pause = min(max(self._pause * 2, _LEAST_PAUSE), _LONGEST_PAUSE)
            self._go_on(self._pause)
            return
        self._pause = 0.0
        download.offset += length
        download.credit -= length
        download.block = download.block[length:]
        # The others come first now.
        self._row.remove(download)
        if length:
            self._row.append(download)
        else:
            del self._downloads[download.file.id]
        self._go_on(0.0)

    def _line(self, download: Download) -> tuple[bytes, int]:
        """
        @return: the next line of a file, and how much of it that is; the last has nothing.
        """
        file, error = download.file, download.error
        if error is not None:
            end = FileEnd(
                file_id=file.id,
                sha256=None,
                error_code=int(error.code),
                error_message=self._means.say(error),
                reason=error.reason,
                temporary=error.temporary,
            )
            return self._means.encode(end), 0
        if not download.left:
            return self._means.encode(FileEnd(file_id=file.id, sha256=file.facts.sha256)), 0
        length = min(len(download.block), download.credit, self._means.chunk_bytes)
        data = b64encode(download.block[:length]).decode("ascii")
        said = FileData(file_id=file.id, offset=download.offset, data=data)
        return self._means.encode(said), length

    def _read(self, download: Download) -> None:
        download.is_reading = True
        length = min(READ_BYTES, download.credit, download.left)

        def settled(outcome: "bytes | Failure") -> None:
            download.is_reading = False
            if isinstance(outcome, Failure):
                download.error = _refusal(outcome)
            else:
                download.block = outcome
            if not self._has_ended:
                self._go_on(0.0)

        done = self._means.read(download.file, download.offset, length)
        done.addBoth(settled)

    def _rest(self) -> None:
        if not self.is_busy:
            self._means.rested()


def _refusal(failure: Failure) -> ChatError:
    if isinstance(failure.value, ChatError):
        return failure.value
    Transfers._log.note_failure("file_stumbled", failure)
    return InternalError()
