"""
A server to test clients with: it knows the dialects, and can be made to misbehave.
"""

import json
from collections import deque
from typing import Any

from attrs import define, field

Message = dict[str, Any]

#: When everything happens.
TIME = "2022-01-01T00:00:00.000Z"

#: The types of the seed's requests.
_SEED = {
    "register_request",
    "login_request",
    "chat_message",
    "list_chats_request",
    "join_chat_request",
    "create_chat_request",
}


@define(eq=False)
class FakeRoom:
    """
    A room and its log.

    @ivar first_seq: where the log begins; what was before is gone.
    """

    id: int
    name: str
    members: set[int] = field(factory=set)
    log: list[Message] = field(factory=list)
    last_seq: int = 0
    first_seq: int = 1

    def append(self, kind: str, **keys: Any) -> Message:
        """
        Have something happen.
        """
        self.last_seq += 1
        event = {
            "message_type": kind,
            "timestamp": 1.0,
            "chat_group_id": self.id,
            "seq": self.last_seq,
            "server_time": TIME,
            **keys,
        }
        self.log.append(event)
        return event

    def after(self, seq: int) -> list[Message]:
        """
        @return: what happened behind a place, as far as it is kept.
        """
        return [each for each in self.log if each["seq"] > max(seq, self.first_seq - 1)]


@define(eq=False)
class FakeChat:
    """
    A server.

    @ivar dialect: C{hello}, C{named} (the seed's with names) or C{plain}.
    @ivar lost_answers: how many acknowledgements get lost with their connection.
    @ivar post_refusals: what the next posts are answered with.
    @ivar login_refusals: what the next logins are answered with.
    @ivar lost_pushes: the places of events that are not pushed live.
    @ivar is_stubborn: whether nothing is replayed.
    """

    dialect: str = "hello"
    epoch: str = "first"
    heartbeat: float = 0
    lost_answers: int = 0
    post_refusals: deque[Message] = field(factory=deque)
    login_refusals: deque[Message] = field(factory=deque)
    resume_refusals: deque[Message] = field(factory=deque)
    lost_pushes: set[int] = field(factory=set)
    is_stubborn: bool = False
    is_mute: bool = False
    knows_no_resume: bool = False
    users: dict[str, tuple[int, str]] = field(factory=dict)
    tokens: dict[str, str] = field(factory=dict)
    rooms: dict[int, FakeRoom] = field(factory=dict)
    ends: "list[FakeEnd]" = field(factory=list)
    requests: list[Message] = field(factory=list)
    message_ids: int = 0

    def accept(self) -> "FakeEnd":
        """
        @return: the server's end of a new connection.
        """
        end = FakeEnd(self)
        self.ends.append(end)
        return end

    def add_user(self, name: str, password: str = "secret123") -> int:
        """
        @return: the id of a new user, who is a member of C{public}.
        """
        self.users[name] = (len(self.users) + 1, password)
        self.rooms.setdefault(1, FakeRoom(1, "public")).members.add(len(self.users))
        return len(self.users)

    def say(self, room_id: int, user: str, content: str, **keys: Any) -> Message:
        """
        Have somebody say something.
        """
        self.message_ids += 1
        room = self.rooms[room_id]
        said = room.append(
            "chat_message",
            message_id=self.message_ids,
            sender_id=self.users[user][0],
            sender_username=user,
            chat_group_name=room.name,
            content=content,
            **keys,
        )
        self.push(room, said)
        return said

    def join(self, room: FakeRoom, user: str) -> None:
        """
        Have somebody become a member.
        """
        user_id = self.users[user][0]
        room.members.add(user_id)
        event = {"chat_group_name": room.name, "user_id": user_id, "username": user}
        joined = room.append("member_joined", **event)
        for end in self.ends:
            if end.user_id == user_id and end.live is not None:
                end.live.add(room.id)
        self.push(room, joined)

    def leave(self, room: FakeRoom, user: str) -> None:
        """
        Have somebody be no member any more.
        """
        user_id = self.users[user][0]
        event = {"chat_group_name": room.name, "user_id": user_id, "username": user}
        self.push(room, room.append("member_left", **event))
        room.members.discard(user_id)

    def push(self, room: FakeRoom, event: Message) -> None:
        """
        Tell everybody who is there.
        """
        if event["seq"] not in self.lost_pushes:
            for end in self.ends:
                end.push(room, event)

    def asked(self, kind: str) -> list[Message]:
        """
        @return: the requests of a type so far.
        """
        return [each for each in self.requests if each["message_type"] == kind]


@define(eq=False)
class FakeEnd:
    """
    The server's end of one connection.

    @ivar live: the rooms that are followed, once any are.
    """

    chat: FakeChat
    is_closing: bool = False
    is_gone: bool = False
    user_id: int | None = None
    user: str = ""
    live: set[int] | None = None
    _out: bytearray = field(factory=bytearray)
    _rest: bytes = b""

    def hear(self, data: bytes) -> None:
        """Take lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            self.chat.requests.append(request)
            if not self.chat.is_mute and not self.is_closing:
                self._handle(request)

    def say(self) -> bytes:
        """Give what there is to send."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def gone(self) -> None:
        """Nobody is there."""
        self.is_gone = True
        self.user_id = None

    def write(self, kind: str, to: Message | None = None, **keys: Any) -> None:
        """
        Send a line.

        @param to: the request that it answers.
        """
        message = {"message_type": kind, "timestamp": 1.0, **keys}
        if to is not None and "request_id" in to and self.chat.dialect != "plain":
            message["request_id"] = to["request_id"]
        self.write_raw(json.dumps(message).encode() + b"\n")

    def write_raw(self, data: bytes) -> None:
        """
        Send bytes.
        """
        if not self.is_gone:
            self._out += data

    def push(self, room: FakeRoom, event: Message, **keys: Any) -> None:
        """
        Send an event, if its room is followed.
        """
        if self.user_id not in room.members:
            return
        message = {**event, **keys}
        if message.get("sender_id") != self.user_id:
            message.pop("client_message_id", None)
        if self.chat.dialect == "hello":
            if self.live is not None and room.id in self.live:
                self.write_raw(json.dumps(message).encode() + b"\n")
        elif message["message_type"] == "chat_message":
            for key in ("seq", "server_time", "client_message_id"):
                message.pop(key, None)
            self.write_raw(json.dumps(message).encode() + b"\n")

    def _handle(self, request: Message) -> None:
        kind = request["message_type"]
        if self.chat.dialect != "hello" and kind not in _SEED:
            named = {"reason": "unknown_type"} if self.chat.dialect == "named" else {}
            self._refuse(request, 1008, **named)
        else:
            getattr(self, f"_{kind}")(request)

    def _refuse(self, request: Message, code: int, **keys: Any) -> None:
        self.write("error_message", request, error_code=code, error_message="no", **keys)

    def _hello_request(self, request: Message) -> None:
        limits = {"line_bytes": 65536, "content_chars": 4000, "file_bytes": 0, "chunk_bytes": 0}
        limits |= {"page_size": 100}
        limits_told: Message = {**limits, "heartbeat_seconds": self.chat.heartbeat}
        epoch = self.chat.epoch
        said = {"protocol": 1, "server": "fake 1", "epoch": epoch, "language": "en"}
        self.write("hello_response", request, limits=limits_told, **said)

    def _register_request(self, request: Message) -> None:
        is_new = request["username"] not in self.chat.users
        if is_new:
            self.user_id = self.chat.add_user(request["username"], request["password"])
        keys = {} if is_new else {"error_code": 1002, "reason": "username_taken"}
        self._account("register_response", request, is_new, **keys)
        self.user_id = None

    def _login_request(self, request: Message) -> None:
        user_id, password = self.chat.users.get(request["username"], (0, ""))
        self._let_in(
            request, request["username"], bool(user_id) and password == request["password"]
        )

    def _token_login_request(self, request: Message) -> None:
        user = self.chat.tokens.get(request["session_token"], "")
        self._let_in(request, user, bool(user))

    def _let_in(self, request: Message, user: str, is_right: bool) -> None:
        if self.chat.login_refusals:
            refusal = self.chat.login_refusals.popleft()
            self._account("login_response", request, False, **refusal)
            return
        if not is_right:
            wrong = {"error_code": 1001, "reason": "wrong_credentials"}
            wrong = wrong if self.chat.dialect != "plain" else {}
            self._account("login_response", request, False, **wrong)
            return
        self.user, self.user_id = user, self.chat.users[user][0]
        token = {}
        if self.chat.dialect == "hello":
            token = {"session_token": f"token-{user}"}
            self.chat.tokens[f"token-{user}"] = user
        self._account("login_response", request, True, **token)
        if self.chat.dialect == "hello":
            self.write("chat_heads", chats=[_head(each) for each in self._mine()])

    def _account(self, kind: str, request: Message, success: bool, **keys: Any) -> None:
        user_id = self.user_id if success else None
        said = None if success else "no"
        name = request.get("username") if success else None
        self.write(
            kind,
            request,
            success=success,
            user_id=user_id,
            username=name,
            error_message=said,
            **keys,
        )

    def _mine(self) -> list[FakeRoom]:
        return [each for each in self.chat.rooms.values() if self.user_id in each.members]

    def _resume_request(self, request: Message) -> None:
        if self.chat.knows_no_resume:
            return
        if self.chat.resume_refusals:
            refusal = dict(self.chat.resume_refusals.popleft())
            self._refuse(request, refusal.pop("code"), **refusal)
            return
        places = {p["chat_group_id"]: p["after_seq"] for p in request.get("positions") or []}
        assert not places or request["epoch"] == self.chat.epoch, request
        first = self.live is None
        self.live = self.live or set()
        resumed = []
        for room in self._mine():
            if first or room.id in places:
                self.live.add(room.id)
                resumed.append(self._replay(room, places.get(room.id, room.last_seq)))
        self.write("resume_response", request, chats=resumed)

    def _replay(self, room: FakeRoom, after: int) -> Message:
        events = [] if self.chat.is_stubborn else room.after(after)
        for event in events:
            self.push(room, event, replay=True)
        start = max(after + 1, room.first_seq)
        return {
            "chat_group_id": room.id,
            "from_seq": start,
            "to_seq": max(room.last_seq, start - 1),
            "complete": start == after + 1,
        }

    def _chat_message(self, request: Message) -> None:
        if self.chat.post_refusals and self.chat.post_refusals[0].get("content") in (
            None,
            request["content"],
        ):
            refusal = dict(self.chat.post_refusals.popleft())
            refusal.pop("content", None)
            code = refusal.pop("code")
            self._refuse(
                request, code, client_message_id=request.get("client_message_id"), **refusal
            )
            return
        room = self.chat.rooms[request["chat_group_id"]]
        name = request.get("client_message_id")
        known = [each for each in room.log if name and each.get("client_message_id") == name]
        if self.chat.lost_answers:
            self.chat.lost_answers -= 1
            self.is_closing = True
        if known:
            self._acknowledge(request, known[0], duplicate=True)
            return
        self.chat.message_ids += 1
        said = room.append(
            "chat_message",
            message_id=self.chat.message_ids,
            sender_id=self.user_id,
            sender_username=self.user,
            chat_group_name=room.name,
            content=request["content"],
            **({"client_message_id": name} if name else {}),
        )
        self._acknowledge(request, said, duplicate=False)
        self.chat.push(room, said)
        if self.is_closing:
            self._out.clear()

    def _acknowledge(self, request: Message, said: Message, *, duplicate: bool) -> None:
        if self.chat.dialect != "plain":
            keys = ("chat_group_id", "message_id", "seq", "server_time", "client_message_id")
            told = {key: said.get(key) for key in keys}
            self.write("chat_message_ack", request, duplicate=duplicate, **told)

    def _create_chat_request(self, request: Message) -> None:
        room = FakeRoom(len(self.chat.rooms) + 1, request["chat_name"])
        self.chat.rooms[room.id] = room
        self._answer_chat("create_chat_response", request, room)
        for name in [self.user, *(request.get("member_usernames") or [])]:
            self.chat.join(room, name)

    def _join_chat_request(self, request: Message) -> None:
        for room in self.chat.rooms.values():
            if room.name == request["chat_name"]:
                self._answer_chat("join_chat_response", request, room)
                self.chat.join(room, self.user)
                return
        self._refuse(request, 1004, reason="chat_not_found", temporary=False)

    def _answer_chat(self, kind: str, request: Message, room: FakeRoom) -> None:
        said = {"chat_group_id": room.id, "chat_name": room.name, "error_message": None}
        self.write(kind, request, success=True, **said)

    def _list_chats_request(self, request: Message) -> None:
        chats = [
            {
                "group_id": each.id,
                "group_name": each.name,
                "is_private_chat": False,
                "member_count": len(each.members),
                "created_at": TIME,
            }
            for each in self._mine()
        ]
        self.write("list_chats_response", request, chats=chats)

    def _history_request(self, request: Message) -> None:
        room = self.chat.rooms[request["chat_group_id"]]
        said = [each for each in room.log if each["message_type"] == "chat_message"]
        for each in said:
            others = ("client_message_id", "message_type", "timestamp")
            keys = {key: value for key, value in each.items() if key not in others}
            self.write("chat_history", request, **keys)
        self.write(
            "chat_history_complete",
            request,
            chat_group_id=room.id,
            message_count=len(said),
            first_seq=said[0]["seq"],
            last_seq=said[-1]["seq"],
            more_before=False,
            more_after=False,
        )

    def _mark_read_request(self, request: Message) -> None:
        keys = {"chat_group_id": request["chat_group_id"], "seq": request["seq"]}
        self.write("read_marker", request, unread=0, mentions=0, **keys)

    def _change_password_request(self, request: Message) -> None:
        self.chat.users[self.user] = (self.user_id or 0, request["new_password"])
        self.write("change_password_response", request, ended_count=0)

    def _ping(self, request: Message) -> None:
        self.write("pong", nonce=request.get("nonce"))

    def _pong(self, request: Message) -> None:
        pass

    def _typing(self, request: Message) -> None:
        pass


def _head(room: FakeRoom) -> Message:
    keys = {"chat_group_id": room.id, "chat_name": room.name, "last_seq": room.last_seq}
    return {
        **keys,
        "is_private_chat": False,
        "role": "member",
        "joined_seq": 0,
        "read_seq": 0,
        "unread": 0,
        "mentions": 0,
    }
