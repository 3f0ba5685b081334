"""
Messages that are stored: changed, taken back, reacted to, and looked at.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import define, frozen

from chatroom.chat.access import Action, Thing, permit, require_rank
from chatroom.chat.deeds import keep
from chatroom.chat.log import Log
from chatroom.chat.mentions import Mentions
from chatroom.chat.transaction import Transaction
from chatroom.errors import (
    BadReaction,
    IsAFile,
    MessageIsDeleted,
    MessageNotFound,
    TooManyReactions,
)
from chatroom.store.database import Database
from chatroom.store.models import (
    Event,
    EventKind,
    NewEvent,
    Page,
    Reacted,
    Room,
    Standing,
    User,
)
from chatroom.store.repository import Repository
from chatroom.wire.details import Details

#: How many characters a reaction has at the most; a flag or a family is one of many.
REACTION_CHARS = 32

#: How many reactions a message has at the most, of all who react to it.
MOST_REACTIONS = 1000

#: How many of these are one user's, so that nobody can take all of them.
MOST_OWN_REACTIONS = 20


@frozen(kw_only=True)
class Change:
    """
    What came of a wish to change a message.

    @ivar event: the change; C{None} if it was so already.
    """

    message: Event
    event: Event | None


@frozen(kw_only=True)
class View:
    """
    Some messages of a room, as one looks at them.

    @ivar reactions: to each message that has any, by message id.
    """

    room: Room
    page: Page
    reactions: Mapping[int, Sequence[Reacted]]


@define(eq=False)
class Messages:
    """
    What was said on the server.
    """

    _database: Database
    _log: Log

    async def edit(self, user: User, message_id: int, content: str) -> Change:
        """
        Have a message of one's own say something else.

        @param content: checked already.
        @raise MessageNotFound: if there is none, or C{user} may not know of it.
        @raise NotYourMessage: if somebody else has said it.
        @raise MessageIsDeleted: if it was taken back.
        @raise IsAFile: if it is one.
        """

        def work(transaction: Transaction) -> Change:
            message, room = _find(transaction, user, message_id, Action.EDIT)
            if message.deleted_at is not None:
                raise MessageIsDeleted()
            if message.kind is EventKind.FILE:
                raise IsAFile(field="message_id")
            if message.content == content:
                return Change(message=message, event=None)
            mentions = Mentions(transaction.store, [(room.id, content)])
            named = mentions.of(user, room.id, content)
            transaction.store.rewrite(message, content, named, transaction.now)
            return _record(
                transaction, message, room, user, EventKind.EDIT, content, mentions=named
            )

        return await self._log.commit(work)

    async def delete(self, user: User, message_id: int) -> Change:
        """
        Take a message back: one's own, or as a moderator another's. Nothing is left of
        what it said.

        @raise MessageNotFound: if there is none, or C{user} may not know of it.
        @raise NotYourMessage: if somebody else has said it.
        @raise Outranked: if somebody has who is as much in the room as C{user} is.
        """

        def work(transaction: Transaction) -> Change:
            message, room = _find(transaction, user, message_id, Action.DELETE)
            if message.deleted_at is not None:
                return Change(message=message, event=None)
            transaction.store.blank(message, transaction.now)
            if message.sender.id != user.id:
                keep(transaction, Action.DELETE, user, room, message.sender, Details())
            return _record(transaction, message, room, user, EventKind.DELETE)

        return await self._log.commit(work)

    async def react(self, user: User, message_id: int, reaction: str, *, add: bool) -> Change:
        """
        React to a message, or no longer.

        @raise MessageNotFound: if there is none, or C{user} may not know of it.
        @raise MessageIsDeleted: if it was taken back.
        @raise BadReaction: if no reaction can be this text.
        @raise TooManyReactions: if the message has too many already, or C{user}'s.
        """
        _check_reaction(reaction)
        return await self._log.commit(partial(_react, user, message_id, reaction, add))

    async def history(
        self,
        user: User,
        room_id: int,
        limit: int,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
    ) -> View:
        """
        Look at the messages of a room: the last ones before a place, the first ones
        behind one, those around one, or the newest.

        @param limit: how many at the most.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """

        def read(store: Repository) -> View:
            room = permit(Action.HISTORY, store.standing(user.id, room_id=room_id)).room
            page = store.page(room_id, limit, before=before, after=after, around=around)
            return view(store, room, page)

        return await self._database.read(read)


def view(store: Repository, room: Room, page: Page) -> View:
    """
    @return: a page of messages, with how others have reacted to them.
    """
    ids = [each.id for each in page.messages]
    return View(room=room, page=page, reactions=store.reactions_to(ids))


def _find(
    transaction: Transaction, user: User, message_id: int, action: str
) -> tuple[Event, Room]:
    """
    Find a message in a room that one may do something in. To who may not, it is as if
    there were no such message, and takes as long: ids are easy to guess.
    """
    store = transaction.store
    place = store.place_of_message(message_id)
    room_id, sender = (0, user) if place is None else place
    standing = store.standing(user.id, room_id=room_id)
    is_own = sender.id == user.id
    thing = Thing.OWN_MESSAGE if is_own else Thing.OTHER_MESSAGE
    standing = permit(action, standing, transaction.now, thing=thing)
    message = store.message(message_id)
    if message is None:
        raise MessageNotFound(field="message_id")
    if action == Action.DELETE and not is_own:
        other = store.standing(sender.id, room_id=room_id, is_actor=False)
        require_rank(standing, other or Standing(room=standing.room, role=None), sender.name)
    return message, standing.room


def _react(
    user: User, message_id: int, reaction: str, add: bool, transaction: Transaction
) -> Change:
    store = transaction.store
    message, room = _find(transaction, user, message_id, Action.REACT)
    if message.deleted_at is not None:
        raise MessageIsDeleted()
    if store.has_reacted(message.id, user.id, reaction) is add:
        return Change(message=message, event=None)
    if add and store.reaction_count(message.id) >= MOST_REACTIONS:
        raise TooManyReactions(limit=MOST_REACTIONS)
    if add and store.reaction_count(message.id, user.id) >= MOST_OWN_REACTIONS:
        raise TooManyReactions(limit=MOST_OWN_REACTIONS)
    keep: Callable[[int, int, str], None] = store.add_reaction if add else store.remove_reaction
    keep(message.id, user.id, reaction)
    kind = EventKind.REACT if add else EventKind.UNREACT
    return _record(transaction, message, room, user, kind, reaction)


def _record(
    transaction: Transaction,
    message: Event,
    room: Room,
    user: User,
    kind: EventKind,
    content: str | None = None,
    *,
    mentions: tuple[int, ...] = (),
) -> Change:
    new = NewEvent(
        room=room,
        kind=kind,
        sender=user,
        target_id=message.id,
        content=content,
        mentions=mentions,
    )
    return Change(message=message, event=transaction.record(new))


def _check_reaction(reaction: str) -> None:
    is_long = not 1 <= len(reaction) <= REACTION_CHARS
    if is_long or any(_is_no_sign(each) for each in reaction):
        raise BadReaction(field="reaction", limit=REACTION_CHARS)


def _is_no_sign(character: str) -> bool:
    # Joiners and variation selectors are parts of many.
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co")
