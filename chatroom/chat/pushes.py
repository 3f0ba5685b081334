"""
What an event looks like to those it is pushed to: to clients of the seed, who know a
few types with a few keys, and to those who follow the log.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from attrs import define, field, frozen

from chatroom.chat.times import rfc3339
from chatroom.store.models import Event, EventKind
from chatroom.texts import text
from chatroom.wire.codec import Reply, encode, write
from chatroom.wire.details import Details
from chatroom.wire.messages import (
    ChatChanged,
    ChatDeleted,
    ChatHistory,
    ChatInvitation,
    ChatMessage,
    FileNotification,
    MemberChanged,
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
        if event.kind is EventKind.MESSAGE:
            # As encode(said(event, ChatMessage)) has it, which takes three times as long.
            return write(
                {
                    "message_type": ChatMessage.message_type.value,
                    **_origin(event),
                    "content": (event.content or "") if event.deleted_at is None else "",
                }
            )
        if event.kind is EventKind.FILE:
            return self.notice(event, "shared_file", **_file_in_words(event))
        slug = _SLUGS.get(event.kind)
        if event.kind is EventKind.ROLE:
            slug = _SLUGS_OF_ROLES.get(Details.from_text(event.content).role or "")
        return None if slug is None else self.notice(event, slug)

    def notice(self, event: Event, slug: str, **more: object) -> bytes:
        """
        @return: an event that somebody did, put into words.
        """
        words = text(
            self.language,
            slug,
            username=event.sender.name,
            subject=(event.subject or event.sender).name,
            room=event.room_name,
            **more,
        )
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


def invitation_line(event: Event) -> bytes:
    """
    @return: an invitation, as who is invited is told who knows the hello dialect.
    """
    invitation = ChatInvitation(
        timestamp=_seconds(event),
        chat_group_id=event.room_id,
        chat_group_name=event.room_name,
        user_id=event.sender.id,
        username=event.sender.name,
    )
    return encode(invitation, now=0)


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
    details = Details.from_text(event.content)
    return MemberLeft(
        chat_group_name=event.room_name,
        user_id=user.id,
        username=user.name,
        removed_by=None if event.kind is EventKind.LEAVE else event.sender.id,
        banned=True if event.kind is EventKind.BAN else None,
        until=_end_of(details),
        reason=details.reason,
        **more,
    )


def _member_changed(event: Event, more: dict[str, Any]) -> Reply:
    user = event.subject or event.sender
    details = Details.from_text(event.content)
    return MemberChanged(
        chat_group_name=event.room_name,
        user_id=user.id,
        username=user.name,
        changed_by=event.sender.id,
        change=_CHANGES_OF_MEMBERS[event.kind],
        role=details.role,
        until=_end_of(details),
        reason=details.reason,
        **more,
    )


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


def _chat_changed(event: Event, more: dict[str, Any]) -> Reply:
    details = Details.from_text(event.content)
    return ChatChanged(
        # What it was called then; by now it may be called something else.
        chat_group_name=details.name or event.room_name,
        topic=details.topic or "",
        visibility=details.visibility or "public",
        changed_by=event.sender.id,
        reason=details.reason,
        **more,
    )


def _chat_deleted(event: Event, more: dict[str, Any]) -> Reply:
    details = Details.from_text(event.content)
    return ChatDeleted(
        chat_group_name=event.room_name,
        deleted_by=event.sender.id,
        reason=details.reason,
        **more,
    )


def _end_of(details: Details) -> str | None:
    return None if details.until is None else rfc3339(details.until)


#: What the sessions of the seed are told in words.
_SLUGS = {
    EventKind.KICK: "kicked",
    EventKind.MUTE: "muted_somebody",
    EventKind.BAN: "banned_somebody",
    EventKind.LIFT: "lifted",
    EventKind.UPDATE: "chat_changed",
    EventKind.END: "chat_deleted",
}

_SLUGS_OF_ROLES = {
    "owner": "made_owner",
    "moderator": "made_moderator",
    "member": "made_member",
}

_CHANGES_OF_MEMBERS: dict[EventKind, Literal["invited", "muted", "lifted", "role"]] = {
    EventKind.INVITE: "invited",
    EventKind.MUTE: "muted",
    EventKind.LIFT: "lifted",
    EventKind.ROLE: "role",
}

_CHANGES: dict[EventKind, Callable[[Event, dict[str, Any]], Reply]] = {
    EventKind.EDIT: _edited,
    EventKind.DELETE: _deleted,
    EventKind.REACT: _reacted,
    EventKind.UNREACT: _reacted,
    EventKind.JOIN: _joined,
    EventKind.LEAVE: _left,
    EventKind.KICK: _left,
    EventKind.BAN: _left,
    EventKind.INVITE: _member_changed,
    EventKind.MUTE: _member_changed,
    EventKind.LIFT: _member_changed,
    EventKind.ROLE: _member_changed,
    EventKind.UPDATE: _chat_changed,
    EventKind.END: _chat_deleted,
    EventKind.FILE: _file,
}
