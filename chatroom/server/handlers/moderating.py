"""
What is done to rooms and to who is in them. All of it counts as messages.
"""

from math import ceil
from typing import TYPE_CHECKING, Any

from chatroom.chat.alterations import visibility_of
from chatroom.chat.deeds import Done
from chatroom.chat.times import rfc3339
from chatroom.logs.journal import Journal
from chatroom.server.dispatch import handles
from chatroom.server.handlers.talking import take_turn
from chatroom.server.operator import actor, actor_name
from chatroom.store.models import NEVER, Ban, EventKind, Membership, Role, RoomKind
from chatroom.wire.details import Details
from chatroom.wire.messages import (
    BanInfo,
    BanRequest,
    BanResponse,
    ChatInfoRequest,
    ChatInfoResponse,
    DeleteChatRequest,
    DeleteChatResponse,
    InviteRequest,
    InviteResponse,
    KickRequest,
    KickResponse,
    LiftRequest,
    LiftResponse,
    MemberInfo,
    MuteRequest,
    MuteResponse,
    SetRoleRequest,
    SetRoleResponse,
    TransferChatRequest,
    TransferChatResponse,
    UpdateChatRequest,
    UpdateChatResponse,
)

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

_log = Journal()

_DoneTo = InviteRequest | KickRequest | MuteRequest | BanRequest | LiftRequest | SetRoleRequest


@handles(InviteRequest)
async def invite(
    chat: "ChatService", session: "Session", request: InviteRequest
) -> InviteResponse:
    """
    Let somebody join a room.
    """
    take_turn(chat, session)
    room_id = request.chat_group_id or session.room_id
    await _ask(chat, session, EventKind.INVITE, request)
    done = await chat.moderation.invite(session.speaker, room_id, request.username)
    return InviteResponse(**_done_to(done))


@handles(KickRequest)
async def kick(chat: "ChatService", session: "Session", request: KickRequest) -> KickResponse:
    """
    Have somebody be no member any more.
    """
    take_turn(chat, session)
    room_id = request.chat_group_id or session.room_id
    await _ask(chat, session, EventKind.KICK, request, Details(reason=request.reason))
    done = await chat.moderation.kick(actor(session), room_id, request.username, request.reason)
    _note(session, done, "kick")
    return KickResponse(**_done_to(done))


@handles(MuteRequest)
async def mute(chat: "ChatService", session: "Session", request: MuteRequest) -> MuteResponse:
    """
    Have a member say nothing.
    """
    take_turn(chat, session)
    room_id, until = request.chat_group_id or session.room_id, _milliseconds(request.until)
    details = Details(until=until, reason=request.reason)
    await _ask(chat, session, EventKind.MUTE, request, details)
    done = await chat.moderation.mute(
        actor(session), room_id, request.username, until, request.reason
    )
    _note(session, done, "mute")
    return MuteResponse(**_done_to(done))


@handles(BanRequest)
async def ban(chat: "ChatService", session: "Session", request: BanRequest) -> BanResponse:
    """
    Have somebody be no member, and become none.
    """
    take_turn(chat, session)
    room_id, until = request.chat_group_id or session.room_id, _milliseconds(request.until)
    details = Details(until=until, reason=request.reason)
    await _ask(chat, session, EventKind.BAN, request, details)
    done = await chat.moderation.ban(
        actor(session), room_id, request.username, until, request.reason
    )
    _note(session, done, "ban")
    return BanResponse(**_done_to(done))


@handles(LiftRequest)
async def lift(chat: "ChatService", session: "Session", request: LiftRequest) -> LiftResponse:
    """
    Have somebody be muted and banned no longer.
    """
    take_turn(chat, session)
    room_id = request.chat_group_id or session.room_id
    await _ask(chat, session, EventKind.LIFT, request, Details(reason=request.reason))
    done = await chat.moderation.lift(actor(session), room_id, request.username, request.reason)
    _note(session, done, "lift")
    return LiftResponse(**_done_to(done))


@handles(SetRoleRequest)
async def set_role(
    chat: "ChatService", session: "Session", request: SetRoleRequest
) -> SetRoleResponse:
    """
    Have a member be something else.
    """
    take_turn(chat, session)
    room_id, role = request.chat_group_id or session.room_id, Role(request.role)
    await _ask(chat, session, EventKind.ROLE, request, Details(role=request.role))
    done = await chat.moderation.set_role(actor(session), room_id, request.username, role)
    _note(session, done, f"make {role.value} of")
    return SetRoleResponse(role=request.role, **_done_to(done))


@handles(TransferChatRequest)
async def transfer_chat(
    chat: "ChatService", session: "Session", request: TransferChatRequest
) -> TransferChatResponse:
    """
    Have a member be the one owner of a room.
    """
    take_turn(chat, session)
    done = await chat.moderation.transfer(
        actor(session), request.chat_group_id, request.username, request.reason
    )
    _note(session, done, "transfer to")
    return TransferChatResponse(**_done_to(done))


@handles(UpdateChatRequest)
async def update_chat(
    chat: "ChatService", session: "Session", request: UpdateChatRequest
) -> UpdateChatResponse:
    """
    Have a room be something else.
    """
    take_turn(chat, session)
    room_id = request.chat_group_id or session.room_id
    details = Details(
        name=request.name,
        topic=request.topic,
        visibility=request.visibility,
        reason=request.reason,
    )
    await chat.guards.ask(EventKind.UPDATE, actor(session), room_id=room_id, details=details)
    done = await chat.alterations.update(
        actor(session),
        room_id,
        topic=request.topic,
        name=request.name,
        visibility=request.visibility,
        reason=request.reason,
    )
    return UpdateChatResponse(
        chat_name=done.room.name,
        topic=done.room.topic,
        visibility=visibility_of(done.room),
        **_done(done),
    )


@handles(DeleteChatRequest)
async def delete_chat(
    chat: "ChatService", session: "Session", request: DeleteChatRequest
) -> DeleteChatResponse:
    """
    Delete a room.
    """
    take_turn(chat, session)
    user, room_id = actor(session), request.chat_group_id
    details = Details(reason=request.reason)
    await chat.guards.ask(EventKind.END, user, room_id=room_id, details=details)
    done = await chat.alterations.end(user, room_id, request.reason)
    _log.note("room_deleted", user=actor_name(session), room=done.room.id)
    return DeleteChatResponse(chat_name=done.room.name, **_done(done))


@handles(ChatInfoRequest)
async def chat_info(
    chat: "ChatService", session: "Session", request: ChatInfoRequest
) -> ChatInfoResponse:
    """
    Tell what a room is, and who is in it.
    """
    now = chat.now()
    info = await chat.rooms.info(actor(session), request.chat_group_id or session.room_id, now)
    room = info.room
    return ChatInfoResponse(
        chat_group_id=room.id,
        chat_name=room.name,
        is_private_chat=room.kind is RoomKind.PRIVATE,
        visibility=visibility_of(room),
        topic=room.topic,
        created_at=rfc3339(room.created_at),
        members=[_member(each, int(now * 1000)) for each in info.members],
        bans=None if info.bans is None else [_ban(each) for each in info.bans],
    )


async def _ask(
    chat: "ChatService",
    session: "Session",
    kind: EventKind,
    request: _DoneTo,
    details: Details | None = None,
) -> None:
    """
    Ask the guards about what is to be done to somebody.
    """
    await chat.guards.ask(
        kind,
        actor(session),
        room_id=request.chat_group_id or session.room_id,
        usernames=[request.username],
        details=details or Details(),
    )


def _member(membership: Membership, now: int) -> MemberInfo:
    until = membership.muted_until
    is_muted = until is not None and until > now
    return MemberInfo(
        user_id=membership.user.id,
        username=membership.user.name,
        role=membership.role.value,
        is_muted=is_muted,
        muted_until=_time(until) if is_muted else None,
    )


def _ban(ban: Ban) -> BanInfo:
    return BanInfo(user_id=ban.user.id, username=ban.user.name, banned_until=_time(ban.until))


def _time(until: int | None) -> str | None:
    return None if until is None or until == NEVER else rfc3339(until)


def _milliseconds(until: float | None) -> int | None:
    return None if until is None else ceil(until * 1000)


def _done(done: Done) -> dict[str, Any]:
    event = done.event
    return {
        "chat_group_id": done.room.id,
        "seq": None if event is None else event.seq,
        "server_time": None if event is None else rfc3339(event.created_at),
        "duplicate": event is None,
    }


def _done_to(done: Done) -> dict[str, Any]:
    assert done.user is not None
    return {"user_id": done.user.id, "username": done.user.name, **_done(done)}


def _note(session: "Session", done: Done, deed: str) -> None:
    """
    Tell the operator.
    """
    assert done.user is not None
    if done.event is not None:
        _log.note(
            "moderated",
            user=actor_name(session),
            deed=deed,
            other=done.user.name,
            room=done.room.id,
        )
