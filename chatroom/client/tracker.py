"""
What a client makes of the server's pushes: each event of a room told once and in order,
and the heads of the rooms kept up to date.
"""

from collections.abc import Iterable, Sequence

from attrs import define, evolve, field

from chatroom.client.audience import Audience
from chatroom.client.events import EpochChanged, Missed, RoomEvent
from chatroom.client.following import Following, Verdict
from chatroom.wire.messages import (
    ChatChanged,
    ChatDeleted,
    ChatHead,
    ChatMessage,
    FileNotification,
    MemberChanged,
    MemberJoined,
    MemberLeft,
    Position,
    ReadMarker,
    ResumeResponse,
)
from chatroom.wire.unknown import Place


@define(eq=False)
class Tracker:
    """
    Knows where one is, and tells the audience.

    @ivar user_id: who one is, once that is known.
    @ivar heads: one's rooms, by id.
    """

    following: Following
    audience: Audience
    user_id: int | None = None
    heads: dict[int, ChatHead] = field(factory=dict)

    def begin(self, heads: Iterable[ChatHead]) -> None:
        """
        Know one's rooms.
        """
        self.heads.clear()
        self.heads.update((each.chat_group_id, each) for each in heads)

    def know(self, room_id: int, name: str) -> None:
        """
        Know that a room is one's own, and no place in it.
        """
        self.heads.setdefault(room_id, head_of(room_id, name))

    def enter_epoch(self, epoch: str) -> None:
        """
        Have a database, and know nothing of it if one knew another.
        """
        if self.following.epoch not in (None, epoch):
            self.lose_epoch(epoch)
        self.following.epoch = epoch

    def lose_epoch(self, epoch: str) -> None:
        """
        Know nothing of the database that there is now.
        """
        old = self.following.epoch
        self.following.forget_all(epoch)
        self.audience.tell(EpochChanged(old=old, new=epoch))

    def take(self, event: RoomEvent) -> None:
        """
        Tell an event of a room, if it is the next there.
        """
        room_id, seq = event.chat_group_id, event.seq
        if seq is None or room_id is None:
            self._tell(event)
            return
        # Of a room that is no more, what is missing before its end can't be had.
        is_start = self._begins(event) or isinstance(event, ChatDeleted)
        if self._is_next(room_id, seq, event.replay, is_start):
            self._tell(event)

    def pass_by(self, place: Place) -> None:
        """
        Count an event that can't be told, for it is of no kind that is known here.
        """
        self._is_next(place.chat_group_id, place.seq, place.replay, False)

    def mark(self, marker: ReadMarker) -> None:
        """
        Know how far one has read.
        """
        head = self.heads.get(marker.chat_group_id)
        if head is not None:
            self.heads[marker.chat_group_id] = evolve(
                head, read_seq=marker.seq, unread=marker.unread, mentions=marker.mentions
            )

    def finish(self, positions: Sequence[Position], answer: ResumeResponse) -> None:
        """
        Have been sent what was asked for.
        """
        asked = {each.chat_group_id for each in positions}
        for chat in answer.chats:
            lost = self.following.finish(chat) if chat.chat_group_id in asked else None
            if lost is not None:
                self._tell_missed(chat.chat_group_id, *lost)
        self.following.unanswered(positions)

    def _is_next(self, room_id: int, seq: int, replay: bool | None, is_start: bool) -> bool:
        if self.audience.is_overfull:
            self.following.let_go(room_id, seq)
            return False
        known = self.following.known.get(room_id, 0)
        verdict = self.following.judge(room_id, seq, is_replay=bool(replay), is_start=is_start)
        if verdict is Verdict.CUT:
            self._tell_missed(room_id, known + 1, seq - 1)
        return verdict in (Verdict.NEXT, Verdict.CUT)

    def _begins(self, event: RoomEvent) -> bool:
        return isinstance(event, MemberJoined) and event.user_id == self.user_id

    def _tell_missed(self, room_id: int, first: int, last: int) -> None:
        self.audience.tell(Missed(chat_group_id=room_id, from_seq=first, to_seq=last))

    def _tell(self, event: RoomEvent) -> None:
        self._update(event)
        self.audience.tell(event)

    def _update(self, event: RoomEvent) -> None:
        room_id, seq = event.chat_group_id, event.seq
        if self._begins(event):
            assert isinstance(event, MemberJoined)
            joined = head_of(event.chat_group_id, event.chat_group_name, event.seq - 1)
            self.heads.setdefault(event.chat_group_id, joined)
        head = self.heads.get(room_id or 0)
        if head is None or room_id is None or seq is None or seq <= head.last_seq:
            return
        is_said = isinstance(event, ChatMessage | FileNotification)
        is_unread = is_said and getattr(event, "sender_id", None) != self.user_id
        is_mention = is_unread and self.user_id in (getattr(event, "mentions", None) or [])
        self.heads[room_id] = evolve(
            head,
            last_seq=seq,
            unread=head.unread + is_unread,
            mentions=head.mentions + is_mention,
        )
        if isinstance(event, ChatChanged):
            self.heads[room_id] = evolve(self.heads[room_id], chat_name=event.chat_group_name)
        is_mine = isinstance(event, MemberLeft | MemberChanged) and event.user_id == self.user_id
        if isinstance(event, MemberChanged) and is_mine and event.role is not None:
            self.heads[room_id] = evolve(self.heads[room_id], role=event.role)
        if isinstance(event, ChatDeleted) or (isinstance(event, MemberLeft) and is_mine):
            self.heads.pop(room_id)
            self.following.forget(room_id)


def head_of(room_id: int, name: str, seq: int = 0) -> ChatHead:
    """
    @param seq: a place up to which there is nothing to read.
    @return: a room that one is an ordinary member of, as far as one knows.
    """
    return ChatHead(
        chat_group_id=room_id,
        chat_name=name,
        is_private_chat=False,
        role="member",
        joined_seq=seq,
        last_seq=seq,
        read_seq=seq,
        unread=0,
        mentions=0,
    )
