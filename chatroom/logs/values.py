"""
The one place where values become fit for a log: bounded, and unable to pass for
anything else than a value.

A name may hold newlines, terminal controls or marks that turn the direction of
text; in a sentence it is shown as Python would write it, unless it is a plain
word. A program that reads the field has it as it was.
"""

import re

from twisted.python.reflect import safe_repr

#: How many characters of a value are kept.
MOST_CHARS = 256

_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+\Z")


class Told(str):
    """
    A text for a log, whoever formats it: the text itself to programs, and in
    sentences a plain word or a quoted literal.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return str.__str__(self) if _PLAIN.match(self) else repr(self)

    def __format__(self, spec: str) -> str:
        if spec == "bare":
            return printable(str.__str__(self))
        return format(str(self), spec)


Value = Told | int | float | None


def told(value: object) -> Value:
    """
    @return: what may be logged of a value: a bounded text, or a number.
    """
    if value is None or isinstance(value, bool):
        return value
    if type(value) in (int, float) and -(2**63) < value < 2**63:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    text = str.__str__(value) if isinstance(value, str) else safe_repr(value)
    return Told(bounded(text, MOST_CHARS))


def bounded(text: str, most: int) -> str:
    """
    @return: the beginning of a text, and a sign if that is not all of it; in any
        case something that UTF-8 can hold.
    """
    kept = text if len(text) <= most else text[:most] + "…"
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str) -> str:
    """
    @return: a text of one line, which shows what would not be seen, or would move
        what is.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
