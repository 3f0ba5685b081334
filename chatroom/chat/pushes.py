"""
What an event looks like to those it is pushed to: to clients of the seed, who know a
few types with a few keys, and to those who follow the log.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import define, field, frozen

from chatroom.chat.times import rfc3339
from chatroom.store.models import Event, EventKind
from chatroom.texts import text
from chatroom.wire.codec import Reply, encode
from chatroom.wire.messages import (
    ChatHistory,
    ChatMessage,
    FileNotification,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    MessageEdited,
    ReactionChanged,
    SystemMessage,
)

S = TypeVar("S", ChatMessage, ChatHistory)


@frozen
class SeedPushes:
    """
    Events as lines of the seed dialect.

    @ivar language: of the notices.
    """

    language: str

    def line(self, event: Event) -> bytes | None:
        """
        @return: what every member is told, if anything.
        """
        if event.kind is EventKind.FILE:
            return self.notice(event, "shared_file", **_file_in_words(event))
        if event.kind is not EventKind.MESSAGE:
            return None
        return encode(said(event, ChatMessage), now=0)

    def notice(self, event: Event, slug: str, **more: object) -> bytes:
        """
        @return: an event that somebody did, put into words.
        """
        who = {"username": event.sender.name, "room": event.room_name}
        words = text(self.language, slug, **who, **more)
        notice = SystemMessage(content=words, timestamp=_seconds(event))
        return encode(notice, now=0)


@define(eq=False)
class Batch:
    """
    What a commit has changed in one room, as lines for those who follow it. Each line
    is made once, and only if somebody needs it.

    @ivar events: in their order, without gaps; at least one.
    """

    events: Sequence[Event]
    _lines: list[bytes] = field(factory=list, init=False)
    _all: bytes | None = field(default=None, init=False)

    @property
    def first_seq(self) -> int:
        """
        The place of the first event.
        """
        return self.events[0].seq

    @property
    def last_seq(self) -> int:
        """
        The place of the last event.
        """
        return self.events[-1].seq

    def lines_for(self, user_id: int, after_seq: int) -> bytes:
        """
        @return: the lines of all events behind a place, as a user sees them: who has
            sent a message sees their own name for it.
        """
        if self._all is None:
            self._lines = [followed_line(each) for each in self.events]
            self._all = b"".join(self._lines)
        skipped = max(0, after_seq + 1 - self.first_seq)
        if any(is_named_by(user_id, each) for each in self.events):
            return followed_lines(self.events[skipped:], user_id)
        return b"".join(self._lines[skipped:]) if skipped else self._all


def is_named_by(user_id: int, event: Event) -> bool:
    """
    Whether an event has a name that a user has given it.
    """
    return event.sender.id == user_id and event.client_message_id is not None


def followed_lines(events: Sequence[Event], user_id: int, *, replay: bool = False) -> bytes:
    """
    @param replay: whether they happened earlier.
    @return: events as a user sees them who follows the log.
    """
    return b"".join(
        followed_line(each, own=is_named_by(user_id, each), replay=replay) for each in events
    )


def followed_line(event: Event, *, own: bool = False, replay: bool = False) -> bytes:
    """
    @param own: whether it is for who did it.
    """
    more: dict[str, Any] = {"replay": True} if replay else {}
    if event.kind is EventKind.MESSAGE:
        return encode(said_in_full(event, ChatMessage, own=own, **more), now=0)
    more |= {
        "timestamp": _seconds(event),
        "chat_group_id": event.room_id,
        "seq": event.seq,
        "server_time": rfc3339(event.created_at),
    }
    return encode(_CHANGES[event.kind](event, more), now=0)


def said(event: Event, form: type[S], *, deleted: str = "") -> S:
    """
    @param form: what it is to be, news or history.
    @param deleted: what to say in place of a message that was taken back.
    @return: what somebody said, with the keys that everybody knows.
    """
    content = (event.content or "") if event.deleted_at is None else deleted
    return form(content=content, **_origin(event))


def said_in_full(event: Event, form: type[S], *, own: bool = False, **more: Any) -> S:
    """
    @param own: whether it is for who said it.
    @return: what somebody said, with all there is to know of it.
    """
    return form(
        content=event.content or "",
        seq=event.seq,
        server_time=rfc3339(event.created_at),
        reply_to=event.reply_to,
        mentions=list(event.mentions) or None,
        client_message_id=event.client_message_id if own else None,
        edited_at=None if event.edited_at is None else rfc3339(event.edited_at),
        deleted=None if event.deleted_at is None else True,
        **_origin(event),
        **more,
    )


def _origin(event: Event) -> dict[str, Any]:
    """
    @return: what everybody is told of a message besides what it says.
    """
    return {
        "timestamp": _seconds(event),
        "message_id": event.id,
        "sender_id": event.sender.id,
        "sender_username": event.sender.name,
        "chat_group_id": event.room_id,
        "chat_group_name": event.room_name,
    }


def _seconds(event: Event) -> float:
    return event.created_at / 1000


def _about_message(event: Event) -> dict[str, Any]:
    return {
        "message_id": event.target_id,
        "user_id": event.sender.id,
        "username": event.sender.name,
    }


def _edited(event: Event, more: dict[str, Any]) -> Reply:
    return MessageEdited(
        content=event.content or "",
        mentions=list(event.mentions) or None,
        **_about_message(event),
        **more,
    )


def _deleted(event: Event, more: dict[str, Any]) -> Reply:
    return MessageDeleted(**_about_message(event), **more)


def _reacted(event: Event, more: dict[str, Any]) -> Reply:
    is_added = event.kind is EventKind.REACT
    return ReactionChanged(
        reaction=event.content or "", add=is_added, **_about_message(event), **more
    )


def _joined(event: Event, more: dict[str, Any]) -> Reply:
    user = event.subject or event.sender
    by = None if event.sender.id == user.id else event.sender.id
    name = event.room_name
    return MemberJoined(
        chat_group_name=name, user_id=user.id, username=user.name, added_by=by, **more
    )


def _left(event: Event, more: dict[str, Any]) -> Reply:
    user = event.subject or event.sender
    return MemberLeft(chat_group_name=event.room_name, user_id=user.id, username=user.name, **more)


def _file_in_words(event: Event) -> dict[str, object]:
    return {"filename": event.content, "size": 0 if event.file is None else event.file.size}


def _file(event: Event, more: dict[str, Any]) -> Reply:
    file = event.file
    return FileNotification(
        chat_group_name=event.room_name,
        file_id=event.id,
        sender_id=event.sender.id,
        sender_username=event.sender.name,
        filename=event.content or "",
        file_size=0 if file is None else file.size,
        sha256="" if file is None else file.sha256,
        deleted=None if event.deleted_at is None else True,
        **more,
    )


_CHANGES: dict[EventKind, Callable[[Event, dict[str, Any]], Reply]] = {
    EventKind.EDIT: _edited,
    EventKind.DELETE: _deleted,
    EventKind.REACT: _reacted,
    EventKind.UNREACT: _reacted,
    EventKind.JOIN: _joined,
    EventKind.LEAVE: _left,
    EventKind.FILE: _file,
}
