"""
Rooms made, joined and entered.
"""

from typing import Annotated

from attrs import frozen
from msgspec import Meta

from chatroom.wire.codec import Id, OptionalId, Reply, Request, extension
from chatroom.wire.constants import MessageType
from chatroom.wire.details import Visibility

#: How many members a room may be made with.
_Names = Annotated[list[str], Meta(max_length=500)]


@frozen(kw_only=True)
class _NamesChat(Request):
    chat_name: str


@frozen(kw_only=True)
class CreateChatRequest(_NamesChat):
    """
    Make a room, with its first members.

    @ivar visibility: who may know of it; C{None} is everybody.
    """

    message_type = MessageType.CREATE_CHAT_REQUEST

    member_usernames: _Names | None = None
    visibility: Visibility | None = extension()


@frozen(kw_only=True)
class JoinChatRequest(_NamesChat):
    """
    Become a member of a room.
    """

    message_type = MessageType.JOIN_CHAT_REQUEST


@frozen(kw_only=True)
class EnterChatRequest(_NamesChat):
    """
    Make a room the session's current one, and see its newest messages.
    """

    message_type = MessageType.ENTER_CHAT_REQUEST


@frozen(kw_only=True)
class _ChatResponse(Reply):
    success: bool = True
    chat_group_id: Id
    chat_name: str
    error_message: str | None = None


@frozen(kw_only=True)
class CreateChatResponse(_ChatResponse):
    """
    The room is made.
    """

    message_type = MessageType.CREATE_CHAT_RESPONSE


@frozen(kw_only=True)
class JoinChatResponse(_ChatResponse):
    """
    The session's user is a member.
    """

    message_type = MessageType.JOIN_CHAT_RESPONSE


@frozen(kw_only=True)
class EnterChatResponse(_ChatResponse):
    """
    The room is the session's current one; its history follows.
    """

    message_type = MessageType.ENTER_CHAT_RESPONSE


@frozen(kw_only=True)
class LeaveChatRequest(Request):
    """
    Be no member of a room any more.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    """

    message_type = MessageType.LEAVE_CHAT_REQUEST

    chat_group_id: OptionalId | None = None


@frozen(kw_only=True)
class LeaveChatResponse(_ChatResponse):
    """
    The session's user is no member any more.
    """

    message_type = MessageType.LEAVE_CHAT_RESPONSE
