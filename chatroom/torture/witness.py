"""
Whoever makes the rooms before it begins, and reads everything when it is over.
"""

from typing import Any

from attrs import define, field

from chatroom.client import ChatClient, Credentials
from chatroom.torture.histories import Album, Entry, Event
from chatroom.torture.plan import PASSWORD, Plan, username
from chatroom.torture.proxy import Proxy
from chatroom.wire.codec import Message
from chatroom.wire.messages import ChatHistory

#: The room that everybody is in.
PUBLIC = 1

_NAME = "witness"
_PAGE = 100


@define(eq=False)
class Witness:
    """
    Not tormented: a client like the others, but for its way to the server.

    @ivar rooms: those that it has made, in order.
    @ivar log: what it was told, by room.
    """

    clock: Any
    album: Album
    proxy: Proxy
    rooms: list[int] = field(factory=list)
    log: dict[int, list[Event]] = field(factory=dict)
    _epoch: str | None = None
    _client: ChatClient | None = None

    async def make_rooms(self, plan: Plan) -> None:
        """
        Make the rooms, each with its members.
        """
        client = self._new()
        await client.ready(timeout=plan.patience)
        for room in range(plan.rooms):
            members = [username(c) for c in range(plan.clients) if room in plan.rooms_of(c)]
            members += map(username, plan.onlookers)
            made = await client.create(f"room {room}", members)
            self.rooms.append(made.id)
        self._epoch = client.epoch
        await self.leave()

    def ends(self) -> dict[int, int]:
        """
        @return: where the log of each room ends, as far as it was told.
        """
        return {room: len(self.log.get(room, ())) for room in (PUBLIC, *self.rooms)}

    async def read(self, seconds: float) -> None:
        """
        Have a new client read everything from the beginning, and follow.
        """
        self.log = {room: [] for room in (PUBLIC, *self.rooms)}
        positions = dict.fromkeys(self.log, 0)
        self._client = self._new(positions=positions, epoch=self._epoch, on_event=self._told)
        await self._client.ready(timeout=seconds)

    async def pages(self) -> dict[int, dict[int, Entry]]:
        """
        @return: the messages of each room as its history has them, by id.
        """
        return {room: await self._history(room) for room in self.log}

    async def leave(self) -> None:
        """
        Be there no more.
        """
        client, self._client = self._client, None
        if client is not None:
            await client.stopService()

    def _new(self, **options: Any) -> ChatClient:
        credentials = Credentials(username=_NAME, password=PASSWORD)
        self._client = ChatClient(
            self.clock, self.proxy.endpoint(), credentials, register=True, want=(), **options
        )
        self._client.startService()
        return self._client

    def _told(self, event: object) -> None:
        kept = self.album.keep(event) if isinstance(event, Message) else None
        if kept is not None:
            self.log.setdefault(kept.room, []).append(kept)

    async def _history(self, room: int) -> dict[int, Entry]:
        assert self._client is not None
        found: dict[int, Entry] = {}
        place, is_more = 0, True
        while is_more:
            page = await self._client.room(room).history(after_seq=place, limit=_PAGE)
            found.update((each.message_id or 0, _entry(each)) for each in page.messages)
            place, is_more = page.last_seq or place, page.more_after
        return found


def _entry(message: ChatHistory) -> Entry:
    reactions = (
        (user, each.reaction) for each in message.reactions or () for user in each.user_ids
    )
    return Entry(
        text=message.content,
        is_deleted=bool(message.deleted),
        reactions=frozenset(reactions),
    )
