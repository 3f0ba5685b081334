"""
Who is connected where, and the fan-out to them.

The hub changes only by the events it is told, in the order of the log, so it
never shows a room to who has left it or hides one from who has joined. An event
is encoded once, and what a batch says in a room is one bytes object for all
who are there.

Clients of the seed are told what happens while they are there. The others follow
the log: to each of them it matters which place it is at.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import define, field

from chatroom.chat.pushes import Batch, SeedPushes, invitation_line
from chatroom.store.database import Database
from chatroom.store.models import DEPARTURES, Event, EventKind, Head, User
from chatroom.wire.messages.greeting import Ephemeral


class Follower(Protocol):
    """
    How far a client has got that follows the log.
    """

    def begin(self, heads: Sequence[Head]) -> None:
        """
        Follow these rooms, each from its end.
        """

    def enter(self, room_id: int, seq: int) -> None:
        """
        Follow another room, from a place on.
        """

    def follow(self, room_id: int, batch: Batch) -> None:
        """
        Be told what has happened in a room. Must not raise, and must not block.
        """

    def lose(self, room_id: int, batch: Batch) -> None:
        """
        Be told the end of a room, of which nothing is left to be read.
        """


class Client(Protocol):
    """
    One session, as the hub knows it.

    @ivar follower: C{None} for a client of the seed; it does not change while the
        session has a user.
    """

    @property
    def is_connected(self) -> bool:
        """
        Whether it makes sense to deliver anything.
        """

    @property
    def follower(self) -> Follower | None:
        """
        How far it has got, if it follows the log.
        """

    def deliver(self, lines: bytes) -> None:
        """
        Take lines for the peer. Must not raise, and must not block.
        """

    def put_out(self, room_id: int, seq: int) -> None:
        """
        Be in a room no longer, which its user has left at a place of its log.
        """

    def wants(self, what: Ephemeral) -> bool:
        """
        Whether it wishes to be shown something that is for the moment only.
        """

    def show(self, lines: bytes) -> None:
        """
        Take lines that are for the moment only, or drop them. Must not raise, and must
        not block.
        """


class Watcher(Protocol):
    """
    Whoever is told who comes and goes.
    """

    def came(self, client: Client, user: User) -> None:
        """
        A session has a user.
        """

    def went(self, client: Client, user: User) -> None:
        """
        It has them no more.
        """


@define(eq=False)
class _Presence:
    user: User
    rooms: set[int]


@define(eq=False)
class _Place:
    """
    A room that somebody is in who is connected.

    @ivar seed: the sessions that are told what happens.
    @ivar followers: those that follow the log.
    @ivar last_seq: the place of the last event that was published; 0 if there was none
        since somebody is here.
    """

    seed: dict[Client, None] = field(factory=dict)
    followers: dict[Client, Follower] = field(factory=dict)
    last_seq: int = 0

    def add(self, client: Client) -> None:
        if client.follower is None:
            self.seed[client] = None
        else:
            self.followers[client] = client.follower

    def discard(self, client: Client) -> None:
        self.seed.pop(client, None)
        self.followers.pop(client, None)


@define(eq=False)
class _Arrival:
    """
    A session whose rooms are being read, and what happens to its user meanwhile.
    """

    changes: list[Event] = field(factory=list, init=False)


@define(eq=False)
class Hub:
    """
    The sessions that have a user.

    @ivar watchers: are told of each, once it is known or no longer known here.
    """

    _database: Database
    _pushes: SeedPushes
    watchers: list[Watcher] = field(factory=list, init=False)
    _presences: dict[Client, _Presence] = field(factory=dict, init=False)
    _by_user: dict[int, tuple[Client, ...]] = field(factory=dict, init=False)
    _places: dict[int, _Place] = field(factory=dict, init=False)
    _arrivals: dict[int, list[_Arrival]] = field(factory=dict, init=False)

    async def attach(self, client: Client, user: User) -> Sequence[Head]:
        """
        Have a session be told what happens in its user's rooms.

        @return: the rooms of a client that follows the log; of others nothing.
        @raise StoreUnavailable: if these can't be read.
        """
        arrival = _Arrival()
        arrivals = self._arrivals.setdefault(user.id, [])
        arrivals.append(arrival)
        try:
            rooms, heads = await self._read(client, user)
        finally:
            arrivals.remove(arrival)
            if not arrivals:
                self._arrivals.pop(user.id, None)
        if client.is_connected:
            self._presences[client] = _Presence(user, set())
            self._by_user[user.id] = (*self._by_user.get(user.id, ()), client)
            if client.follower is not None:
                client.follower.begin(heads)
            for room_id in rooms:
                self._enter(client, room_id)
            for event in arrival.changes:
                self._catch_up(client, event)
            for watcher in self.watchers:
                watcher.came(client, user)
        return heads

    async def _read(self, client: Client, user: User) -> tuple[set[int], Sequence[Head]]:
        if client.follower is None:
            return await self._database.read(lambda store: store.room_ids(user.id)), ()
        heads = await self._database.read(lambda store: store.heads(user.id))
        return {head.room.id for head in heads}, heads

    def _catch_up(self, client: Client, event: Event) -> None:
        """
        Apply what has happened while the rooms of an arrival were read.
        """
        if event.kind in DEPARTURES or event.kind is EventKind.END:
            self._leave(client, event.room_id, event.seq)
        elif event.room_id not in self._presences[client].rooms:
            self._enter(client, event.room_id, event.seq - 1)

    def detach(self, client: Client) -> None:
        """
        Forget a session. It may be one that is not known.
        """
        presence = self._presences.pop(client, None)
        if presence is not None:
            user_id = presence.user.id
            some = tuple(each for each in self._by_user.pop(user_id) if each is not client)
            if some:
                self._by_user[user_id] = some
            for room_id in presence.rooms:
                self._vacate(client, room_id)
            for watcher in self.watchers:
                watcher.went(client, presence.user)

    def session_count(self, user_id: int) -> int:
        """
        @return: how many sessions a user has, those that are coming included.
        """
        return len(self._by_user.get(user_id, ())) + len(self._arrivals.get(user_id, ()))

    def is_online(self, user_id: int) -> bool:
        """
        Whether a user has a session.
        """
        return user_id in self._by_user

    @property
    def online_count(self) -> int:
        """
        How many users have a session.
        """
        return len(self._by_user)

    def clients_of(self, user_id: int) -> Sequence[Client]:
        """
        @return: the sessions of a user.
        """
        return self._by_user.get(user_id, ())

    def followers_in(self, room_id: int) -> Sequence[Client]:
        """
        @return: the sessions in a room that follow the log.
        """
        place = self._places.get(room_id)
        return () if place is None else tuple(place.followers)

    def is_in(self, client: Client, room_id: int) -> bool:
        """
        Whether a session's user is in a room, as far as is known by now.
        """
        presence = self._presences.get(client)
        return presence is not None and room_id in presence.rooms

    def last_seq(self, room_id: int) -> int:
        """
        @return: the place of the last event that was published in a room since anybody
            is there; 0 if there was none.
        """
        place = self._places.get(room_id)
        return 0 if place is None else place.last_seq

    def publish(self, events: Sequence[Event]) -> None:
        """
        Apply what a commit has changed, and tell those concerned.

        @param events: in the order of the log.
        """
        waiting: dict[int, list[Event]] = {}
        for event in events:
            some = waiting.setdefault(event.room_id, [])
            if event.kind is EventKind.JOIN and event.subject is not None:
                # Who joins is not told what was said before, not even in a session
                # that came between this commit and its publication. (Of those who join
                # together nobody was: they are told of each other at once.)
                if any(each.kind is not EventKind.JOIN for each in some):
                    self._tell(event.room_id, waiting.pop(event.room_id), but=event.subject)
                self._join(event, event.subject)
                waiting.setdefault(event.room_id, []).append(event)
            elif event.kind in DEPARTURES and event.subject is not None:
                some.append(event)
                self._tell(event.room_id, waiting.pop(event.room_id))
                self._part(event, event.subject)
            elif event.kind is EventKind.END:
                some.append(event)
                self._tell(event.room_id, waiting.pop(event.room_id))
                self._end(event)
            else:
                some.append(event)
                if event.kind is EventKind.INVITE and event.subject is not None:
                    self._invite(event, event.subject)
        for room_id, some in waiting.items():
            self._tell(room_id, some)

    def _tell(self, room_id: int, events: Sequence[Event], *, but: User | None = None) -> None:
        place = self._places.get(room_id)
        if place is None or not events:
            return
        place.last_seq = events[-1].seq
        if place.seed:
            lines = b"".join(filter(None, map(self._pushes.line, events)))
            _deliver(lines, place.seed if but is None else self._others(place, but))
        if place.followers:
            batch = Batch(events)
            for follower in tuple(place.followers.values()):
                follower.follow(room_id, batch)

    def _others(self, place: _Place, user: User) -> list[Client]:
        theirs = self._by_user.get(user.id, ())
        return [each for each in place.seed if each not in theirs]

    def _join(self, event: Event, user: User) -> None:
        for arrival in self._arrivals.get(user.id, ()):
            arrival.changes.append(event)
        theirs = self._by_user.get(user.id, ())
        if event.sender.id == user.id:
            self._notice(event, "joined", user)
        else:
            is_seed = (each for each in theirs if each.follower is None)
            _deliver(self._pushes.notice(event, "added"), is_seed)
        for client in theirs:
            self._enter(client, event.room_id, event.seq - 1)

    def _part(self, event: Event, user: User) -> None:
        for arrival in self._arrivals.get(user.id, ()):
            arrival.changes.append(event)
        theirs = self._by_user.get(user.id, ())
        if event.kind is EventKind.LEAVE:
            self._notice(event, "left", user)
        for client in theirs:
            self._leave(client, event.room_id, event.seq)

    def _end(self, event: Event) -> None:
        """
        A room is no more.
        """
        for some in self._arrivals.values():
            for arrival in some:
                arrival.changes.append(event)
        place = self._places.get(event.room_id)
        if place is not None:
            for follower in tuple(place.followers.values()):
                follower.lose(event.room_id, Batch([event]))
            for client in (*place.seed, *place.followers):
                self._leave(client, event.room_id, event.seq)

    def _invite(self, event: Event, user: User) -> None:
        """
        Tell somebody that they may join a room.
        """
        for client in self.clients_of(user.id):
            is_seed = client.follower is None
            line = self._pushes.notice(event, "invited") if is_seed else invitation_line(event)
            client.deliver(line)

    def _notice(self, event: Event, slug: str, but: User) -> None:
        """
        Tell clients of the seed in words what somebody did.
        """
        place = self._places.get(event.room_id)
        if place is not None and place.seed:
            _deliver(self._pushes.notice(event, slug), self._others(place, but))

    def _enter(self, client: Client, room_id: int, seq: int | None = None) -> None:
        """
        @param seq: the place from which on a room is new to a client that follows the
            log, unless it knows that.
        """
        self._presences[client].rooms.add(room_id)
        self._places.setdefault(room_id, _Place()).add(client)
        if client.follower is not None and seq is not None:
            client.follower.enter(room_id, seq)

    def _leave(self, client: Client, room_id: int, seq: int) -> None:
        self._presences[client].rooms.discard(room_id)
        self._vacate(client, room_id)
        client.put_out(room_id, seq)

    def _vacate(self, client: Client, room_id: int) -> None:
        place = self._places.get(room_id)
        if place is not None:
            place.discard(client)
            if not place.seed and not place.followers:
                del self._places[room_id]


def _deliver(lines: bytes, clients: Iterable[Client]) -> None:
    if lines:
        # A copy, for a session that is cut off meanwhile leaves the dict.
        for client in tuple(clients):
            client.deliver(lines)
