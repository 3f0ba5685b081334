"""
What an operator can choose, validated once and then trusted.

Each field is an option of the command line and a variable of the environment
too: its C{help} is the option's text, its type the one way to read it.
"""

from typing import Any

from attrs import Attribute, field, fields, frozen, validators

from chatroom.texts import DEFAULT_LANGUAGE, TEXTS

#: The largest number of bytes that one character takes in JSON: a surrogate
#: pair, escaped.
_BYTES_A_CHARACTER = 12

#: What the other keys of a post may take, beside its content.
_BYTES_OF_KEYS = 4096


def _option(text: str, default: Any, *checks: Any) -> Any:
    return field(default=default, validator=list(checks), metadata={"help": text})


def _within(least: int, most: int) -> Any:
    def check(_: object, attribute: "Attribute[Any]", value: float) -> None:
        if not least <= value <= most:
            raise ValueError(f"{attribute.name} must be from {least} to {most}, not {value}")

    return check


def _language(_: object, attribute: "Attribute[str]", value: str) -> None:
    if value not in TEXTS:
        raise ValueError(f"{attribute.name} must be one of {', '.join(TEXTS)}, not {value!r}")


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
    )
    language: str = _option(
        "the language of texts for people: " + " or ".join(TEXTS), DEFAULT_LANGUAGE, _language
    )
    content_chars: int = _option(
        "the most characters a message may have", 4000, _within(1, 1_000_000)
    )
    password_chars: int = _option(
        "the least characters a new password may have", 6, _within(1, 1024)
    )
    line_bytes: int = _option(
        "the most bytes a line may have after login", 64 * 1024, _within(1024, 1 << 24)
    )
    login_line_bytes: int = _option(
        "the most bytes a line may have before login", 8 * 1024, _within(1024, 1 << 24)
    )
    login_seconds: float = _option(
        "the time to log in, in seconds; 0 is no limit", 30.0, _within(0, 86_400)
    )
    push_bytes: int = _option(
        "the most bytes of pushes that wait for a slow reader before it is cut off",
        1 << 20,
        _within(64 * 1024, 1 << 30),
    )
    stall_seconds: float = _option(
        "how long a reader may make no progress before it is cut off, in seconds; 0 is no limit",
        15.0,
        _within(0, 86_400),
    )
    hash_threads: int = _option(
        "how many passwords are checked at the same time", 2, _within(1, 64)
    )

    def __attrs_post_init__(self) -> None:
        least = self.content_chars * _BYTES_A_CHARACTER + _BYTES_OF_KEYS
        if self.line_bytes < least:
            raise ValueError(
                f"line_bytes must be at least {least} to hold {self.content_chars} content_chars"
            )


def options() -> "tuple[Attribute[Any], ...]":
    """
    @return: the fields of L{Settings}, each with its C{help} in C{metadata}.
    """
    return fields(Settings)
