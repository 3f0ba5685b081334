"""
Rooms: made, joined, entered and listed.
"""

from collections.abc import Sequence

from attrs import define

from chatroom.chat.access import Action, permit
from chatroom.chat.log import Log
from chatroom.chat.messages import View, view
from chatroom.chat.names import new_room_name, room_key, username_key
from chatroom.chat.transaction import Transaction
from chatroom.errors import (
    CannotLeave,
    RoomFull,
    RoomNameTaken,
    RoomNotFound,
    TooManyRooms,
    UserNotFound,
)
from chatroom.settings import Settings
from chatroom.store.database import Database
from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    EventKind,
    Head,
    NewEvent,
    NewMember,
    Role,
    Room,
    RoomKind,
    RoomListing,
    User,
)
from chatroom.store.repository import Repository

#: How many messages one sees on entering a room.
HISTORY = 50


@define(eq=False)
class Rooms:
    """
    The rooms of the server.
    """

    _database: Database
    _log: Log
    _settings: Settings

    async def create(self, owner: User, name: str, usernames: Sequence[str]) -> Room:
        """
        Make a room with its first members.

        @param usernames: who is a member besides C{owner}; naming somebody
            twice, or the owner, is no error.
        @raise BadRoomName: if no room can have this name.
        @raise RoomNameTaken: if a room has it, or one that reads the same.
        @raise UserNotFound: if one of the users does not exist; nothing is made.
        @raise RoomFull: if they are more than a room may have.
        @raise TooManyRooms: if C{owner} has made or joined too many already.
        """
        normal, key = new_room_name(name)
        # Users are never unmade, so they can be looked for before the writing.
        others = await self._database.read(lambda store: _find(store, usernames))
        users = list({user.id: user for user in [owner, *others]}.values())

        def work(transaction: Transaction) -> Room:
            store = transaction.store
            if store.room_named(key) is not None:
                raise RoomNameTaken(field="chat_name")
            self._check_members(len(users))
            self._check_rooms(store, owner)
            room = store.add_room(name=normal, key=key, kind=RoomKind.GROUP, now=transaction.now)
            for user in users:
                role = Role.OWNER if user.id == owner.id else Role.MEMBER
                _add(transaction, room, user, role, by=owner)
            return room

        return await self._log.commit(work)

    async def join(self, user: User, name: str) -> Room:
        """
        Make a member of C{user}, who may be one already.

        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise RoomFull: if it has as many members as it may have.
        @raise TooManyRooms: if C{user} has made or joined too many already.
        """
        key = _known_key(name)

        def work(transaction: Transaction) -> Room:
            store = transaction.store
            standing = permit(Action.JOIN, store.standing(user.id, key=key))
            if standing.role is None:
                self._check_members(store.member_count(standing.room.id) + 1)
                self._check_rooms(store, user)
                _add(transaction, standing.room, user, Role.MEMBER, by=user)
            return standing.room

        return await self._log.commit(work)

    async def leave(self, user: User, room_id: int) -> Room:
        """
        Have C{user} be no member any more. A room's last owner leaves it to who has
        been a member for longest.

        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        @raise CannotLeave: if it is the public room.
        """

        def work(transaction: Transaction) -> Room:
            store = transaction.store
            room = permit(Action.LEAVE, store.standing(user.id, room_id=room_id)).room
            if room.id == PUBLIC_ROOM_ID:
                raise CannotLeave()
            store.remove_member(room.id, user.id)
            _pass_on(store, room)
            transaction.record(
                NewEvent(room=room, kind=EventKind.LEAVE, sender=user, subject=user)
            )
            return room

        return await self._log.commit(work)

    async def enter(self, user: User, name: str) -> View:
        """
        @return: the room's newest messages.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """
        key = _known_key(name)

        def read(store: Repository) -> View:
            room = permit(Action.READ, store.standing(user.id, key=key)).room
            return view(store, room, store.page(room.id, HISTORY))

        return await self._database.read(read)

    async def members(self, user: User, room_id: int) -> list[User]:
        """
        @return: who is a member of a room, by id.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """

        def read(store: Repository) -> list[User]:
            permit(Action.READ, store.standing(user.id, room_id=room_id))
            return store.members(room_id)

        return await self._database.read(read)

    async def require_member(self, user: User, room_id: int) -> None:
        """
        See that C{user} is a member of a room.

        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """
        standing = await self._database.read(
            lambda store: store.standing(user.id, room_id=room_id)
        )
        permit(Action.POST, standing)

    async def heads(self, user: User) -> list[Head]:
        """
        @return: where the logs of C{user}'s rooms end, and how far they have got, by id.
        """
        return await self._database.read(lambda store: store.heads(user.id))

    async def joined(self, user: User) -> list[RoomListing]:
        """
        @return: the rooms C{user} is a member of, by id.
        """
        return await self._database.read(lambda store: store.joined_rooms(user.id))

    async def visible(self, user: User) -> list[RoomListing]:
        """
        @return: the rooms C{user} may know of, by id.
        """
        return await self._database.read(lambda store: store.visible_rooms(user.id))

    def _check_members(self, count: int) -> None:
        limit = self._settings.room_members
        if limit and count > limit:
            raise RoomFull(limit=limit)

    def _check_rooms(self, store: Repository, user: User) -> None:
        """
        See that somebody may make or join one more. Those that others put them into
        do not count: nobody is to take another's share.
        """
        limit = self._settings.rooms_per_user
        if limit and store.chosen_room_count(user.id) >= limit:
            raise TooManyRooms(limit=limit)


def _known_key(name: str) -> str:
    key = room_key(name)
    if key is None:
        raise RoomNotFound()
    return key


def _find(store: Repository, usernames: Sequence[str]) -> list[User]:
    keys = {name: username_key(name) for name in usernames}
    found = store.users_named({key for key in keys.values() if key is not None})
    for name, key in keys.items():
        if key not in found:
            raise UserNotFound(field="member_usernames", username=name[:32])
    return list(found.values())


def _add(transaction: Transaction, room: Room, user: User, role: Role, *, by: User) -> None:
    """
    Make a member of somebody.
    """
    joined = transaction.record(NewEvent(room=room, kind=EventKind.JOIN, sender=by, subject=user))
    new = NewMember(user_id=user.id, role=role, seq=joined.seq)
    transaction.store.add_members(room.id, [new], by=by.id)


def _pass_on(store: Repository, room: Room) -> None:
    """
    Have a room that nobody owns be owned by who has been there for longest.
    """
    heir = None if store.has_owner(room.id) else store.longest_member(room.id)
    if heir is not None:
        store.set_role(room.id, heir, Role.OWNER)
