"""
Logins that are taken up again, listed and revoked.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.logins import Arrival, Ending
from chatroom.chat.times import rfc3339
from chatroom.errors import BadToken, ChatError, SessionNotFound
from chatroom.logs.journal import Journal
from chatroom.server.arriving import log_in, require_anonymous, require_room
from chatroom.server.dispatch import handles
from chatroom.server.handlers.following import heads_of
from chatroom.store.models import Head, Login, User
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    ListSessionsRequest,
    ListSessionsResponse,
    LoginResponse,
    RevokeSessionRequest,
    RevokeSessionResponse,
    SessionInfo,
    TokenLoginRequest,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

_log = Journal()


@handles(TokenLoginRequest, refusal=LoginResponse)
async def token_login(
    chat: "ChatService", session: "Session", request: TokenLoginRequest
) -> Sequence[Reply]:
    """
    Speak again as who one was.
    """
    # Of a token that is nobody's there is nothing to tell.
    name, token, peer = "", request.session_token, session.peer
    try:
        require_anonymous(session)
        with session.proving(), chat.logins.arriving(BadToken) as arrival:
            login = await chat.logins.resume(token, session.address)
            name = login.user.name
            heads = await log_in(chat, session, arrival, login.user, login)
    except ChatError as error:
        _log.note("login_failed", user=name, address=peer, reason=error.reason)
        raise
    _log.note("logged_in", user=name, address=peer)
    return welcome(session, login.user, heads, login, token)


async def log_in_anew(
    chat: "ChatService", session: "Session", arrival: Arrival, user: User
) -> Sequence[Reply]:
    """
    Let in who has given a password; who speaks the hello dialect gets a token.

    @return: the answer.
    @raise ChatError: as L{log_in} does; there is no token then.
    """
    require_room(chat, user)
    hello = session.greeting
    if hello is None:
        return welcome(session, user, await log_in(chat, session, arrival, user))
    login, token = await chat.logins.begin(user, hello.client or "", hello.device or "")
    try:
        heads = await log_in(chat, session, arrival, user, login)
    except Exception:
        await chat.logins.give_up(login)
        raise
    return welcome(session, user, heads, login, token)


def welcome(
    session: "Session",
    user: User,
    heads: Sequence[Head],
    login: Login | None = None,
    token: str | None = None,
) -> Sequence[Reply]:
    """
    @return: what answers a login.
    """
    if session.greeting is None or login is None:
        return [LoginResponse(success=True, user_id=user.id, username=user.name)]
    response = LoginResponse(
        success=True,
        user_id=user.id,
        username=user.name,
        session_token=token,
        token_expires=rfc3339(login.expires_at),
    )
    return [response, heads_of(heads)]


@handles(ListSessionsRequest)
async def list_sessions(
    chat: "ChatService", session: "Session", request: ListSessionsRequest
) -> ListSessionsResponse:
    """
    List one's own logins.
    """
    user = session.speaker
    logins = await chat.logins.of(user)
    online = {each.login.id for each in chat.sessions_of(user.id) if each.login is not None}
    current = session.login.id if session.login else None
    return ListSessionsResponse(
        sessions=[
            SessionInfo(
                session_id=each.id,
                client=each.client,
                device=each.device,
                created_at=rfc3339(each.created_at),
                last_used_at=rfc3339(each.last_used_at),
                expires_at=rfc3339(each.expires_at),
                is_online=each.id in online,
                is_current=each.id == current,
            )
            for each in logins
        ]
    )


@handles(RevokeSessionRequest)
async def revoke_session(
    chat: "ChatService", session: "Session", request: RevokeSessionRequest
) -> RevokeSessionResponse:
    """
    End one of one's own logins, and its connections.
    """
    user, login_id = session.speaker, request.session_id
    was_there = await chat.logins.end(user, login_id)
    is_current = session.login is not None and session.login.id == login_id
    ending = Ending(user_id=user.id, login_id=login_id)
    # It may be gone from the store, and somebody still be here by it.
    were_here = chat.end_sessions(ending, "session_revoked", but=session)
    if not (was_there or were_here or is_current):
        raise SessionNotFound(field="session_id")
    _log.note("session_revoked", user=user.name, address=session.peer)
    if is_current:
        session.part("session_revoked")
    return RevokeSessionResponse(session_id=login_id)
