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
from chatroom.wire.messages.files import (
    FileChunkAck,
    FileChunkRequest,
    FileCreditRequest,
    FileData,
    FileDownloadRequest,
    FileDownloadResponse,
    FileEnd,
    FileInfo,
    FileListRequest,
    FileListResponse,
    FileNotification,
    FileUploadRequest,
    FileUploadResponse,
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
    AttachedFile,
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
    "AttachedFile",
    "ChangePasswordRequest",
    "ChangePasswordResponse",
    "ChatHead",
    "ChatHeads",
    "ChatHistory",
    "ChatHistoryComplete",
    "ChatInfo",
    "ChatMessage",
    "ChatMessageAck",
    "CreateChatRequest",
    "CreateChatResponse",
    "DeleteMessageRequest",
    "DeleteMessageResponse",
    "EditMessageRequest",
    "EditMessageResponse",
    "EnterChatRequest",
    "EnterChatResponse",
    "ErrorMessage",
    "FileChunkAck",
    "FileChunkRequest",
    "FileCreditRequest",
    "FileData",
    "FileDownloadRequest",
    "FileDownloadResponse",
    "FileEnd",
    "FileInfo",
    "FileListRequest",
    "FileListResponse",
    "FileNotification",
    "FileUploadRequest",
    "FileUploadResponse",
    "Goodbye",
    "HelloRequest",
    "HelloResponse",
    "HistoryRequest",
    "JoinChatRequest",
    "JoinChatResponse",
    "LeaveChatRequest",
    "LeaveChatResponse",
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
    "MemberJoined",
    "MemberLeft",
    "Message",
    "MessageDeleted",
    "MessageEdited",
    "Ping",
    "PingRequest",
    "Pong",
    "PongRequest",
    "Position",
    "PostRequest",
    "Presence",
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
    "SystemMessage",
    "TokenLoginRequest",
    "Typing",
    "TypingRequest",
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
