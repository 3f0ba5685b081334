"""
The index of words, a little behind the log.

What is said is put into the index afterwards, many messages at a time: to do so in the
commit that stores them would make that three times as long. Until then a search reads
them one by one, so nothing is missed; there are few of them, unless so much is said that
the index falls behind, and then it takes a larger share of the time.
"""

from collections.abc import Sequence

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.pauses import Pauses, Stopped
from chatroom.errors import ChatError
from chatroom.logs.journal import Journal
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Event

#: How long after a message was said it is put into the index, in seconds; and how long
#: to wait if the database fails.
DELAY_SECONDS = 1.0
RETRY_SECONDS = 60.0

#: How many events are put into it in one step: a few milliseconds.
INDEXED = 200

#: How long nothing is done between two steps, in seconds; not at all if so many events
#: are waiting.
PAUSE_SECONDS = 0.05
MOST_WAITING = 20_000


@define(eq=False)
class Indexing:
    """
    Puts what was said into the index, as long as there is anything.
    """

    _logger = Journal()

    _database: Database
    _clock: IReactorTime
    _pauses: Pauses = field(init=False)
    _running: "Deferred[None] | None" = field(default=None, init=False)
    _is_due: bool = field(default=True, init=False)
    _has_older: bool = field(default=True, init=False)

    @_pauses.default
    def _make_pauses(self) -> Pauses:
        return Pauses(self._clock)

    def start(self) -> None:
        """
        Begin with what was left.
        """
        self._pauses.start()
        self._is_due = True
        self._begin()

    def learn(self, events: Sequence[Event]) -> None:
        """
        Know that something has happened.
        """
        self._is_due = True
        if self._running is None and not self._pauses.is_stopping:
            self._begin()

    def stop(self) -> Deferred[None]:
        """
        Begin nothing more.

        @return: when what was begun is done, or has failed.
        """
        self._pauses.stop()
        return self._running or succeed(None)

    def _begin(self) -> None:
        # It is known to run before it does, for it may be done at once.
        running = self._running = Deferred()
        Deferred.fromCoroutine(self._run()).chainDeferred(running)

    async def _run(self) -> None:
        try:
            while self._is_due:
                self._is_due = False
                await self._pauses.rest(DELAY_SECONDS)
                await self._catch_up()
        except Stopped:
            return
        finally:
            self._running = None

    async def _catch_up(self) -> None:
        waiting = 1
        while waiting or self._has_older:
            try:
                waiting = await self._database.write(lambda store: store.index_newer(INDEXED))
                if not waiting and self._has_older:
                    self._has_older = await self._database.write(
                        lambda store: store.index_older(INDEXED)
                    )
                pause = 0 if waiting > MOST_WAITING else PAUSE_SECONDS
            except (ChatError, CommitUncertain):
                # The database has told why. What may be done already is not done twice.
                pause = RETRY_SECONDS
            except Exception:
                self._logger.note_failure("indexing_failed")
                pause = RETRY_SECONDS
            await self._pauses.rest(pause)
