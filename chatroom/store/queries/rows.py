"""
How rows become models.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_

from chatroom.store.models import Event, EventKind, FileFacts, Room, RoomKind, User
from chatroom.store.schema import events, files, rooms, users

#: What a room is made of.
ROOM = (rooms.c.id, rooms.c.name, rooms.c.kind, rooms.c.created_at, rooms.c.topic)

_subjects = users.alias("subjects")
_targets = events.alias("targets")

#: What an event is made of. An edit says what its message
#: says by now.
EVENT = (
    events,
    rooms.c.name.label("room_name"),
    users.c.name.label("sender_name"),
    _subjects.c.name.label("subject_name"),
    _targets.c.content.label("target_content"),
    _targets.c.mentions.label("target_mentions"),
    files.c.size.label("file_size"),
    files.c.sha256.label("file_sha256"),
)
_is_of_edit: ColumnElement[bool] = and_(
    events.c.kind == EventKind.EDIT.value, _targets.c.id == events.c.target_id
)
_is_of_file: ColumnElement[bool] = and_(
    events.c.kind == EventKind.FILE.value,
    files.c.event_id == events.c.id,
    ~files.c.is_dropped,
)


def event_tables(source: FromClause) -> FromClause:
    """
    @param source: C{events}, or what picks some of it; it is looked at first.
    @return: the tables that the columns of L{EVENT} are in.
    """
    return (
        source.join(rooms, rooms.c.id == events.c.room_id)
        .join(users, users.c.id == events.c.sender_id)
        .outerjoin(_subjects, _subjects.c.id == events.c.subject_id)
        .outerjoin(_targets, _is_of_edit)
        .outerjoin(files, _is_of_file)
    )


EVENT_TABLES = event_tables(events)


def room(row: Any) -> Room:
    """
    @param row: with the columns of L{ROOM}.
    """
    return Room(
        id=row.id,
        name=row.name,
        kind=RoomKind(row.kind),
        created_at=row.created_at,
        topic=row.topic,
    )


def event(row: Any) -> Event:
    """
    @param row: with the columns of L{EVENT}.
    """
    kind = EventKind(row.kind)
    is_edit = kind is EventKind.EDIT
    mentions = row.target_mentions if is_edit else row.mentions
    return Event(
        id=row.id,
        room_id=row.room_id,
        room_name=row.room_name,
        seq=row.seq,
        kind=kind,
        sender=User(id=row.sender_id, name=row.sender_name),
        subject=None if row.subject_id is None else User(id=row.subject_id, name=row.subject_name),
        target_id=row.target_id,
        content=(row.target_content or "") if is_edit else row.content,
        created_at=row.created_at,
        client_message_id=row.client_message_id,
        reply_to=row.reply_to,
        mentions=ids(mentions) if mentions else (),
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        file=None
        if row.file_size is None
        else FileFacts(size=row.file_size, sha256=row.file_sha256),
    )


def ids(text: str) -> tuple[int, ...]:
    """
    Read what L{joined} has written.
    """
    return tuple(int(each) for each in text.split(","))


def joined(numbers: tuple[int, ...]) -> str | None:
    """
    @return: ids as one column has them; C{None} for none.
    """
    return ",".join(map(str, numbers)) or None
