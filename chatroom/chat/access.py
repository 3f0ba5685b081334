"""
Who may do what: one table, and the functions that read it. What is not in it, nobody
may do.

A standing is read in the transaction that acts on it, so that nothing can change
between the question and the deed.
"""

from collections.abc import Mapping
from enum import Enum
from functools import cache

from chatroom.errors import (
    AlreadyLoggedIn,
    Banned,
    CannotLeave,
    ChatError,
    FileNotFound,
    HelloTooLate,
    MessageNotFound,
    Muted,
    NotAllowed,
    NotAMember,
    NotInThisChat,
    NotLoggedIn,
    NotYourMessage,
    Outranked,
    RoomNotFound,
    SessionNotFound,
    UploadNotFound,
)
from chatroom.store.models import NEVER, PUBLIC_ROOM_ID, Role, RoomKind, Standing, User
from chatroom.store.repository import Repository


class Who(Enum):
    """
    What somebody is, with respect to what they want to do something with.
    """

    ANONYMOUS = "anonymous"
    STRANGER = "stranger"
    INVITED = "invited"
    MEMBER = "member"
    MUTED = "muted"
    BANNED = "banned"
    MODERATOR = "moderator"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"


class Thing(Enum):
    """
    What somebody wants to do something with.
    """

    EVERYBODY = "the room public"
    GROUP = "a public room"
    INVITE = "an invite-only room"
    PRIVATE = "a private chat"
    OWN_MESSAGE = "one's own message"
    OTHER_MESSAGE = "another's message"
    OWN_SESSION = "one's own session"
    OTHER_SESSION = "another's session"
    FILE = "a file"
    OWN_UPLOAD = "one's own upload"
    OTHER_UPLOAD = "another's upload"
    USER = "a user"
    SERVER = "the server"


class Action:
    """
    What may be asked: the type of a request, and where one request asks for several
    things, which of them.
    """

    POST = "chat_message"
    TYPING = "typing"
    ENTER = "enter_chat_request"
    HISTORY = "history_request"
    MARK_READ = "mark_read_request"
    SEARCH = "search_request"
    MEMBERS = "list_users_request"
    INFO = "chat_info_request"
    RESUME = "resume_request"
    JOIN = "join_chat_request"
    LEAVE = "leave_chat_request"
    EDIT = "edit_message_request"
    DELETE = "delete_message_request"
    REACT = "react_request"
    INVITE = "invite_request"
    KICK = "kick_request"
    MUTE = "mute_request"
    BAN = "ban_request"
    LIFT = "lift_request"
    SET_ROLE = "set_role_request"
    TOPIC = "update_chat_request topic"
    NAME = "update_chat_request name"
    VISIBILITY = "update_chat_request visibility"
    END = "delete_chat_request"
    REVOKE = "revoke_session_request"
    DISABLE_USER = "disable_user_request"
    ENABLE_USER = "enable_user_request"
    DELETE_USER = "delete_user_request"
    SET_ADMINISTRATOR = "set_administrator_request"
    RESET_PASSWORD = "reset_password_request"
    END_SESSIONS = "end_sessions_request"
    LIST_ACCOUNTS = "list_accounts_request"
    LIST_ROOMS = "list_rooms_request"
    LIST_AUDIT = "list_audit_request"
    SEND_FILE = "file_upload_request"
    LIST_FILES = "file_list_request"
    READ_FILE = "file_download_request"
    ADD_USER = "add_user_request"
    LIST_LOGINS = "list_user_sessions_request"
    LIST_BANS = "list_bans_request"
    TRANSFER = "transfer_chat_request"


#: What the letters of the table stand for: a refusal, or that it may be done, or that
#: nobody can be this there.
VERDICTS: Mapping[str, type[ChatError] | None] = {
    "+": None,
    "-": RoomNotFound,
    "L": NotLoggedIn,
    "?": RoomNotFound,
    "m": MessageNotFound,
    "s": SessionNotFound,
    "f": FileNotFound,
    "u": UploadNotFound,
    "N": NotAMember,
    "M": Muted,
    "B": Banned,
    "R": NotAllowed,
    "C": NotInThisChat,
    "F": CannotLeave,
    "Y": NotYourMessage,
    "A": AlreadyLoggedIn,
    "H": HelloTooLate,
}

Row = dict[Thing, str]


def _rooms(everybody: str, group: str, invite: str, private: str) -> Row:
    things = (Thing.EVERYBODY, Thing.GROUP, Thing.INVITE, Thing.PRIVATE)
    return dict(zip(things, (everybody, group, invite, private), strict=True))


# In each row the letters are, in this order, of somebody anonymous, a stranger, invited,
# a member, muted, banned, a moderator, an owner, an administrator who is a stranger, or
# in the room public a member, and the operator, who is nobody.
_READ = _rooms("L--++-+++L", "LNN++N++NL", "L?N++?++NL", "L?-+----?L")
_SAY = _rooms("L--+M-+++L", "LNN+MN++NL", "L?N+M?++NL", "L?-+----?L")
_MODERATE = _rooms("L--RR-++++", "LNNRRN++++", "L?NRR?++++", "L?-C----??")
_OWN = _rooms("L--RR-R+++", "LNNRRNR+++", "L?NRR?R+++", "L?-C----??")
_REMOVE = _MODERATE | {Thing.EVERYBODY: "L--CC-CCCC"}
_DISPOSE = _OWN | {Thing.EVERYBODY: "L--CC-CCCC"}
_ANY_USER = {Thing.USER: "L++++++++L"}
_ANYBODY = {Thing.SERVER: "++++++++++"}
_WITH_LOGIN = {Thing.SERVER: "L++++++++L"}
_SERVERS_USER = {Thing.USER: "LRRRRRRR++"}
_SERVERS = {Thing.SERVER: "LRRRRRRR++"}
_WITHOUT_LOGIN = {Thing.SERVER: "+AAAAAAAAA"}

#: Who may do what with what. A request that is not in here is refused to everybody.
TABLE: dict[str, Row] = {
    "hello_request": {Thing.SERVER: "+HHHHHHHH+"},
    "ping": _ANYBODY,
    "pong": _ANYBODY,
    "register_request": _ANYBODY,
    "login_request": _WITHOUT_LOGIN,
    "token_login_request": _WITHOUT_LOGIN,
    "logout_request": _WITH_LOGIN,
    "change_password_request": _WITH_LOGIN,
    "list_sessions_request": {Thing.OWN_SESSION: "L++++++++L"},
    Action.REVOKE: {Thing.OWN_SESSION: "L++++++++L", Thing.OTHER_SESSION: "LssssssssL"},
    "user_info_request": _WITH_LOGIN,
    "list_chats_request": _WITH_LOGIN,
    "create_chat_request": _WITH_LOGIN,
    "private_chat_request": _ANY_USER,
    Action.MEMBERS: {**_READ, Thing.SERVER: "L++++++++L"},
    Action.INFO: _rooms("L--++-++++", "LNN++N++++", "L?N++?++++", "L?-+----??"),
    Action.ENTER: _READ,
    Action.HISTORY: _READ,
    Action.MARK_READ: _READ,
    Action.SEARCH: {**_READ, Thing.SERVER: "L++++++++L"},
    # It leaves out what one may not know of.
    Action.RESUME: _WITH_LOGIN,
    Action.POST: _SAY,
    Action.TYPING: _SAY,
    Action.EDIT: {Thing.OWN_MESSAGE: "Lmm+Mm++mL", Thing.OTHER_MESSAGE: "LmmYYmYYmL"},
    Action.DELETE: {Thing.OWN_MESSAGE: "Lmm++m++mL", Thing.OTHER_MESSAGE: "LmmYYm++mL"},
    Action.REACT: {Thing.OWN_MESSAGE: "Lmm+Mm++mL", Thing.OTHER_MESSAGE: "Lmm+Mm++mL"},
    Action.JOIN: _rooms("L--++-+++L", "L++++B+++L", "L?+++?++?L", "L?-+----?L"),
    Action.LEAVE: _rooms("L--FF-FFFL", "LNN++N++NL", "L?N++?++NL", "L?-F----?L"),
    Action.INVITE: _rooms("L--CC-CCCL", "LNN+MN+++L", "L?NRM?+++L", "L?-C----?L"),
    Action.KICK: _REMOVE,
    Action.MUTE: _MODERATE,
    Action.BAN: _REMOVE,
    Action.LIFT: _MODERATE,
    Action.SET_ROLE: _OWN,
    Action.TOPIC: _MODERATE,
    Action.NAME: _DISPOSE,
    Action.VISIBILITY: _DISPOSE,
    Action.END: _DISPOSE,
    Action.DISABLE_USER: _SERVERS_USER,
    Action.ENABLE_USER: _SERVERS_USER,
    Action.DELETE_USER: _SERVERS_USER,
    Action.SET_ADMINISTRATOR: _SERVERS_USER,
    Action.RESET_PASSWORD: _SERVERS_USER,
    Action.END_SESSIONS: _SERVERS_USER,
    Action.LIST_ACCOUNTS: _SERVERS,
    Action.LIST_ROOMS: _SERVERS,
    Action.LIST_AUDIT: _SERVERS,
    Action.SEND_FILE: _SAY,
    Action.LIST_FILES: _READ,
    Action.READ_FILE: {Thing.FILE: "Lff++f++fL"},
    # What is not being sent has no use for it, and is not told.
    "file_credit": _WITH_LOGIN,
    "file_upload_request resume": {
        Thing.OWN_UPLOAD: "L++++++++L",
        Thing.OTHER_UPLOAD: "LuuuuuuuuL",
    },
    # One's own has to be gone on with before, on each connection.
    "file_chunk": {Thing.OTHER_UPLOAD: "LuuuuuuuuL"},
    Action.ADD_USER: _SERVERS,
    Action.LIST_LOGINS: _SERVERS,
    Action.LIST_BANS: _SERVERS,
    Action.TRANSFER: _rooms("L--CC-CCCC", "LNNRRNRR++", "L?NRR?RR++", "L?-C----??"),
}

_COLUMNS = {who: place for place, who in enumerate(Who)}
_ROOMS = {
    RoomKind.GROUP: Thing.GROUP,
    RoomKind.INVITE: Thing.INVITE,
    RoomKind.PRIVATE: Thing.PRIVATE,
}
_ROLES = {Role.OWNER: Who.OWNER, Role.MODERATOR: Who.MODERATOR, Role.MEMBER: Who.MEMBER}
_FIELDS: Mapping[type[ChatError], str] = {
    MessageNotFound: "message_id",
    NotYourMessage: "message_id",
    FileNotFound: "file_id",
}
_RANKS = {Role.MEMBER: 1, Role.MODERATOR: 2, Role.OWNER: 3}


def admit(kind: str, nobody: Who | None) -> None:
    """
    Let a request pass as far as the session goes that it comes from.

    @param kind: its type.
    @param nobody: what the peer is where the session has no user.
    @raise NotLoggedIn: if it needs a user, and the session has none.
    @raise NotAllowed: if nobody may make it.
    """
    is_free = _is_free(kind, nobody or Who.ANONYMOUS)
    if is_free is None:
        raise NotAllowed()
    if nobody is not None and not is_free:
        raise NotLoggedIn()


@cache
def _is_free(kind: str, who: Who) -> bool | None:
    """
    Whether a request needs no login of somebody; C{None} if nobody may make it.
    """
    rows = [row for action, row in TABLE.items() if action.partition(" ")[0] == kind]
    verdicts = [letters[_COLUMNS[who]] for row in rows for letters in row.values()]
    return "L" not in verdicts if verdicts else None


def permit(
    action: str, standing: Standing | None, now: int = 0, *, thing: Thing | None = None
) -> Standing:
    """
    Let it pass, or refuse it.

    @param action: one of L{Action}, about a room or a message.
    @param standing: what the actor is in the room; C{None} if there is no room.
    @param now: in milliseconds; without it a mute and a ban count that have an end.
    @param thing: what it is about, if not the room itself.
    @return: C{standing}.
    @raise RoomNotFound: if there is no room, or the actor may not know of it.
    @raise ChatError: if the actor may not do it.
    """
    about_room = None if standing is None else _thing(standing)
    row = TABLE.get(action, {})
    if standing is None or about_room is None:
        raise RoomNotFound() if thing is None else MessageNotFound(field="message_id")
    verdicts = row.get(thing or about_room, "R" * len(Who))
    letters = [verdicts[_COLUMNS[who]] for who in _whos(standing, now)]
    if "+" not in letters:
        if about_room is Thing.EVERYBODY and letters[0] == "-" and thing is None:
            # There is no such user any more, or they would be a member.
            raise NotAMember()
        raise _refusal(letters[-1] if letters[0] in "?-" else letters[0], standing, now)
    return standing


def standing_of(store: Repository, by: User | None, room_id: int) -> Standing | None:
    """
    @param by: who wants to do something; C{None} is the operator.
    @return: what they are in a room; C{None} if there is no such room.
    """
    if by is not None:
        return store.standing(by.id, room_id=room_id)
    room = store.room(room_id)
    if room is None:
        return None
    return Standing(room=room, role=None, is_administrator=True, is_operator=True)


def permit_on_server(action: str, who: Who) -> None:
    """
    Let pass what is about no room, or refuse it.

    @raise NotAllowed: if it is only for those who look after the server.
    """
    letters = {row[_COLUMNS[who]] for row in TABLE.get(action, {}).values()}
    if letters != {"+"}:
        raise NotAllowed()


def require_rank(actor: Standing, other: Standing, username: str) -> None:
    """
    See that somebody may do something to another member of a room.

    @raise Outranked: if the other is as much in the room, or more.
    """
    rank = 0 if other.role is None else _RANKS[other.role]
    own = 0 if actor.role is None else _RANKS[actor.role]
    if not actor.is_administrator and rank >= own:
        raise Outranked(field="username", username=username)


def is_muted(standing: Standing, now: int) -> bool:
    """
    Whether somebody may say nothing in a room for now.
    """
    return standing.muted_until is not None and standing.muted_until > now


def is_banned(standing: Standing, now: int) -> bool:
    """
    Whether somebody may be no member of a room for now.
    """
    return standing.banned_until is not None and standing.banned_until > now


def _thing(standing: Standing) -> Thing | None:
    if standing.room.id == PUBLIC_ROOM_ID:
        return Thing.EVERYBODY
    return _ROOMS.get(standing.room.kind)


def _whos(standing: Standing, now: int) -> list[Who]:
    """
    @return: what somebody is in a room; for who is an administrator, that too.
    """
    if standing.is_operator:
        return [Who.OPERATOR]
    if standing.role is None and is_banned(standing, now):
        whos = [Who.BANNED]
    elif standing.role is None:
        whos = [Who.INVITED if standing.is_invited else Who.STRANGER]
    else:
        whos = [Who.MUTED if is_muted(standing, now) else _ROLES[standing.role]]
    return [*whos, Who.ADMINISTRATOR] if standing.is_administrator else whos


def _refusal(letter: str, standing: Standing, now: int) -> ChatError:
    refusal = VERDICTS[letter]
    assert refusal is not None
    if refusal in _FIELDS:
        return refusal(field=_FIELDS[refusal])
    until = {Muted: standing.muted_until, Banned: standing.banned_until}.get(refusal)
    if until is None or until == NEVER or not now:
        return refusal()
    return refusal(retry_after=(until - now) / 1000)
