"""
Who speaks.
"""

from typing import TYPE_CHECKING

from twisted.logger import Logger

from chatroom.errors import WrongCredentials
from chatroom.server.dispatch import Needs, handles
from chatroom.texts import text
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

_log = Logger()


@handles(RegisterRequest, needs=Needs.ANYONE, refusal=RegisterResponse)
async def register(
    chat: "ChatService", session: "Session", request: RegisterRequest
) -> RegisterResponse:
    """
    Make an account.
    """
    user = await chat.accounts.register(request.username, request.password, session.address)
    _log.info("{user!r} registered from {peer}", user=user.name, peer=session.peer)
    return RegisterResponse(success=True, user_id=user.id, username=user.name)


@handles(LoginRequest, needs=Needs.ANYONE, refusal=LoginResponse)
async def login(chat: "ChatService", session: "Session", request: LoginRequest) -> LoginResponse:
    """
    Begin to speak as somebody.
    """
    session.require_anonymous()
    try:
        user = await chat.accounts.authenticate(
            request.username, request.password, session.address
        )
    except WrongCredentials:
        name = request.username[:32]
        _log.info("a login as {name!r} from {peer} failed", name=name, peer=session.peer)
        raise
    await session.log_in(user)
    _log.info("{user!r} logged in from {peer}", user=user.name, peer=session.peer)
    return LoginResponse(success=True, user_id=user.id, username=user.name)


@handles(LogoutRequest)
async def logout(chat: "ChatService", session: "Session", request: LogoutRequest) -> SystemMessage:
    """
    Speak as nobody.
    """
    session.log_out()
    return SystemMessage(content=text(chat.settings.language, "logged_out"))
