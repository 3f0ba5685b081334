"""
Those who are told what happens, and how far behind they are.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from weakref import WeakSet

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.client.events import Event

#: How many events may wait for a reader before no more are taken from the server.
MOST_EVENTS = 1000

#: How many more may wait, where reading on is what the reader waits for.
PATIENCE = 10


@define(eq=False)
class EventStream:
    """
    Events, one after the other: C{async for event in stream}.

    Where nobody refers to it any more, nothing is kept for it; who waits for the next
    event does.
    """

    _moved: Callable[[], None]
    _waited_for: "set[EventStream]"
    _queue: "deque[Event]" = field(factory=deque)
    _current: Event | None = None
    _waiting: "Deferred[None] | None" = None
    _is_over: bool = False

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Event:
        """
        @return: the next event; the one before counts as dealt with from now on.
        """
        self._current = None
        while not self._queue:
            if self._is_over:
                raise StopAsyncIteration
            self._waiting = Deferred()
            self._waited_for.add(self)
            try:
                await self._waiting
            finally:
                self._waited_for.discard(self)
        self._current = event = self._queue.popleft()
        self._moved()
        return event

    def close(self) -> None:
        """
        Be told no more.
        """
        self._queue.clear()
        self._current = None
        self.end()
        self._moved()

    def put(self, event: Event) -> None:
        """
        Keep an event until it is asked for.
        """
        if not self._is_over:
            self._queue.append(event)
            self._wake()

    def end(self) -> None:
        """
        Nothing comes after what waits.
        """
        self._is_over = True
        self._wake()

    def backlog(self) -> Iterator[Event]:
        """
        @return: what was not dealt with yet, oldest first.
        """
        if self._current is not None:
            yield self._current
        yield from self._queue

    def __len__(self) -> int:
        return len(self._queue)

    def __bool__(self) -> bool:
        return True

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)


@define(eq=False)
class Audience:
    """
    Tells everybody.

    @ivar moved: called when somebody has read something.
    """

    _callback: Callable[[Event], object] | None
    _moved: Callable[[], None]
    _most: int
    log = Logger()
    _streams: "WeakSet[EventStream]" = field(factory=WeakSet)
    #: Those that somebody waits for, who may be known to nobody else.
    _waited_for: set[EventStream] = field(factory=set)
    _is_full: bool = False

    def stream(self) -> EventStream:
        """
        @return: what happens from now on.
        """
        stream = EventStream(self._moved, self._waited_for)
        self._streams.add(stream)
        return stream

    def tell(self, event: Event) -> None:
        """
        Tell everybody of an event.
        """
        for stream in list(self._streams):
            stream.put(event)
        if self._callback is not None:
            try:
                self._callback(event)
            except Exception:
                self.log.failure("a callback failed on {kind}", kind=type(event).__name__)

    def end(self) -> None:
        """
        Tell nobody anything any more.
        """
        for stream in list(self._streams):
            stream.end()
        self._streams.clear()

    @property
    def is_full(self) -> bool:
        """
        Whether somebody is behind, and not yet again half as much.
        """
        longest = self._longest()
        self._is_full = longest >= self._most or (self._is_full and longest > self._most // 2)
        return self._is_full

    @property
    def is_overfull(self) -> bool:
        """
        Whether nothing more can be kept.
        """
        return self._longest() >= self._most * PATIENCE

    def dealt_with(self, known: Mapping[int, int]) -> dict[int, int]:
        """
        @param known: the last place told of each room.
        @return: the last place of each that everybody has dealt with.
        """
        places = dict(known)
        for stream in list(self._streams):
            for event in stream.backlog():
                seq = getattr(event, "seq", None)
                room_id = getattr(event, "chat_group_id", None)
                if hasattr(event, "server_time") and room_id in places and seq is not None:
                    places[room_id] = min(places[room_id], seq - 1)
        return places

    def _longest(self) -> int:
        return max((len(each) for each in self._streams), default=0)
