"""
The log of C{twistd chatroom}: where C{twistd} was told to log, in the format that
we were told to.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import ILogObserver

from chatroom.logs.lines import json_line, text_line, text_without_time
from chatroom.logs.places import File, Place, Stream, SystemLog, Writer
from chatroom.logs.seldom import Seldom, later_in

#: The formats that there are.
FORMATS = ("text", "json")


def daemon_log(twistd: Mapping[str, Any], form: str, reactor: Any) -> ILogObserver | None:
    """
    Open the log.

    @param twistd: the options of C{twistd} itself.
    @param form: one of L{FORMATS}.
    @return: the observer; C{None} if C{twistd} was given one of its own.
    @raise SystemExit: if it can't be opened, with one line that says so.
    """
    if twistd.get("logger"):
        return None
    place = _place(twistd)
    if isinstance(place, File):
        _rotate_when_told(place, reactor)
    return Seldom(Writer(_form(form, place), place), later=later_in(reactor))


def _form(form: str, place: Place) -> Callable[[Any], str | None]:
    if form == "json":
        return json_line
    return text_without_time if isinstance(place, SystemLog) else text_line


def _place(twistd: Mapping[str, Any]) -> Place:
    path, stays = twistd.get("logfile"), twistd.get("nodaemon")
    if twistd.get("syslog"):
        return SystemLog(twistd.get("prefix") or "")
    if path == "-" and not stays:
        raise SystemExit("chatroom: a daemon cannot log to standard output")
    if path == "-" or (stays and not path):
        return Stream(sys.stdout)
    try:
        return File(os.path.abspath(path or "twistd.log"))
    except OSError as error:
        raise SystemExit(f"chatroom: cannot log to {error.filename}: {error.strerror}") from error


def _rotate_when_told(file: File, reactor: Any) -> None:
    # As twistd does; whoever has set a handler of their own keeps it.
    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate))
