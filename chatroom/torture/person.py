"""
One client and its program, which remembers all that it says and is told.
"""

import shutil
from collections import Counter, deque
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chatroom.client import (
    ChatClient,
    Credentials,
    EpochChanged,
    Missed,
    NetworkError,
    Refusal,
    Unsent,
    exponential,
)
from chatroom.torture.histories import Acknowledged, Album, Changed, Testimony
from chatroom.torture.plan import PASSWORD, REACTIONS, Plan, name_of, username
from chatroom.torture.proxy import Proxy
from chatroom.wire.codec import Message
from chatroom.wire.messages import ChatMessage

#: The first wait of a client that has lost its connection, and the longest, in seconds.
FIRST_WAIT, LONGEST_WAIT = 0.1, 1.0

#: How many messages a client has unacknowledged before it says nothing new.
MOST_WAITING = 100

#: How likely it is that a message is edited, that it is taken back, and that a client
#: reacts to the last ones, once it is stored.
EDITED, DELETED, REACTED = 0.08, 0.03, 0.10


@frozen
class Setting:
    """
    What all clients have in common.
    """

    clock: IReactorTime
    plan: Plan
    album: Album
    counts: "Counter[str]"
    directory: Path


@define(eq=False)
class Person:
    """
    A client, in all its lives.

    @ivar places: how far it was told each room.
    @ivar pending: how many changes it has asked for that are not answered.
    """

    setting: Setting
    number: int
    proxy: Proxy
    testimony: Testimony = field(init=False)
    places: dict[int, int] = field(factory=dict)
    pending: int = 0
    log = Logger()
    _client: ChatClient = field(init=False)
    _chance: Random = field(init=False)
    _lives: int = 0
    _count: int = 0
    _timer: IDelayedCall | None = None
    _recent: "deque[tuple[int, int]]" = field(factory=lambda: deque(maxlen=20))
    _leaving: "list[Deferred[None]]" = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.testimony = Testimony(client=self.number)
        self._chance = self.setting.plan.chance("client", self.number)

    def start(self) -> None:
        """
        Be there.
        """
        run: list[Any] = []
        self.testimony.runs.append(run)
        self._lives += 1
        life = self._lives
        self._client = ChatClient(
            self.setting.clock,
            self.proxy.endpoint(),
            Credentials(username=username(self.number), password=PASSWORD),
            register=True,
            want=(),
            outbox=self._path(life),
            retry_policy=exponential(self._chance, FIRST_WAIT, LONGEST_WAIT),
            on_event=lambda event: self._told(life, event),
        )
        self._client.startService()

    async def ready(self, seconds: float) -> None:
        """
        Wait until it is logged in for the first time.
        """
        await self._client.ready(timeout=seconds)
        self.testimony.user = self._client.user_id or 0

    def enter(self, rooms: frozenset[int]) -> None:
        """
        Be a member of these rooms, and begin to talk there, unless one only listens.
        """
        self.testimony.rooms = rooms
        if self.setting.plan.posts(self.number):
            self._wait()

    def cease(self) -> None:
        """
        Say nothing more.
        """
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def crash(self) -> None:
        """
        Die, and be born again with what is on the disk. What the old life has written
        there is copied in the same moment; nothing that it does later counts.
        """
        old, path = self._client, self._path(self._lives)
        assert path is not None
        kept = Path(path).read_bytes()
        shutil.copy(path, str(self._path(self._lives + 1)))
        for link in list(self.proxy.links):
            if link.half_open_at is None:
                link.cut(abruptly=True)
        for name in self.testimony.said.keys() - self.testimony.acknowledged.keys():
            if f'"{name}"'.encode() not in kept:
                self.testimony.abandoned.add(name)
        self.start()
        self._leaving.append(old.stopService())

    @property
    def waiting(self) -> int:
        """
        How many of its messages are not acknowledged.
        """
        seen = self.testimony
        return len(seen.said.keys() - seen.acknowledged.keys() - seen.abandoned)

    async def leave(self) -> None:
        """
        Be there no more.
        """
        self.cease()
        for each in self._leaving:
            await each
        await self._client.stopService()

    def _path(self, life: int) -> str | None:
        if not self.setting.plan.is_on_disk(self.number):
            return None
        return str(self.setting.directory / f"{username(self.number)}-{life}.outbox")

    def _told(self, life: int, event: object) -> None:
        if life != self._lives:
            return
        if isinstance(event, Missed | EpochChanged | Unsent):
            self.testimony.surprises.append(repr(event))
        kept = self.setting.album.keep(event) if isinstance(event, Message) else None
        if kept is not None:
            self.testimony.runs[-1].append(kept)
            self.places[kept.room] = max(kept.seq, self.places.get(kept.room, 0))
        if isinstance(event, ChatMessage) and kept is not None and kept.message is not None:
            self._recent.append((kept.room, kept.message))
            if event.client_message_id is not None:
                self._know(event.client_message_id, kept.room, kept.seq, kept.message)

    def _know(self, name: str, room: int, seq: int, message: int) -> None:
        told = Acknowledged(name=name, room=room, seq=seq, message=message)
        known = self.testimony.acknowledged.setdefault(name, told)
        if known != told:
            self.testimony.surprises.append(f"{known} is also {told}")

    def _wait(self) -> None:
        seconds = self._chance.expovariate(self.setting.plan.rate)
        self._timer = self.setting.clock.callLater(seconds, self._talk)

    def _talk(self) -> None:
        self._wait()
        if self.waiting < MOST_WAITING:
            number = self._count
            self._count += 1
            room = self._chance.choice(sorted(self.testimony.rooms))
            # Most is said where not everybody hears it.
            if room == 1:
                room = self._chance.choice(sorted(self.testimony.rooms))
            self._begin(self._post(room, number))

    def _begin(self, work: "Coroutine[Deferred[Any], Any, None]") -> None:
        doing = Deferred.fromCoroutine(work)
        doing.addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        self.testimony.surprises.append(f"it failed: {failure.value!r}")

    async def _post(self, room: int, number: int) -> None:
        name, life = name_of(self.number, number), self._lives
        text = self.setting.plan.text(self.number, number)
        self.testimony.said[name] = (room, text)
        self.setting.counts["posts"] += 1
        try:
            stored = await self._client.room(room).send(text, client_message_id=name)
        except NetworkError:
            return  # It was killed; what becomes of the message its next life hears.
        if life != self._lives:
            return
        self._know(name, room, stored.seq or 0, stored.message_id)
        await self._change(room, number, stored.message_id)

    async def _change(self, room: int, number: int, message: int) -> None:
        chance = self._chance.random()
        if chance < EDITED:
            for version in range(1, self._chance.choice((2, 4))):
                await self._edit(room, number, message, version)
        elif chance < EDITED + DELETED:
            deleting = self._client.room(room).delete(message)
            await self._ask("message_deleted", room, message, deleting)
        elif chance < EDITED + DELETED + REACTED and self._recent:
            await self._react()

    async def _edit(self, room: int, number: int, message: int, version: int) -> None:
        text = self.setting.plan.text(self.number, number, version)
        self.testimony.edits.setdefault(name_of(self.number, number), set()).add(text)
        editing = self._client.room(room).edit(message, text)
        await self._ask("message_edited", room, message, editing, text)

    async def _react(self) -> None:
        room, message = self._chance.choice(list(self._recent))
        reaction, is_new = self._chance.choice(REACTIONS), self._chance.random() < 0.7
        reacting = self._client.room(room).react(message, reaction, add=is_new)
        await self._ask("reaction_changed", room, message, reacting)

    async def _ask(
        self,
        kind: str,
        room: int,
        message: int,
        asking: "Coroutine[Deferred[Any], Any, Any]",
        text: str | None = None,
    ) -> None:
        """
        Ask for a change, once: whether it was made where the connection was lost shows the
        log, and a refusal, such as of what is deleted meanwhile, is an answer as well.
        """
        self.pending += 1
        self.setting.counts["changes"] += 1
        try:
            answer = await asking
        except (NetworkError, Refusal) as error:
            self.setting.counts["changes refused or lost"] += 1
            self.log.debug("no change: {error}", error=error)
            return
        finally:
            self.pending -= 1
        if not answer.duplicate:
            changed = Changed(kind=kind, room=room, seq=answer.seq, message=message, text=text)
            self.testimony.changed.append(changed)
