"""
A client of the seed, as strict as they are: it refuses a type it does not know,
a key too many, a key too few and a value of the wrong type.

Written from the protocol's description, not from the server's own classes.
"""

import json
from typing import Any

_NUMBER = (int, float)
_TEXT = (str,)
_TEXT_OR_NULL = (str, type(None))
_ID_OR_NULL = (int, type(None))
_FLAG = (bool,)

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

#: What a request that has a name of its own asks for besides.
NAMED: dict[str, dict[str, Any]] = {
    "chat_message_ack": {
        "chat_group_id": (int,),
        "message_id": (int,),
        "seq": (int,),
        "client_message_id": _TEXT_OR_NULL,
        "server_time": _TEXT,
        "duplicate": _FLAG,
    },
}

#: The keys that only somebody who has named a request may see.
EXTRA: dict[str, Any] = {
    "request_id": _TEXT,
    "error_code": (int,),
    "reason": _TEXT,
    "field": _TEXT,
    "temporary": _FLAG,
    "retry_after": _NUMBER,
    "client_message_id": _TEXT,
}


class Refused(AssertionError):
    """
    A strict client would not have understood this line.
    """


def parse(line: bytes, *, plain: bool = True) -> dict[str, Any]:
    """
    Read a line as a strict client does.

    @param line: without its newline.
    @param plain: whether the client has never named a request.
    """
    message = json.loads(line.decode("utf-8"))
    if not isinstance(message, dict):
        raise Refused(line)
    kind = message.get("message_type")
    known = SEED.get(kind) or (None if plain else NAMED.get(kind))  # type: ignore[arg-type]
    if known is None:
        raise Refused(f"unknown type: {line!r}")
    rest = {key: value for key, value in message.items() if key != "message_type"}
    if not _is_a(rest.pop("timestamp", None), (float,)):
        raise Refused(f"timestamp: {line!r}")
    extra = {} if plain else {k: v for k, v in EXTRA.items() if k in rest and k not in known}
    _check(rest, {**known, **extra}, line)
    return message


def _check(value: dict[str, Any], keys: dict[str, Any], line: bytes) -> None:
    if value.keys() != keys.keys():
        raise Refused(f"keys {sorted(value.keys() ^ keys.keys())}: {line!r}")
    for key, form in keys.items():
        _check_value(value[key], form, line)


def _check_value(value: Any, form: Any, line: bytes) -> None:
    if isinstance(form, dict):
        _check(value, form, line)
    elif isinstance(form, list):
        for each in value:
            _check(each, form[0], line)
    elif not _is_a(value, form):
        raise Refused(f"{value!r} in {line!r}")


def _is_a(value: object, types: tuple[type, ...]) -> bool:
    # A bool is an int only to Python.
    return type(value) in types
