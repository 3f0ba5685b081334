"""
The one way from the reactor into threads and back.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from chatroom.errors import ShuttingDown

T = TypeVar("T")


class Lane(Protocol):
    """
    Somewhere that blocking work is done, away from the reactor.
    """

    def start(self) -> None:
        """
        Be ready for work.
        """

    def refuse(self) -> None:
        """
        Begin nothing more: neither what comes nor what waits.
        """

    def stop(self) -> None:
        """
        Refuse, finish what was begun, and end. Blocks.
        """

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """
        Do C{work}, after all that was given before if the lane is one thread.

        @return: what C{work} returns or raises.
        @raise ShuttingDown: if it was refused.
        """


class _DaemonThread(Thread):
    """
    A thread that does not keep a process from ending that has failed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, daemon=True, **kwargs)


@define(eq=False)
class ThreadLane:
    """
    A lane of real threads.

    @ivar name: what the threads are called, for whoever debugs.
    @ivar threads: how many there are at the most.
    """

    _reactor: IReactorFromThreads
    name: str
    threads: int
    _pool: ThreadPool | None = field(default=None, init=False)
    _is_refusing: bool = field(default=True, init=False)

    def start(self) -> None:
        """
        Make the threads' pool; it makes a thread only when there is work.
        """
        self._pool = ThreadPool(minthreads=0, maxthreads=self.threads, name=self.name)
        self._pool.threadFactory = _DaemonThread
        self._pool.start()
        self._is_refusing = False

    def refuse(self) -> None:
        """
        Begin nothing more.
        """
        self._is_refusing = True

    def stop(self) -> None:
        """
        Wait for the work that was begun.
        """
        self.refuse()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """
        Do C{work} in a thread of this lane.
        """

        def begin() -> T:
            if self._is_refusing:
                raise ShuttingDown()
            return work()

        if self._pool is None:
            return fail(ShuttingDown())
        return deferToThreadPool(self._reactor, self._pool, begin)
