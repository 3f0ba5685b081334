"""
Answers as lines, in words that the asker knows: the keys of the seed for a plain
request, all of them for one that has a name of its own.
"""

from collections.abc import Sequence

from attrs import frozen

from chatroom.clock import Now
from chatroom.errors import ChatError
from chatroom.server.dispatch import Answer, Refusal, entry
from chatroom.texts import text
from chatroom.wire.codec import Refused, Reply, Request, encode
from chatroom.wire.messages import ErrorMessage, PostRequest, SystemMessage


def is_named(request: Request) -> bool:
    """
    Whether who asks knows more than the seed's keys: the request has a name, or
    the message that is posted has.
    """
    return request.request_id is not None or _client_message_id(request) is not None


def _client_message_id(request: Request) -> str | None:
    return request.client_message_id if isinstance(request, PostRequest) else None


@frozen
class Replies:
    """
    What one session says.

    @ivar language: a key of L{chatroom.texts.TEXTS}.
    """

    language: str
    _now: Now

    def answer(self, answer: Answer, request_id: str | None = None) -> bytes:
        """
        @return: the lines of an answer, each with the name of what it answers.
        """
        now = self._now()
        replies: Sequence[Reply] = [answer] if isinstance(answer, Reply) else answer
        return b"".join(encode(each, now=now, request_id=request_id) for each in replies)

    def warning(self, slug: str) -> bytes:
        """
        @return: a line that tells a person why the connection closes.
        """
        content = text(self.language, slug)
        return self.answer(SystemMessage(content=content, level="warning"))

    def no(self, error: ChatError, request: Request) -> bytes:
        """
        @return: the refusal of a request.
        """
        form = entry(type(request)).refusal
        return self._no(error, form, request.request_id, _client_message_id(request))

    def no_request(self, refused: Refused) -> bytes:
        """
        @return: the refusal of a line that is no request, by the type it names.
        """
        form = None if refused.meant is None else entry(refused.meant).refusal
        name = refused.client_message_id if refused.meant is PostRequest else None
        return self._no(refused.error, form, refused.request_id, name)

    def _no(
        self,
        error: ChatError,
        form: Refusal | None,
        request_id: str | None,
        client_message_id: str | None,
    ) -> bytes:
        code, said = int(error.code), error.text(self.language)
        is_named = request_id is not None or client_message_id is not None
        reply: Reply
        if form is not None and is_named:
            reply = form(
                success=False,
                error_message=said,
                error_code=code,
                reason=error.reason,
                retry_after=error.retry_after,
            )
        elif form is not None:
            reply = form(success=False, error_message=said)
        elif is_named:
            reply = ErrorMessage(
                error_code=code,
                error_message=said,
                reason=error.reason,
                field=error.field,
                temporary=error.temporary,
                retry_after=error.retry_after,
                client_message_id=client_message_id,
            )
        else:
            reply = ErrorMessage(error_code=code, error_message=said)
        return self.answer(reply, request_id)
