"""
A server with somebody of each kind in it, and something of each kind that they may want
to do something with.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.access import Thing, Who
from chatroom.store.models import PUBLIC_ROOM_ID
from tests.peers import PASSWORD, Message, Peer, login, register, request
from tests.servers import MemoryServer, memory_server

#: Who is not anybody of the table: to whom things are done.
OTHER = "other"

#: What everybody has who is somebody.
_TABLES = (
    "rooms",
    "members",
    "bans",
    "invitations",
    "events",
    "users",
    "sessions",
    "audit",
    "files",
    "uploads",
)

#: An id that nothing has.
NOTHING = 9999


@define(eq=False)
class Cast:
    """
    A stored world, and servers that begin with it, again and again.

    @ivar rooms: the room of each kind.
    @ivar messages: what each has said in the public room "open".
    @ivar sessions: the id of a login of each.
    @ivar files: what each has sent to it.
    @ivar uploads: what each is sending to it.
    @ivar token: by which C{OTHER} may come back.
    """

    test: SynchronousTestCase
    path: Path
    rooms: dict[Thing, int] = field(factory=dict)
    messages: dict[str, int] = field(factory=dict)
    sessions: dict[str, int] = field(factory=dict)
    files: dict[str, int] = field(factory=dict)
    uploads: dict[str, str] = field(factory=dict)
    token: str = ""
    _count: int = 0

    def server(self) -> MemoryServer:
        """
        @return: a new server, where everything is as it was at the beginning.
        """
        self._count += 1
        copy = self.path.with_name(f"{self._count}.db")
        shutil.copy(self.path, copy)
        shutil.copytree(files_of(self.path), files_of(copy))
        return memory_server(self.test, path=str(copy), sessions_per_user=0, search_rate=0)

    def stored(self) -> list[object]:
        """
        @return: all that the newest server has stored.
        """
        with sqlite3.connect(self.path.with_name(f"{self._count}.db")) as connection:
            queries = (f"SELECT * FROM {name}" for name in _TABLES)
            return [connection.execute(query).fetchall() for query in queries]


def files_of(path: Path) -> Path:
    """
    @return: the folder for files beside a database.
    """
    return path.with_name(f"{path.name}.files")


def make_cast(test: SynchronousTestCase) -> Cast:
    """
    Store a world.
    """
    cast = Cast(test, Path(test.mktemp()).absolute() / "cast.db")
    server = memory_server(test, path=str(cast.path))
    peers = {name: _enter(test, server, name) for name in _names()}
    _make_administrator(test, server)

    def ask(name: str, kind: str, **keys: object) -> Message:
        asked = request(kind, request_id="cast", **keys)
        peer = peers[name]
        peer.send(asked)
        return test.successResultOf(_answer(peer))

    owner, member = Who.OWNER.value, Who.MEMBER.value
    for thing, name, visibility in (
        (Thing.GROUP, "open", "public"),
        (Thing.INVITE, "closed", "invite"),
    ):
        made = ask(
            owner,
            "create_chat_request",
            chat_name=name,
            visibility=visibility,
            member_usernames=list(peers),
        )
        room_id = cast.rooms[thing] = made["chat_group_id"]
        if thing is Thing.GROUP:
            for each in peers:
                said = ask(each, "chat_message", chat_group_id=room_id, content="Said.")
                cast.messages[each] = said["message_id"]
                keys: dict[str, object] = {"chat_group_id": room_id, "filename": "notes.txt"}
                sent = ask(each, "file_upload_request", **keys, file_size=0)
                cast.files[each] = sent["file_id"]
                begun = ask(each, "file_upload_request", **keys, file_size=9)
                cast.uploads[each] = begun["upload_id"]
        _give_roles(ask, owner, room_id)
        for each in (Who.STRANGER.value, Who.INVITED.value, Who.ADMINISTRATOR.value):
            ask(each, "leave_chat_request", chat_group_id=room_id)
        ask(owner, "invite_request", chat_group_id=room_id, username=Who.INVITED.value)
        ask(owner, "ban_request", chat_group_id=room_id, username=Who.BANNED.value)
    pair = ask(member, "private_chat_request", username=OTHER)
    cast.rooms[Thing.PRIVATE] = pair["chat_group_id"]
    cast.rooms[Thing.EVERYBODY] = PUBLIC_ROOM_ID
    administrator = Who.ADMINISTRATOR.value
    _give_roles(ask, administrator, PUBLIC_ROOM_ID)
    ask(
        administrator,
        "set_role_request",
        chat_group_id=PUBLIC_ROOM_ID,
        username=owner,
        role="owner",
    )
    _log_in_by_token(test, server, cast)
    test.successResultOf(server.stop())
    return cast


def _names() -> list[str]:
    nobody = (Who.ANONYMOUS, Who.OPERATOR)
    return [*(who.value for who in Who if who not in nobody), OTHER]


def _enter(test: SynchronousTestCase, server: MemoryServer, name: str) -> Peer:
    peer = server.connect()
    peer.send(register(name), login(name))
    test.successResultOf(peer.receive_some(2))
    return peer


async def _answer(peer: Peer) -> Message:
    while True:
        heard = await peer.receive()
        if heard.get("request_id") == "cast":
            return heard


def _make_administrator(test: SynchronousTestCase, server: MemoryServer) -> None:
    name = Who.ADMINISTRATOR.value
    done = server.chat.administration.set_administrator(None, name, is_one=True)
    waiting = Deferred.fromCoroutine(done)
    server.pass_time(1)
    test.successResultOf(waiting)


def _give_roles(ask: Callable[..., Message], by: str, room_id: int) -> None:
    ask(
        by,
        "set_role_request",
        chat_group_id=room_id,
        username=Who.MODERATOR.value,
        role="moderator",
    )
    ask(by, "mute_request", chat_group_id=room_id, username=Who.MUTED.value)


def _log_in_by_token(test: SynchronousTestCase, server: MemoryServer, cast: Cast) -> None:
    for name in _names():
        peer = server.connect()
        peer.send(request("hello_request", protocol=1), login(name))
        _, logged_in, _ = test.successResultOf(peer.receive_some(3))
        if name == OTHER:
            cast.token = logged_in["session_token"]
        listed = test.successResultOf(peer.ask(request("list_sessions_request")))
        cast.sessions[name] = listed["sessions"][0]["session_id"]


#: How each room is called, by whoever asks.
NAMES = {
    Thing.EVERYBODY: "public",
    Thing.GROUP: "open",
    Thing.INVITE: "closed",
    Thing.PRIVATE: f"@{Who.MEMBER.value}, @{OTHER}",
}

#: What has to be said besides what it is about.
KEYS: dict[str, dict[str, object]] = {
    "hello_request": {"protocol": 1},
    "register_request": {"username": "new", "password": PASSWORD},
    "login_request": {"username": OTHER, "password": PASSWORD},
    "change_password_request": {"old_password": PASSWORD, "new_password": "another"},
    "create_chat_request": {"chat_name": "new"},
    "chat_message": {"content": "Hello."},
    "typing": {"active": True},
    "mark_read_request": {"seq": 1},
    "search_request": {"query": "said"},
    "edit_message_request": {"content": "Said again."},
    "react_request": {"reaction": "+"},
    "set_role_request": {"role": "moderator"},
    "update_chat_request topic": {"topic": "Tea"},
    "update_chat_request name": {"name": "Tea"},
    "update_chat_request visibility": {"visibility": "invite"},
    "set_administrator_request": {"administrator": True},
    "reset_password_request": {"new_password": "another"},
    "file_upload_request": {"filename": "new.txt", "file_size": 3},
    "file_chunk": {"offset": 0, "data": "QUJD"},
    "file_credit": {"file_id": 1, "bytes": 1},
    "add_user_request": {"username": "new", "password": PASSWORD},
}

#: Those that name somebody to whom it is done.
_ABOUT_OTHERS = {
    "private_chat_request",
    "invite_request",
    "kick_request",
    "mute_request",
    "ban_request",
    "lift_request",
    "set_role_request",
    "disable_user_request",
    "enable_user_request",
    "delete_user_request",
    "set_administrator_request",
    "reset_password_request",
    "end_sessions_request",
    "transfer_chat_request",
}

_MESSAGES = (Thing.OWN_MESSAGE, Thing.OTHER_MESSAGE)
_UPLOADS = (Thing.OWN_UPLOAD, Thing.OTHER_UPLOAD)
_SESSIONS = (Thing.OWN_SESSION, Thing.OTHER_SESSION)


def asked(cast: Cast, action: str, thing: Thing, name: str, *, is_there: bool = True) -> Message:
    """
    @param name: who asks.
    @param is_there: whether it is to be about something that there is.
    @return: a request.
    """
    kind = action.partition(" ")[0]
    keys: dict[str, object] = {**KEYS.get(kind, {}), **KEYS.get(action, {})}
    if kind in _ABOUT_OTHERS:
        keys["username"] = OTHER
    if kind == "token_login_request":
        keys["session_token"] = cast.token
    if kind in ("join_chat_request", "enter_chat_request"):
        keys["chat_name"] = NAMES[thing] if is_there else "no such room"
    elif thing in cast.rooms:
        keys["chat_group_id"] = cast.rooms[thing] if is_there else NOTHING
        if kind == "list_users_request":
            keys["list_type"] = "current_chat"
    elif thing in _MESSAGES:
        whose = name if thing is Thing.OWN_MESSAGE else OTHER
        keys["message_id"] = cast.messages.get(whose, 1) if is_there else NOTHING
    elif thing is Thing.FILE:
        keys["file_id"] = cast.files[OTHER] if is_there else NOTHING
    elif thing in _UPLOADS:
        whose = name if thing is Thing.OWN_UPLOAD else OTHER
        keys["upload_id"] = cast.uploads.get(whose, "1" * 32) if is_there else "0" * 32
    elif thing in _SESSIONS and kind == "revoke_session_request":
        whose = name if thing is Thing.OWN_SESSION else OTHER
        keys["session_id"] = cast.sessions.get(whose, 1) if is_there else NOTHING
    return request(kind, request_id="asked", **keys)
