"""
What happens to the log inside one transaction, in the writing thread.

Events are numbered as they are recorded and written together at the end, so a
batch of hundreds costs a handful of statements.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeVar

from attrs import define, evolve, field, frozen

from chatroom.chat.access import Action, permit
from chatroom.chat.mentions import Mentions
from chatroom.errors import ChatError, ClientMessageIdReused, MessageNotFound
from chatroom.store.models import (
    Event,
    EventKind,
    NewEvent,
    Room,
    SentBefore,
    Standing,
    User,
)
from chatroom.store.repository import Repository

T = TypeVar("T")


@frozen(kw_only=True)
class Post:
    """
    What somebody wants to say.

    @ivar room_id: of any number: whether there is such a room is found out in
        the transaction.
    @ivar content: checked already.
    """

    sender: User
    room_id: int
    content: str
    client_message_id: str | None = None
    reply_to: int | None = None

    @property
    def name(self) -> tuple[int, str] | None:
        """
        What tells this post from all others, if the sender gave it that.
        """
        if self.client_message_id is None:
            return None
        return (self.sender.id, self.client_message_id)

    def digest(self) -> bytes:
        """
        What a repeat must have in common with the first one.
        """
        return sha256(f"{self.room_id}\n{self.reply_to or ''}\n{self.content}".encode()).digest()


@frozen(kw_only=True)
class Stored:
    """
    What came of a post.

    @ivar is_duplicate: whether an earlier sending had stored it.
    """

    event: Event
    is_duplicate: bool


@define(eq=False)
class Transaction:
    """
    The log, as one transaction changes it.

    @ivar store: for what else belongs to the change.
    @ivar now: in milliseconds.
    @ivar recorded: the events, in the order in which they take effect.
    """

    store: Repository
    now: int
    recorded: list[Event] = field(factory=list, init=False)
    _rooms: dict[int, tuple[Room, int]] = field(factory=dict, init=False)
    _digests: dict[int, bytes] = field(factory=dict, init=False)
    _sent: dict[tuple[int, str], SentBefore] = field(factory=dict, init=False)
    _answered: dict[int, int] = field(factory=dict, init=False)
    _last_id: int | None = field(default=None, init=False)

    def record(self, new: NewEvent) -> Event:
        """
        Give an event its place at the end of its room's log.
        """
        room_id = new.room.id
        self._lock([room_id])
        room, last_seq = self._rooms[room_id]
        event = Event(
            id=self._next_id(),
            room_id=room_id,
            room_name=room.name,
            seq=last_seq + 1,
            kind=new.kind,
            sender=new.sender,
            subject=new.subject,
            target_id=new.target_id,
            content=new.content,
            created_at=self.now,
            client_message_id=new.client_message_id,
            reply_to=new.reply_to,
            mentions=new.mentions,
            file=new.file,
        )
        self._rooms[room_id] = (room, event.seq)
        if new.digest is not None:
            self._digests[event.id] = new.digest
        self.recorded.append(event)
        return event

    def renew(self, room: Room) -> None:
        """
        Know what a room is from here on; it is locked, and stored as it is said to be.
        """
        self._lock([room.id])
        self._rooms[room.id] = (room, self._rooms[room.id][1])

    def attempt(self, work: "Callable[[Transaction], T]") -> "T | ChatError":
        """
        Do C{work}, or nothing of it.

        @return: what it returns, or how it refuses.
        """
        length, rooms, last_id = len(self.recorded), dict(self._rooms), self._last_id
        try:
            with self.store.savepoint():
                return work(self)
        except ChatError as refusal:
            del self.recorded[length:]
            self._rooms, self._last_id = rooms, last_id
            return refusal

    def post(self, posts: Sequence[Post]) -> list[Stored | ChatError]:
        """
        Record what may be said and was not said before, each by itself.

        @return: an outcome for each post.
        """
        self._lock({post.room_id for post in posts})
        names = {post.name for post in posts if post.name is not None}
        self._sent |= self.store.sent_before(names - self._sent.keys())
        answered = {post.reply_to for post in posts if post.reply_to is not None}
        self._answered = self.store.rooms_of_messages(answered) if answered else {}
        named = Mentions(self.store, [(post.room_id, post.content) for post in posts])
        found = self.store.memberships({(post.room_id, post.sender.id) for post in posts})
        standings = {
            (room_id, user_id): Standing(
                room=self._rooms[room_id][0], role=role, muted_until=muted_until
            )
            for (room_id, user_id), (role, muted_until) in found.items()
        }
        outcomes: list[Stored | ChatError] = []
        for post in posts:
            standing = standings.get((post.room_id, post.sender.id)) or self._stranger(post)
            try:
                outcomes.append(self._post(post, standing, named))
            except ChatError as refusal:
                outcomes.append(refusal)
        return outcomes

    def _stranger(self, post: Post) -> Standing | None:
        """
        @return: what who has sent a post is in its room, who may not say anything there: is
            no member, or may not log in any more.
        """
        standing = self.store.standing(post.sender.id, room_id=post.room_id)
        return standing and evolve(standing, role=None)

    def _post(self, post: Post, standing: Standing | None, named: Mentions) -> Stored:
        digest = None if post.name is None else post.digest()
        if post.name in self._sent:
            before = self._sent[post.name]
            if before.digest != digest:
                raise ClientMessageIdReused(field="client_message_id")
            return Stored(event=before.event, is_duplicate=True)
        room = permit(Action.POST, standing, self.now).room
        if post.reply_to is not None and self._answered.get(post.reply_to) != room.id:
            raise MessageNotFound(field="reply_to")
        event = self.record(
            NewEvent(
                room=room,
                kind=EventKind.MESSAGE,
                sender=post.sender,
                content=post.content,
                client_message_id=post.client_message_id,
                reply_to=post.reply_to,
                mentions=named.of(post.sender, room.id, post.content),
                digest=digest,
            )
        )
        if post.name is not None and digest is not None:
            self._sent[post.name] = SentBefore(event=event, digest=digest)
        return Stored(event=event, is_duplicate=False)

    def finish(self) -> None:
        """
        Write what was recorded.
        """
        if self.recorded:
            last_seqs = {event.room_id: event.seq for event in self.recorded}
            self.store.append(self.recorded, self._digests, last_seqs=last_seqs)

    def _lock(self, room_ids: "Sequence[int] | set[int]") -> None:
        unlocked = set(room_ids) - self._rooms.keys()
        if unlocked:
            self._rooms |= self.store.lock_rooms(unlocked)

    def _next_id(self) -> int:
        if self._last_id is None:
            self._last_id = self.store.last_event_id()
        self._last_id += 1
        return self._last_id
