"""
The lines of an export: what the store has, as JSON. An event is what a resumed session of the
hello dialect would be told of it, and what else there is to know is under C{stored}.

The first line says what the file is and the last one how many there are, so that a part of
one is not taken for the whole.
"""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from attrs import asdict, fields, frozen

from chatroom.wire.codec import Id, Seq
from chatroom.wire.details import Details

#: Of the lines; a file of another version is not read.
VERSION = 1

#: How long a line may be, in bytes, its newline included.
MOST_BYTES = 8 * 2**20

#: Milliseconds since 1970, UTC, of what has an end or none; and of what can be written as a
#: date.
Time = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]

_Flag = Literal[0, 1]
_Hash = Annotated[str, msgspec.Meta(max_length=256)]
_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
_Kind = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_RoomName = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
_Reaction = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class BadRecord(Exception):
    """
    A line is none of an export; C{str()} says why, without quoting it.
    """


@frozen(kw_only=True)
class Record:
    """
    A line of an export.

    @cvar kind: its C{message_type}.
    """

    kind: ClassVar[str]

    def values(self) -> dict[str, Any]:
        """
        @return: its keys and their values, but for the type.
        """
        return asdict(self, recurse=False)


@frozen(kw_only=True)
class Header(Record):
    """
    The first line of an export of everything.

    @ivar last_event_id: the highest id that was ever given; likewise the others.
    """

    kind = "export"

    version: int
    last_event_id: Seq
    last_user_id: Seq
    last_room_id: Seq
    last_deed_id: Seq


@frozen(kw_only=True)
class ChatHeader(Record):
    """
    The first line of an export of one room, for people to read.
    """

    kind = "chat_export"

    version: int
    chat_group_id: Id
    chat_group_name: _RoomName
    room_kind: _Kind
    topic: str
    created_at: Moment
    first_seq: Id
    last_seq: Seq


@frozen(kw_only=True)
class ChatMember(Record):
    """
    Somebody in that room.
    """

    kind = "chat_member"

    user_id: Id
    username: str
    role: str
    read_seq: Seq


@frozen(kw_only=True)
class UserRecord(Record):
    """
    An account.

    @ivar key: what tells the name from others.
    """

    kind = "user"

    id: Id
    name: _Name
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    password_hash: _Hash
    created_at: Moment
    disabled_at: Moment | None
    deleted_at: Moment | None
    is_administrator: _Flag


@frozen(kw_only=True)
class RoomRecord(Record):
    """
    A room.
    """

    kind = "room"

    id: Id
    name: _RoomName
    key: _Key
    # What kind of room, which the line's own type is in the way of.
    room_kind: _Kind
    pair_key: _Name | None
    topic: str
    created_at: Moment
    first_seq: Id
    last_seq: Seq

    def values(self) -> dict[str, Any]:
        """
        @return: as the store calls them.
        """
        values = super().values()
        values["kind"] = values.pop("room_kind")
        return values


@frozen(kw_only=True)
class MemberRecord(Record):
    """
    A user in a room.
    """

    kind = "member"

    room_id: Id
    user_id: Id
    role: _Kind
    read_seq: Seq
    muted_until: Time | None
    added_by: Id | None
    joined_seq: Seq


@frozen(kw_only=True)
class BanRecord(Record):
    """
    A user who may be no member of a room.
    """

    kind = "ban"

    room_id: Id
    user_id: Id
    until: Time


@frozen(kw_only=True)
class InvitationRecord(Record):
    """
    A user who may join a room.
    """

    kind = "invitation"

    room_id: Id
    user_id: Id
    created_at: Moment


@frozen(kw_only=True)
class FileRecord(Record):
    """
    What is known of a file; its bytes are in a folder.

    @ivar event_id: of its event; C{None} when nothing is kept of that.
    @ivar digest: what a repeat must have in common with it, in hexadecimal.
    @ivar name: what the bytes are called there; C{None} if they are gone.
    @ivar is_dropped: whether it was deleted.
    """

    kind = "file"

    id: Id
    event_id: Id | None
    room_id: Id
    seq: Id
    user_id: Id
    filename: str
    size: Seq
    sha256: _Name
    digest: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})*$")]
    name: _Name | None
    upload_id: _Name
    client_file_id: _Name | None
    is_dropped: bool

    def values(self) -> dict[str, Any]:
        """
        As the schema has them.
        """
        return {**super().values(), "digest": bytes.fromhex(self.digest)}


@frozen(kw_only=True)
class DeedRecord(Record):
    """
    An entry of the audit.
    """

    kind = "audit"

    id: Id
    at: Moment
    by_id: Id | None
    action: _Name
    user_id: Id | None
    room_id: Id | None
    room_name: _RoomName | None
    detail: str | None
    reason: str | None


@frozen(kw_only=True)
class End(Record):
    """
    The last line.

    @ivar lines: how many there are, this one included.
    """

    kind = "export_end"

    lines: Id


@frozen(kw_only=True, slots=False)
class Stored:
    """
    What the store knows of an event and nobody is told; a key that is C{None} is left out.

    @ivar content: of what is no message, what was said with it.
    @ivar digest: of what was sent under the client's name for it, in hexadecimal.
    @ivar reactions: to a message: each way, and the ids of those who have reacted so.
    """

    id: Id
    kind: _Kind
    sender_id: Id
    created_at: Moment
    subject_id: Id | None = None
    target_id: Id | None = None
    content: str | None = None
    edited_at: Moment | None = None
    deleted_at: Moment | None = None
    digest: _Digest | None = None
    reactions: dict[_Reaction, list[Id]] | None = None


@frozen(kw_only=True)
class EventRecord(Record):
    """
    An event of a room's log, with what is read of it.

    @ivar mentions: of a message.
    """

    kind = "event"

    chat_group_id: Id
    seq: Id
    stored: Stored
    content: str | None = None
    client_message_id: _Name | None = None
    reply_to: Id | None = None
    mentions: list[Id] | None = None


#: What an export of everything has between its first line and its last.
RECORDS: tuple[type[Record], ...] = (
    UserRecord,
    RoomRecord,
    MemberRecord,
    BanRecord,
    InvitationRecord,
    EventRecord,
    FileRecord,
    DeedRecord,
)

_ENCODER = msgspec.json.Encoder()
_TYPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MOMENT = msgspec.json.Decoder(Moment)
_TEXT = msgspec.json.Decoder(str)
_KNOWN: tuple[type[Record], ...] = (Header, ChatHeader, ChatMember, *RECORDS, End)
_DECODERS: dict[str, "msgspec.json.Decoder[Any]"] = {
    each.kind: msgspec.json.Decoder(each) for each in _KNOWN
}
_EVENT = msgspec.json.Decoder(EventRecord)

#: The events whose content is a text of L{Details}.
_DETAILED = {"kick", "mute", "ban", "lift", "role", "update", "end", "invite", "leave"}


def encode_record(record: Record) -> bytes:
    """
    @return: one line with its newline.
    """
    return _ENCODER.encode({"message_type": record.kind, **asdict(record, recurse=False)}) + b"\n"


def with_stored(line: bytes, stored: Stored) -> bytes:
    """
    @param line: an event as a session is told of it, with its newline.
    @return: the same, with what the store knows besides.
    """
    known = {key: value for key, value in asdict(stored).items() if value is not None}
    return line[:-2] + b',"stored":' + _ENCODER.encode(known) + b"}\n"


def decode_record(line: bytes) -> Record:
    """
    Read a line of an export.

    @param line: with or without its newline.
    @raise BadRecord: if it is none.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRecord("it is not UTF-8") from None
    try:
        keys = _TYPE.decode(text)
        raw = keys.get("message_type")
        kind = "" if raw is None else _TEXT.decode(raw)
        decoder = _EVENT if "stored" in keys else _DECODERS.get(kind)
        if decoder is None or kind == EventRecord.kind:
            raise BadRecord("it is of a type that no export has")
        record = decoder.decode(text)
        assert isinstance(record, Record)
        if isinstance(record, EventRecord) and record.stored.kind in _DETAILED:
            _MOMENT.decode(str(Details.from_text(record.stored.content).until or 0))
    except msgspec.ValidationError as error:
        raise BadRecord(str(error)) from None
    except (msgspec.MsgspecError, RecursionError):
        raise BadRecord("it is not JSON, or is cut off") from None
    if "\\u0000" in text and _has_nul(record):
        raise BadRecord("it holds a NUL")
    return record


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_has_nul, value))
    if isinstance(value, Record | Stored):
        return any(_has_nul(getattr(value, each.name)) for each in fields(type(value)))
    return False
