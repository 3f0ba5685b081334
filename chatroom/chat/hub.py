"""
Who is connected where, and the fan-out to them.

The hub changes only by the events it is told, in the order of the log, so it
never shows a room to who has left it or hides one from who has joined. An event
is encoded once, and what a batch says in a room is one bytes object for all
who are there.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from attrs import define, field

from chatroom.chat.pushes import SeedPushes
from chatroom.store.database import Database
from chatroom.store.models import Event, EventKind, User


class Client(Protocol):
    """
    One session, as the hub knows it.
    """

    @property
    def is_connected(self) -> bool:
        """
        Whether it makes sense to deliver anything.
        """

    def deliver(self, lines: bytes) -> None:
        """
        Take lines for the peer. Must not raise, and must not block.
        """


@define(eq=False)
class _Presence:
    user: User
    rooms: set[int]


@define(eq=False)
class _Arrival:
    """
    A session whose rooms are being read, and what happens to its user meanwhile.
    """

    changes: list[Callable[[set[int]], None]] = field(factory=list, init=False)


@define(eq=False)
class Hub:
    """
    The sessions that have a user.
    """

    _database: Database
    _pushes: SeedPushes
    _presences: dict[Client, _Presence] = field(factory=dict, init=False)
    _by_user: dict[int, dict[Client, None]] = field(factory=dict, init=False)
    _by_room: dict[int, dict[Client, None]] = field(factory=dict, init=False)
    _arrivals: dict[int, list[_Arrival]] = field(factory=dict, init=False)

    async def attach(self, client: Client, user: User) -> None:
        """
        Have a session be told what happens in its user's rooms.

        @raise StoreUnavailable: if these can't be read.
        """
        arrival = _Arrival()
        arrivals = self._arrivals.setdefault(user.id, [])
        arrivals.append(arrival)
        try:
            rooms = await self._database.read(lambda store: store.room_ids(user.id))
        finally:
            arrivals.remove(arrival)
            if not arrivals:
                self._arrivals.pop(user.id, None)
        for change in arrival.changes:
            change(rooms)
        if client.is_connected:
            self._presences[client] = _Presence(user, rooms)
            self._by_user.setdefault(user.id, {})[client] = None
            for room_id in rooms:
                self._by_room.setdefault(room_id, {})[client] = None

    def detach(self, client: Client) -> None:
        """
        Forget a session. It may be one that is not known.
        """
        presence = self._presences.pop(client, None)
        if presence is not None:
            _discard(self._by_user, presence.user.id, client)
            for room_id in presence.rooms:
                _discard(self._by_room, room_id, client)

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

    def publish(self, events: Sequence[Event]) -> None:
        """
        Apply what a commit has changed, and tell those concerned.

        @param events: in the order of the log.
        """
        lines: dict[int, list[bytes]] = {}
        for event in events:
            line = self._pushes.line(event)
            if line is not None:
                lines.setdefault(event.room_id, []).append(line)
            if event.kind is EventKind.JOIN:
                # Who joins is not told what was said before, not even in a session
                # that came between this commit and its publication.
                before = lines.pop(event.room_id, [])
                self._push(event.room_id, before, but=event.subject_id)
                self._join(event)
        for room_id, some in lines.items():
            self._push(room_id, some)

    def _push(self, room_id: int, lines: Sequence[bytes], *, but: int | None = None) -> None:
        if lines:
            spared = {} if but is None else self._by_user.get(but, {})
            clients = self._by_room.get(room_id, {})
            _deliver(b"".join(lines), (each for each in clients if each not in spared))

    def _join(self, event: Event) -> None:
        user_id = event.subject_id
        assert user_id is not None
        for arrival in self._arrivals.get(user_id, ()):
            arrival.changes.append(lambda rooms: rooms.add(event.room_id))
        theirs = self._by_user.get(user_id, {})
        if event.sender.id == user_id:
            others = self._by_room.get(event.room_id, {}).keys() - theirs.keys()
            _deliver(self._pushes.notice(event, "joined"), others)
        else:
            _deliver(self._pushes.notice(event, "added"), theirs)
        for client in theirs:
            self._presences[client].rooms.add(event.room_id)
            self._by_room.setdefault(event.room_id, {})[client] = None


def _deliver(lines: bytes, clients: Iterable[Client]) -> None:
    # A copy, for a session that is cut off meanwhile leaves the dict.
    for client in tuple(clients):
        client.deliver(lines)


def _discard(sessions: dict[int, dict[Client, None]], key: int, client: Client) -> None:
    some = sessions[key]
    del some[client]
    if not some:
        del sessions[key]
