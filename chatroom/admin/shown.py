"""
How results are shown. What comes from the database may be anything that somebody has
written: on a terminal it must neither do anything nor look like something else.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import asdict

#: Begins and ends a text whose direction is not to have others go its way.
_ISOLATE, _END = "\u2068", "\u2069"

#: The categories that nobody sees, or that end a line.
_UNSEEN = ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")

_LEFTWARDS = ("R", "AL", "AN")


def visible(value: object) -> str:
    """
    @return: a value in one line, with what can't be seen of it escaped.
    """
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "".join(map(_escaped, str(value)))
    if any(unicodedata.bidirectional(each) in _LEFTWARDS for each in text):
        return f"{_ISOLATE}{text}{_END}"
    return text


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """
    @return: lines, with columns as wide as need be.
    """
    cells = [list(heads), *([visible(each) for each in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def for_programs(thing: Any) -> str:
    """
    @param thing: a dict, or an object of attrs.
    @return: it as one line of JSON, in ASCII.
    """
    return json.dumps(thing if isinstance(thing, dict) else asdict(thing))


def _escaped(character: str) -> str:
    is_unseen = unicodedata.category(character) in _UNSEEN
    if not is_unseen and character != "\\":
        return character
    return character.encode("unicode_escape").decode("ascii")


def _width(text: str) -> int:
    """
    @return: how many columns of a terminal a text takes.
    """
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
