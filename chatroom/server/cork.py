"""
One write for each peer and turn: what is said to many peers in one context leaves at the
end of it, to each in one piece.

An acknowledgement and the push behind it, the answers to a packet of requests, what a
commit says in several rooms: each write of its own would be a call of the kernel, which
costs more than all that is done before it.
"""

from typing import Protocol

from attrs import define, field

from chatroom.logs.journal import Journal


class Corked(Protocol):
    """
    A way out that has something to send.
    """

    def flush(self) -> None:
        """
        Send it.
        """


@define(eq=False)
class Cork:
    """
    A context in which nothing leaves; it may be entered again inside.

    @ivar is_in: whether it is entered.
    """

    _log = Journal()

    is_in: bool = field(default=False, init=False)
    _depth: int = field(default=0, init=False)
    _waiting: list[Corked] = field(factory=list, init=False)

    def hold(self, way: Corked) -> None:
        """
        Let a way out be flushed at the end of the context; it asks for that once.
        """
        self._waiting.append(way)

    def __enter__(self) -> None:
        self._depth += 1
        self.is_in = True

    def __exit__(self, *exc_info: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.is_in = False
            waiting, self._waiting = self._waiting, []
            for way in waiting:
                try:
                    way.flush()
                except Exception:
                    # The others are not to suffer for it.
                    self._log.note_failure("turn_failed")
