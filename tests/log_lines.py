"""
What the server logs, as tests see it: the events, and the lines of each format.
"""

from typing import Any

from attrs import define, field
from twisted.logger import (
    LogEvent,
    formatEvent,
    formatEventAsClassicLogText,
    globalLogPublisher,
)
from twisted.trial.unittest import SynchronousTestCase

from chatroom.logs.journal import Journal
from chatroom.logs.lines import json_line, text_line, text_without_time


@define(eq=False)
class Seen:
    """
    The events that the server has logged during a test.
    """

    events: list[LogEvent] = field(factory=list)

    def of(self, name: str) -> list[dict[str, Any]]:
        """
        @return: the fields of each event of a name.
        """
        return [fields(each) for each in self.events if each.get("event") == name]

    def names(self) -> list[str]:
        """
        @return: the names of all.
        """
        return [each["event"] for each in self.events if "event" in each]

    def everything(self) -> str:
        """
        @return: all that anybody could write of all events: both formats, what
            Twisted's own observers make of them, and their C{repr}.
        """
        forms = (
            json_line,
            text_line,
            text_without_time,
            formatEvent,
            formatEventAsClassicLogText,
        )
        lines = [form(dict(each)) or "" for each in self.events for form in forms]
        return "\n".join([*lines, *map(repr, self.events)])


def fields(event: LogEvent) -> dict[str, Any]:
    """
    @return: the fields of one of our events.
    """
    mine = {"event", "isError", "message", "time", "system", "format", "failure", "why"}
    return {
        key: value
        for key, value in event.items()
        if not key.startswith("log_") and key not in mine
    }


def watch(test: SynchronousTestCase) -> Seen:
    """
    See what is logged until the end of a test.
    """
    seen = Seen()
    globalLogPublisher.addObserver(seen.events.append)  # type: ignore[arg-type]
    test.addCleanup(globalLogPublisher.removeObserver, seen.events.append)  # type: ignore[arg-type]
    return seen


def event_of(name: str, **values: object) -> LogEvent:
    """
    @return: an event as it comes to an observer.
    """
    events: list[LogEvent] = []
    Journal("tests", observer=events.append).note(name, **values)  # type: ignore[arg-type]
    return events[0]
