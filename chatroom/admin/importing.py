"""
C{chatroom admin import}: a new database with what was exported of another one. All of it, or
nothing.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NoReturn

from attrs import define, field

from chatroom.admin.data import Progress, add_database, guarded, refused
from chatroom.store.errors import RowRejected
from chatroom.store.models import PUBLIC_ROOM_ID, EventKind, Role, RoomKind
from chatroom.store.offline import NewDatabase, alone
from chatroom.store.queries.rows import joined
from chatroom.store.queries.sequences import LastIds
from chatroom.wire.archive import (
    MOST_BYTES,
    RECORDS,
    VERSION,
    BadRecord,
    BanRecord,
    ChatHeader,
    DeedRecord,
    End,
    EventRecord,
    FileRecord,
    Header,
    InvitationRecord,
    MemberRecord,
    Record,
    RoomRecord,
    UserRecord,
    decode_record,
)

#: How many rows are written at a time, and of how many bytes of the file about.
_ROWS = 500
_BYTES = 8 * 2**20

_THERE = "it is there already, or something that must be its own is another's"

_ORDER = {each: place for place, each in enumerate(RECORDS)}


def describe(parser: ArgumentParser) -> None:
    """
    Say what it takes.
    """
    add_database(parser)
    parser.add_argument("file", metavar="FILE", help="an export of everything")


@guarded
def run(chosen: Namespace, database: str) -> None:
    """
    Fill a new database.
    """
    with open(chosen.file, "rb") as file, alone(database, now=_now()) as store:
        if not store.is_fresh():
            raise refused("the database is in use already: only a new one can be filled")
        fill(store, file, chosen.file)


def fill(store: NewDatabase, file: BinaryIO, name: str) -> None:
    """
    Write all that a file has.

    @param name: of the file.
    @raise chatroom.admin.exits.Failed: if it is not as it has to be, with the number of the
        first line that is not.
    """
    filling = _Filling(store)
    progress = Progress("lines")
    try:
        for line in _lines(file):
            filling.number += 1
            filling.take(line)
            progress.step()
        filling.close()
    except _BadLine as error:
        raise refused(f"{name}:{error.number}: {error}; nothing was imported") from None
    finally:
        progress.end()


def _now() -> int:
    return int(time.time() * 1000)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MOST_BYTES + 1):
        yield line


class _BadLine(Exception):
    """
    A line can't be imported.
    """

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


@define(eq=False)
class _Table:
    """
    Rows that wait to be written, and the lines that they are from.
    """

    rows: list[dict[str, Any]] = field(factory=list)
    numbers: list[int] = field(factory=list)

    def add(self, number: int, row: dict[str, Any]) -> None:
        """
        Have one more wait.
        """
        self.rows.append(row)
        self.numbers.append(number)


@define(eq=False)
class _Filling:
    """
    A file that is read, line by line.

    @ivar number: of the line.
    """

    _store: NewDatabase
    number: int = field(default=0, init=False)
    _header: Header | None = field(default=None, init=False)
    _place: int = field(default=0, init=False)
    _is_ended: bool = field(default=False, init=False)
    _users: set[int] = field(factory=set, init=False)
    _rooms: dict[int, RoomRecord] = field(factory=dict, init=False)
    #: The place that the next event of each room has to have.
    _next_seqs: dict[int, int] = field(factory=dict, init=False)
    _waiting: dict[str, _Table] = field(factory=dict, init=False)
    _size: int = field(default=0, init=False)

    def take(self, line: bytes) -> None:
        """
        Read one line.
        """
        self._size += len(line)
        if len(line) > MOST_BYTES:
            self._refuse(f"it is longer than {MOST_BYTES} bytes")
        try:
            record = decode_record(line)
        except BadRecord as error:
            self._refuse(str(error))
        if self._is_ended:
            self._refuse("it comes after the last one")
        if self._header is None:
            self._begin(record)
        elif isinstance(record, End):
            self._end(record)
        elif type(record) not in _ORDER or _ORDER[type(record)] < self._place:
            self._refuse("it does not belong here")
        else:
            self._place = _ORDER[type(record)]
            _TAKERS[type(record)](self, record)

    def close(self) -> None:
        """
        Know that there are no more lines.
        """
        self.number += 1
        if not self._is_ended or self._header is None:
            self._refuse("the file is cut off: there is no last line")
        last = self._header
        self._store.finish(
            LastIds(
                events=last.last_event_id,
                users=last.last_user_id,
                rooms=last.last_room_id,
                audit=last.last_deed_id,
            )
        )

    def _begin(self, record: Record) -> None:
        if isinstance(record, ChatHeader):
            self._refuse("this is the export of one room, which can't be imported")
        if not isinstance(record, Header):
            self._refuse("this is no export: the first line is another one")
        if record.version != VERSION:
            self._refuse(f"it is of version {record.version}, and not of {VERSION}")
        self._header = record
        self._store.clear()

    def _end(self, record: End) -> None:
        self._flush()
        if record.lines != self.number:
            self._refuse(f"there should be {record.lines} lines")
        if PUBLIC_ROOM_ID not in self._rooms:
            self._refuse("there is no public room")
        for room in self._rooms.values():
            if self._next_seqs[room.id] != room.last_seq + 1:
                self._refuse(
                    f"events are missing of room {room.id}, whose last is {room.last_seq}"
                )
        self._is_ended = True

    def take_user(self, record: UserRecord) -> None:
        """
        Know of an account.
        """
        self._check_id(record.id, "user")
        if record.id in self._users:
            self._refuse(_THERE)
        self._users.add(record.id)
        self._add("users", record.values())

    def take_room(self, record: RoomRecord) -> None:
        """
        Know of a room.
        """
        self._check_id(record.id, "room")
        if record.id in self._rooms:
            self._refuse(_THERE)
        self._require(record.room_kind, RoomKind)
        if record.first_seq > record.last_seq + 1:
            self._refuse("its log ends before it begins")
        self._rooms[record.id] = record
        self._next_seqs[record.id] = record.first_seq
        self._add("rooms", record.values())

    def take_member(self, record: MemberRecord) -> None:
        """
        Know of a member.
        """
        room = self._room(record.room_id)
        self._require_user(record.user_id)
        self._require(record.role, Role)
        if max(record.read_seq, record.joined_seq) > room.last_seq:
            self._refuse(f"room {room.id} ends at {room.last_seq}")
        self._add("members", record.values())

    def take_ban(self, record: BanRecord) -> None:
        """
        Know of a ban.
        """
        self._room(record.room_id)
        self._require_user(record.user_id)
        self._add("bans", record.values())

    def take_invitation(self, record: InvitationRecord) -> None:
        """
        Know of an invitation.
        """
        self._room(record.room_id)
        self._require_user(record.user_id)
        self._add("invitations", record.values())

    def take_file(self, record: FileRecord) -> None:
        """
        Know of a file.
        """
        room = self._room(record.room_id)
        self._require_user(record.user_id)
        if record.seq > room.last_seq:
            self._refuse(f"room {room.id} ends at {room.last_seq}")
        self._add("files", record.values())

    def take_deed(self, record: DeedRecord) -> None:
        """
        Know of something in the audit, which may be about what there is no more.
        """
        self._check_id(record.id, "deed")
        self._add("audit", record.values())

    def take_event(self, record: EventRecord) -> None:
        """
        Know of an event.
        """
        stored, room = record.stored, self._room(record.chat_group_id)
        self._check_id(stored.id, "event")
        self._require(stored.kind, EventKind)
        expected = self._next_seqs[room.id]
        if record.seq != expected or record.seq > room.last_seq:
            self._refuse(f"its place in room {room.id} is {record.seq}, and should be {expected}")
        self._next_seqs[room.id] = record.seq + 1
        is_message = stored.kind == EventKind.MESSAGE.value
        if is_message and record.content is None:
            self._refuse("it is a message without content")
        named = tuple(record.mentions or ()) if is_message else ()
        reacted = stored.reactions or {}
        people = {stored.sender_id, stored.subject_id or stored.sender_id, *named}
        self._require_user(*people.union(*reacted.values()))
        self._add(
            "events",
            {
                "id": stored.id,
                "room_id": room.id,
                "seq": record.seq,
                "kind": stored.kind,
                "sender_id": stored.sender_id,
                "subject_id": stored.subject_id,
                "target_id": stored.target_id,
                "content": record.content if is_message else stored.content,
                "created_at": stored.created_at,
                "edited_at": stored.edited_at,
                "deleted_at": stored.deleted_at,
                "client_message_id": record.client_message_id,
                "reply_to": record.reply_to,
                "mentions": joined(named),
                "digest": None if stored.digest is None else bytes.fromhex(stored.digest),
            },
        )
        for user_id in named:
            self._add("mentions", {"user_id": user_id, "room_id": room.id, "seq": record.seq})
        for reaction, user_ids in reacted.items():
            for user_id in user_ids:
                row = {"message_id": stored.id, "reaction": reaction, "user_id": user_id}
                self._add("reactions", row)

    def _room(self, room_id: int) -> RoomRecord:
        room = self._rooms.get(room_id)
        return self._refuse(f"there is no room {room_id}") if room is None else room

    def _require_user(self, *user_ids: int) -> None:
        for each in user_ids:
            if each not in self._users:
                self._refuse(f"there is no user {each}")

    def _require(self, value: str, kind: Callable[[str], Any]) -> None:
        try:
            kind(value)
        except ValueError:
            self._refuse("it is of a kind, or has a role, that there is not")

    def _check_id(self, value: int, of_what: str) -> None:
        last: int = getattr(self._header, f"last_{of_what}_id")
        if value > last:
            self._refuse(f"its id is {value}, and the highest is said to be {last}")

    def _add(self, table: str, row: dict[str, Any]) -> None:
        waiting = self._waiting.setdefault(table, _Table())
        waiting.add(self.number, row)
        # What goes with an event goes after it.
        is_much = len(waiting.rows) >= _ROWS or self._size >= _BYTES
        if is_much and table not in ("mentions", "reactions"):
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._size = self._waiting, {}, 0
        for name, table in waiting.items():
            try:
                self._store.insert_all(name, table.rows)
            except RowRejected as error:
                number = table.numbers[error.index]
                raise _BadLine(number, _THERE) from None

    def _refuse(self, why: str) -> NoReturn:
        raise _BadLine(self.number, why)


_TAKERS: dict[type[Record], Callable[[_Filling, Any], None]] = {
    UserRecord: _Filling.take_user,
    RoomRecord: _Filling.take_room,
    MemberRecord: _Filling.take_member,
    BanRecord: _Filling.take_ban,
    InvitationRecord: _Filling.take_invitation,
    EventRecord: _Filling.take_event,
    FileRecord: _Filling.take_file,
    DeedRecord: _Filling.take_deed,
}
