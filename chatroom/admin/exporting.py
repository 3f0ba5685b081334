"""
C{chatroom admin export}: what is stored, as lines of JSON.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from chatroom.admin.data import add_database, counted, guarded, new_file, refused
from chatroom.chat.names import room_key
from chatroom.chat.pushes import followed_line
from chatroom.store.offline import Snapshot, snapshot
from chatroom.store.queries.exporting import StoredEvent
from chatroom.wire.archive import (
    VERSION,
    BanRecord,
    ChatHeader,
    ChatMember,
    DeedRecord,
    End,
    FileRecord,
    Header,
    InvitationRecord,
    MemberRecord,
    RoomRecord,
    Stored,
    UserRecord,
    encode_record,
    with_stored,
)


def describe(parser: ArgumentParser) -> None:
    """
    Say what it takes.
    """
    add_database(parser)
    parser.add_argument(
        "--room", metavar="NAME|ID", help="one room alone, for people; it can't be imported"
    )
    parser.add_argument("--output", metavar="FILE", help="where to [standard output]")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


@guarded
def run(chosen: Namespace, database: str) -> None:
    """
    Write it.
    """
    with snapshot(database) as store:
        lines = everything(store) if chosen.room is None else one_room(store, chosen.room)
        written = counted(_ended(lines))
        if chosen.output is None:
            sys.stdout.buffer.writelines(written)
            sys.stdout.buffer.flush()
        else:
            with new_file(chosen.output, force=chosen.force) as file:
                file.writelines(written)


def everything(store: Snapshot) -> Iterator[bytes]:
    """
    @return: the lines that can be imported, but for the last.
    """
    last = store.last_ids()
    yield encode_record(
        Header(
            version=VERSION,
            last_event_id=last.events,
            last_user_id=last.users,
            last_room_id=last.rooms,
            last_deed_id=last.audit,
        )
    )
    yield from (encode_record(UserRecord(**each)) for each in store.stored_users())
    room_ids = []
    for each in store.stored_rooms():
        room_ids.append(each["id"])
        renamed = {"room_kind" if key == "kind" else key: value for key, value in each.items()}
        yield encode_record(RoomRecord(**renamed))
    yield from (encode_record(MemberRecord(**each)) for each in store.stored_members())
    yield from (encode_record(BanRecord(**each)) for each in store.stored_bans())
    yield from (encode_record(InvitationRecord(**each)) for each in store.stored_invitations())
    for room_id in room_ids:
        yield from map(_stored_line, store.events_of(room_id))
    yield from (encode_record(FileRecord(**each)) for each in store.stored_files())
    yield from (encode_record(DeedRecord(**each)) for each in store.stored_deeds())


def one_room(store: Snapshot, wanted: str) -> Iterator[bytes]:
    """
    @param wanted: the id of a room, or its name.
    @return: the lines of what its members could know.
    @raise chatroom.admin.exits.Failed: if there is no such room.
    """
    room = store.room_as_stored(_room_id(store, wanted))
    if room is None:
        raise refused(f"there is no room {wanted!r}")
    yield encode_record(
        ChatHeader(
            version=VERSION,
            chat_group_id=room["id"],
            chat_group_name=room["name"],
            room_kind=room["kind"],
            topic=room["topic"],
            created_at=room["created_at"],
            first_seq=room["first_seq"],
            last_seq=room["last_seq"],
        )
    )
    for each in store.members_as_stored(room["id"]):
        yield encode_record(
            ChatMember(
                user_id=each["user_id"],
                username=each["name"],
                role=each["role"],
                read_seq=each["read_seq"],
            )
        )
    for stored in store.events_of(room["id"]):
        yield followed_line(stored.event, replay=True)


def _room_id(store: Snapshot, wanted: str) -> int:
    if wanted.isdecimal() and len(wanted) < 16:
        return int(wanted)
    key = room_key(wanted)
    room = None if key is None else store.room_named(key)
    return 0 if room is None else room.id


def _stored_line(each: StoredEvent) -> bytes:
    event = each.event
    is_message = event.kind.value == "message"
    stored = Stored(
        id=event.id,
        kind=event.kind.value,
        sender_id=event.sender.id,
        subject_id=None if event.subject is None else event.subject.id,
        target_id=event.target_id,
        created_at=event.created_at,
        edited_at=event.edited_at,
        deleted_at=event.deleted_at,
        content=None if is_message else each.content,
        digest=None if each.digest is None else each.digest.hex(),
        reactions={some.reaction: list(some.user_ids) for some in each.reactions} or None,
    )
    return with_stored(followed_line(event, own=True, replay=True), stored)


def _ended(lines: Iterator[bytes]) -> Iterator[bytes]:
    count = 1
    for each in lines:
        count += 1
        yield each
    yield encode_record(End(lines=count))
