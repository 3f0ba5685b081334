"""
Where lines of a log go: a stream, a file, or the system's log.
"""

import os
import syslog
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, Protocol, cast

from attrs import define, field
from twisted.logger import ILogObserver, LogEvent
from zope.interface import implementer

from chatroom.logs.journal import Journal
from chatroom.logs.lines import level_of

#: How large a file becomes before it is set aside, in bytes; as twistd's does.
ROTATE_BYTES = 1_000_000

#: For its owner, and for whoever may read logs: it has names and addresses.
_MODE = 0o640

_PRIORITIES = {
    "debug": syslog.LOG_DEBUG,
    "info": syslog.LOG_INFO,
    "warn": syslog.LOG_WARNING,
    "error": syslog.LOG_ERR,
    "critical": syslog.LOG_CRIT,
}


class Place(Protocol):
    """
    Somewhere that takes lines.
    """

    def write(self, lines: str, level: str) -> None:
        """
        Take a line, or several that belong together, with their newlines.

        @param level: how serious it is.
        @raise OSError: if it is lost.
        """


@define(eq=False)
class Stream:
    """
    A stream such as standard output, of text or of bytes.
    """

    _stream: Any

    def write(self, lines: str, level: str) -> None:
        """
        Write, in the encoding of the stream as far as that goes.
        """
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        data = lines.encode(encoding, "backslashreplace")
        if hasattr(self._stream, "encoding"):
            self._stream.write(data.decode(encoding))
        else:
            self._stream.write(data)
        self._stream.flush()


@define(eq=False)
class File:
    """
    A file that is set aside when it is large, as C{twistd} does, or when told to;
    if somebody else moves it away, a new one is begun.

    @ivar path: absolute, for a daemon goes elsewhere.
    """

    path: str
    _descriptor: int = field(init=False)
    _is_torn: bool = field(default=False, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    @_descriptor.default
    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self.path, flags, _MODE)

    def write(self, lines: str, level: str) -> None:
        """
        Append. After a line that was cut off by a full disk, begin a new one.
        """
        data = lines.encode("utf-8")
        with self._lock:
            self._follow()
            if self._is_torn:
                data = b"\n" + data
            written = 0
            try:
                while written < len(data):
                    written += os.write(self._descriptor, data[written:])
            finally:
                if written:
                    self._is_torn = not data[:written].endswith(b"\n")

    def rotate(self) -> None:
        """
        Set aside what is there, as C{path.1}, and what was set aside earlier
        after it.
        """
        with self._lock, suppress(OSError):
            self._set_aside()

    def close(self) -> None:
        """
        Let go of it.
        """
        os.close(self._descriptor)

    def _follow(self) -> None:
        """
        Be at the file that has the name. Where that can't be, stay at the old one.
        """
        with suppress(OSError):
            if os.fstat(self._descriptor).st_size >= ROTATE_BYTES and self._is_there():
                self._set_aside()
            elif not self._is_there():
                self._begin()

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def _set_aside(self) -> None:
        number = 1
        while os.path.exists(f"{self.path}.{number}"):
            number += 1
        for each in range(number, 1, -1):
            os.rename(f"{self.path}.{each - 1}", f"{self.path}.{each}")
        os.rename(self.path, f"{self.path}.1")
        self._begin()

    def _begin(self) -> None:
        # The new one first: when there are no descriptors left, the old one stays.
        descriptor = self._open()
        os.close(self._descriptor)
        self._descriptor, self._is_torn = descriptor, False


@define(eq=False)
class SystemLog:
    """
    The system's log, which gets each line by itself.

    @ivar prefix: whose lines they are.
    @ivar write: as L{syslog.syslog}.
    """

    prefix: str
    _open: Callable[..., None] = syslog.openlog
    _send: Callable[[int, str], None] = syslog.syslog

    def __attrs_post_init__(self) -> None:
        self._open(self.prefix, syslog.LOG_PID, syslog.LOG_USER)

    def write(self, lines: str, level: str) -> None:
        """
        Send.
        """
        for line in lines.splitlines():
            self._send(_PRIORITIES.get(level, syslog.LOG_INFO), line)


@implementer(ILogObserver)
@define(eq=False)
class Writer:
    """
    An observer that writes each event somewhere, as one line of some format. It
    never raises: what can't be written is counted, and the count written as soon
    as something can.

    @ivar form: makes the line of an event, or C{None} of one that says nothing.
    """

    _form: Callable[[LogEvent], str | None]
    _place: Place
    _lost: int = field(default=0, init=False)
    _journal: Journal = field(init=False)

    @_journal.default
    def _make_journal(self) -> Journal:
        return Journal("chatroom.logs", observer=cast("ILogObserver", self._put_count))

    def __call__(self, event: LogEvent) -> None:
        """
        Write an event.
        """
        if self._lost:
            self._journal.note("lines_lost", count=self._lost)
        if not self._put(event):
            self._lost += 1

    def _put_count(self, event: LogEvent) -> None:
        if self._put(event):
            self._lost = 0

    def _put(self, event: LogEvent) -> bool:
        """
        @return: whether nothing was lost.
        """
        try:
            line = self._line(event)
            if line:
                self._place.write(line, level_of(event))
        except (OSError, ValueError):
            # A ValueError is a stream that is closed.
            return False
        return True

    def _line(self, event: LogEvent) -> str | None:
        try:
            return self._form(event)
        except Exception as error:
            what = f"an event that cannot be shown: {type(error).__name__}"
            known = {key: event.get(key) for key in ("log_time", "log_level")}
            return self._form({**known, "log_namespace": "chatroom.logs", "log_format": what})
