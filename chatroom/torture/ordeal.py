"""
All of it: from the first start to the evidence.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.internet import defer
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from chatroom.errors import ChatError
from chatroom.torture.files import read_rows, unsoundness
from chatroom.torture.histories import Album, Entry, Evidence
from chatroom.torture.onlooker import Onlooker
from chatroom.torture.person import Person, Setting
from chatroom.torture.plan import Fault, Plan, username
from chatroom.torture.proxy import Proxy
from chatroom.torture.runs import asked_again
from chatroom.torture.schedule import Stroke, draw
from chatroom.torture.server import Server
from chatroom.torture.tormentor import Tormentor
from chatroom.torture.wiretap import Listener
from chatroom.torture.witness import PUBLIC, Witness

#: How often one looks whether all is well again, in seconds.
_STEP = 0.1

#: What else must not happen than what histories show, by what it is called.
TROUBLES = (
    "half-open connections never given up",
    "errors in the server's log",
    "ends of the server by itself",
    "failures in a client",
    "unsound file",
)

#: The number under which connections of the witness are heard.
WITNESS = -1


@frozen(kw_only=True)
class Outcome:
    """
    What has happened, and what there is to judge.

    @ivar faults: how often which fault has struck.
    @ivar counts: what else can be counted, by what it is.
    """

    plan: Plan
    faults: "Counter[Fault]"
    counts: "Counter[str]"
    evidence: Evidence


@implementer(ILogObserver)
@define(eq=False)
class Ordeal:
    """
    One run of it.

    @ivar progress: called with what happens, in words.
    """

    reactor: Any
    plan: Plan
    directory: Path
    progress: Callable[[str], None]
    server: Server = field(init=False)
    _listener: Listener = field(init=False)
    _people: list[Person] = field(factory=list, init=False)
    _onlookers: list[Onlooker] = field(factory=list, init=False)
    _witness: Witness = field(init=False)
    _tormentor: Tormentor = field(init=False)
    _failures: list[str] = field(factory=list, init=False)
    _never_given_up: list[str] = field(factory=list, init=False)
    _excused: int = field(default=0, init=False)
    _starting: "defer.Deferred[None] | None" = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        url = self.plan.database or f"sqlite:///{self._path}"
        self.server = Server(self.reactor, self.directory, url, self.plan.heartbeat)
        self._listener = Listener(Album())
        self._witness = Witness(self.reactor, self._listener.album, self._proxy(WITNESS))
        counts = self._listener.counts
        setting = Setting(self.reactor, self.plan, self._listener.album, counts, self.directory)
        self._people = [
            Person(setting, number, self._proxy(number)) for number in range(self.plan.clients)
        ]
        self._onlookers = [
            Onlooker(self.reactor, username(number), self._proxy(number))
            for number in self.plan.onlookers
        ]
        database = None if self.plan.database else self._path
        proxies = [each.proxy for each in self._people]
        proxies += [each.proxy for each in self._onlookers]
        self._tormentor = Tormentor(
            self.reactor, self.server, self._people, proxies, database, self._tell
        )

    @property
    def _path(self) -> Path:
        return self.directory / "chatroom.db"

    async def run(self) -> Outcome:
        """
        Do it all.

        @raise SystemExit: if it can't even begin.
        """
        globalLogPublisher.addObserver(self)
        begun = self.reactor.seconds()
        try:
            await self._begin()
            starts = self._witness.ends()
            await self._tormentor.go_through(draw(self.plan))
            pages = await self._settle()
        except (ChatError, defer.TimeoutError) as error:
            last = f"{error} {' '.join(self.server.ends[-1:])}"
            raise SystemExit(f"chatroom torture: all is lost: {last}") from error
        finally:
            globalLogPublisher.removeObserver(self)
        await self._end()
        self._listener.counts["seconds"] = round(self.reactor.seconds() - begun)
        return self._outcome(starts, pages)

    async def _begin(self) -> None:
        self.server.ended = self._ended
        self.server.start()
        self._starting = self.server.serving().addTimeout(self.plan.patience, self.reactor)
        try:
            await self._starting
            await self._arrive()
        except (ChatError, defer.TimeoutError) as error:
            raise SystemExit(f"chatroom torture: it could not begin: {error}") from error

    async def _arrive(self) -> None:
        """
        Have everybody there, in their rooms, and only then have them talk.
        """
        for each in self._people:
            await each.proxy.listen()
            each.start()
        for onlooker in self._onlookers:
            await onlooker.proxy.listen()
            await onlooker.start().addTimeout(self.plan.patience, self.reactor)
        for each in self._people:
            await each.ready(self.plan.patience)
        await self._witness.proxy.listen()
        await self._witness.make_rooms(self.plan)
        await self._witness.read(self.plan.patience)
        starts = self._witness.ends()
        await self._witness.leave()
        rooms = [self._rooms_of(each) for each in self._people]
        if not await self._until(lambda: self._have_heard(starts)):
            raise defer.TimeoutError("not everybody was told of the rooms")
        self.progress(f"{len(self._people)} clients are there; it begins")
        for each, own in zip(self._people, rooms, strict=True):
            each.enter(own)

    def _rooms_of(self, person: Person) -> frozenset[int]:
        own = self.plan.rooms_of(person.number)
        return frozenset({PUBLIC, *(self._witness.rooms[each] for each in own)})

    def _have_heard(self, ends: dict[int, int]) -> bool:
        return all(
            each.places.get(room, 0) >= ends[room]
            for each in self._people
            for room in self._rooms_of(each)
        )

    async def _settle(self) -> dict[int, dict[int, Entry]]:
        """
        Let all be well again, and read everything.
        """
        for each in self._people:
            each.cease()
        self.progress("all faults are lifted; nobody says anything new")
        await self.server.serving().addTimeout(self.plan.patience, self.reactor)
        is_quiet = await self._until(self._is_quiet)
        self.progress("everything is acknowledged" if is_quiet else "not all is acknowledged")
        await self._witness.read(self.plan.patience)
        is_told = await self._until(lambda: self._have_heard(self._witness.ends()))
        self.progress("everybody knows everything" if is_told else "not everybody knows it all")
        return await self._witness.pages()

    def _is_quiet(self) -> bool:
        is_done = all(not each.waiting and not each.pending for each in self._people)
        return is_done and not any(each.proxy.half_open() for each in self._people)

    async def _until(self, happened: Callable[[], bool]) -> bool:
        until = self.reactor.seconds() + self.plan.patience
        while not happened():
            if self.reactor.seconds() > until:
                return False
            await deferLater(self.reactor, _STEP)
        return True

    async def _end(self) -> None:
        noticed = sum(each.proxy.noticed for each in self._people)
        self._listener.counts["half-open connections given up"] = noticed
        self._never_given_up = [
            f"client {each.number}" for each in self._people if each.proxy.half_open()
        ]
        await self._witness.leave()
        for each in self._people:
            await each.leave()
        for onlooker in self._onlookers:
            await onlooker.leave()
        await self.server.stop()
        for proxy in (*self._tormentor.proxies, self._witness.proxy):
            await proxy.close()

    def _outcome(self, starts: dict[int, int], pages: dict[int, dict[int, Entry]]) -> Outcome:
        is_file = self.plan.database is None
        found = (
            self._never_given_up,
            self.server.faults(),
            self.server.ends,
            self._failures,
            unsoundness(self._path) if is_file else [],
        )
        counts = self._listener.counts
        counts["complaints of the server about its database"] = self.server.failures()
        counts["starts of the server"] = self.server.starts
        counts["starts that a foreign lock prevented"] = self._excused
        counts["asked again for a room"] = sum(map(asked_again, self._listener.sessions))
        evidence = Evidence(
            log=self._witness.log,
            starts=starts,
            testimonies=[each.testimony for each in self._people],
            sessions=self._listener.sessions,
            pages=pages,
            rows=read_rows(self._path) if is_file else None,
            troubles=dict(zip(TROUBLES, found, strict=True)),
        )
        return Outcome(
            plan=self.plan, faults=self._tormentor.counts, counts=counts, evidence=evidence
        )

    def _proxy(self, number: int) -> Proxy:
        return Proxy(self.reactor, self.server.port, lambda: self._listener.tap(number))

    def _ended(self, why: str, had_served: bool) -> None:
        if self._starting is not None and not self._starting.called:
            self.server.abandon()
            self._starting.errback(SystemExit(why))
        elif not had_served and self._tormentor.is_locked_since(self.server.began_at):
            self._excused += 1
        else:
            self.server.ends.append(why)

    def __call__(self, event: LogEvent) -> None:
        """
        Note what fails in a client.
        """
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            failure = event.get("log_failure")
            text = event.get("log_format") if failure is None else failure.getTraceback()
            self._failures.append(f"{event.get('log_namespace')}: {text}")

    def _tell(self, seconds: float, stroke: Stroke) -> None:
        self.progress(f"{seconds:7.1f} s  {described(stroke)}")


def described(stroke: Stroke) -> str:
    """
    @return: a stroke in words.
    """
    words = [stroke.fault.value]
    if stroke.fault not in (Fault.KILL, Fault.CUT, Fault.TEAR, Fault.HALF_OPEN, Fault.CRASH):
        words.append(f"for {stroke.seconds:.1f} s")
    if stroke.victims:
        words.append(f"of {_crowd(stroke.victims)}")
    return " ".join(words)


def _crowd(victims: Sequence[int]) -> str:
    return f"client {victims[0]}" if len(victims) == 1 else f"{len(victims)} clients"
