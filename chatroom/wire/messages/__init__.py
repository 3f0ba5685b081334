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
    ChangePasswordRequest,
    ChangePasswordResponse,
    ListSessionsRequest,
    ListSessionsResponse,
    LoginRequest,
    LoginResponse,
    LogoutRequest,
    RegisterRequest,
    RegisterResponse,
    RevokeSessionRequest,
    RevokeSessionResponse,
    SessionInfo,
    TokenLoginRequest,
)
from chatroom.wire.messages.following import (
    ChatHead,
    ChatHeads,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    MessageEdited,
    Position,
    ReactionChanged,
    ResumedChat,
    ResumeRequest,
    ResumeResponse,
)
from chatroom.wire.messages.greeting import (
    Goodbye,
    HelloRequest,
    HelloResponse,
    Limits,
    Ping,
    PingRequest,
    Pong,
    PongRequest,
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
from chatroom.wire.messages.moderation import (
    BanInfo,
    BanRequest,
    BanResponse,
    ChatChanged,
    ChatDeleted,
    ChatInfoRequest,
    ChatInfoResponse,
    ChatInvitation,
    DeleteChatRequest,
    DeleteChatResponse,
    InviteRequest,
    InviteResponse,
    KickRequest,
    KickResponse,
    LiftRequest,
    LiftResponse,
    MemberChanged,
    MemberInfo,
    MuteRequest,
    MuteResponse,
    PrivateChatRequest,
    SetRoleRequest,
    SetRoleResponse,
    UpdateChatRequest,
    UpdateChatResponse,
)
from chatroom.wire.messages.notices import (
    ErrorMessage,
    SystemMessage,
)
from chatroom.wire.messages.reading import (
    MarkReadRequest,
    Presence,
    ReadMarker,
    Receipt,
    Typing,
    TypingRequest,
)
from chatroom.wire.messages.rooms import (
    CreateChatRequest,
    CreateChatResponse,
    EnterChatRequest,
    EnterChatResponse,
    JoinChatRequest,
    JoinChatResponse,
    LeaveChatRequest,
    LeaveChatResponse,
)
from chatroom.wire.messages.searching import (
    SearchHit,
    SearchRequest,
    SearchResponse,
)
from chatroom.wire.messages.talking import (
    ChatHistory,
    ChatHistoryComplete,
    ChatMessage,
    ChatMessageAck,
    DeleteMessageRequest,
    DeleteMessageResponse,
    EditMessageRequest,
    EditMessageResponse,
    HistoryRequest,
    PostRequest,
    Reaction,
    ReactRequest,
    ReactResponse,
)

__all__ = [
    "BanInfo",
    "BanRequest",
    "BanResponse",
    "ChangePasswordRequest",
    "ChangePasswordResponse",
    "ChatChanged",
    "ChatDeleted",
    "ChatHead",
    "ChatHeads",
    "ChatHistory",
    "ChatHistoryComplete",
    "ChatInfo",
    "ChatInfoRequest",
    "ChatInfoResponse",
    "ChatInvitation",
    "ChatMessage",
    "ChatMessageAck",
    "CreateChatRequest",
    "CreateChatResponse",
    "DeleteChatRequest",
    "DeleteChatResponse",
    "DeleteMessageRequest",
    "DeleteMessageResponse",
    "EditMessageRequest",
    "EditMessageResponse",
    "EnterChatRequest",
    "EnterChatResponse",
    "ErrorMessage",
    "Goodbye",
    "HelloRequest",
    "HelloResponse",
    "HistoryRequest",
    "InviteRequest",
    "InviteResponse",
    "JoinChatRequest",
    "JoinChatResponse",
    "KickRequest",
    "KickResponse",
    "LeaveChatRequest",
    "LeaveChatResponse",
    "LiftRequest",
    "LiftResponse",
    "Limits",
    "ListChatsRequest",
    "ListChatsResponse",
    "ListSessionsRequest",
    "ListSessionsResponse",
    "ListUsersRequest",
    "ListUsersResponse",
    "LoginRequest",
    "LoginResponse",
    "LogoutRequest",
    "MarkReadRequest",
    "MemberChanged",
    "MemberInfo",
    "MemberJoined",
    "MemberLeft",
    "Message",
    "MessageDeleted",
    "MessageEdited",
    "MuteRequest",
    "MuteResponse",
    "Ping",
    "PingRequest",
    "Pong",
    "PongRequest",
    "Position",
    "PostRequest",
    "Presence",
    "PrivateChatRequest",
    "ReactRequest",
    "ReactResponse",
    "Reaction",
    "ReactionChanged",
    "ReadMarker",
    "Receipt",
    "RegisterRequest",
    "RegisterResponse",
    "ResumeRequest",
    "ResumeResponse",
    "ResumedChat",
    "RevokeSessionRequest",
    "RevokeSessionResponse",
    "SearchHit",
    "SearchRequest",
    "SearchResponse",
    "SessionInfo",
    "SetRoleRequest",
    "SetRoleResponse",
    "SystemMessage",
    "TokenLoginRequest",
    "Typing",
    "TypingRequest",
    "UpdateChatRequest",
    "UpdateChatResponse",
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
