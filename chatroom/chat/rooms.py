"""
Rooms: made, joined, entered and listed.
"""

from collections.abc import Sequence

from attrs import define, frozen

from chatroom.chat.access import Action, permit, standing_of
from chatroom.chat.log import Log
from chatroom.chat.members import add, check_members, remove
from chatroom.chat.messages import View, view
from chatroom.chat.names import new_room_name, pair_keys, pair_name, room_key, username_key
from chatroom.chat.transaction import Transaction
from chatroom.errors import NotYourself, RoomNameTaken, TooManyRooms, UserNotFound
from chatroom.settings import Settings
from chatroom.store.database import Database
from chatroom.store.models import (
    Ban,
    Head,
    Membership,
    Role,
    Room,
    RoomKind,
    RoomListing,
    Standing,
    User,
)
from chatroom.store.repository import Repository

#: How many messages one sees on entering a room.
HISTORY = 50


@frozen(kw_only=True)
class RoomInfo:
    """
    A room, and who is in it.

    @ivar bans: who may not be; C{None} if the asker is not to know.
    """

    room: Room
    members: Sequence[Membership]
    bans: Sequence[Ban] | None


@define(eq=False)
class Rooms:
    """
    The rooms of the server.
    """

    _database: Database
    _log: Log
    _settings: Settings

    async def create(
        self,
        owner: User,
        name: str,
        usernames: Sequence[str],
        kind: RoomKind = RoomKind.GROUP,
    ) -> Room:
        """
        Make a room with its first members.

        @param usernames: who is a member besides C{owner}; naming somebody
            twice, or the owner, is no error.
        @param kind: who may know of it.
        @raise BadRoomName: if no room can have this name.
        @raise RoomNameTaken: if a room has it, or one that reads the same, whether
            C{owner} may know of it or not.
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
            check_members(len(users), self._settings.room_members)
            self._check_rooms(store, owner)
            room = store.add_room(name=normal, key=key, kind=kind, now=transaction.now)
            for user in users:
                role = Role.OWNER if user.id == owner.id else Role.MEMBER
                add(transaction, room, user, role, by=owner)
            return room

        return await self._log.commit(work)

    async def of_two(self, user: User, username: str) -> Room:
        """
        Find the private chat of two users, or make it.

        @param username: the other's name.
        @raise UserNotFound: if nobody has it, or they may not log in.
        @raise NotYourself: if it is C{user}'s own.
        """
        key = username_key(username)

        def work(transaction: Transaction) -> Room:
            store = transaction.store
            found = {} if key is None else store.users_named({key}, may_log_in=True)
            other = found.get(key or "")
            if other is None:
                raise UserNotFound(field="username", username=username[:32])
            if other.id == user.id:
                raise NotYourself(field="username")
            pair = pair_room_key(user.id, other.id)
            room = store.room_named(pair)
            return _make_pair(transaction, pair, user, other) if room is None else room

        return await self._log.commit(work)

    async def join(self, user: User, name: str) -> Room:
        """
        Make a member of C{user}, who may be one already.

        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise Banned: if C{user} may not join, for now.
        @raise RoomFull: if it has as many members as it may have.
        @raise TooManyRooms: if C{user} has made or joined too many already.
        """

        def work(transaction: Transaction) -> Room:
            store = transaction.store
            standing = permit(Action.JOIN, _standing(store, user, name), transaction.now)
            if standing.role is None:
                count = store.member_count(standing.room.id) + 1
                check_members(count, self._settings.room_members)
                self._check_rooms(store, user)
                store.uninvite(standing.room.id, user.id)
                add(transaction, standing.room, user, Role.MEMBER, by=user)
            return standing.room

        return await self._log.commit(work)

    async def leave(self, user: User, room_id: int) -> Room:
        """
        Have C{user} be no member any more. A room's last owner leaves it to who has
        been a member for longest.

        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        @raise CannotLeave: if it is the public room, or a private chat.
        """

        def work(transaction: Transaction) -> Room:
            standing = transaction.store.standing(user.id, room_id=room_id)
            room = permit(Action.LEAVE, standing, transaction.now).room
            remove(transaction, room, user)
            return room

        return await self._log.commit(work)

    async def enter(self, user: User, name: str) -> View:
        """
        @return: the room's newest messages.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """

        def read(store: Repository) -> View:
            room = permit(Action.ENTER, _standing(store, user, name)).room
            return view(store, room, store.page(room.id, HISTORY))

        return await self._database.read(read)

    async def members(self, user: User, room_id: int) -> list[User]:
        """
        @return: who is a member of a room, by id.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """

        def read(store: Repository) -> list[User]:
            permit(Action.MEMBERS, store.standing(user.id, room_id=room_id))
            return store.members(room_id)

        return await self._database.read(read)

    async def require_voice(self, user: User, room_id: int, now: float) -> None:
        """
        See that C{user} may say something in a room.

        @param now: in Unix seconds.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        @raise Muted: if C{user} may not, for now.
        """
        standing = await self._database.read(
            lambda store: store.standing(user.id, room_id=room_id)
        )
        permit(Action.TYPING, standing, int(now * 1000))

    async def info(self, user: User | None, room_id: int, now: float) -> RoomInfo:
        """
        @param user: who asks; C{None} is the operator.
        @param now: in Unix seconds.
        @return: what a room is, and who is in it.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """

        def read(store: Repository) -> RoomInfo:
            standing = permit(Action.INFO, standing_of(store, user, room_id))
            is_moderator = standing.role in (Role.OWNER, Role.MODERATOR)
            may_see = is_moderator or standing.is_administrator
            return RoomInfo(
                room=standing.room,
                members=store.memberships_of(room_id),
                bans=store.bans_of(room_id, int(now * 1000)) if may_see else None,
            )

        return await self._database.read(read)

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

    def _check_rooms(self, store: Repository, user: User) -> None:
        """
        See that somebody may make or join one more. Those that others put them into
        do not count: nobody is to take another's share.
        """
        limit = self._settings.rooms_per_user
        if limit and store.chosen_room_count(user.id) >= limit:
            raise TooManyRooms(limit=limit)


def pair_room_key(first_id: int, second_id: int) -> str:
    """
    @return: what tells the private chat of two users from all other rooms; no name has a
        space at its beginning.
    """
    return " {}:{}".format(*sorted((first_id, second_id)))


def _make_pair(transaction: Transaction, key: str, user: User, other: User) -> Room:
    first, second = sorted((user, other), key=lambda each: each.id)
    room = transaction.store.add_room(
        name=pair_name(first.name, second.name),
        key=key,
        kind=RoomKind.PRIVATE,
        now=transaction.now,
        pair_key=key.strip(),
    )
    for each in (user, other):
        add(transaction, room, each, Role.MEMBER, by=user)
    return room


def _standing(store: Repository, user: User, name: str) -> Standing | None:
    """
    @return: what a user is in the room of a name; C{None} if there is no such room. (The
        name of a private chat is that of one's own.)
    """
    keys = pair_keys(name)
    if keys:
        ids = {each.id for each in store.users_named(keys).values()} | {user.id}
        if len(ids) == 2:
            standing = store.standing(user.id, key=pair_room_key(*ids))
            if standing is not None:
                return standing
    key = room_key(name)
    return None if key is None else store.standing(user.id, key=key)


def _find(store: Repository, usernames: Sequence[str]) -> list[User]:
    keys = {name: username_key(name) for name in usernames}
    wanted = {key for key in keys.values() if key is not None}
    found = store.users_named(wanted, may_log_in=True)
    for name, key in keys.items():
        if key not in found:
            raise UserNotFound(field="member_usernames", username=name[:32])
    # In the order in which they are named, whatever the database's is.
    return [found[key] for key in keys.values() if key is not None]
