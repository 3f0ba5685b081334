"""
Which request is whose: the table from a request's class to its handler. Who may make
it is in another one, L{chatroom.chat.access.TABLE}.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import frozen

from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import LoginResponse, RegisterResponse

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

Answer: TypeAlias = Reply | Sequence[Reply]
Handler: TypeAlias = "Callable[[ChatService, Session, Any], Awaitable[Answer]]"
#: The types whose refusal is an answer of its own, with C{success} false.
Refusal: TypeAlias = type[LoginResponse] | type[RegisterResponse]
H = TypeVar("H", bound=Callable[..., Awaitable[Answer]])


@frozen
class Entry:
    """
    What happens to one class of requests.

    @ivar shares_commit: whether several of a session's may be under way.
    @ivar refusal: what says no; else an C{error_message}.
    """

    handler: Handler
    shares_commit: bool
    refusal: Refusal | None


_ENTRIES: dict[type[Request], Entry] = {}


def handles(
    request: type[Request],
    *,
    shares_commit: bool = False,
    refusal: Refusal | None = None,
) -> Callable[[H], H]:
    """
    Make a coroutine function the handler of a class of requests.

    It is called with the L{ChatService}, the L{Session} and the request, and
    answers with one message or several, or refuses with a
    L{chatroom.errors.ChatError}.
    """

    def register(handler: H) -> H:
        if request in _ENTRIES:
            raise TypeError(f"{request.__name__} has a handler already")
        _ENTRIES[request] = Entry(handler, shares_commit, refusal)
        return handler

    return register


def entry(request: type[Request]) -> Entry:
    """
    @return: what happens to requests of this class.
    """
    return _ENTRIES[request]


def handled() -> set[type[Request]]:
    """
    @return: every class that has a handler.
    """
    return set(_ENTRIES)
