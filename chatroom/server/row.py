"""
Answers that leave in the order of what they answer.
"""

from collections import deque
from collections.abc import Callable

from attrs import define, field


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
    """

    _send: Callable[[bytes], None]
    _places: deque[Place] = field(factory=deque, init=False)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def ends_in_an_answer(self) -> bool:
        """
        Whether the last place has its answer, and waits for others to be sent.
        """
        return bool(self._places) and self._places[-1].lines is not None

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
