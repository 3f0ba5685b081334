"""
Who speaks.
"""

from attrs import field, frozen

from chatroom.wire.codec import Id, Reply, Request, extension
from chatroom.wire.constants import MessageType


@frozen(kw_only=True)
class _Credentials(Request):
    username: str
    password: str = field(repr=False)


@frozen(kw_only=True)
class _AccountResponse(Reply):
    success: bool
    user_id: Id | None = None
    username: str | None = None
    error_message: str | None = None
    error_code: int | None = extension()
    reason: str | None = extension()
    retry_after: float | None = extension()


@frozen(kw_only=True)
class RegisterRequest(_Credentials):
    """
    Make an account. It does not log in.
    """

    message_type = MessageType.REGISTER_REQUEST


@frozen(kw_only=True)
class RegisterResponse(_AccountResponse):
    """
    The one answer to a registration, be it a success or a refusal.

    @ivar user_id: who was made, or C{None}.
    @ivar error_message: why not, for people, or C{None}.
    @ivar error_code: the same for programs, where the request had a C{request_id}.
    @ivar reason: likewise, as a slug.
    @ivar retry_after: likewise, in how many seconds to try again, if known.
    """

    message_type = MessageType.REGISTER_RESPONSE


@frozen(kw_only=True)
class LoginRequest(_Credentials):
    """
    Say who speaks in this session.
    """

    message_type = MessageType.LOGIN_REQUEST


@frozen(kw_only=True)
class LoginResponse(_AccountResponse):
    """
    The one answer to a login, be it a success or a refusal; its keys are those
    of L{RegisterResponse}.
    """

    message_type = MessageType.LOGIN_RESPONSE


@frozen(kw_only=True)
class LogoutRequest(Request):
    """
    End the login; the connection stays for another one.
    """

    message_type = MessageType.LOGOUT_REQUEST
