"""
Answers as lines, in words that the asker knows: the keys of the seed for a plain
request, all of them for one that has a name of its own, and for all that a client of
the hello dialect asks.
"""

from random import Random

from attrs import define

from chatroom.clock import Now
from chatroom.errors import ChatError
from chatroom.server.dispatch import Answer, Refusal, entry
from chatroom.texts import text
from chatroom.wire.codec import Refused, Reply, Request, encode
from chatroom.wire.messages import ErrorMessage, Goodbye, PostRequest, SystemMessage

#: Why the server closes a connection, and whether coming back as before makes sense.
GOODBYES = {
    "shutting_down": True,
    "silent": True,
    "login_overdue": True,
    "crowded_out": True,
    "too_many_connections": True,
    "session_revoked": False,
    "password_changed": False,
    "account_disabled": False,
    "account_deleted": False,
}

#: How long a goodbye may take to be read.
CLOSING_SECONDS = 2.0

#: When a client that was sent away may come back at the soonest, in seconds; over how
#: long they come at the least; and how many a second are expected.
_SOONEST = 0.5
_LEAST_SPREAD = 2.0
_COMING_BACK = 500


def _client_message_id(request: Request) -> str | None:
    return request.client_message_id if isinstance(request, PostRequest) else None


@define(eq=False)
class Replies:
    """
    What one session says.

    @ivar language: a key of L{chatroom.texts.TEXTS}.
    @ivar in_full: whether the client speaks the hello dialect.
    @ivar ends_with_server: whether it is not to come back when the server stops.
    """

    language: str
    _now: Now
    in_full: bool = False
    ends_with_server: bool = False

    def is_named(self, request: Request) -> bool:
        """
        Whether who asks knows more than the seed's keys.
        """
        if self.in_full or request.request_id is not None:
            return True
        return isinstance(request, PostRequest) and request.client_message_id is not None

    def _is_full(self, request_id: str | None, client_message_id: str | None) -> bool:
        return self.in_full or request_id is not None or client_message_id is not None

    def answer(self, answer: Answer, request_id: str | None = None) -> bytes:
        """
        @return: the lines of an answer, each with the name of what it answers.
        """
        now = self._now()
        if isinstance(answer, Reply):
            return encode(answer, now=now, request_id=None if answer.is_push else request_id)
        return b"".join(
            encode(each, now=now, request_id=None if each.is_push else request_id)
            for each in answer
        )

    def goodbye(self, slug: str, chance: Random, others: int) -> bytes:
        """
        @param slug: why the connection closes, a key of L{GOODBYES}.
        @param others: how many sessions there are.
        @return: a line that says so.
        """
        said = text(self.language, slug)
        if not self.in_full:
            return self.answer(SystemMessage(content=said, level="warning"))
        is_over = self.ends_with_server and slug == "shutting_down"
        # So many that they come back at a rate at which they can be let in.
        spread = max(_LEAST_SPREAD, others / _COMING_BACK)
        goodbye = Goodbye(
            reason=slug,
            text=said,
            reconnect=GOODBYES[slug] and not is_over,
            reconnect_after=round(chance.uniform(_SOONEST, _SOONEST + spread), 3),
        )
        return self.answer(goodbye)

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
        is_named = self._is_full(request_id, client_message_id)
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
