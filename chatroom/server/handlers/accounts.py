"""
Who speaks.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.errors import AlreadyLoggedIn, ChatError
from chatroom.logs.journal import Journal
from chatroom.server.dispatch import Needs, handles
from chatroom.server.handlers.following import heads_of
from chatroom.texts import text
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    LoginRequest,
    LoginResponse,
    LogoutRequest,
    RegisterRequest,
    RegisterResponse,
    SystemMessage,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

_log = Journal()


@handles(RegisterRequest, needs=Needs.ANYONE, refusal=RegisterResponse)
async def register(
    chat: "ChatService", session: "Session", request: RegisterRequest
) -> RegisterResponse:
    """
    Make an account.
    """
    name, peer = request.username, session.peer
    try:
        user = await chat.accounts.register(name, request.password, session.address)
    except ChatError as error:
        _log.note("registration_failed", user=name, address=peer, reason=error.reason)
        raise
    _log.note("registered", user=user.name, address=peer)
    return RegisterResponse(success=True, user_id=user.id, username=user.name)


@handles(LoginRequest, needs=Needs.ANYONE, refusal=LoginResponse)
async def login(chat: "ChatService", session: "Session", request: LoginRequest) -> Sequence[Reply]:
    """
    Begin to speak as somebody.
    """
    name, peer = request.username, session.peer
    try:
        _require_anonymous(session)
        with session.proving():
            user = await chat.accounts.authenticate(name, request.password, session.address)
            heads = await session.log_in(user)
    except ChatError as error:
        _log.note("login_failed", user=name, address=peer, reason=error.reason)
        raise
    _log.note("logged_in", user=user.name, address=peer)
    response = LoginResponse(success=True, user_id=user.id, username=user.name)
    return [response] if session.greeting is None else [response, heads_of(heads)]


def _require_anonymous(session: "Session") -> None:
    if session.user is not None:
        raise AlreadyLoggedIn()


@handles(LogoutRequest)
async def logout(chat: "ChatService", session: "Session", request: LogoutRequest) -> SystemMessage:
    """
    Speak as nobody.
    """
    user = session.speaker
    session.log_out()
    _log.note("logged_out", user=user.name, address=session.peer)
    return SystemMessage(content=text(session.replies.language, "logged_out"))
