"""
Where a program that embeds the server may join in: guards are asked before something
happens, and may refuse it; observers are told afterwards, and may not.

Both are called in the reactor, at once: so what a session says stays in its order, and
whoever blocks here blocks everybody.
"""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import iscoroutine, iscoroutinefunction
from typing import Generic, TypeVar

from attrs import define, field, frozen

from chatroom.chat.names import room_key, username_key
from chatroom.chat.rooms import pair_room_key
from chatroom.chat.transaction import Post
from chatroom.errors import Declined, InternalError
from chatroom.logs.journal import Journal
from chatroom.store.database import Database
from chatroom.store.models import Event, EventKind, User
from chatroom.store.repository import Repository
from chatroom.wire.details import Details

T = TypeVar("T")

_NOTHING = Details()


@frozen(kw_only=True)
class Intent:
    """
    What somebody wants to happen in a room. Whether it may is not looked at yet.

    @ivar kind: what it would be.
    @ivar sender: who asks.
    @ivar room_id: where; C{None} where a room is to be made, or there is none.
    @ivar subject: to whom, for what is done to users; C{None} if nobody has the name.
    @ivar target_id: the message, for what is done to messages.
    @ivar content: what is said, or the reaction.
    @ivar client_message_id: what the sender calls the message. It may be stored already,
        and be sent again.
    @ivar details: what else there is to say: until when, why, what the room would be.
    """

    kind: EventKind
    sender: User
    room_id: int | None = None
    subject: User | None = None
    target_id: int | None = None
    content: str | None = None
    client_message_id: str | None = None
    reply_to: int | None = None
    details: Details = _NOTHING


#: Returns nothing, or refuses with L{Declined}.
Guard = Callable[[Intent], None]
#: Is told what has happened.
Observer = Callable[[Event], object]


@define(eq=False)
class _Seam(Generic[T]):
    """
    Functions, by the kind of events that they are for.
    """

    _log = Journal()

    _by_kind: dict[EventKind, tuple[Callable[[T], object], ...]] = field(factory=dict, init=False)

    def add(self, kind: EventKind, function: Callable[[T], object]) -> Callable[[], None]:
        """
        Have a function be called, after those that were added before.

        @return: what takes it away again.
        @raise TypeError: if it is a coroutine function: nobody would wait for it.
        """
        if iscoroutinefunction(function):
            raise TypeError(f"{function!r} is a coroutine function")
        kind = EventKind(kind)
        # An object of its own, for the same function may be added twice.
        added = partial(function)
        self._by_kind[kind] = (*self._by_kind.get(kind, ()), added)

        def take_away() -> None:
            others = tuple(each for each in self._by_kind.get(kind, ()) if each is not added)
            if others:
                self._by_kind[kind] = others
            else:
                self._by_kind.pop(kind, None)

        return take_away


@define(eq=False)
class Observers(_Seam[Event]):
    """
    Who is told what has happened.
    """

    def tell(self, events: Sequence[Event]) -> None:
        """
        Tell what was stored and published, in its order.
        """
        if not self._by_kind:
            return
        for event in events:
            for observer in self._by_kind.get(event.kind, ()):
                try:
                    observer(event)
                except Exception:
                    self._log.note_failure("observer_failed", kind=event.kind.value)


@define(eq=False)
class Guards(_Seam[Intent]):
    """
    Who is asked whether something may happen.
    """

    _database: Database

    def ask_about(self, post: Post) -> None:
        """
        Ask whether something may be said.

        @raise Declined: if it may not.
        @raise InternalError: if a guard failed.
        """
        if self._by_kind and EventKind.MESSAGE in self._by_kind:
            self._ask(
                Intent(
                    kind=EventKind.MESSAGE,
                    sender=post.sender,
                    room_id=post.room_id,
                    content=post.content,
                    client_message_id=post.client_message_id,
                    reply_to=post.reply_to,
                )
            )

    async def ask(
        self,
        kind: EventKind,
        sender: User | None,
        *,
        room_id: int | None = None,
        room_name: str | None = None,
        message_id: int | None = None,
        usernames: Sequence[str] = (),
        content: str | None = None,
        details: Details = _NOTHING,
        is_pair: bool = False,
    ) -> None:
        """
        Ask whether something else may happen.

        @param sender: who asks; C{None} is the operator, whom nobody refuses anything.
        @param room_id: where, or C{room_name}, or where the message is.
        @param usernames: to whom; it is asked about each of them.
        @param is_pair: whether the room is that of those two; nothing is asked if there
            is such a one.
        @raise Declined: if it may not.
        @raise InternalError: if a guard failed.
        @raise StoreUnavailable: if the database did.
        """
        if sender is None or kind not in self._by_kind:
            return

        def look(store: Repository) -> tuple[int | None, list[User | None]]:
            place = _room(store, room_id, room_name, message_id)
            subjects = _users(store, usernames)
            if is_pair and _has_pair(store, subjects):
                return place, []
            return place, subjects if usernames else [None]

        place, subjects = await self._database.read(look)
        for subject in subjects:
            self._ask(
                Intent(
                    kind=kind,
                    sender=sender,
                    room_id=place,
                    subject=subject,
                    target_id=message_id,
                    content=content,
                    details=details,
                )
            )

    def _ask(self, intent: Intent) -> None:
        for guard in self._by_kind.get(intent.kind, ()):
            try:
                _call(guard, intent)
            except Declined as error:
                # A fresh one, which has no more than it may.
                raise Declined(said=error.said, retry_after=error.retry_after) from None
            except Exception:
                self._log.note_failure("guard_failed", kind=intent.kind.value)
                raise InternalError() from None


def _call(guard: Callable[[Intent], object], intent: Intent) -> None:
    """
    @raise TypeError: if it returns something: one that says no in this way must not
        have said yes.
    """
    result = guard(intent)
    if iscoroutine(result):
        result.close()
    if result is not None:
        raise TypeError(f"a guard has returned a {type(result).__name__}")


def _room(
    store: Repository, room_id: int | None, name: str | None, message_id: int | None
) -> int | None:
    if message_id is not None:
        place = store.place_of_message(message_id)
        return None if place is None else place[0]
    key = None if name is None else room_key(name)
    room = None if key is None else store.room_named(key)
    return room_id if room is None else room.id


def _users(store: Repository, names: Sequence[str]) -> list[User | None]:
    """
    @return: each of these once; C{None} for a name that nobody has.
    """
    keys = dict.fromkeys(username_key(name) for name in names)
    found = store.users_named({key for key in keys if key is not None})
    return [found.get(key or "") for key in keys]


def _has_pair(store: Repository, users: Sequence[User | None]) -> bool:
    ids = [each.id for each in users if each is not None]
    return len(ids) == 2 and store.room_named(pair_room_key(*ids)) is not None
