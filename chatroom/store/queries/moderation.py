"""
What becomes of rooms and of who is in them: mutes, bans, invitations, other names, an end;
and the audit of it.
"""

from collections.abc import Sequence

from attrs import frozen
from sqlalchemy import delete, insert, select, update

from chatroom.store.models import Ban, Membership, Role, Room, RoomKind, User
from chatroom.store.oversight import Deed
from chatroom.store.queries.files import FileQueries
from chatroom.store.queries.queries import Queries
from chatroom.store.queries.retention import RetentionQueries
from chatroom.store.queries.rows import ROOM, room
from chatroom.store.queries.search import SearchQueries
from chatroom.store.schema import audit, bans, events, invitations, members, mentions, rooms, users

#: Who did something, beside to whom.
_doers = users.alias("doers")


@frozen
class ModerationQueries(Queries):
    """
    What is done to members, and to rooms as such.
    """

    def room(self, room_id: int) -> Room | None:
        """
        @return: a room that there is, or that is being deleted.
        """
        row = self._connection.execute(select(*ROOM).where(rooms.c.id == room_id)).one_or_none()
        return None if row is None else room(row)

    def memberships_of(self, room_id: int) -> list[Membership]:
        """
        @return: the members of a room, by id.
        """
        joined = members.join(users, users.c.id == members.c.user_id)
        query = select(users.c.id, users.c.name, members.c.role, members.c.muted_until)
        query = query.select_from(joined).where(members.c.room_id == room_id)
        return [
            Membership(
                user=User(id=row.id, name=row.name),
                role=Role(row.role),
                muted_until=row.muted_until,
            )
            for row in self._connection.execute(query.order_by(users.c.id))
        ]

    def mute(self, room_id: int, user_id: int, until: int | None) -> None:
        """
        Have a member be muted.

        @param until: in milliseconds; C{None} is no longer.
        """
        is_it = (members.c.room_id == room_id) & (members.c.user_id == user_id)
        self._connection.execute(update(members).where(is_it).values(muted_until=until))

    def muted_places(self) -> set[tuple[int, int]]:
        """
        @return: pairs of (room id, user id) of all who are muted, or were.
        """
        query = select(members.c.room_id, members.c.user_id)
        rows = self._connection.execute(query.where(members.c.muted_until.is_not(None)))
        return {(row.room_id, row.user_id) for row in rows}

    def ban(self, room_id: int, user_id: int, until: int) -> None:
        """
        Keep somebody from being a member of a room, whatever was said before of that.

        @param until: in milliseconds.
        """
        self.lift_ban(room_id, user_id)
        values = {"room_id": room_id, "user_id": user_id, "until": until}
        self._connection.execute(insert(bans), [values])

    def lift_ban(self, room_id: int, user_id: int) -> None:
        """
        Keep somebody from it no longer.
        """
        is_it = (bans.c.room_id == room_id) & (bans.c.user_id == user_id)
        self._connection.execute(delete(bans).where(is_it))

    def bans_of(self, room_id: int, now: int) -> list[Ban]:
        """
        @return: who may be no member of a room, by id.
        """
        query = select(users.c.id, users.c.name, bans.c.until)
        query = query.select_from(bans.join(users, users.c.id == bans.c.user_id))
        query = query.where((bans.c.room_id == room_id) & (bans.c.until > now))
        return [
            Ban(user=User(id=row.id, name=row.name), until=row.until)
            for row in self._connection.execute(query.order_by(users.c.id))
        ]

    def invite(self, room_id: int, user_id: int, now: int) -> None:
        """
        Let somebody join a room, who may not yet.
        """
        values = {"room_id": room_id, "user_id": user_id, "created_at": now}
        self._connection.execute(insert(invitations), [values])

    def uninvite(self, room_id: int, user_id: int) -> None:
        """
        Let somebody join a room no longer, who is invited or not.
        """
        is_it = (invitations.c.room_id == room_id) & (invitations.c.user_id == user_id)
        self._connection.execute(delete(invitations).where(is_it))

    def invitation_count(self, room_id: int) -> int:
        """
        @return: how many are invited to a room.
        """
        return self._count(invitations, invitations.c.room_id == room_id)

    def update_room(self, changed: Room, key: str | None = None) -> None:
        """
        Have a room be what it is said to be.

        @param key: of its name, if that is another one.
        """
        values = {"name": changed.name, "kind": changed.kind.value, "topic": changed.topic}
        if key is not None:
            values["key"] = key
        self._connection.execute(update(rooms).where(rooms.c.id == changed.id).values(values))

    def close_room(self, closed: Room) -> None:
        """
        Have a room be nobody's any more, and its name free. What was said in it is there
        until it is erased.
        """
        for table in (members, invitations, bans):
            self._connection.execute(delete(table).where(table.c.room_id == closed.id))
        # No name has a space at its beginning, so this is nobody else's.
        values = {"kind": RoomKind.DELETED.value, "key": f" deleted {closed.id}", "topic": ""}
        self._connection.execute(update(rooms).where(rooms.c.id == closed.id).values(values))

    def closed_rooms(self) -> list[int]:
        """
        @return: the rooms that are to be erased.
        """
        is_closed = rooms.c.kind == RoomKind.DELETED.value
        return list(self._connection.scalars(select(rooms.c.id).where(is_closed)))

    def erase_some(self, room_id: int, limit: int) -> bool:
        """
        Erase some of a room that is closed; last of all, the room.

        @param limit: how many events at the most.
        @return: whether there is more.
        """
        query = select(events.c.id, events.c.seq).where(events.c.room_id == room_id)
        found = self._connection.execute(query.order_by(events.c.seq).limit(limit)).all()
        if found:
            RetentionQueries(self._connection).cut(room_id, found[-1].seq + 1)
            SearchQueries(self._connection).count_forgotten(len(found))
            return True
        # Their bytes go a little later, with those of other files that were deleted.
        FileQueries(self._connection).forget_room_files(room_id)
        self._connection.execute(delete(mentions).where(mentions.c.room_id == room_id))
        self._connection.execute(delete(rooms).where(rooms.c.id == room_id))
        return False

    def add_deed(self, deed: Deed) -> None:
        """
        Keep in mind what was done.
        """
        values = {
            "at": deed.at,
            "by_id": None if deed.by is None else deed.by.id,
            "action": deed.action,
            "user_id": None if deed.user is None else deed.user.id,
            "room_id": deed.room_id,
            "room_name": deed.room_name,
            "detail": deed.detail,
            "reason": deed.reason,
        }
        self._connection.execute(insert(audit), [values])

    def deeds(
        self, limit: int, *, before: int | None = None, room_id: int | None = None
    ) -> Sequence[Deed]:
        """
        @param limit: how many at the most.
        @param before: the id that theirs are less than.
        @return: what was done, in a room or anywhere, newest first.
        """
        joined = audit.outerjoin(_doers, _doers.c.id == audit.c.by_id).outerjoin(
            users, users.c.id == audit.c.user_id
        )
        query = select(
            audit, _doers.c.name.label("by_name"), users.c.name.label("user_name")
        ).select_from(joined)
        if before is not None:
            query = query.where(audit.c.id < before)
        if room_id is not None:
            query = query.where(audit.c.room_id == room_id)
        return [
            Deed(
                id=row.id,
                by=None if row.by_id is None else User(id=row.by_id, name=row.by_name),
                action=row.action,
                user=None if row.user_id is None else User(id=row.user_id, name=row.user_name),
                room_id=row.room_id,
                room_name=row.room_name,
                detail=row.detail,
                reason=row.reason,
                at=row.at,
            )
            for row in self._connection.execute(query.order_by(audit.c.id.desc()).limit(limit))
        ]
