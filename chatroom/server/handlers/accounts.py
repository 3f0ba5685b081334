"""
Who speaks.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.logins import Ending
from chatroom.errors import ChatError, WrongCredentials
from chatroom.logs.journal import Journal
from chatroom.server.arriving import require_anonymous
from chatroom.server.dispatch import handles
from chatroom.server.handlers.logins import log_in_anew
from chatroom.store.models import User
from chatroom.texts import text
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    ChangePasswordRequest,
    ChangePasswordResponse,
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


@handles(RegisterRequest, refusal=RegisterResponse)
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


@handles(LoginRequest, refusal=LoginResponse)
async def login(chat: "ChatService", session: "Session", request: LoginRequest) -> Sequence[Reply]:
    """
    Begin to speak as somebody.
    """
    name, peer = request.username, session.peer
    try:
        require_anonymous(session)
        with session.proving(), chat.logins.arriving(WrongCredentials) as arrival:
            user = await _who(chat, session, request)
            answer = await log_in_anew(chat, session, arrival, user)
    except ChatError as error:
        _log.note("login_failed", user=name, address=peer, reason=error.reason)
        raise
    _log.note("logged_in", user=user.name, address=peer)
    return answer


async def _who(chat: "ChatService", session: "Session", request: LoginRequest) -> User:
    """
    @return: who logs in; a program knows who is in it.
    """
    name, inside = request.username, session.inside
    if inside is None or inside.username != name:
        return await chat.accounts.authenticate(name, request.password, session.address)
    if inside.is_bot:
        return await chat.accounts.of_bot(name)
    return await chat.accounts.vouched_for(name)


@handles(LogoutRequest)
async def logout(chat: "ChatService", session: "Session", request: LogoutRequest) -> SystemMessage:
    """
    Speak as nobody; a token holds no longer then.
    """
    user, login = session.speaker, session.login
    if login is not None:
        await chat.logins.end(user, login.id)
        ending = Ending(user_id=user.id, login_id=login.id)
        chat.end_sessions(ending, "session_revoked", but=session)
    session.log_out()
    _log.note("logged_out", user=user.name, address=session.peer)
    return SystemMessage(content=text(session.replies.language, "logged_out"))


@handles(ChangePasswordRequest)
async def change_password(
    chat: "ChatService", session: "Session", request: ChangePasswordRequest
) -> ChangePasswordResponse:
    """
    Have another password, and be the only session.
    """
    user, old, new = session.speaker, request.old_password, request.new_password
    kept = session.login.id if session.login else None
    try:
        count = await chat.accounts.change_password(user, old, new, session.address, but=kept)
    except ChatError as error:
        _log.note(
            "password_change_failed", user=user.name, address=session.peer, reason=error.reason
        )
        raise
    chat.end_sessions(Ending(user_id=user.id, but=kept), "password_changed", but=session)
    _log.note("password_changed", user=user.name, address=session.peer)
    return ChangePasswordResponse(ended_count=count)
