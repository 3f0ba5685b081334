"""
What is done to members of a room: by those who may, to those who are less there than
they are. Each deed is an event of the room's log, and is kept for the audit.
"""

from attrs import define, evolve, frozen

from chatroom.chat.access import Action, is_banned, is_muted, permit, require_rank, standing_of
from chatroom.chat.deeds import Done, keep
from chatroom.chat.log import Log
from chatroom.chat.members import check_members, remove
from chatroom.chat.names import username_key
from chatroom.chat.transaction import Transaction
from chatroom.errors import (
    LastOwner,
    MemberNotFound,
    NotYourself,
    UntilInPast,
    UserIsBanned,
    UserNotFound,
)
from chatroom.settings import Settings
from chatroom.store.models import (
    NEVER,
    PUBLIC_ROOM_ID,
    Event,
    EventKind,
    NewEvent,
    Role,
    Room,
    Standing,
    User,
)
from chatroom.wire.details import Details


@frozen
class _Case:
    """
    Somebody wants to do something to another in a room, and may.

    @ivar other: what the other is there.
    """

    transaction: Transaction
    action: str
    by: User | None
    standing: Standing
    user: User
    other: Standing

    @property
    def room(self) -> Room:
        return self.standing.room

    def require_member(self) -> None:
        if self.other.role is None:
            raise MemberNotFound(field="username", username=self.user.name)

    def record(self, kind: EventKind, details: Details) -> Done:
        """
        Note it in the room's log, and for the audit.
        """
        new = NewEvent(
            room=self.room,
            kind=kind,
            sender=self.by or self.user,
            subject=self.user,
            content=details.to_text(),
        )
        return self.keep(self.transaction.record(new), details)

    def keep(self, event: Event, details: Details) -> Done:
        """
        Note for the audit what is in the log already.
        """
        keep(self.transaction, self.action, self.by, self.room, self.user, details)
        return Done(room=self.room, user=self.user, event=event)

    def nothing(self) -> Done:
        """
        It was so already.
        """
        return Done(room=self.room, user=self.user, event=None)


@define(eq=False)
class Moderation:
    """
    Looks after who is in a room. Where who acts is C{None}, it is the operator: in the
    room's log, where everything is somebody's, that stands by whom it is done to.

    Each of its methods raises L{chatroom.errors.RoomNotFound} if there is no such room or
    the actor may not know of it, another L{chatroom.errors.ChatError} of
    L{chatroom.chat.access} if the actor may not do it, and L{UserNotFound} if nobody has
    the name of the other.
    """

    _log: Log
    _settings: Settings

    async def invite(self, by: User, room_id: int, username: str) -> Done:
        """
        Let somebody join a room.

        @raise NotYourself: if it is C{by}.
        @raise UserIsBanned: if they may be no member, for now.
        @raise RoomFull: if as many are members or invited as may be members.
        """

        def work(transaction: Transaction) -> Done:
            case = _open(transaction, Action.INVITE, by, room_id, username, may_log_in=True)
            store, room = transaction.store, case.room
            if is_banned(case.other, transaction.now):
                raise UserIsBanned(field="username", username=case.user.name)
            if case.other.role is not None or case.other.is_invited:
                return case.nothing()
            count = store.member_count(room.id) + store.invitation_count(room.id) + 1
            check_members(count, self._settings.room_members)
            store.invite(room.id, case.user.id, transaction.now)
            return case.record(EventKind.INVITE, Details())

        return await self._log.commit(work)

    async def kick(
        self, by: User | None, room_id: int, username: str, reason: str | None = None
    ) -> Done:
        """
        Have somebody be no member any more, who may come back if they may know of the
        room.

        @raise NotYourself: if it is C{by}.
        @raise MemberNotFound: if they are no member.
        @raise Outranked: if they are as much in the room as C{by}.
        """

        def work(transaction: Transaction) -> Done:
            case = _open(transaction, Action.KICK, by, room_id, username)
            case.require_member()
            require_rank(case.standing, case.other, case.user.name)
            details = Details(reason=reason)
            event = remove(
                transaction, case.room, case.user, EventKind.KICK, by=by, details=details
            )
            return case.keep(event, details)

        return await self._log.commit(work)

    async def mute(
        self,
        by: User | None,
        room_id: int,
        username: str,
        until: int | None = None,
        reason: str | None = None,
    ) -> Done:
        """
        Have a member say nothing for a while.

        @param until: in milliseconds; C{None} is without end.
        @raise UntilInPast: if that has passed.
        @raise NotYourself: if it is C{by}.
        @raise MemberNotFound: if they are no member.
        @raise Outranked: if they are as much in the room as C{by}.
        """

        def work(transaction: Transaction) -> Done:
            case = _open(transaction, Action.MUTE, by, room_id, username)
            case.require_member()
            require_rank(case.standing, case.other, case.user.name)
            end = _end(until, transaction.now)
            if case.other.muted_until == end:
                return case.nothing()
            transaction.store.mute(case.room.id, case.user.id, end)
            return case.record(EventKind.MUTE, Details(until=until, reason=reason))

        return await self._log.commit(work)

    async def ban(
        self,
        by: User | None,
        room_id: int,
        username: str,
        until: int | None = None,
        reason: str | None = None,
    ) -> Done:
        """
        Have somebody be no member, and become none for a while.

        @param until: in milliseconds; C{None} is without end.
        @raise UntilInPast: if that has passed.
        @raise NotYourself: if it is C{by}.
        @raise Outranked: if they are as much in the room as C{by}.
        """

        def work(transaction: Transaction) -> Done:
            case = _open(transaction, Action.BAN, by, room_id, username)
            require_rank(case.standing, case.other, case.user.name)
            end, store = _end(until, transaction.now), transaction.store
            if case.other.role is None and case.other.banned_until == end:
                return case.nothing()
            store.ban(case.room.id, case.user.id, end)
            store.uninvite(case.room.id, case.user.id)
            details = Details(until=until, reason=reason)
            event = remove(
                transaction, case.room, case.user, EventKind.BAN, by=by, details=details
            )
            return case.keep(event, details)

        return await self._log.commit(work)

    async def lift(
        self, by: User | None, room_id: int, username: str, reason: str | None = None
    ) -> Done:
        """
        Have somebody be muted and banned no longer, whichever they are.

        @raise NotYourself: if it is C{by}.
        @raise Outranked: if they are as much in the room as C{by}.
        """

        def work(transaction: Transaction) -> Done:
            case = _open(transaction, Action.LIFT, by, room_id, username)
            require_rank(case.standing, case.other, case.user.name)
            now, room = transaction.now, case.room
            if not is_muted(case.other, now) and not is_banned(case.other, now):
                return case.nothing()
            transaction.store.mute(room.id, case.user.id, None)
            transaction.store.lift_ban(room.id, case.user.id)
            return case.record(EventKind.LIFT, Details(reason=reason))

        return await self._log.commit(work)

    async def set_role(self, by: User | None, room_id: int, username: str, role: Role) -> Done:
        """
        Have a member be something else in a room. Who owns a room may be less by their
        own wish, and make others owners.

        @raise MemberNotFound: if they are no member.
        @raise Outranked: if they own the room, too.
        @raise LastOwner: if nobody would own the room.
        """

        def work(transaction: Transaction) -> Done:
            case = _open(transaction, Action.SET_ROLE, by, room_id, username, is_self_too=True)
            case.require_member()
            if by is None or case.user.id != by.id:
                require_rank(case.standing, case.other, case.user.name)
            if case.other.role is role:
                return case.nothing()
            store, room = transaction.store, case.room
            store.set_role(room.id, case.user.id, role)
            if room.id != PUBLIC_ROOM_ID and not store.has_owner(room.id):
                raise LastOwner()
            return case.record(EventKind.ROLE, Details(role=role.value))

        return await self._log.commit(work)

    async def transfer(
        self, by: User | None, room_id: int, username: str, reason: str | None = None
    ) -> Done:
        """
        Have a member be the one owner of a room; who owned it is a member like others.
        This is for those who look after the server: no owner takes it from another.

        @raise MemberNotFound: if they are no member.
        """

        def work(transaction: Transaction) -> Done:
            case = _open(
                transaction,
                Action.TRANSFER,
                by,
                room_id,
                username,
                may_log_in=True,
                is_self_too=True,
            )
            case.require_member()
            store, room, done = transaction.store, case.room, case.nothing()
            roles = [(case.user, Role.OWNER, case.other.role)] + [
                (each.user, Role.MEMBER, each.role)
                for each in store.memberships_of(room.id)
                if each.role is Role.OWNER and each.user.id != case.user.id
            ]
            for user, role, old in roles:
                if role is not old:
                    store.set_role(room.id, user.id, role)
                    changed = evolve(case, user=user)
                    done = changed.record(EventKind.ROLE, Details(role=role.value, reason=reason))
            return evolve(done, user=case.user)

        return await self._log.commit(work)


def _open(
    transaction: Transaction,
    action: str,
    by: User | None,
    room_id: int,
    username: str,
    *,
    may_log_in: bool = False,
    is_self_too: bool = False,
) -> _Case:
    """
    See that somebody may do something in a room, then who it is to be done to.
    """
    store = transaction.store
    standing = permit(action, standing_of(store, by, room_id), transaction.now)
    key = username_key(username)
    found = {} if key is None else store.users_named({key}, may_log_in=may_log_in)
    user = found.get(key or "")
    if user is None:
        raise UserNotFound(field="username", username=username[:32])
    if by is not None and user.id == by.id and not is_self_too:
        raise NotYourself(field="username")
    other = store.standing(user.id, room_id=room_id, is_actor=False)
    assert other is not None
    return _Case(transaction, action, by, standing, user, other)


def _end(until: int | None, now: int) -> int:
    if until is not None and until <= now:
        raise UntilInPast(field="until")
    return NEVER if until is None else until
