"""
Who holds the reactor up: everybody waits while one call takes its time, and only
another thread can say which.
"""

import sys
import time
from collections.abc import Callable
from threading import Event, Lock, Thread, get_ident
from types import FrameType
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from chatroom.logs.journal import Journal

#: What is said when nobody could look.
_UNSEEN = "unknown, for no other thread could run"

#: Where a reactor waits for something to happen.
_WAITING = {"doPoll", "doSelect", "doKEvent", "select"}

#: Starts a thread that calls something; for tests there need not be one.
StartThread = Callable[[Callable[[], None]], object]


def _start_thread(work: Callable[[], None]) -> None:
    Thread(target=work, name="chatroom-stalls", daemon=True).start()


def cause_in(thread: int) -> str | None:
    """
    Look at what a thread is doing.

    @return: the innermost function of ours, and the innermost of all if that is
        another; C{None} if it is a reactor's, and waits for something to do.
    """
    innermost = frame = sys._current_frames().get(thread)
    while frame is not None and not _module(frame).startswith("chatroom."):
        frame = frame.f_back
    if innermost is None or _is_waiting(innermost):
        return None
    if frame is None:
        return f"outside chatroom: {_name(innermost)}"
    inside = "" if frame is innermost else f", in {_name(innermost)}"
    return _name(frame) + inside


def _is_waiting(frame: FrameType) -> bool:
    is_loop = _module(frame).startswith(("twisted.internet.", "selectors"))
    return is_loop and frame.f_code.co_name in _WAITING


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))


def _name(frame: FrameType) -> str:
    code = frame.f_code
    return f"{_module(frame)}.{getattr(code, 'co_qualname', code.co_name)}"


@define(eq=False, slots=False)
class StallWatch(Service):
    """
    Logs when the reactor was held up, for how long, and by what.

    A thread looks at the reactor's, as often as the limit goes into the time. If that
    does not wait for something to do, it is given a mark to answer. If there is no
    answer soon, what it is doing is noted, and how long it takes. A stall began
    somewhere in the time before its mark, and is taken to have begun in the middle of
    it: one of one and a half times the limit is always logged, one of half the limit
    never.

    A thread that looks too late has been held up itself. If the process was at work
    meanwhile, something did not let other threads run, and that is a stall. Else the
    process was stopped, or the machine asleep or busy, and nobody is to blame.

    @ivar limit: how long a stall may be, in seconds.
    """

    _log = Journal()

    _reactor: Any
    limit: float
    _now: Callable[[], float] = time.monotonic
    _worked: Callable[[], float] = time.process_time
    _cause_in: Callable[[int], str | None] = cause_in
    _start: StartThread = _start_thread
    _lock: Lock = field(factory=Lock, init=False)
    _end: Event | None = field(default=None, init=False)
    _thread: int = field(default=0, init=False)
    _looked: float = field(default=0.0, init=False)
    _due: float = field(default=0.0, init=False)
    _work: float = field(default=0.0, init=False)
    _answered: float = field(default=0.0, init=False)
    _mark: float | None = field(default=None, init=False)
    _cause: str | None = field(default=None, init=False)
    _is_sure: bool = field(default=False, init=False)
    _is_void: bool = field(default=False, init=False)

    def startService(self) -> None:
        """
        Begin to look as soon as the reactor runs.
        """
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> "Deferred[None] | None":
        """
        Look no more.
        """
        super().stopService()
        end, self._end = self._end, None
        if end is not None:
            end.set()
        return None

    def _begin(self) -> None:
        if self.running and self._end is None:
            self._end = end = Event()
            self._thread = get_ident()
            self._looked = self._answered = self._now()
            self._due = self._looked + self.limit
            self._work = self._worked()
            self._mark = self._cause = None

            def go_on() -> None:
                pause = self.limit
                while not end.wait(pause):
                    pause = self.look()

            self._start(go_on)

    def look(self) -> float:
        """
        See what the reactor does, and whether it has answered. Any thread but the
        reactor's may call this.

        @return: in how many seconds to look again.
        """
        with self._lock:
            now, doing = self._now(), self._cause_in(self._thread)
            is_late, has_worked = self._is_late(now), self._has_worked(now)
            due, is_marked = self._due, self._mark is not None
            self._looked, self._work = now, self._worked()
            if is_late and not has_worked:
                self._is_void = True
            elif is_marked:
                self._note(doing)
            elif is_late:
                self._give_mark(max(due, self._answered), doing)
            elif doing is not None:
                self._give_mark(now, doing)
            has_new_mark = self._mark is not None and not is_marked
            pause = self.limit / 4 if has_new_mark else self.limit
            self._due = now + pause
            return pause

    def _is_late(self, now: float) -> bool:
        """
        Whether the thread should have looked long ago.
        """
        return now - self._due > self.limit

    def _has_worked(self, now: float) -> bool:
        """
        Whether the process has been at work for most of the time since it looked.
        """
        return self._worked() - self._work >= (now - self._looked) / 2

    def _note(self, doing: str | None) -> None:
        # What is still going on at the second look is rather to blame than what was
        # at the first.
        if not self._is_sure:
            self._cause, self._is_sure = doing or self._cause, True

    def _give_mark(self, since: float, doing: str | None) -> None:
        self._mark, self._cause, self._is_sure, self._is_void = since, doing, False, False
        self._reactor.callFromThread(self._answer)

    def _answer(self) -> None:
        with self._lock:
            now, mark, cause = self._now(), self._mark, self._cause
            self._mark, self._answered = None, now
            is_void = self._is_void or (self._is_late(now) and not self._has_worked(now))
        if mark is not None and not is_void:
            lasted = now - mark + self.limit / 2
            if lasted >= self.limit:
                milliseconds = round(lasted * 1000)
                self._log.note("stalled", milliseconds=milliseconds, cause=cause or _UNSEEN)
