"""
C{users} and C{sessions}: accounts, and who is here by them.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Mapping
from typing import Any

from chatroom.admin.desk import Desk
from chatroom.admin.shown import visible
from chatroom.admin.tasks import Lines, Task, tell
from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import (
    AccountInfo,
    AddUserRequest,
    AddUserResponse,
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
    ListUserSessionsRequest,
    ListUserSessionsResponse,
    ResetPasswordRequest,
    ResetPasswordResponse,
    SetAdministratorRequest,
    SetAdministratorResponse,
    UserSession,
)

#: What each account can be, in the order of what counts.
_STATES = (("is_deleted", "deleted"), ("is_disabled", "disabled"))


def _nothing(_: ArgumentParser) -> None:
    """
    Needs no argument.
    """


def _name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of a user")


def _name_and_reason(parser: ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")


def _perhaps_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="of a user [everybody]")


async def _accounts(desk: Desk) -> AsyncIterator[AccountInfo]:
    last: int | None = 0
    while last is not None:
        page = await desk.ask(ListAccountsRequest(after_id=last), ListAccountsResponse)
        for each in page.accounts:
            yield each
        last = page.accounts[-1].user_id if page.accounts else None


async def _list(desk: Desk, chosen: Namespace) -> None:
    lines = Lines(desk, chosen, "ID", "NAME", "STATE", "ROLE", "SESSIONS", "CREATED")
    async for each in _accounts(desk):
        states = [word for key, word in _STATES if getattr(each, key)]
        lines.add(
            each,
            each.user_id,
            each.username,
            states[0] if states else "enabled",
            "administrator" if each.is_administrator else "user",
            each.session_count,
            each.created_at,
        )
    lines.end()


async def _add(desk: Desk, chosen: Namespace) -> None:
    request = AddUserRequest(username=chosen.name, password=chosen.password)
    done = await desk.ask(request, AddUserResponse)
    said = {"user_id": done.user_id, "username": done.username}
    tell(desk, chosen, said, f"added {visible(done.username)}, user {done.user_id}")


async def _disable(desk: Desk, chosen: Namespace) -> None:
    request = DisableUserRequest(username=chosen.name, reason=chosen.reason)
    await _do(desk, chosen, request, DisableUserResponse, "disabled")


async def _enable(desk: Desk, chosen: Namespace) -> None:
    request = EnableUserRequest(username=chosen.name, reason=chosen.reason)
    await _do(desk, chosen, request, EnableUserResponse, "enabled")


async def _delete(desk: Desk, chosen: Namespace) -> None:
    request = DeleteUserRequest(username=chosen.name, reason=chosen.reason)
    await _do(desk, chosen, request, DeleteUserResponse, "deleted")


async def _reset(desk: Desk, chosen: Namespace) -> None:
    request = ResetPasswordRequest(username=chosen.name, new_password=chosen.password)
    await _do(desk, chosen, request, ResetPasswordResponse, "reset the password of")


async def _make(desk: Desk, chosen: Namespace) -> None:
    request = SetAdministratorRequest(username=chosen.name, administrator=True)
    await _do(desk, chosen, request, SetAdministratorResponse, "made an administrator of")


async def _revoke(desk: Desk, chosen: Namespace) -> None:
    request = SetAdministratorRequest(username=chosen.name, administrator=False)
    await _do(desk, chosen, request, SetAdministratorResponse, "made a user like others of")


async def _end(desk: Desk, chosen: Namespace) -> None:
    request = EndSessionsRequest(username=chosen.name)
    await _do(desk, chosen, request, EndSessionsResponse, "ended the sessions of")


async def _do(
    desk: Desk, chosen: Namespace, request: Request, form: type[Reply], deed: str
) -> None:
    done: Any = await desk.ask(request, form)
    keys = ("user_id", "username", "is_administrator", "is_disabled", "ended_count")
    said = {key: getattr(done, key) for key in keys}
    sentence = f"{deed} {visible(done.username)}, user {done.user_id}"
    if done.ended_count:
        sentence += f"; ended {done.ended_count} login{'s' * (done.ended_count != 1)}"
    tell(desk, chosen, said, sentence)


async def _sessions(desk: Desk, name: str | None) -> AsyncIterator[UserSession]:
    last: int | None = 0
    while last is not None:
        request = ListUserSessionsRequest(username=name, after_id=last)
        page = await desk.ask(request, ListUserSessionsResponse)
        for each in page.sessions:
            yield each
        # With those that have no token comes the end.
        ids = [each.session_id for each in page.sessions]
        last = ids[-1] if ids else None


async def _list_sessions(desk: Desk, chosen: Namespace) -> None:
    lines = Lines(
        desk, chosen, "ID", "USER", "CLIENT", "DEVICE", "LAST USED", "EXPIRES", "HERE FROM"
    )
    async for each in _sessions(desk, chosen.name):
        lines.add(
            each,
            each.session_id,
            each.username,
            each.client,
            each.device,
            each.last_used_at,
            each.expires_at,
            ", ".join(each.addresses),
        )
    lines.end()


USERS: Mapping[str, Task] = {
    "list": Task("list the accounts", _nothing, _list),
    "add": Task(
        "make an account, also where registration is closed", _name, _add, has_password=True
    ),
    "disable": Task("have somebody not log in any more", _name_and_reason, _disable),
    "enable": Task("have somebody log in again", _name_and_reason, _enable),
    "delete": Task(
        "delete an account for good",
        _name_and_reason,
        _delete,
        question="Delete the account {name} for good?",
    ),
    "reset-password": Task(
        "have somebody log in with another password", _name, _reset, has_password=True
    ),
    "make-administrator": Task("have somebody look after the server", _name, _make),
    "revoke-administrator": Task("have somebody do so no longer", _name, _revoke),
}

SESSIONS: Mapping[str, Task] = {
    "list": Task("list logins that hold, and who is here", _perhaps_name, _list_sessions),
    "end": Task("have somebody log in anew everywhere", _name, _end),
}
