"""
An event as a line: text for people, or JSON for programs. Neither ever raises.
"""

import json
from datetime import datetime, timezone
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, formatTime
from twisted.python.failure import Failure

from chatroom.logs.failures import traceback_of
from chatroom.logs.journal import Journal
from chatroom.logs.table import KINDS, Kind
from chatroom.logs.values import bounded, printable

#: How many characters are kept of what others than us have to say.
MOST_CHARS = 8000


def kind_of(event: LogEvent) -> Kind | None:
    """
    @return: what an event is, if it is one of ours.
    """
    if isinstance(event.get("log_logger"), Journal):
        return KINDS.get(event["event"])
    return None


def text_line(event: LogEvent) -> str | None:
    """
    @return: what C{twistd} would write, with nothing in it that a terminal obeys;
        a traceback and other further lines are indented. C{None} if there is
        nothing to say.
    """
    said = text_without_time(event)
    return said and f"{_local_time(event)} {said}"


def text_without_time(event: LogEvent) -> str | None:
    """
    @return: a line for a log that knows the time itself.
    """
    said = "\n".join(filter(None, (_sentence(event), _traceback(event))))
    if not said:
        return None
    first, *others = said.split("\n")
    lines = [f"[{_system(event)}] {first}", *("\t" + each for each in others)]
    return "".join(_shown(line) + "\n" for line in lines)


def _shown(line: str) -> str:
    return "\t".join(printable(each) for each in line.split("\t"))


def json_line(event: LogEvent) -> str | None:
    """
    @return: an object in ASCII, and a newline; C{None} if there is nothing to say.
    """
    record = _record(event)
    return json.dumps(record, allow_nan=False) + "\n" if record else None


def _record(event: LogEvent) -> dict[str, Any] | None:
    kind, text, traceback = kind_of(event), _sentence(event), _traceback(event)
    if not text and not traceback:
        return None
    record = {"time": _utc(event), "level": level_of(event), "event": kind and kind.name}
    if kind is not None:
        record |= {name: event.get(name) for name in kind.fields}
    else:
        record |= {"system": _system(event), "namespace": _namespace(event)}
    record["text"] = text
    return record | ({"traceback": traceback} if traceback else {})


def _sentence(event: LogEvent) -> str:
    if "log_text" in event and _failure(event) is not None:
        # The text of an old-style event has the exception's message in it.
        text = str(event.get("why") or "Unhandled Error")
    else:
        text = formatEvent(event)
    if text.startswith(("Unable to format event", "MESSAGE LOST")):
        # These would go on with everything that the event holds.
        text = f"an event that cannot be shown: {event.get('log_format')!r}"
    return bounded(text, MOST_CHARS).rstrip("\n")


def _failure(event: LogEvent) -> Failure | None:
    for key in ("log_failure", "failure"):
        if isinstance(event.get(key), Failure):
            found: Failure = event[key]
            return found
    return None


def _traceback(event: LogEvent) -> str:
    failure = _failure(event)
    if failure is None:
        return ""
    try:
        return traceback_of(failure)
    except Exception as error:
        return f"no traceback: {type(error).__name__}"


def level_of(event: LogEvent) -> str:
    """
    @return: how serious an event is.
    """
    level: Any = event.get("log_level")
    return str(level.name) if level in LogLevel.iterconstants() else "info"


def _namespace(event: LogEvent) -> str:
    return bounded(str(event.get("log_namespace", "-")), 200)


def _system(event: LogEvent) -> str:
    system = event.get("log_system")
    if system is not None and system != "-":
        return bounded(str(system), 200).replace("\n", " ")
    return f"{_namespace(event)}#{level_of(event)}"


def _seconds(event: LogEvent) -> float:
    return float(event.get("log_time") or 0)


def _local_time(event: LogEvent) -> str:
    return formatTime(_seconds(event))


def _utc(event: LogEvent) -> str:
    moment = datetime.fromtimestamp(_seconds(event), timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
