"""
The vocabulary: every message type as a class.

A class is registered by being defined. Requests are what clients send, replies
what the server sends, be it an answer or a push. L{parse_message} is the way
back from a line, C{message.to_json()} the way there::

    socket.sendall((LoginRequest(username="alice", password="…").to_json() + "\\n").encode())
    parse_message(line)          # LoginResponse(success=True, user_id=1, …)
"""

from chatroom.errors import InvalidMessage
from chatroom.wire.codec import Message, decode_message
from chatroom.wire.messages.accounts import (
    LoginRequest,
    LoginResponse,
    LogoutRequest,
    RegisterRequest,
    RegisterResponse,
)
from chatroom.wire.messages.looking import (
    ChatInfo,
    ListChatsRequest,
    ListChatsResponse,
    ListUsersRequest,
    ListUsersResponse,
    UserInfo,
    UserInfoRequest,
    UserInfoResponse,
)
from chatroom.wire.messages.notices import ErrorMessage, SystemMessage
from chatroom.wire.messages.rooms import (
    CreateChatRequest,
    CreateChatResponse,
    EnterChatRequest,
    EnterChatResponse,
    JoinChatRequest,
    JoinChatResponse,
)
from chatroom.wire.messages.talking import (
    ChatHistory,
    ChatHistoryComplete,
    ChatMessage,
    ChatMessageAck,
    PostRequest,
)

__all__ = [
    "ChatHistory",
    "ChatHistoryComplete",
    "ChatInfo",
    "ChatMessage",
    "ChatMessageAck",
    "CreateChatRequest",
    "CreateChatResponse",
    "EnterChatRequest",
    "EnterChatResponse",
    "ErrorMessage",
    "JoinChatRequest",
    "JoinChatResponse",
    "ListChatsRequest",
    "ListChatsResponse",
    "ListUsersRequest",
    "ListUsersResponse",
    "LoginRequest",
    "LoginResponse",
    "LogoutRequest",
    "Message",
    "PostRequest",
    "RegisterRequest",
    "RegisterResponse",
    "SystemMessage",
    "UserInfo",
    "UserInfoRequest",
    "UserInfoResponse",
    "parse_message",
]


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
