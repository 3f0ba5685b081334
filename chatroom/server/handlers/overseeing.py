"""
What else those ask who look after the server. Who may is up to
L{chatroom.chat.administration.Administration}.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.chat.times import rfc3339
from chatroom.logs.journal import Journal
from chatroom.server.dispatch import handles
from chatroom.server.operator import actor, actor_name
from chatroom.store.models import NEVER
from chatroom.wire.messages import (
    AddUserRequest,
    AddUserResponse,
    BanEntry,
    ListBansRequest,
    ListBansResponse,
    ListUserSessionsRequest,
    ListUserSessionsResponse,
    UserSession,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

#: How many entries one answer has at the most.
MOST_ENTRIES = 100

_log = Journal()


@handles(AddUserRequest)
async def add_user(
    chat: "ChatService", session: "Session", request: AddUserRequest
) -> AddUserResponse:
    """
    Make an account for somebody.
    """
    by, name = actor(session), request.username
    user = await chat.administration.add_user(by, name, request.password)
    _log.note("administered", user=actor_name(session), deed="add", other=user.name)
    return AddUserResponse(user_id=user.id, username=user.name)


@handles(ListUserSessionsRequest)
async def list_user_sessions(
    chat: "ChatService", session: "Session", request: ListUserSessionsRequest
) -> ListUserSessionsResponse:
    """
    List logins, and who is here without one that can be taken up again.
    """
    limit, after = request.limit or MOST_ENTRIES, request.after_id or 0
    now = int(chat.now() * 1000)
    user, logins = await chat.administration.logins(
        actor(session), request.username, limit, after, now
    )
    here = chat.sessions if user is None else chat.sessions_of(user.id)
    by_login: dict[int, list[str]] = {}
    for each in here:
        if each.login is not None:
            by_login.setdefault(each.login.id, []).append(each.peer)
    found = [
        UserSession(
            session_id=each.id,
            user_id=each.user.id,
            username=each.user.name,
            client=each.client,
            device=each.device,
            created_at=rfc3339(each.created_at),
            last_used_at=rfc3339(each.last_used_at),
            expires_at=rfc3339(each.expires_at),
            addresses=sorted(by_login.get(each.id, [])),
        )
        for each in logins
    ]
    if len(logins) < limit:
        found += _without_login(here)
    return ListUserSessionsResponse(sessions=found)


@handles(ListBansRequest)
async def list_bans(
    chat: "ChatService", session: "Session", request: ListBansRequest
) -> ListBansResponse:
    """
    List who may be no member of what.
    """
    found = await chat.administration.bans(
        actor(session),
        request.limit or MOST_ENTRIES,
        (request.after_chat_group_id or 0, request.after_user_id or 0),
        request.chat_group_id,
        int(chat.now() * 1000),
    )
    return ListBansResponse(
        bans=[
            BanEntry(
                chat_group_id=room.id,
                chat_name=room.name,
                user_id=ban.user.id,
                username=ban.user.name,
                banned_until=None if ban.until == NEVER else rfc3339(ban.until),
            )
            for room, ban in found
        ]
    )


def _without_login(here: "Iterable[Session]") -> list[UserSession]:
    some = [
        UserSession(
            session_id=None,
            user_id=each.user.id,
            username=each.user.name,
            client="",
            device="",
            created_at=None,
            last_used_at=None,
            expires_at=None,
            addresses=[each.peer],
        )
        for each in here
        if each.user is not None and each.login is None
    ]
    return sorted(some, key=lambda each: (each.user_id, each.addresses))
