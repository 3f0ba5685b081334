"""
What goes wrong for a client: the server can't be reached, or it refuses.
"""

from functools import lru_cache

from chatroom import errors
from chatroom.client.backoff import MOST_ASKED
from chatroom.errors import ChatError, ErrorCode
from chatroom.wire.codec import Reply
from chatroom.wire.messages import ErrorMessage, Goodbye


class NetworkError(ChatError):
    """
    The server can't be reached, or was no longer before it answered. C{__cause__} has
    what is known of it.
    """

    code = ErrorCode.NETWORK_ERROR
    reason = "network_error"
    temporary = True


class Unanswered(NetworkError):
    """A server of the seed dialect did not answer in time, or in words not understood."""


class OutboxError(Exception):
    """The file of an outbox can't be used; C{str()} is one line that says why."""


class Refusal(ChatError):
    """
    What the server refuses. It is of the class that the server raised, too, if that is
    known here: C{except RoomNotFound} works.

    @ivar number: the code that the server gave; C{code} is 1009 if that is not known here.
    """

    def __init__(
        self, said: str, number: int, *, field: str | None, retry_after: float | None
    ) -> None:
        super().__init__(field=field, retry_after=retry_after)
        self.number = number
        self._said = said

    def text(self, language: str) -> str:
        """
        @return: what the server said, in the language in which it did.
        """
        return self._said


_KNOWN = {
    cls.reason: cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, ChatError) and "reason" in vars(cls)
}

#: The reason where a server of the seed gives none.
UNKNOWN = "unknown"

#: The code where it does not give that either.
_GUESSES = {"login_response": ErrorCode.AUTHENTICATION_FAILED}


@lru_cache(maxsize=256)
def _class(code: ErrorCode, reason: str, temporary: bool) -> type[Refusal]:
    known = _KNOWN.get(reason)
    bases = (Refusal,) if known is None else (Refusal, known)
    details = {"code": code, "reason": reason, "temporary": temporary, "__module__": __name__}
    return type("Refusal" if known is None else known.__name__, bases, details)


def _code(number: int) -> ErrorCode:
    return ErrorCode(number) if number in set(ErrorCode) else ErrorCode.SERVER_ERROR


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), MOST_ASKED)


def refusal(reply: Reply) -> Refusal | None:
    """
    @return: what to raise for an answer, if it is a refusal.
    """
    if not isinstance(reply, ErrorMessage) and getattr(reply, "success", None) is not False:
        return None
    guess = _GUESSES.get(reply.message_type.value, ErrorCode.SERVER_ERROR)
    number = getattr(reply, "error_code", None) or int(guess)
    reason = getattr(reply, "reason", None) or UNKNOWN
    retry_after = _bounded(getattr(reply, "retry_after", None))
    temporary = getattr(reply, "temporary", None)
    if temporary is None:
        known = _KNOWN.get(reason)
        temporary = retry_after is not None if known is None else known.temporary
    cls = _class(_code(number), reason, temporary)
    said = getattr(reply, "error_message", None) or reason
    return cls(said, number, field=getattr(reply, "field", None), retry_after=retry_after)


def dismissal(goodbye: Goodbye) -> Refusal:
    """
    @return: what to raise when the server wants no more of this client.
    """
    cls = _class(ErrorCode.NETWORK_ERROR, goodbye.reason, False)
    number = int(ErrorCode.NETWORK_ERROR)
    return cls(goodbye.text, number, field=None, retry_after=None)
