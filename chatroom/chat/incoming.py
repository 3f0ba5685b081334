"""
An upload under way, and what becomes of it.
"""

from collections import deque
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from chatroom.errors import ChatError
from chatroom.store.filed import File, Upload
from chatroom.store.models import User


@frozen(kw_only=True)
class Progress:
    """
    How far an upload has got.
    """

    upload_id: str
    next_offset: int


@frozen(kw_only=True)
class Sent:
    """
    A file is here, and was announced.

    @ivar is_duplicate: whether it was here before.
    """

    upload_id: str
    file_id: int
    room_id: int
    seq: int
    size: int
    is_duplicate: bool


Outcome = Progress | Sent


@frozen
class Chunk:
    """
    Some of a file, and who waits for it to be written.
    """

    data: bytes
    done: "Deferred[Outcome]" = field(factory=Deferred)


@define(eq=False)
class Incoming:
    """
    An upload that somebody goes on with.

    @ivar owner: the session that does.
    @ivar received: where the next chunk belongs.
    @ivar written: how much of it is in the file.
    @ivar chunks: what is not acknowledged, in its order.
    @ivar waiting: who wants to know what becomes of it.
    """

    user: User
    upload: Upload
    owner: object
    hasher: Any
    received: int
    written: int
    synced: int
    touched: float
    chunks: deque[Chunk] = field(factory=deque)
    is_writing: bool = False
    waiting: "list[Deferred[Outcome]]" = field(factory=list)

    @property
    def name(self) -> str:
        """
        What its bytes are called.
        """
        return self.upload.name

    @property
    def progress(self) -> Progress:
        """
        How far it is in the file.
        """
        return Progress(upload_id=self.upload.id, next_offset=self.written)

    def take(self, count: int) -> list[Chunk]:
        """
        @return: the first chunks, which wait no longer.
        """
        return [self.chunks.popleft() for _ in range(count)]

    def end(self, outcome: "Sent | ChatError") -> None:
        """
        Tell those who have gone on with it when all of it had come.
        """
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            if isinstance(outcome, ChatError):
                each.errback(outcome)
            else:
                each.callback(outcome)


def sent_before(file: File) -> Sent:
    """
    @return: what became of a file earlier.
    """
    return Sent(
        upload_id=file.upload_id,
        file_id=file.id,
        room_id=file.room_id,
        seq=file.seq,
        size=file.facts.size,
        is_duplicate=True,
    )
