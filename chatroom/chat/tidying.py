"""
What is not to stay among the files: what was deleted, what nobody goes on sending, and
what a crash has left.

What is to go is known to the database first, and is removed then. So a crash between the
two leaves nothing but work for the next look.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.disk import Disk
from chatroom.chat.pauses import Pauses, Stopped
from chatroom.chat.uploads import ABANDONED_SECONDS, Uploads
from chatroom.clock import Now
from chatroom.errors import ChatError
from chatroom.logs.journal import Journal
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.filed import Dropped
from chatroom.store.models import Event, EventKind
from chatroom.store.repository import Repository

#: When the first look is, in seconds after the start.
FIRST_SECONDS = 10.0

#: How often there is a look at what is to go, in seconds, and how many looks there are to
#: one at all that is there.
LOOK_SECONDS = 60.0
LOOKS = 20

#: How long to wait between two steps, in seconds, and how many files are seen to in one.
PAUSE_SECONDS = 0.05
PORTION = 200


@define(eq=False)
class Tidying:
    """
    Sees to what is to go.
    """

    _log = Journal()

    _disk: Disk
    _database: Database
    _uploads: Uploads
    _clock: IReactorTime
    _now: Now
    _pauses: Pauses = field(init=False)
    _is_asked: bool = field(default=False, init=False)
    _running: "Deferred[None] | None" = field(default=None, init=False)

    @_pauses.default
    def _make_pauses(self) -> Pauses:
        return Pauses(self._clock)

    def start(self) -> None:
        """
        Begin, in a while.
        """
        self._pauses.start()
        if self._disk.is_on:
            self._running = Deferred.fromCoroutine(self._run())

    def learn(self, events: Sequence[Event]) -> None:
        """
        Know what has happened: what was deleted is not to wait for the next look.
        """
        if any(each.kind is EventKind.DELETE for each in events):
            self._is_asked = True
            self._pauses.end()

    def stop(self) -> "Deferred[None]":
        """
        Begin nothing more.

        @return: when what was begun is done, or has failed.
        """
        self._pauses.stop()
        running, self._running = self._running, None
        return running or succeed(None)

    async def _run(self) -> None:
        due = self._clock.seconds() + FIRST_SECONDS
        looks = 0
        try:
            while True:
                if not self._is_asked:
                    await self._pauses.rest(max(0.0, due - self._clock.seconds()))
                self._is_asked = False
                await self._attempt(self._remove_dropped)
                if self._clock.seconds() >= due:
                    await self._attempt(self._give_up_stale)
                    if looks % LOOKS == 0:
                        await self._attempt(self._compare)
                    looks += 1
                    due = self._clock.seconds() + LOOK_SECONDS
        except Stopped:
            return

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (ChatError, CommitUncertain):
            # The database or the disk has told why; there is another look.
            return
        except Stopped:
            raise
        except Exception:
            self._log.note_failure("tidying_failed")

    async def _remove_dropped(self) -> None:
        """
        Remove the bytes of what was deleted.
        """
        while some := await self._database.read(lambda store: store.dropped_files(PORTION)):
            await self._remove([each.name for each in some if each.name is not None])
            await self._database.write(partial(_note_gone, some))
            await self._pauses.rest(PAUSE_SECONDS)

    async def _give_up_stale(self) -> None:
        """
        Remove what nobody goes on sending.
        """
        before = int((self._now() - ABANDONED_SECONDS) * 1000)
        stale = await self._database.read(lambda store: store.stale_uploads(before))
        for upload in stale:
            if not self._uploads.is_live(upload.id):
                await self._uploads.abandon(upload, before)
                await self._pauses.rest(PAUSE_SECONDS)

    async def _compare(self) -> None:
        """
        Remove what the database does not know of, and tell of what it alone knows of.
        """
        names = await self._disk.do(lambda folder: folder.names())
        there = sorted(names)
        strays: list[str] = []
        for start in range(0, len(there), PORTION):
            some = there[start : start + PORTION]
            known = await self._database.read(partial(_known, some))
            strays += [each for each in some if each not in known]
            await self._pauses.rest(PAUSE_SECONDS)
        await self._remove(strays)
        if strays:
            self._log.note("strays_removed", count=len(strays))
        await self._look_for_lost(names)

    async def _look_for_lost(self, names: set[str]) -> None:
        after, lost = "", 0
        while some := await self._database.read(partial(_kept, after)):
            # One that came after the names were read is there.
            missing = [each for each in some if each not in names]
            lost += await self._count_lost(missing)
            after = some[-1]
            await self._pauses.rest(PAUSE_SECONDS)
        if lost:
            self._log.note("files_lost", count=lost)

    async def _count_lost(self, names: Sequence[str]) -> int:
        if not names:
            return 0
        return await self._disk.do(lambda folder: sum(not folder.has(each) for each in names))

    async def _remove(self, names: Sequence[str]) -> None:
        if names:
            await self._disk.do(lambda folder: folder.remove(names))


def _note_gone(gone: Sequence[Dropped], store: Repository) -> None:
    store.note_gone(gone)


def _known(names: Sequence[str], store: Repository) -> set[str]:
    return store.known_names(names)


def _kept(after: str, store: Repository) -> list[str]:
    return store.kept_names(after, PORTION)
