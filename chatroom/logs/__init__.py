"""
The operator's log: events with names and fields, as text or as JSON.

For a program that embeds the server, L{json_lines} and L{text_lines} make
observers to log with::

    globalLogBeginner.beginLoggingTo([json_lines("mine.log")])

and so does C{twistd --nodaemon --logger chatroom.logs.json_lines}. An observer of
its own finds the name of each event in C{event["event"]}, and its fields beside.
"""

import os
import sys
from typing import Any

from twisted.logger import ILogObserver

from chatroom.logs.lines import json_line, text_line
from chatroom.logs.places import File, Place, Stream, Writer
from chatroom.logs.seldom import Seldom, later_in

__all__ = ["json_lines", "text_lines"]


def json_lines(file: Any = None, *, reactor: Any = None) -> ILogObserver:
    """
    Log in JSON, an object a line.

    @param file: a path, or a stream of text or bytes; standard output if there is
        none.
    @param reactor: by which what was left out is counted in time; without it that
        happens when the next event comes.
    """
    return _seldom(Writer(json_line, _place(file)), reactor)


def text_lines(file: Any = None, *, reactor: Any = None) -> ILogObserver:
    """
    Log in text for people, as C{twistd} does.

    @param file: as L{json_lines} has it.
    @param reactor: likewise.
    """
    return _seldom(Writer(text_line, _place(file)), reactor)


def _place(file: Any) -> Place:
    if isinstance(file, str | os.PathLike):
        return File(os.path.abspath(os.fspath(file)))
    return Stream(sys.stdout if file is None else file)


def _seldom(writer: Writer, reactor: Any) -> ILogObserver:
    return Seldom(writer, later=None if reactor is None else later_in(reactor))
