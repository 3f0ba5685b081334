"""
Answers that leave in the order of what they answer.
"""

from collections import deque
from collections.abc import Callable

from attrs import define, field

from chatroom.server.dispatch import entry
from chatroom.wire.codec import Request


@define(eq=False)
class Place:
    """
    A place in a row.

    @ivar lines: the answer, perhaps empty; C{None} until it is known.
    """

    lines: bytes | None = None


@define(eq=False)
class Row:
    """
    The answers that one session is owed.

    @ivar _send: takes an answer whose turn has come.
    @ivar _is_named: tells whether a request is answered by more than a push.
    """

    _send: Callable[[bytes], None]
    _is_named: Callable[[Request], bool]
    _places: deque[Place] = field(factory=deque, init=False)
    _fate: object = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self._places)

    def takes(self, request: Request, room_id: int) -> bool:
        """
        Whether a request may be under way beside those that are: none may but posts.

        @param room_id: the session's current room.
        """
        if not self._places:
            return True
        if not entry(type(request)).shares_commit:
            return False
        # The push of a plain post does not wait in the row, so the post itself has
        # to, lest it overtake an answer: a refusal that needed no transaction, too.
        ends_in_an_answer = self._places[-1].lines is not None
        overtakes = not self._is_named(request) and ends_in_an_answer
        return not overtakes and self._fate_of(request, room_id) == self._fate

    def stand_for(self, request: Request, room_id: int) -> Place:
        """
        Take the last place for the answer to a request.
        """
        self._fate = self._fate_of(request, room_id)
        return self.stand()

    def stand(self, lines: bytes | None = None) -> Place:
        """
        Take the last place.
        """
        place = Place(lines)
        self._places.append(place)
        return place

    def move(self) -> None:
        """
        Send every answer that waits for no other.
        """
        while self._places and self._places[0].lines is not None:
            lines = self._places.popleft().lines
            if lines:
                self._send(lines)

    def _fate_of(self, request: Request, room_id: int) -> object:
        """
        What posts have in common that are under way together. Those with a name need
        nothing; plain ones a room, for then the transaction refuses all or none of them,
        and no push overtakes a refusal.
        """
        if self._is_named(request):
            return "each its own"
        return getattr(request, "chat_group_id", None) or room_id
