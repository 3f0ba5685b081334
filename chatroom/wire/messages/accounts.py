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
class TokenLoginRequest(Request):
    """
    Say who speaks, by what an earlier login has given.
    """

    message_type = MessageType.TOKEN_LOGIN_REQUEST

    session_token: str = field(repr=False)


@frozen(kw_only=True)
class LoginResponse(_AccountResponse):
    """
    The one answer to a login, be it a success or a refusal; its other keys are those
    of L{RegisterResponse}.

    @ivar session_token: what L{TokenLoginRequest} takes in place of a password.
    @ivar token_expires: until when, in RFC 3339, UTC, unless it is used before.
    """

    message_type = MessageType.LOGIN_RESPONSE

    session_token: str | None = field(default=None, repr=False, metadata={"extension": "hello"})
    token_expires: str | None = extension("hello")


@frozen(kw_only=True)
class LogoutRequest(Request):
    """
    End the login; the connection stays for another one.
    """

    message_type = MessageType.LOGOUT_REQUEST


@frozen(kw_only=True)
class ChangePasswordRequest(Request):
    """
    Have another password. Every other session of the user ends, and every token
    but this session's.
    """

    message_type = MessageType.CHANGE_PASSWORD_REQUEST

    old_password: str = field(repr=False)
    new_password: str = field(repr=False)


@frozen(kw_only=True)
class ChangePasswordResponse(Reply):
    """
    The new password holds.

    @ivar ended_count: how many tokens hold no longer.
    """

    message_type = MessageType.CHANGE_PASSWORD_RESPONSE

    ended_count: int


@frozen(kw_only=True, slots=False)
class SessionInfo:
    """
    A login that can be taken up again by its token.

    @ivar client: the program, as its hello called it.
    @ivar device: where it runs, likewise.
    @ivar created_at: when it logged in with a password; this and all other times are
        in RFC 3339, UTC.
    @ivar last_used_at: when it logged in last, to within a day.
    @ivar expires_at: until when the token holds.
    @ivar is_online: whether it is connected.
    @ivar is_current: whether it is the session that asks.
    """

    session_id: Id
    client: str
    device: str
    created_at: str
    last_used_at: str
    expires_at: str
    is_online: bool
    is_current: bool


@frozen(kw_only=True)
class ListSessionsRequest(Request):
    """
    Ask for one's own logins that have a token.
    """

    message_type = MessageType.LIST_SESSIONS_REQUEST


@frozen(kw_only=True)
class ListSessionsResponse(Reply):
    """
    One's logins, by id.
    """

    message_type = MessageType.LIST_SESSIONS_RESPONSE

    sessions: list[SessionInfo]


@frozen(kw_only=True)
class RevokeSessionRequest(Request):
    """
    End a login of one's own: its token holds no longer, its connections close.
    """

    message_type = MessageType.REVOKE_SESSION_REQUEST

    session_id: Id


@frozen(kw_only=True)
class RevokeSessionResponse(Reply):
    """
    The login has ended.
    """

    message_type = MessageType.REVOKE_SESSION_RESPONSE

    session_id: Id
