"""
What the server says for itself.
"""

from typing import Literal

from attrs import frozen

from chatroom.wire.codec import Reply, extension
from chatroom.wire.constants import MessageType


@frozen(kw_only=True)
class SystemMessage(Reply):
    """
    A notice for people.
    """

    message_type = MessageType.SYSTEM_MESSAGE

    content: str
    level: Literal["info", "warning", "error"] = "info"


@frozen(kw_only=True)
class ErrorMessage(Reply):
    """
    A request is refused.

    The keys after C{error_message} are there where the request had a
    C{request_id} or a C{client_message_id}.

    @ivar error_code: an L{chatroom.errors.ErrorCode}.
    @ivar error_message: why, for people.
    @ivar reason: why, as a stable slug.
    @ivar field: the key of the request that is at fault.
    @ivar temporary: whether the same request may succeed later.
    @ivar retry_after: in how many seconds, if known.
    @ivar client_message_id: what the refused post had.
    """

    message_type = MessageType.ERROR_MESSAGE

    error_code: int
    error_message: str
    reason: str | None = extension()
    field: str | None = extension()
    temporary: bool | None = extension()
    retry_after: float | None = extension()
    client_message_id: str | None = extension()
