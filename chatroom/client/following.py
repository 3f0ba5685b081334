"""
Where a client is in the log of each room: what comes next, what came before, what is
missing.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import define, field

from chatroom.wire.messages import ChatHead, Position, ResumedChat, ResumeRequest


class Verdict(Enum):
    """
    What to do with an event.

    @cvar NEXT: tell it.
    @cvar CUT: tell it, and that what is before it is lost: the server keeps no more.
    @cvar KNOWN: drop it, it was told.
    @cvar EARLY: drop it, and ask again for what is missing before it.
    """

    NEXT = "next"
    CUT = "cut"
    KNOWN = "known"
    EARLY = "early"


@define(eq=False)
class Following:
    """
    The places that a client knows.

    @ivar epoch: of the database that they are of.
    """

    epoch: str | None = None
    _known: dict[int, int] = field(factory=dict)
    _asked: dict[int, int] = field(factory=dict, init=False)
    _seen: dict[int, int] = field(factory=dict, init=False)
    _let_go: set[int] = field(factory=set, init=False)

    @property
    def known(self) -> Mapping[int, int]:
        """
        The last place told of each room.
        """
        return self._known

    def forget_all(self, epoch: str | None) -> None:
        """
        Know nothing, of another database.
        """
        self.epoch = epoch
        self._known.clear()
        self.disconnected()

    def forget(self, room_id: int) -> None:
        """
        Follow a room no longer.
        """
        for table in (self._known, self._asked, self._seen):
            table.pop(room_id, None)
        self._let_go.discard(room_id)

    def disconnected(self) -> None:
        """
        Nothing is under way any more.
        """
        self._asked.clear()
        self._seen.clear()
        self._let_go.clear()

    def ask_for_all(self, heads: Iterable[ChatHead]) -> list[Position]:
        """
        Begin to follow one's rooms and no others: all of them from where they end, if
        nothing is known of any; else those that are new from where one became a member,
        for that was while one was away.

        @return: what to ask the server for.
        """
        was_away = bool(self._known)
        starts = {
            head.chat_group_id: head.joined_seq if was_away else head.last_seq for head in heads
        }
        for room_id in self._known.keys() - starts.keys():
            self.forget(room_id)
        self._known = {**starts, **self._known}
        return self.ask_for(starts)

    def ask_for(self, room_ids: Iterable[int]) -> list[Position]:
        """
        Ask for the log of rooms, from where one is.
        """
        places = {room_id: self._known[room_id] for room_id in room_ids}
        self._asked.update(places)
        for room_id in places:
            self._seen.pop(room_id, None)
        return [Position(chat_group_id=room, after_seq=seq) for room, seq in places.items()]

    def load(self, positions: Iterable[Position]) -> None:
        """
        Be where one was.
        """
        self._known.update((each.chat_group_id, each.after_seq) for each in positions)

    def unanswered(self, positions: Iterable[Position]) -> None:
        """
        The server has nothing to tell of these rooms.
        """
        for each in positions:
            self._asked.pop(each.chat_group_id, None)

    def short(self) -> list[int]:
        """
        @return: the rooms of which something is missing that nobody has asked for.
        """
        return [
            room
            for room, seq in self._seen.items()
            if room not in self._asked and seq > self._known.get(room, seq)
        ]

    def judge(self, room_id: int, seq: int, *, is_replay: bool, is_start: bool) -> Verdict:
        """
        Say what to do with an event, and be there if it is to be told.

        @param is_start: whether one's membership begins with it.
        """
        known = self._known.get(room_id)
        if known is not None and seq <= known:
            return Verdict.KNOWN
        is_first = is_replay and self._asked.get(room_id) == known
        if known is None or is_start or seq == known + 1:
            verdict = Verdict.NEXT
        elif is_first:
            verdict = Verdict.CUT
        else:
            self.skip(room_id, seq)
            return Verdict.EARLY
        self._known[room_id] = seq
        return verdict

    def skip(self, room_id: int, seq: int) -> None:
        """
        Have seen that there is an event, without taking it.
        """
        self._known.setdefault(room_id, seq - 1)
        self._seen[room_id] = max(seq, self._seen.get(room_id, 0))

    def let_go(self, room_id: int, seq: int) -> None:
        """
        Not have taken an event, for want of room; it is to be asked for later.
        """
        self.skip(room_id, seq)
        self._let_go.add(room_id)

    def finish(self, chat: ResumedChat) -> tuple[int, int] | None:
        """
        The log of a room was sent up to its end, as far as the server has it.

        @return: the first and the last place of what will never come, if there is any.
        """
        room_id = chat.chat_group_id
        asked = self._asked.pop(room_id, None)
        known = self._known.get(room_id)
        was_let_go = room_id in self._let_go
        self._let_go.discard(room_id)
        if asked is None or known is None or was_let_go:
            return None
        reached = known if chat.complete else max(known, chat.from_seq - 1)
        if reached == asked:
            # It was asked for, and did not come: it never will.
            reached = max(reached, chat.to_seq)
        elif reached < chat.to_seq:
            self.skip(room_id, chat.to_seq)
        self._known[room_id] = reached
        return (known + 1, reached) if reached > known else None


def resumption(epoch: str, positions: Mapping[int, int]) -> ResumeRequest:
    """
    @param epoch: of the database that the positions are of.
    @return: a request to be sent what was missed since.
    """
    places = [Position(chat_group_id=k, after_seq=v) for k, v in positions.items()]
    return ResumeRequest(epoch=epoch, positions=places)
