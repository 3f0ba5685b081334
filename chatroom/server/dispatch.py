"""
Which request is whose: the table from a request's class to its handler. Who may make
it is in another one, L{chatroom.chat.access.TABLE}.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import frozen

from chatroom.chat.log import Waiter
from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import LoginResponse, RegisterResponse

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

Answer: TypeAlias = Reply | Sequence[Reply]
Handler: TypeAlias = Callable[["ChatService", "Session", Any], Awaitable[Answer]]
#: Begins what shares a commit with others; the L{Waiter} is told what becomes of it.
Beginning: TypeAlias = Callable[["ChatService", "Session", Any, Waiter], None]
#: Answers it, once the outcome is known.
Ending: TypeAlias = Callable[["Session", Any, Any], Answer]
#: The types whose refusal is an answer of its own, with C{success} false.
Refusal: TypeAlias = type[LoginResponse] | type[RegisterResponse]
H = TypeVar("H", bound=Callable[..., Awaitable[Answer]])
B = TypeVar("B", bound=Callable[..., None])


@frozen
class Shared:
    """
    The two parts of what shares a commit: several of a session's may be under way.
    """

    begin: Beginning
    end: Ending


@frozen
class Entry:
    """
    What happens to one class of requests.

    @ivar handler: what is done, or both parts of it.
    @ivar refusal: what says no; else an C{error_message}.
    """

    handler: Handler | Shared
    refusal: Refusal | None


_ENTRIES: dict[type[Request], Entry] = {}


def handles(
    request: type[Request],
    *,
    refusal: Refusal | None = None,
) -> Callable[[H], H]:
    """
    Make a coroutine function the handler of a class of requests.

    It is called with the L{ChatService}, the L{Session} and the request, and
    answers with one message or several, or refuses with a
    L{chatroom.errors.ChatError}.
    """

    def register(handler: H) -> H:
        _register(request, Entry(handler, refusal))
        return handler

    return register


def shares_commit(request: type[Request], *, end: Ending) -> Callable[[B], B]:
    """
    Make a function begin a class of requests that are done many at a time; these need a
    login.

    It is called with the L{ChatService}, the L{Session}, the request, and whom to tell
    what becomes of it, or refuses with a L{chatroom.errors.ChatError}.

    @param end: called with the session, the request and what came of it; it answers as a
        handler does.
    """

    def register(begin: B) -> B:
        _register(request, Entry(Shared(begin, end), None))
        return begin

    return register


def _register(request: type[Request], entry: Entry) -> None:
    if request in _ENTRIES:
        raise TypeError(f"{request.__name__} has a handler already")
    _ENTRIES[request] = entry


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
