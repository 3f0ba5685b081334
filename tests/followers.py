"""
Clients for tests that follow the log, and object to whatever breaks the promise.
"""

from typing import Any

from attrs import define, field

from tests.peers import Message, Peer, login, request

#: What of the log is pushed.
LOG_TYPES = {
    "chat_message",
    "message_edited",
    "message_deleted",
    "reaction_changed",
    "member_joined",
    "member_left",
}


@define(eq=False)
class Room:
    """
    A room as somebody knows it who follows its log.

    @ivar seq: the place of the last event.
    @ivar kinds: the type of each event, by its place.
    @ivar messages: what each message says by now, by id; C{None} if it is deleted.
    @ivar reactions: who has reacted how to which message.
    @ivar members: who has come and not gone, as far as is known.
    """

    seq: int
    kinds: dict[int, str] = field(factory=dict)
    messages: dict[int, str | None] = field(factory=dict)
    reactions: set[tuple[int, int, str]] = field(factory=set)
    members: set[int] = field(factory=set)

    def hear(self, line: Message) -> None:
        """
        Take the next event.
        """
        assert line["seq"] == self.seq + 1, f"{line['seq']} after {self.seq}: {line}"
        self.seq = line["seq"]
        self.kinds[self.seq] = line["message_type"]
        getattr(self, f"_{line['message_type']}")(line)

    def _chat_message(self, line: Message) -> None:
        self.messages[line["message_id"]] = None if line.get("deleted") else line["content"]

    def _message_edited(self, line: Message) -> None:
        message_id = line["message_id"]
        # What was deleted before this was read says nothing already.
        if self.messages.get(message_id) is not None:
            self.messages[message_id] = line["content"]

    def _message_deleted(self, line: Message) -> None:
        self.messages[line["message_id"]] = None
        gone = {each for each in self.reactions if each[0] == line["message_id"]}
        self.reactions -= gone

    def _reaction_changed(self, line: Message) -> None:
        reaction = (line["message_id"], line["user_id"], line["reaction"])
        if line["add"]:
            self.reactions.add(reaction)
        else:
            self.reactions.discard(reaction)

    def _member_joined(self, line: Message) -> None:
        self.members.add(line["user_id"])

    def _member_left(self, line: Message) -> None:
        self.members.discard(line["user_id"])


@define(eq=False)
class FollowingClient:
    """
    Somebody who follows the log over one connection after the other, and knows from one
    to the next where they were.

    @ivar rooms: what is known of each room, by id.
    @ivar others: all lines that are not of the log.
    """

    name: str
    peer: Peer | None = None
    epoch: str | None = None
    user_id: int | None = None
    rooms: dict[int, Room] = field(factory=dict)
    others: list[Message] = field(factory=list)
    is_resumed: bool = False
    is_asking_again: bool = False

    def connect(self, peer: Peer) -> None:
        """
        Say hello, log in, and follow from where one was.
        """
        self.peer, self.is_resumed, self.is_asking_again = peer, False, False
        peer.send(request("hello_request", protocol=1), login(self.name))

    def resume(self) -> None:
        """
        Ask for what was missed.
        """
        assert self.peer is not None
        self.is_asking_again = self.is_resumed
        positions = [
            {"chat_group_id": room_id, "after_seq": room.seq}
            for room_id, room in self.rooms.items()
        ]
        self.peer.send(
            request("resume_request", epoch=self.epoch, positions=positions, request_id="resume")
        )

    def hear(self) -> None:
        """
        Take what has come.
        """
        assert self.peer is not None
        lines, self.peer.heard = self.peer.heard, []
        for line in lines:
            self._hear(line)

    def _hear(self, line: Message) -> None:
        kind = line["message_type"]
        if kind in LOG_TYPES:
            self._happen(line)
            return
        self.others.append(line)
        if kind == "hello_response":
            self.epoch = line["epoch"]
        elif kind == "login_response":
            assert line["success"], line
            self.user_id = line["user_id"]
        elif kind == "chat_heads":
            self._begin(line["chats"])
        elif kind == "resume_response":
            self._be_resumed(line)

    def _begin(self, heads: list[Any]) -> None:
        start = "joined_seq" if self.rooms else "last_seq"
        now = {head["chat_group_id"]: head[start] for head in heads}
        # What one is in no longer is not followed.
        self.rooms = {room_id: room for room_id, room in self.rooms.items() if room_id in now}
        for room_id, seq in now.items():
            self.rooms.setdefault(room_id, Room(seq))
        self.resume()

    def _be_resumed(self, line: Message) -> None:
        self.is_resumed, self.is_asking_again = True, False
        for each in line["chats"]:
            room = self.rooms.get(each["chat_group_id"])
            if room is not None and each["complete"]:
                assert room.seq >= each["to_seq"], (room.seq, each)

    def _happen(self, line: Message) -> None:
        room_id = line["chat_group_id"]
        is_mine = line.get("user_id") == self.user_id
        if line["message_type"] == "member_joined" and is_mine and room_id not in self.rooms:
            self.rooms[room_id] = Room(line["seq"] - 1)
        assert room_id in self.rooms, f"of a room that was never heard of: {line}"
        if self.is_asking_again and line["seq"] <= self.rooms[room_id].seq:
            # It was under way already when more was asked for.
            return
        self.rooms[room_id].hear(line)
        if line["message_type"] == "member_left" and is_mine:
            del self.rooms[room_id]
