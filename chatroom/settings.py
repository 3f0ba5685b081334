"""
What an operator can choose, validated once and then trusted.

Each field is an option of the command line and a variable of the environment
too: its C{help} is the option's text, its type the one way to read it. A limit
that is 0 is off.
"""

from collections.abc import Iterable
from typing import Any

from attrs import Attribute, field, fields, frozen, validators

from chatroom.texts import DEFAULT_LANGUAGE, TEXTS

#: The largest number of bytes that one character takes in JSON: a surrogate
#: pair, escaped.
_BYTES_A_CHARACTER = 12

#: What the other keys of a post may take, beside its content.
_BYTES_OF_KEYS = 4096

#: The longest line that can be had, and the longest message.
_MOST_LINE_BYTES = 1 << 24
_MOST_CONTENT_CHARS = 1_000_000

#: The largest file that can be had, and the most of all.
_MOST_FILES_BYTES = 10**12

_DAY = 86_400
_MANY = 1_000_000


def _option(text: str, default: Any, *checks: Any, **more: Any) -> Any:
    return field(default=default, validator=list(checks), metadata={"help": text}, **more)


def _within(least: float, most: float, *, or_off: bool = False) -> Any:
    def check(_: object, attribute: "Attribute[Any]", value: float) -> None:
        if not (least <= value <= most or (or_off and value == 0)):
            off = "0 or " if or_off and least else ""
            raise ValueError(f"{attribute.name} must be {off}from {least} to {most}, not {value}")

    return check


def _limit(text: str, default: float, most: float, *, least: float = 0) -> Any:
    """
    Something that there is at most so much of; 0 is no limit.
    """
    return _option(f"{text}; 0 is no limit", default, _within(least, most, or_off=True))


def _size(text: str, default: int, most: int, *, least: int) -> Any:
    """
    A limit that can't be off altogether, since memory ends: 0 is the most.
    """

    def or_most(value: int) -> int:
        return most if value == 0 else value

    text = f"{text}; 0 is the most that can be had, {most}"
    return _option(text, default, _within(least, most, or_off=True), converter=or_most)


def _one_of(choices: Iterable[str]) -> Any:
    def check(_: object, attribute: "Attribute[str]", value: str) -> None:
        if value not in choices:
            known = ", ".join(choices)
            raise ValueError(f"{attribute.name} must be one of {known}, not {value!r}")

    return check


@frozen(kw_only=True)
class Settings:
    """
    The choices of an operator, or of the program that embeds the server.

    @raise ValueError: if a value is out of bounds; C{str()} names the field.
    """

    database: str = _option(
        "where everything is stored, as an SQLAlchemy URL",
        "sqlite:///chatroom.db",
        validators.min_len(1),
        repr=False,
    )
    admin_socket: str = _option(
        "where the operator's commands reach the server, a Unix socket: its path; beside is "
        "next to a database that is a file, off is nowhere",
        "beside",
        validators.min_len(1),
    )
    language: str = _option(
        "the language of texts for people: " + " or ".join(TEXTS), DEFAULT_LANGUAGE, _one_of(TEXTS)
    )
    registration: str = _option(
        "who may make an account: open is anybody, closed is nobody",
        "open",
        _one_of(("open", "closed")),
    )
    content_chars: int = _size(
        "the most characters a message may have", 4000, _MOST_CONTENT_CHARS, least=1
    )
    password_chars: int = _option(
        "the least characters a new password may have", 6, _within(1, 1024)
    )
    line_bytes: int = _size(
        "the most bytes a line may have after login", 64 * 1024, _MOST_LINE_BYTES, least=1024
    )
    login_line_bytes: int = _size(
        "the most bytes a line may have before login", 8 * 1024, _MOST_LINE_BYTES, least=1024
    )
    login_seconds: float = _limit("the time to log in, in seconds", 30.0, _DAY, least=0.1)
    anonymous_per_address: int = _limit(
        "the most connections that are not logged in, from one address", 16, _MANY
    )
    anonymous_connections: int = _limit(
        "the most connections that are not logged in, in all", 200, _MANY
    )
    connections_per_address: int = _limit("the most connections from one address", 1000, _MANY)
    sessions_per_user: int = _limit("the most sessions of one user", 50, _MANY)
    login_tries: int = _limit(
        "the most wrong passwords, from one address or for one user, before the next try has "
        "to wait",
        5,
        _MANY,
    )
    registrations_per_hour: int = _limit(
        "the most accounts that one address makes in an hour", 20, _MANY
    )
    post_burst: int = _limit("the most messages that a user sends at once", 20, _MANY)
    post_rate: float = _limit(
        "the most messages a second that a user sends for long", 10.0, _MANY, least=0.001
    )
    search_rate: float = _limit(
        "the most searches a second that a user makes for long", 5.0, _MANY, least=0.001
    )
    room_members: int = _limit("the most members of a room, but of public", 1000, _MANY)
    rooms_per_user: int = _limit("the most rooms that a user makes or joins", 200, _MANY)
    push_bytes: int = _limit(
        "the most bytes of pushes that wait for a slow reader before it is cut off",
        1 << 20,
        1 << 30,
        least=64 * 1024,
    )
    stall_seconds: float = _limit(
        "how long a reader may make no progress before it is cut off, in seconds", 15.0, _DAY
    )
    heartbeat_seconds: float = _limit(
        "how long a client of the hello dialect may be silent before it is asked whether it is "
        "there, in seconds; after twice of it the connection is closed",
        30.0,
        _DAY,
        least=1,
    )
    token_days: float = _option(
        "for how many days a login can be taken up again by its token, each time anew",
        30.0,
        _within(0.01, 3650),
    )
    retention_days: float = _limit(
        "for how many days is kept what happened in a room", 0.0, 36_500, least=0.001
    )
    retention_events: int = _limit(
        "how many events of a room are kept, messages and others, the newest", 0, 10**12
    )
    files: str = _option(
        "the folder that files are kept in; beside is one next to SQLite's file, none is none",
        "beside",
        validators.min_len(1),
    )
    file_bytes: int = _size(
        "the most bytes a file may have", 100_000_000, _MOST_FILES_BYTES, least=1
    )
    user_files_bytes: int = _limit(
        "the most bytes that all files of a user come to", 1_000_000_000, _MOST_FILES_BYTES
    )
    all_files_bytes: int = _limit(
        "the most bytes that all files come to", 10_000_000_000, _MOST_FILES_BYTES
    )
    hash_threads: int = _option(
        "how many passwords are checked at the same time", 2, _within(1, 64)
    )
    stall_log_milliseconds: int = _option(
        "how long the server may be held up before the log says by what, in milliseconds; "
        "0 is never",
        100,
        _within(20, 60_000, or_off=True),
    )

    def __attrs_post_init__(self) -> None:
        least = self.content_chars * _BYTES_A_CHARACTER + _BYTES_OF_KEYS
        # A message of any length is as long as its line may be.
        if self.line_bytes < least and self.content_chars < _MOST_CONTENT_CHARS:
            raise ValueError(
                f"line_bytes must be at least {least} to hold {self.content_chars} content_chars"
            )


def options() -> "tuple[Attribute[Any], ...]":
    """
    @return: the fields of L{Settings}, each with its C{help} in C{metadata}.
    """
    return fields(Settings)
