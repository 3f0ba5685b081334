"""
Answers in words that the asker knows: the keys of the seed for a plain request,
all of them for one that carries a name of its own.
"""

from chatroom.errors import ChatError
from chatroom.server.dispatch import Refusal
from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import ErrorMessage, PostRequest


def client_message_id(request: Request) -> str | None:
    """
    @return: the name that a post has, if it is a post and has one.
    """
    return request.client_message_id if isinstance(request, PostRequest) else None


def wants_all(request: Request) -> bool:
    """
    Whether who asks knows more than the seed's keys: it has named what it asks.
    """
    return request.request_id is not None or client_message_id(request) is not None


def no(
    error: ChatError,
    *,
    language: str,
    form: Refusal | None,
    in_full: bool,
    name: str | None = None,
) -> Reply:
    """
    Put a refusal into a message.

    @param form: the type that says no to this request, if it has one of its own.
    @param in_full: whether to say more than the seed does.
    @param name: the C{client_message_id} of what is refused.
    """
    code, said = int(error.code), error.text(language)
    if form is not None and in_full:
        return form(success=False, error_message=said, error_code=code, reason=error.reason)
    if form is not None:
        return form(success=False, error_message=said)
    if not in_full:
        return ErrorMessage(error_code=code, error_message=said)
    return ErrorMessage(
        error_code=code,
        error_message=said,
        reason=error.reason,
        field=error.field,
        temporary=error.temporary,
        retry_after=error.retry_after,
        client_message_id=name,
    )
