"""
What those ask who look after the server. Who may is up to L{Administration}.
"""

from typing import TYPE_CHECKING, Any

from chatroom.chat.alterations import visibility_of
from chatroom.chat.logins import Ending
from chatroom.chat.times import rfc3339
from chatroom.logs.journal import Journal
from chatroom.server.dispatch import handles
from chatroom.server.operator import actor, actor_name
from chatroom.store.oversight import AccountState
from chatroom.wire.messages import (
    AccountInfo,
    AuditEntry,
    DeleteUserRequest,
    DeleteUserResponse,
    DisableUserRequest,
    DisableUserResponse,
    EnableUserRequest,
    EnableUserResponse,
    EndSessionsRequest,
    EndSessionsResponse,
    ListAccountsRequest,
    ListAccountsResponse,
    ListAuditRequest,
    ListAuditResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    ResetPasswordRequest,
    ResetPasswordResponse,
    RoomState,
    SetAdministratorRequest,
    SetAdministratorResponse,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

#: How many entries one answer has at the most.
MOST_ENTRIES = 100

_log = Journal()


@handles(DisableUserRequest)
async def disable_user(
    chat: "ChatService", session: "Session", request: DisableUserRequest
) -> DisableUserResponse:
    """
    Have somebody be here no longer.
    """
    done = await chat.administration.disable(actor(session), request.username, request.reason)
    _end(chat, session, done[0], "account_disabled")
    return DisableUserResponse(**_done(session, "disable", *done))


@handles(EnableUserRequest)
async def enable_user(
    chat: "ChatService", session: "Session", request: EnableUserRequest
) -> EnableUserResponse:
    """
    Have somebody log in again.
    """
    done = await chat.administration.enable(actor(session), request.username, request.reason)
    return EnableUserResponse(**_done(session, "enable", *done))


@handles(DeleteUserRequest)
async def delete_user(
    chat: "ChatService", session: "Session", request: DeleteUserRequest
) -> DeleteUserResponse:
    """
    Delete an account.
    """
    done = await chat.administration.delete(actor(session), request.username, request.reason)
    _end(chat, session, done[0], "account_deleted")
    return DeleteUserResponse(**_done(session, "delete", *done))


@handles(SetAdministratorRequest)
async def set_administrator(
    chat: "ChatService", session: "Session", request: SetAdministratorRequest
) -> SetAdministratorResponse:
    """
    Have somebody look after the server, or no longer.
    """
    is_one = request.administrator
    done = await chat.administration.set_administrator(
        actor(session), request.username, is_one=is_one
    )
    deed = "make administrator of" if is_one else "make user of"
    return SetAdministratorResponse(**_done(session, deed, *done))


@handles(ResetPasswordRequest)
async def reset_password(
    chat: "ChatService", session: "Session", request: ResetPasswordRequest
) -> ResetPasswordResponse:
    """
    Have somebody log in with another password.
    """
    done = await chat.administration.reset_password(
        actor(session), request.username, request.new_password
    )
    _end(chat, session, done[0], "password_changed")
    return ResetPasswordResponse(**_done(session, "reset password of", *done))


@handles(EndSessionsRequest)
async def end_sessions(
    chat: "ChatService", session: "Session", request: EndSessionsRequest
) -> EndSessionsResponse:
    """
    Have somebody log in anew.
    """
    done = await chat.administration.end_sessions(actor(session), request.username)
    _end(chat, session, done[0], "session_revoked")
    return EndSessionsResponse(**_done(session, "end sessions of", *done))


@handles(ListAccountsRequest)
async def list_accounts(
    chat: "ChatService", session: "Session", request: ListAccountsRequest
) -> ListAccountsResponse:
    """
    List accounts.
    """
    limit, after = request.limit or MOST_ENTRIES, request.after_id or 0
    found = await chat.administration.accounts(actor(session), limit, after)
    return ListAccountsResponse(
        accounts=[
            AccountInfo(
                user_id=each.user.id,
                username=each.user.name,
                created_at=rfc3339(each.created_at),
                is_administrator=each.is_administrator,
                is_disabled=each.is_disabled,
                is_deleted=each.is_deleted,
                session_count=len(chat.hub.clients_of(each.user.id)),
            )
            for each in found
        ]
    )


@handles(ListRoomsRequest)
async def list_rooms(
    chat: "ChatService", session: "Session", request: ListRoomsRequest
) -> ListRoomsResponse:
    """
    List rooms.
    """
    limit, after = request.limit or MOST_ENTRIES, request.after_id or 0
    found = await chat.administration.rooms(actor(session), limit, after)
    return ListRoomsResponse(
        rooms=[
            RoomState(
                chat_group_id=each.room.id,
                chat_name=each.room.name,
                visibility=visibility_of(each.room),
                member_count=each.member_count,
                owners=[owner.name for owner in each.owners],
                created_at=rfc3339(each.room.created_at),
            )
            for each in found
        ]
    )


@handles(ListAuditRequest)
async def list_audit(
    chat: "ChatService", session: "Session", request: ListAuditRequest
) -> ListAuditResponse:
    """
    List what was done.
    """
    found = await chat.administration.audit(
        actor(session),
        request.limit or MOST_ENTRIES,
        request.before_id,
        request.chat_group_id,
    )
    return ListAuditResponse(
        entries=[
            AuditEntry(
                entry_id=each.id,
                at=rfc3339(each.at),
                by=None if each.by is None else each.by.name,
                action=each.action,
                username=None if each.user is None else each.user.name,
                chat_group_id=each.room_id,
                chat_name=each.room_name,
                detail=each.detail,
                reason=each.reason,
            )
            for each in found
        ]
    )


def _end(chat: "ChatService", session: "Session", account: AccountState, slug: str) -> None:
    """
    Send those away who are here by a login that has ended; who asks stays until they have
    the answer.
    """
    user_id = account.user.id
    chat.end_sessions(Ending(user_id=user_id), slug, but=session)
    if session.user is not None and user_id == session.user.id:
        session.part(slug)


def _done(
    session: "Session", deed: str, account: AccountState, ended_count: int
) -> dict[str, Any]:
    user = account.user
    _log.note("administered", user=actor_name(session), deed=deed, other=user.name)
    return {
        "user_id": user.id,
        "username": user.name,
        "is_administrator": account.is_administrator,
        "is_disabled": account.is_disabled,
        "ended_count": ended_count,
    }
