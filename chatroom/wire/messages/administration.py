"""
What those ask who look after the server.
"""

from typing import Annotated

from attrs import field, frozen
from msgspec import Meta

from chatroom.wire.codec import Id, OptionalId, Reply, Request
from chatroom.wire.constants import MessageType
from chatroom.wire.details import Visibility
from chatroom.wire.messages.moderation import Reason

#: How many entries one answer has at the most.
_Limit = Annotated[int, Meta(ge=1, le=100)]


@frozen(kw_only=True)
class _AboutUser(Request):
    username: str


@frozen(kw_only=True)
class _UserResponse(Reply):
    """
    @ivar ended_count: how many tokens hold no longer.
    """

    user_id: Id
    username: str
    is_administrator: bool
    is_disabled: bool
    ended_count: int


@frozen(kw_only=True)
class DisableUserRequest(_AboutUser):
    """
    Have somebody not log in any more, and be here no longer.
    """

    message_type = MessageType.DISABLE_USER_REQUEST

    reason: Reason | None = None


@frozen(kw_only=True)
class DisableUserResponse(_UserResponse):
    """
    They are gone.
    """

    message_type = MessageType.DISABLE_USER_RESPONSE


@frozen(kw_only=True)
class EnableUserRequest(_AboutUser):
    """
    Have somebody log in again.
    """

    message_type = MessageType.ENABLE_USER_REQUEST

    reason: Reason | None = None


@frozen(kw_only=True)
class EnableUserResponse(_UserResponse):
    """
    They may.
    """

    message_type = MessageType.ENABLE_USER_RESPONSE


@frozen(kw_only=True)
class DeleteUserRequest(_AboutUser):
    """
    Delete an account; its name stays taken.
    """

    message_type = MessageType.DELETE_USER_REQUEST

    reason: Reason | None = None


@frozen(kw_only=True)
class DeleteUserResponse(_UserResponse):
    """
    It is nobody's any more.
    """

    message_type = MessageType.DELETE_USER_RESPONSE


@frozen(kw_only=True)
class SetAdministratorRequest(_AboutUser):
    """
    Have somebody look after the server, or no longer.
    """

    message_type = MessageType.SET_ADMINISTRATOR_REQUEST

    administrator: bool


@frozen(kw_only=True)
class SetAdministratorResponse(_UserResponse):
    """
    They do, or not.
    """

    message_type = MessageType.SET_ADMINISTRATOR_RESPONSE


@frozen(kw_only=True)
class ResetPasswordRequest(_AboutUser):
    """
    Have somebody log in with another password.
    """

    message_type = MessageType.RESET_PASSWORD_REQUEST

    new_password: str = field(repr=False)


@frozen(kw_only=True)
class ResetPasswordResponse(_UserResponse):
    """
    The new one holds.
    """

    message_type = MessageType.RESET_PASSWORD_RESPONSE


@frozen(kw_only=True)
class EndSessionsRequest(_AboutUser):
    """
    End all logins of somebody.
    """

    message_type = MessageType.END_SESSIONS_REQUEST


@frozen(kw_only=True)
class EndSessionsResponse(_UserResponse):
    """
    They are not here any more.
    """

    message_type = MessageType.END_SESSIONS_RESPONSE


@frozen(kw_only=True, slots=False)
class AccountInfo:
    """
    An account.

    @ivar created_at: in RFC 3339, UTC.
    @ivar session_count: how many sessions are here.
    """

    user_id: Id
    username: str
    created_at: str
    is_administrator: bool
    is_disabled: bool
    is_deleted: bool
    session_count: int


@frozen(kw_only=True)
class ListAccountsRequest(Request):
    """
    Ask for the accounts, some at a time.

    @ivar after_id: those after this one.
    @ivar limit: how many at the most; C{None} is 100.
    """

    message_type = MessageType.LIST_ACCOUNTS_REQUEST

    after_id: OptionalId | None = None
    limit: _Limit | None = None


@frozen(kw_only=True)
class ListAccountsResponse(Reply):
    """
    Accounts, by id.
    """

    message_type = MessageType.LIST_ACCOUNTS_RESPONSE

    accounts: list[AccountInfo]


@frozen(kw_only=True, slots=False)
class RoomState:
    """
    A room that is no private chat.

    @ivar created_at: in RFC 3339, UTC.
    @ivar owners: their names.
    """

    chat_group_id: Id
    chat_name: str
    visibility: Visibility
    member_count: int
    owners: list[str]
    created_at: str


@frozen(kw_only=True)
class ListRoomsRequest(Request):
    """
    Ask for the rooms, some at a time, as L{ListAccountsRequest}.
    """

    message_type = MessageType.LIST_ROOMS_REQUEST

    after_id: OptionalId | None = None
    limit: _Limit | None = None


@frozen(kw_only=True)
class ListRoomsResponse(Reply):
    """
    Rooms, by id.
    """

    message_type = MessageType.LIST_ROOMS_RESPONSE

    rooms: list[RoomState]


@frozen(kw_only=True, slots=False)
class AuditEntry:
    """
    Something that was done.

    @ivar at: when, in RFC 3339, UTC, with milliseconds.
    @ivar by: who did it; C{None} is the operator.
    @ivar action: what, as the type of its request, or C{inherit}.
    @ivar username: to whom, if it was somebody.
    @ivar chat_group_id: where, if it was in a room, and C{chat_name} what it was called.
    @ivar detail: what else there is to know.
    @ivar reason: why, as who did it has put it.
    """

    entry_id: Id
    at: str
    by: str | None
    action: str
    username: str | None
    chat_group_id: Id | None
    chat_name: str | None
    detail: str | None
    reason: str | None


@frozen(kw_only=True)
class ListAuditRequest(Request):
    """
    Ask what was done, newest first, some at a time.

    @ivar chat_group_id: where; C{None} is anywhere.
    @ivar before_id: what was done before this entry.
    @ivar limit: how many at the most; C{None} is 100.
    """

    message_type = MessageType.LIST_AUDIT_REQUEST

    chat_group_id: Id | None = None
    before_id: Id | None = None
    limit: _Limit | None = None


@frozen(kw_only=True)
class ListAuditResponse(Reply):
    """
    What was done, newest first.
    """

    message_type = MessageType.LIST_AUDIT_RESPONSE

    entries: list[AuditEntry]
