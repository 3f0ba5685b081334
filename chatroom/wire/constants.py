"""
The names of the protocol's message types.
"""

from enum import Enum


class MessageType(str, Enum):
    """
    What C{message_type} may say.
    """

    REGISTER_REQUEST = "register_request"
    REGISTER_RESPONSE = "register_response"
    LOGIN_REQUEST = "login_request"
    LOGIN_RESPONSE = "login_response"
    LOGOUT_REQUEST = "logout_request"
    CHAT_MESSAGE = "chat_message"
    CHAT_MESSAGE_ACK = "chat_message_ack"
    CHAT_HISTORY = "chat_history"
    CHAT_HISTORY_COMPLETE = "chat_history_complete"
    USER_INFO_REQUEST = "user_info_request"
    USER_INFO_RESPONSE = "user_info_response"
    LIST_USERS_REQUEST = "list_users_request"
    LIST_USERS_RESPONSE = "list_users_response"
    LIST_CHATS_REQUEST = "list_chats_request"
    LIST_CHATS_RESPONSE = "list_chats_response"
    CREATE_CHAT_REQUEST = "create_chat_request"
    CREATE_CHAT_RESPONSE = "create_chat_response"
    JOIN_CHAT_REQUEST = "join_chat_request"
    JOIN_CHAT_RESPONSE = "join_chat_response"
    ENTER_CHAT_REQUEST = "enter_chat_request"
    ENTER_CHAT_RESPONSE = "enter_chat_response"
    SYSTEM_MESSAGE = "system_message"
    ERROR_MESSAGE = "error_message"
