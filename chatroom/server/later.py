"""
What is to be done in the reactor's next turn: of all sessions together, for a timer of
its own for each of them would cost more than most of what they do.
"""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from chatroom.logs.journal import Journal
from chatroom.server.cork import Cork


@define(eq=False)
class Later:
    """
    A list of what is to be done.
    """

    _log = Journal()

    _clock: IReactorTime
    _cork: Cork
    _waiting: list[Callable[[], None]] = field(factory=list, init=False)

    def call(self, what: Callable[[], None]) -> None:
        """
        Have it be done in the next turn.
        """
        if not self._waiting:
            self._clock.callLater(0, self._run)
        self._waiting.append(what)

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        with self._cork:
            for each in waiting:
                try:
                    each()
                except Exception:
                    # The others are not to suffer for it.
                    self._log.note_failure("turn_failed")
