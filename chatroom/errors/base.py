"""
What all refusals have in common, and how a server fails to start.
"""

from enum import IntEnum
from math import ceil
from typing import ClassVar

from chatroom.texts import DEFAULT_LANGUAGE, text


class ErrorCode(IntEnum):
    """
    The codes of the protocol, for programs.
    """

    OK = 0
    AUTHENTICATION_FAILED = 1001
    ALREADY_EXISTS = 1002
    USER_NOT_FOUND = 1003
    CHAT_NOT_FOUND = 1004
    PERMISSION_DENIED = 1005
    FILE_NOT_FOUND = 1006
    FILE_TOO_LARGE = 1007
    INVALID_COMMAND = 1008
    SERVER_ERROR = 1009
    NETWORK_ERROR = 1010


class StartError(Exception):
    """
    The server cannot start; C{str()} is one line that tells the operator what
    to change.
    """


class DatabaseInUse(StartError):
    """
    Another server has the database, or a command of the operator does.
    """


class DatabaseError(Exception):
    """
    What the database said, as the cause of a failure, for the operator: without
    the rows that it may have said it of.
    """


class ChatError(Exception):
    """
    A request is refused.

    @cvar code: the number the peer is told.
    @cvar reason: a stable slug for programs, and the key of the text.
    @cvar temporary: whether the same request may succeed later.
    @ivar field: the key of the request that is at fault, if it is one.
    @ivar retry_after: seconds after which trying again makes sense, if known.
    """

    code: ClassVar[ErrorCode]
    reason: ClassVar[str]
    temporary: ClassVar[bool] = False

    def __init__(
        self, *, field: str | None = None, retry_after: float | None = None, **details: object
    ) -> None:
        super().__init__(self.reason)
        self.field = field
        # Rounded up: who waits as long as they are told has waited long enough.
        self.retry_after = None if retry_after is None else ceil(retry_after * 1000) / 1000
        self._details = details

    def text(self, language: str) -> str:
        """
        Say it to a person.

        @param language: a key of L{chatroom.texts.TEXTS}.
        """
        known = {"field": self.field, "retry_after": ceil(self.retry_after or 0)}
        return text(language, self.reason, **known, **self._details)

    def __str__(self) -> str:
        return self.text(DEFAULT_LANGUAGE)


class InvalidMessage(ChatError):
    """What was sent is not a message of the protocol."""

    code = ErrorCode.INVALID_COMMAND


class ServerError(ChatError):
    """It is our fault, not the peer's."""

    code = ErrorCode.SERVER_ERROR
