"""
Answers that leave in the order of what they answer.
"""

from collections.abc import Callable

from attrs import define, field

#: The fate of a post with a name: it needs nothing in common with others.
ITS_OWN = "its own"


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
    @ivar fate: what those have in common that are under way.
    """

    _send: Callable[[bytes], None]
    #: A list, for an empty one takes a tenth of what a deque does, and it is short.
    _places: list[Place] = field(factory=list, init=False)
    fate: object = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self._places)

    def takes(self, fate: object) -> bool:
        """
        Whether a request may be under way beside those that are: none may but posts that
        have something in common.

        @param fate: what these have in common; C{None} for all other requests.
        """
        if not self._places:
            return True
        if fate is None or fate != self.fate:
            return False
        # The push of a plain post does not wait in the row, so the post itself has
        # to, lest it overtake an answer: a refusal that needed no transaction, too.
        return fate is ITS_OWN or self._places[-1].lines is None

    def add(self, place: Place, fate: object = None) -> None:
        """
        Have a place be the last one.
        """
        self.fate = fate
        self._places.append(place)

    def move(self) -> None:
        """
        Send every answer that waits for no other.
        """
        places = self._places
        while places and places[0].lines is not None:
            lines = places.pop(0).lines
            if lines:
                self._send(lines)
