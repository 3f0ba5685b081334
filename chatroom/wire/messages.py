"""
The vocabulary: every message type as a class.

A class is registered by being defined. Requests are what clients send, replies
what the server sends, be it an answer or a push. L{parse_message} is the way
back from a line, C{message.to_json()} the way there::

    socket.sendall((LoginRequest(username="alice", password="…").to_json() + "\\n").encode())
    parse_message(line)          # LoginResponse(success=True, user_id=1, …)
"""

from typing import Annotated, Literal

from attrs import field, frozen
from msgspec import Meta

from chatroom.errors import InvalidMessage
from chatroom.wire.codec import (
    ClientMessageId,
    Id,
    Message,
    OptionalId,
    Reply,
    Request,
    decode_message,
    extension,
)
from chatroom.wire.constants import MessageType

#: How many names one request may hold; the bound on a line is lower in practice.
_Names = Annotated[list[str], Meta(max_length=10_000)]

# Accounts


@frozen(kw_only=True)
class RegisterRequest(Request):
    """
    Make an account. It does not log in.
    """

    message_type = MessageType.REGISTER_REQUEST

    username: str
    password: str = field(repr=False)


@frozen(kw_only=True)
class RegisterResponse(Reply):
    """
    The one answer to a registration, be it a success or a refusal.

    @ivar user_id: who was made, or C{None}.
    @ivar error_message: why not, for people, or C{None}.
    @ivar error_code: the same for programs, where the request had a C{request_id}.
    @ivar reason: likewise, as a slug.
    """

    message_type = MessageType.REGISTER_RESPONSE

    success: bool
    user_id: Id | None = None
    username: str | None = None
    error_message: str | None = None
    error_code: int | None = extension()
    reason: str | None = extension()


@frozen(kw_only=True)
class LoginRequest(Request):
    """
    Say who speaks in this session.
    """

    message_type = MessageType.LOGIN_REQUEST

    username: str
    password: str = field(repr=False)


@frozen(kw_only=True)
class LoginResponse(Reply):
    """
    The one answer to a login, be it a success or a refusal; its keys are those
    of L{RegisterResponse}.
    """

    message_type = MessageType.LOGIN_RESPONSE

    success: bool
    user_id: Id | None = None
    username: str | None = None
    error_message: str | None = None
    error_code: int | None = extension()
    reason: str | None = extension()


@frozen(kw_only=True)
class LogoutRequest(Request):
    """
    End the login; the connection stays for another one.
    """

    message_type = MessageType.LOGOUT_REQUEST


# Talking


@frozen(kw_only=True)
class PostRequest(Request):
    """
    Say something: the form of C{chat_message} that the server reads.

    @ivar chat_group_id: the room; absent, null or 0 is the session's current one.
    @ivar client_message_id: the sender's own name for the message: sending it
        twice stores it once.
    """

    message_type = MessageType.CHAT_MESSAGE

    content: str
    chat_group_id: OptionalId | None = None
    client_message_id: ClientMessageId | None = extension()


@frozen(kw_only=True)
class ChatMessage(Reply):
    """
    What somebody said, as pushed to every session of every member.

    Made by a client, with C{content} and at most C{chat_group_id}, it is also
    what L{PostRequest} reads: the server knows the rest.

    @ivar timestamp: when it was stored.
    """

    message_type = MessageType.CHAT_MESSAGE

    message_id: Id | None = None
    sender_id: Id | None = None
    sender_username: str | None = None
    chat_group_id: OptionalId | None = None
    chat_group_name: str | None = None
    content: str


@frozen(kw_only=True)
class ChatMessageAck(Reply):
    """
    The message is stored. Sent for a post that has a C{request_id} or a
    C{client_message_id}, before the push.

    @ivar seq: the message's place in its room: 1, 2, 3 …
    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar duplicate: whether it had been stored by an earlier sending.
    """

    message_type = MessageType.CHAT_MESSAGE_ACK

    chat_group_id: Id
    message_id: Id
    seq: Id
    client_message_id: str | None = None
    server_time: str
    duplicate: bool


@frozen(kw_only=True)
class ChatHistory(Reply):
    """
    What somebody said earlier; its keys are those of L{ChatMessage}.
    """

    message_type = MessageType.CHAT_HISTORY

    message_id: Id
    sender_id: Id
    sender_username: str
    chat_group_id: Id
    chat_group_name: str
    content: str


@frozen(kw_only=True)
class ChatHistoryComplete(Reply):
    """
    The end of a history.

    @ivar message_count: how many L{ChatHistory} came before it.
    """

    message_type = MessageType.CHAT_HISTORY_COMPLETE

    chat_group_id: Id
    message_count: int


# Looking around


@frozen(kw_only=True)
class UserInfo:
    """
    Somebody.

    @ivar is_online: whether they have a session.
    """

    user_id: Id
    username: str
    is_online: bool


@frozen(kw_only=True)
class ChatInfo:
    """
    A room.

    @ivar created_at: in RFC 3339, UTC.
    """

    group_id: Id
    group_name: str
    is_private_chat: bool
    member_count: int
    created_at: str


@frozen(kw_only=True)
class UserInfoRequest(Request):
    """
    Ask who one is, and for the server's numbers.
    """

    message_type = MessageType.USER_INFO_REQUEST


@frozen(kw_only=True)
class UserInfoResponse(Reply):
    """
    The asker, and how many there are of what.

    @ivar joined_chats_count: rooms the asker is a member of: private and others.
    @ivar total_chats_count: all rooms of the server.
    """

    message_type = MessageType.USER_INFO_RESPONSE

    user_info: UserInfo
    joined_chats_count: int
    private_chats_count: int
    group_chats_count: int
    total_users_count: int
    online_users_count: int
    total_chats_count: int


@frozen(kw_only=True)
class ListUsersRequest(Request):
    """
    Ask who has an account, or who is a member of a room.

    @ivar chat_group_id: the room, for C{current_chat}; else the session's own.
    """

    message_type = MessageType.LIST_USERS_REQUEST

    list_type: Literal["all", "current_chat"] | None = None
    chat_group_id: OptionalId | None = None


@frozen(kw_only=True)
class ListUsersResponse(Reply):
    """
    Users, by id.
    """

    message_type = MessageType.LIST_USERS_RESPONSE

    users: list[UserInfo]


@frozen(kw_only=True)
class ListChatsRequest(Request):
    """
    Ask for one's rooms, or for those and all public ones.
    """

    message_type = MessageType.LIST_CHATS_REQUEST

    list_type: Literal["joined", "all"] | None = None


@frozen(kw_only=True)
class ListChatsResponse(Reply):
    """
    Rooms, by id.
    """

    message_type = MessageType.LIST_CHATS_RESPONSE

    chats: list[ChatInfo]


# Rooms


@frozen(kw_only=True)
class CreateChatRequest(Request):
    """
    Make a room, with its first members.
    """

    message_type = MessageType.CREATE_CHAT_REQUEST

    chat_name: str
    member_usernames: _Names | None = None


@frozen(kw_only=True)
class JoinChatRequest(Request):
    """
    Become a member of a room.
    """

    message_type = MessageType.JOIN_CHAT_REQUEST

    chat_name: str


@frozen(kw_only=True)
class EnterChatRequest(Request):
    """
    Make a room the session's current one, and see its newest messages.
    """

    message_type = MessageType.ENTER_CHAT_REQUEST

    chat_name: str


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


# The server speaking for itself


@frozen(kw_only=True)
class SystemMessage(Reply):
    """
    A notice for people.
    """

    message_type = MessageType.SYSTEM_MESSAGE

    content: str
    level: Literal["info", "warning", "error"] = "info"


@frozen(kw_only=True)
class ErrorMessage(Reply):
    """
    A request is refused.

    The keys after C{error_message} are there where the request had a
    C{request_id} or a C{client_message_id}.

    @ivar error_code: an L{chatroom.errors.ErrorCode}.
    @ivar error_message: why, for people.
    @ivar reason: why, as a stable slug.
    @ivar field: the key of the request that is at fault.
    @ivar temporary: whether the same request may succeed later.
    @ivar retry_after: in how many seconds, if known.
    @ivar client_message_id: what the refused post had.
    """

    message_type = MessageType.ERROR_MESSAGE

    error_code: int
    error_message: str
    reason: str | None = extension()
    field: str | None = extension()
    temporary: bool | None = extension()
    retry_after: float | None = extension()
    client_message_id: str | None = extension()


def parse_message(text: str | bytes) -> Message:
    """
    Read a line, from whichever side it comes.

    @param text: one line, with or without its newline.
    @return: the message, typed; an L{ErrorMessage} with code 1008 for what is none.
    """
    try:
        return decode_message(text)
    except InvalidMessage as error:
        return ErrorMessage(error_code=int(error.code), error_message=str(error))
