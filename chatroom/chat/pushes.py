"""
What an event looks like to those it is pushed to.
"""

from typing import TypeVar

from attrs import frozen

from chatroom.store.models import Event, EventKind
from chatroom.texts import text
from chatroom.wire.codec import encode
from chatroom.wire.messages import ChatHistory, ChatMessage, SystemMessage


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
        if event.kind is not EventKind.MESSAGE:
            return None
        return encode(said(event, ChatMessage), now=0)

    def notice(self, event: Event, slug: str) -> bytes:
        """
        @return: an event that somebody did, put into words.
        """
        words = text(self.language, slug, username=event.sender.name, room=event.room_name)
        notice = SystemMessage(content=words, timestamp=_seconds(event))
        return encode(notice, now=0)


S = TypeVar("S", ChatMessage, ChatHistory)


def said(event: Event, form: type[S]) -> S:
    """
    @param form: what it is to be, news or history.
    @return: what somebody said.
    """
    assert event.content is not None
    return form(
        timestamp=_seconds(event),
        message_id=event.id,
        sender_id=event.sender.id,
        sender_username=event.sender.name,
        chat_group_id=event.room_id,
        chat_group_name=event.room_name,
        content=event.content,
    )


def _seconds(event: Event) -> float:
    return event.created_at / 1000
