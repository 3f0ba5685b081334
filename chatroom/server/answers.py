"""
What is done with a request, and what the peer may hear of it.

This is where trust ends: only here does an exception become a line.
"""

from typing import TYPE_CHECKING, cast

from twisted.python.failure import Failure

from chatroom.chat.access import admit
from chatroom.chat.log import Waiter
from chatroom.errors import ChatError, InternalError, ShuttingDown
from chatroom.logs.journal import Journal
from chatroom.server.dispatch import Handler, Shared, entry
from chatroom.wire.codec import Request

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

_log = Journal()


async def answer(chat: "ChatService", session: "Session", request: Request) -> bytes:
    """
    Do what is asked.

    @return: the lines that answer or refuse it.
    """
    try:
        handler = cast(Handler, _handler(session, request))
        replies = await handler(chat, session, request)
        return session.replies.answer(replies, request.request_id)
    except Exception as error:
        return _no(error, session, request)


def start(chat: "ChatService", session: "Session", request: Request, waiter: Waiter) -> None:
    """
    Begin what shares a commit.

    @param waiter: is told what becomes of it.
    """
    try:
        cast(Shared, _handler(session, request)).begin(chat, session, request, waiter)
    except Exception as error:
        waiter.settle(error)


def conclude(session: "Session", request: Request, outcome: object) -> bytes:
    """
    @param outcome: what has become of it.
    @return: the lines that answer or refuse it.
    """
    try:
        if isinstance(outcome, Exception):
            return _no(outcome, session, request)
        replies = cast(Shared, entry(type(request)).handler).end(session, request, outcome)
        return session.replies.answer(replies, request.request_id)
    except Exception as error:
        return _no(error, session, request)


def _handler(session: "Session", request: Request) -> Handler | Shared:
    if session.is_closing:
        raise ShuttingDown()
    admit(request.message_type.value, None if session.user else session.nobody)
    return entry(type(request)).handler


def _no(error: Exception, session: "Session", request: Request) -> bytes:
    if not isinstance(error, ChatError):
        kind, failure = request.message_type.value, Failure(error)
        _log.note_failure("request_failed", failure, type=kind, address=session.peer)
        error = InternalError()
    return session.replies.no(error, request)
