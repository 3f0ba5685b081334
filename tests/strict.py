"""
A client of the seed, as strict as they are: it refuses a type it does not know,
a key too many, a key too few and a value of the wrong type.

Written from the protocol's description, not from the server's own classes.
"""

import json
from enum import Enum
from typing import Any

_NUMBER = (int, float)
_TEXT = (str,)
_TEXT_OR_NULL = (str, type(None))
_ID_OR_NULL = (int, type(None))
_FLAG = (bool,)


class _OrNull(list[Any]):
    """
    A list of objects, or null.
    """


#: A list of ids, and one of texts.
_IDS = ("ids",)
_TEXTS = ("texts",)

_SAID = {
    "message_id": (int,),
    "sender_id": (int,),
    "sender_username": _TEXT,
    "chat_group_id": (int,),
    "chat_group_name": _TEXT,
    "content": _TEXT,
}
_ACCOUNT = {
    "success": _FLAG,
    "user_id": _ID_OR_NULL,
    "username": _TEXT_OR_NULL,
    "error_message": _TEXT_OR_NULL,
}
_CHAT = {
    "success": _FLAG,
    "chat_group_id": (int,),
    "chat_name": _TEXT,
    "error_message": _TEXT_OR_NULL,
}
_USER = {"user_id": (int,), "username": _TEXT, "is_online": _FLAG}
_ROOM = {
    "group_id": (int,),
    "group_name": _TEXT,
    "is_private_chat": _FLAG,
    "member_count": (int,),
    "created_at": _TEXT,
}
_COUNTS = (
    "joined_chats_count",
    "private_chats_count",
    "group_chats_count",
    "total_users_count",
    "online_users_count",
    "total_chats_count",
)

#: The keys of each type besides message_type and timestamp.
SEED: dict[str, dict[str, Any]] = {
    "login_response": _ACCOUNT,
    "register_response": _ACCOUNT,
    "chat_message": _SAID,
    "chat_history": _SAID,
    "chat_history_complete": {"chat_group_id": (int,), "message_count": (int,)},
    "user_info_response": {"user_info": _USER, **dict.fromkeys(_COUNTS, (int,))},
    "list_users_response": {"users": [_USER]},
    "list_chats_response": {"chats": [_ROOM]},
    "create_chat_response": _CHAT,
    "join_chat_response": _CHAT,
    "enter_chat_response": _CHAT,
    "system_message": {"content": _TEXT, "level": _TEXT},
    "error_message": {"error_code": (int,), "error_message": _TEXT},
}

_CHANGED = {
    "chat_group_id": (int,),
    "message_id": (int,),
    "seq": _ID_OR_NULL,
    "server_time": _TEXT_OR_NULL,
    "duplicate": _FLAG,
}
_HAPPENED = {"chat_group_id": (int,), "seq": (int,), "server_time": _TEXT}
_DID = {"message_id": (int,), "user_id": (int,), "username": _TEXT}
_MOVED = {"chat_group_name": _TEXT, "user_id": (int,), "username": _TEXT}
_RESUMED = {
    "chat_group_id": (int,),
    "from_seq": (int,),
    "to_seq": (int,),
    "complete": _FLAG,
}
_HEAD = {
    "chat_group_id": (int,),
    "chat_name": _TEXT,
    "is_private_chat": _FLAG,
    "role": _TEXT,
    "joined_seq": (int,),
    "last_seq": (int,),
    "read_seq": (int,),
    "unread": (int,),
    "mentions": (int,),
}
_MARKER = {"chat_group_id": (int,), "seq": (int,), "unread": (int,), "mentions": (int,)}
_LOGIN = {
    "session_id": (int,),
    "client": _TEXT,
    "device": _TEXT,
    "created_at": _TEXT,
    "last_used_at": _TEXT,
    "expires_at": _TEXT,
    "is_online": _FLAG,
    "is_current": _FLAG,
}
_HIT = {
    "message_id": (int,),
    "seq": (int,),
    "sender_id": (int,),
    "sender_username": _TEXT,
    "chat_group_id": (int,),
    "chat_group_name": _TEXT,
    "server_time": _TEXT,
    "content": _TEXT,
    "snippet": _TEXT,
}
_LIMITS = {
    "line_bytes": (int,),
    "content_chars": (int,),
    "file_bytes": (int,),
    "chunk_bytes": (int,),
    "page_size": (int,),
    "heartbeat_seconds": _NUMBER,
}

_DONE = {
    "chat_group_id": (int,),
    "seq": _ID_OR_NULL,
    "server_time": _TEXT_OR_NULL,
    "duplicate": _FLAG,
}
_USER_DONE = {
    "user_id": (int,),
    "username": _TEXT,
    "is_administrator": _FLAG,
    "is_disabled": _FLAG,
    "ended_count": (int,),
}
_ACCOUNT_INFO = {
    "user_id": (int,),
    "username": _TEXT,
    "created_at": _TEXT,
    "is_administrator": _FLAG,
    "is_disabled": _FLAG,
    "is_deleted": _FLAG,
    "session_count": (int,),
}
_ROOM_STATE = {
    "chat_group_id": (int,),
    "chat_name": _TEXT,
    "visibility": _TEXT,
    "member_count": (int,),
    "owners": _TEXTS,
    "created_at": _TEXT,
}
_DEED = {
    "entry_id": (int,),
    "at": _TEXT,
    "by": _TEXT_OR_NULL,
    "action": _TEXT,
    "username": _TEXT_OR_NULL,
    "chat_group_id": _ID_OR_NULL,
    "chat_name": _TEXT_OR_NULL,
    "detail": _TEXT_OR_NULL,
    "reason": _TEXT_OR_NULL,
}
_DONE_TO = {**_DONE, "user_id": (int,), "username": _TEXT}
_MEMBER = {
    "user_id": (int,),
    "username": _TEXT,
    "role": _TEXT,
    "is_muted": _FLAG,
    "muted_until": _TEXT_OR_NULL,
}
_USER_SESSION = {
    "session_id": _ID_OR_NULL,
    "user_id": (int,),
    "username": _TEXT,
    "client": _TEXT,
    "device": _TEXT,
    "created_at": _TEXT_OR_NULL,
    "last_used_at": _TEXT_OR_NULL,
    "expires_at": _TEXT_OR_NULL,
    "addresses": _TEXTS,
}
_BAN_ENTRY = {
    "chat_group_id": (int,),
    "chat_name": _TEXT,
    "user_id": (int,),
    "username": _TEXT,
    "banned_until": _TEXT_OR_NULL,
}
_BAN = {"user_id": (int,), "username": _TEXT, "banned_until": _TEXT_OR_NULL}
_FILE = {
    "file_id": (int,),
    "seq": (int,),
    "server_time": _TEXT,
    "sender_id": (int,),
    "sender_username": _TEXT,
    "filename": _TEXT,
    "file_size": (int,),
    "sha256": _TEXT,
}
_FAILED = {
    "error_code": (int,),
    "error_message": _TEXT,
    "reason": _TEXT,
    "temporary": _FLAG,
}

#: What answers those who ask for what the seed does not have.
NAMED: dict[str, dict[str, Any]] = {
    "chat_message_ack": {
        "chat_group_id": (int,),
        "message_id": (int,),
        "seq": (int,),
        "client_message_id": _TEXT_OR_NULL,
        "server_time": _TEXT,
        "duplicate": _FLAG,
    },
    "edit_message_response": _CHANGED,
    "delete_message_response": _CHANGED,
    "react_response": _CHANGED,
    "resume_response": {"chats": [_RESUMED]},
    "search_response": {"hits": [_HIT], "next_cursor": _TEXT_OR_NULL},
    "leave_chat_response": _CHAT,
    "read_marker": _MARKER,
    "change_password_response": {"ended_count": (int,)},
    "list_sessions_response": {"sessions": [_LOGIN]},
    "revoke_session_response": {"session_id": (int,)},
    "pong": {"nonce": _TEXT_OR_NULL},
    "invite_response": _DONE_TO,
    "kick_response": _DONE_TO,
    "mute_response": _DONE_TO,
    "ban_response": _DONE_TO,
    "lift_response": _DONE_TO,
    "set_role_response": {**_DONE_TO, "role": _TEXT},
    "update_chat_response": {
        **_DONE,
        "chat_name": _TEXT,
        "topic": _TEXT,
        "visibility": _TEXT,
    },
    "delete_chat_response": {**_DONE, "chat_name": _TEXT},
    "disable_user_response": _USER_DONE,
    "enable_user_response": _USER_DONE,
    "delete_user_response": _USER_DONE,
    "set_administrator_response": _USER_DONE,
    "reset_password_response": _USER_DONE,
    "end_sessions_response": _USER_DONE,
    "list_accounts_response": {"accounts": [_ACCOUNT_INFO]},
    "list_rooms_response": {"rooms": [_ROOM_STATE]},
    "list_audit_response": {"entries": [_DEED]},
    "add_user_response": {"user_id": (int,), "username": _TEXT},
    "list_user_sessions_response": {"sessions": [_USER_SESSION]},
    "list_bans_response": {"bans": [_BAN_ENTRY]},
    "transfer_chat_response": _DONE_TO,
    "chat_info_response": {
        "chat_group_id": (int,),
        "chat_name": _TEXT,
        "is_private_chat": _FLAG,
        "visibility": _TEXT,
        "topic": _TEXT,
        "created_at": _TEXT,
        "members": [_MEMBER],
        "bans": _OrNull([_BAN]),
    },
    "file_upload_response": {
        "upload_id": _TEXT,
        "next_offset": (int,),
        "chunk_bytes": (int,),
        "window": (int,),
    },
    "file_chunk_ack": {"upload_id": _TEXT, "next_offset": (int,)},
    "file_list_response": {
        "chat_group_id": (int,),
        "files": [_FILE],
        "more_before": _FLAG,
    },
    "file_download_response": {
        "file_id": (int,),
        "filename": _TEXT,
        "file_size": (int,),
        "sha256": _TEXT,
    },
    "file_data": {"file_id": (int,), "offset": (int,), "data": _TEXT},
    "file_end": {"file_id": (int,), "sha256": _TEXT_OR_NULL},
}

#: What is sent of the log to who asks for it, or follows it.
LOG: dict[str, dict[str, Any]] = {
    "message_edited": {**_HAPPENED, **_DID, "content": _TEXT},
    "message_deleted": {**_HAPPENED, **_DID},
    "reaction_changed": {**_HAPPENED, **_DID, "reaction": _TEXT, "add": _FLAG},
    "member_joined": {**_HAPPENED, **_MOVED},
    "member_left": {**_HAPPENED, **_MOVED},
    "member_changed": {**_HAPPENED, **_MOVED, "changed_by": (int,), "change": _TEXT},
    "chat_changed": {
        **_HAPPENED,
        "chat_group_name": _TEXT,
        "topic": _TEXT,
        "visibility": _TEXT,
        "changed_by": (int,),
    },
    "chat_deleted": {**_HAPPENED, "chat_group_name": _TEXT, "deleted_by": (int,)},
    "file_notification": {**_HAPPENED, **_FILE, "chat_group_name": _TEXT},
}

#: What only those are sent who have said hello.
HELLO: dict[str, dict[str, Any]] = {
    "hello_response": {
        "protocol": (int,),
        "server": _TEXT,
        "epoch": _TEXT,
        "language": _TEXT,
        "limits": _LIMITS,
    },
    "chat_heads": {"chats": [_HEAD]},
    "chat_invitation": {
        "chat_group_id": (int,),
        "chat_group_name": _TEXT,
        "user_id": (int,),
        "username": _TEXT,
    },
    "receipt": {"chat_group_id": (int,), "user_id": (int,), "seq": (int,)},
    "typing": {
        "chat_group_id": (int,),
        "user_id": (int,),
        "username": _TEXT,
        "active": _FLAG,
    },
    "presence": {
        "user_id": (int,),
        "username": _TEXT,
        "is_online": _FLAG,
        "last_seen": _TEXT_OR_NULL,
    },
    "ping": {"nonce": _TEXT_OR_NULL},
    "goodbye": {
        "reason": _TEXT,
        "text": _TEXT,
        "reconnect": _FLAG,
        "reconnect_after": _NUMBER,
    },
}

#: The keys of an answer that only somebody may see who has named the request.
EXTRA: dict[str, Any] = {
    "request_id": _TEXT,
    "error_code": (int,),
    "reason": _TEXT,
    "field": _TEXT,
    "temporary": _FLAG,
    "retry_after": _NUMBER,
    "client_message_id": _TEXT,
}

_SAID_MORE = {
    "seq": (int,),
    "server_time": _TEXT,
    "reply_to": (int,),
    "mentions": _IDS,
    "client_message_id": _TEXT,
    "edited_at": _TEXT,
    "deleted": _FLAG,
}

#: The keys of a type that are there where they apply, for those who know of them.
MORE: dict[str, dict[str, Any]] = {
    "chat_message": {**_SAID_MORE, "replay": _FLAG},
    "chat_history": {
        **_SAID_MORE,
        "reactions": [{"reaction": _TEXT, "user_ids": _IDS}],
        "file": {"file_size": (int,), "sha256": _TEXT},
    },
    "chat_history_complete": {
        "first_seq": (int,),
        "last_seq": (int,),
        "more_before": _FLAG,
        "more_after": _FLAG,
    },
    "message_edited": {"mentions": _IDS, "replay": _FLAG},
    "message_deleted": {"replay": _FLAG},
    "reaction_changed": {"replay": _FLAG},
    "member_joined": {"added_by": (int,), "replay": _FLAG},
    "member_left": {
        "removed_by": (int,),
        "banned": _FLAG,
        "until": _TEXT,
        "reason": _TEXT,
        "replay": _FLAG,
    },
    "member_changed": {"role": _TEXT, "until": _TEXT, "reason": _TEXT, "replay": _FLAG},
    "chat_changed": {"reason": _TEXT, "replay": _FLAG},
    "chat_deleted": {"reason": _TEXT, "replay": _FLAG},
    "file_notification": {"replay": _FLAG, "deleted": _FLAG},
    "file_upload_response": {
        "success": _FLAG,
        "chat_group_id": (int,),
        "file_id": (int,),
        "seq": (int,),
        "duplicate": _FLAG,
        **_FAILED,
    },
    "file_end": _FAILED,
    "login_response": {"session_token": _TEXT, "token_expires": _TEXT},
}

#: The requests that clients of the seed know.
SEED_REQUESTS = {
    "register_request",
    "login_request",
    "logout_request",
    "chat_message",
    "user_info_request",
    "list_users_request",
    "list_chats_request",
    "create_chat_request",
    "join_chat_request",
    "enter_chat_request",
}


class Dialect(Enum):
    """
    What somebody has shown to know.
    """

    #: The seed alone.
    PLAIN = "plain"
    #: Names for requests, or types that the seed does not have; what is not asked for
    #: has the seed's keys.
    ASKING = "asking"
    #: Everything.
    HELLO = "hello"


class Refused(AssertionError):
    """
    A strict client would not have understood this line.
    """


def dialect_of(request: object, dialect: Dialect) -> Dialect:
    """
    @param request: what somebody sends.
    @param dialect: what they have shown to know before.
    @return: what they have by now.
    """
    if not isinstance(request, dict) or dialect is Dialect.HELLO:
        return dialect
    kind = request.get("message_type")
    if kind == "hello_request":
        return Dialect.HELLO
    is_new = kind not in SEED_REQUESTS or "reply_to" in request
    is_named = bool({"request_id", "client_message_id"} & request.keys())
    return Dialect.ASKING if is_new or is_named else dialect


def parse(line: bytes, dialect: Dialect = Dialect.PLAIN) -> dict[str, Any]:
    """
    Read a line as a strict client does.

    @param line: without its newline.
    @param dialect: what the client has shown to know.
    """
    message = json.loads(line.decode("utf-8"))
    if not isinstance(message, dict):
        raise Refused(line)
    rest = {key: value for key, value in message.items() if key != "message_type"}
    if not _is_a(rest.pop("timestamp", None), (float,)):
        raise Refused(f"timestamp: {line!r}")
    kind = message.get("message_type")
    known = _known(kind, rest, dialect)
    if known is None:
        raise Refused(f"unknown type: {line!r}")
    more = _more(kind, rest, dialect)
    _check(rest, {**{key: form for key, form in more.items() if key in rest}, **known}, line)
    return message


def _known(kind: Any, rest: dict[str, Any], dialect: Dialect) -> dict[str, Any] | None:
    """
    @return: the keys that a type always has; C{None} if the client does not know it.
    """
    known = dict(SEED)
    if dialect is not Dialect.PLAIN:
        known |= NAMED
    if dialect is Dialect.HELLO or rest.get("replay") is True:
        known |= LOG
    if dialect is Dialect.HELLO:
        known |= HELLO
    return known.get(kind)


def _more(kind: Any, rest: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """
    @return: the keys that a type may have besides.
    """
    if dialect is Dialect.PLAIN:
        return {}
    is_push = kind in ("chat_message", *LOG)
    is_open = dialect is Dialect.HELLO or not is_push or rest.get("replay") is True
    extra = {} if is_push and dialect is not Dialect.HELLO else EXTRA
    return {**extra, **(MORE.get(kind, {}) if is_open else {})}


def _check(value: dict[str, Any], keys: dict[str, Any], line: bytes) -> None:
    if value.keys() != keys.keys():
        raise Refused(f"keys {sorted(value.keys() ^ keys.keys())}: {line!r}")
    for key, form in keys.items():
        _check_value(value[key], form, line)


def _check_value(value: Any, form: Any, line: bytes) -> None:
    if isinstance(form, dict):
        _check(value, form, line)
    elif form is _IDS:
        if not all(_is_a(each, (int,)) for each in value):
            raise Refused(f"{value!r} in {line!r}")
    elif form is _TEXTS:
        if not all(_is_a(each, (str,)) for each in value):
            raise Refused(f"{value!r} in {line!r}")
    elif isinstance(form, list):
        for each in [] if value is None and isinstance(form, _OrNull) else value:
            _check(each, form[0], line)
    elif not _is_a(value, form):
        raise Refused(f"{value!r} in {line!r}")


def _is_a(value: object, types: tuple[type, ...]) -> bool:
    # A bool is an int only to Python.
    return type(value) in types
