"""
The lines that a session has not handled yet; when there are enough of them the
connection is not read.
"""

from collections.abc import Iterable
from typing import Protocol

from attrs import define, field

from chatroom.wire.codec import Refused, Request

#: How many lines wait at the most before the connection is no longer read.
MOST_LINES = 256

#: How many bytes of lines do; some lines more may come, and what was read with them.
MOST_BYTES = 64 * 1024


class Connection(Protocol):
    """
    Where the lines come from.
    """

    def pauseProducing(self) -> None:
        """
        Give no more lines for now.
        """

    def resumeProducing(self) -> None:
        """
        Give lines again.
        """


#: A line as it came, or one that was looked at already.
Item = bytes | Request | Refused


@define(eq=False)
class Inbox:
    """
    What one peer has sent, in its order.
    """

    _connection: Connection
    #: A list, for an empty one takes a tenth of what a deque does, and it is short.
    _items: list[Item] = field(factory=list, init=False)
    _bytes: int = field(default=0, init=False)
    _is_reading: bool = field(default=True, init=False)
    _is_closed: bool = field(default=False, init=False)
    _is_forgotten: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_forgotten(self) -> bool:
        """
        Whether nothing of it matters any more.
        """
        return self._is_forgotten

    def put(self, items: Iterable[Item]) -> None:
        """
        Take what the peer sent, unless it is too late.
        """
        if not self._is_closed:
            for item in items:
                self._items.append(item)
                self._bytes += _size(item)
            is_full = len(self._items) >= MOST_LINES or self._bytes >= MOST_BYTES
            if is_full and self._is_reading:
                self._pause()

    def take(self) -> Item:
        """
        @return: the first one.
        """
        item = self._items.pop(0)
        self._bytes -= _size(item)
        return item

    def put_back(self, request: Request) -> None:
        """
        Let a request be the first one again.
        """
        self._items.insert(0, request)

    def read_on(self) -> None:
        """
        Read the connection, if there is room again for what comes.
        """
        has_room = len(self._items) <= MOST_LINES // 2 and self._bytes <= MOST_BYTES // 2
        if has_room and not self._is_reading and not self._is_closed:
            self._is_reading = True
            self._connection.resumeProducing()

    def close(self, *, forget: bool) -> None:
        """
        Take no more.

        @param forget: whether what waits is dropped too.
        """
        self._is_closed = True
        if self._is_reading:
            self._pause()
        if forget:
            self._is_forgotten = True
            self._items.clear()

    def _pause(self) -> None:
        self._is_reading = False
        self._connection.pauseProducing()


def _size(item: Item) -> int:
    return len(item) if isinstance(item, bytes) else 0
