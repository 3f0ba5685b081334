"""
Pauses between the steps of work that is done a little at a time.
"""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from chatroom.clock import cancel


class Stopped(Exception):
    """
    There is to be no next step.
    """


@define(eq=False)
class Pauses:
    """
    The pauses of one who works, who can be stopped in them.
    """

    _clock: IReactorTime
    _is_stopping: bool = field(default=False, init=False)
    _resting: "Deferred[None] | None" = field(default=None, init=False)

    @property
    def is_stopping(self) -> bool:
        """
        Whether nothing more should be begun.
        """
        return self._is_stopping

    def start(self) -> None:
        """
        Allow steps.
        """
        self._is_stopping = False

    def stop(self) -> None:
        """
        End the pause that there is, and allow no step after it.
        """
        self._is_stopping = True
        self.end()

    def end(self) -> None:
        """
        End the pause that there is.
        """
        resting, self._resting = self._resting, None
        if resting is not None:
            resting.callback(None)

    async def rest(self, seconds: float) -> None:
        """
        Let others have their turn.

        @raise Stopped: if there is to be no next step.
        """
        if not self._is_stopping:
            self._resting = Deferred()
            timer = self._clock.callLater(seconds, self.end)
            await self._resting
            cancel(timer)
        if self._is_stopping:
            raise Stopped()
