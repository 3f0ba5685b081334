"""
What is said, changed, taken back and looked at.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from chatroom.chat.messages import Change, View
from chatroom.chat.names import check_content
from chatroom.chat.pushes import said, said_in_full
from chatroom.chat.times import rfc3339
from chatroom.chat.transaction import Post, Stored
from chatroom.errors import BadField, TooFast
from chatroom.server.dispatch import handles, shares_commit
from chatroom.server.operator import is_operator
from chatroom.store.models import Event, EventKind, User
from chatroom.texts import text
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    AttachedFile,
    ChatHistory,
    ChatHistoryComplete,
    ChatMessageAck,
    DeleteMessageRequest,
    DeleteMessageResponse,
    EditMessageRequest,
    EditMessageResponse,
    HistoryRequest,
    PostRequest,
    Reaction,
    ReactRequest,
    ReactResponse,
)

if TYPE_CHECKING:
    from chatroom.chat.log import Waiter
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

#: How many messages one sees who does not say how many.
HISTORY_LIMIT = 50

C = TypeVar("C", EditMessageResponse, DeleteMessageResponse, ReactResponse)


def acknowledged(session: "Session", request: PostRequest, stored: Stored) -> ChatMessageAck:
    """
    @return: that a post is stored.
    """
    event = stored.event
    return ChatMessageAck(
        chat_group_id=event.room_id,
        message_id=event.id,
        seq=event.seq,
        client_message_id=event.client_message_id,
        server_time=rfc3339(event.created_at),
        duplicate=stored.is_duplicate,
    )


@shares_commit(PostRequest, end=acknowledged)
def post(chat: "ChatService", session: "Session", request: PostRequest, waiter: "Waiter") -> None:
    """
    Say something. (The push is all the answer, unless the post has a name.)
    """
    check_content(request.content, chat.settings.content_chars)
    take_turn(chat, session)
    said = Post(
        sender=session.speaker,
        room_id=request.chat_group_id or session.room_id,
        content=request.content,
        client_message_id=request.client_message_id,
        reply_to=request.reply_to,
    )
    chat.guards.ask_about(said)
    chat.log.enter(said, waiter)


@handles(EditMessageRequest)
async def edit_message(
    chat: "ChatService", session: "Session", request: EditMessageRequest
) -> EditMessageResponse:
    """
    Have a message say something else.
    """
    check_content(request.content, chat.settings.content_chars)
    take_turn(chat, session)
    user, message_id, content = session.speaker, request.message_id, request.content
    await chat.guards.ask(EventKind.EDIT, user, message_id=message_id, content=content)
    change = await chat.messages.edit(user, message_id, content)
    return _changed(EditMessageResponse, change)


@handles(DeleteMessageRequest)
async def delete_message(
    chat: "ChatService", session: "Session", request: DeleteMessageRequest
) -> DeleteMessageResponse:
    """
    Take a message back.
    """
    take_turn(chat, session)
    user, message_id = session.speaker, request.message_id
    await chat.guards.ask(EventKind.DELETE, user, message_id=message_id)
    change = await chat.messages.delete(user, message_id)
    return _changed(DeleteMessageResponse, change)


@handles(ReactRequest)
async def react(chat: "ChatService", session: "Session", request: ReactRequest) -> ReactResponse:
    """
    React to a message, or no longer.
    """
    take_turn(chat, session)
    user, message_id, reaction = session.speaker, request.message_id, request.reaction
    kind = EventKind.REACT if request.add else EventKind.UNREACT
    await chat.guards.ask(kind, user, message_id=message_id, content=reaction)
    change = await chat.messages.react(user, message_id, reaction, add=request.add)
    return _changed(ReactResponse, change)


@handles(HistoryRequest)
async def history(
    chat: "ChatService", session: "Session", request: HistoryRequest
) -> Sequence[Reply]:
    """
    Show what was said in a room.
    """
    places = {
        "before": request.before_seq,
        "after": request.after_seq,
        "around": request.around_seq,
    }
    if sum(seq is not None for seq in places.values()) > 1:
        raise BadField(field="around_seq" if request.around_seq is not None else "after_seq")
    view = await chat.messages.history(
        session.speaker,
        request.chat_group_id or session.room_id,
        request.limit or HISTORY_LIMIT,
        **places,
    )
    return shown_in_full(view, session.speaker)


def shown(view: View, language: str) -> Sequence[Reply]:
    """
    @return: a history with the keys that everybody knows.
    """
    messages = [seen(each, language) for each in view.page.messages]
    return [
        *messages,
        ChatHistoryComplete(chat_group_id=view.room.id, message_count=len(messages)),
    ]


def seen(event: Event, language: str) -> ChatHistory:
    """
    @return: a message with the keys that everybody knows, and what is more in words.
    """
    if event.kind is EventKind.FILE:
        event = evolve(event, content=text(language, "file", filename=event.content))
    return said(event, ChatHistory, deleted=text(language, "deleted"))


def shown_in_full(view: View, user: User) -> Sequence[Reply]:
    """
    @return: a history with all there is to know, for who looks at it.
    """
    messages = view.page.messages
    shown = [
        said_in_full(
            each,
            ChatHistory,
            own=each.sender.id == user.id,
            file=_attached(each),
            reactions=[
                Reaction(reaction=some.reaction, user_ids=list(some.user_ids))
                for some in view.reactions.get(each.id, ())
            ]
            or None,
        )
        for each in messages
    ]
    complete = ChatHistoryComplete(
        chat_group_id=view.room.id,
        message_count=len(messages),
        first_seq=messages[0].seq if messages else None,
        last_seq=messages[-1].seq if messages else None,
        more_before=view.page.has_more_before,
        more_after=view.page.has_more_after,
    )
    return [*shown, complete]


def take_turn(chat: "ChatService", session: "Session") -> None:
    """
    See that nobody says or changes too much at once.

    @raise TooFast: if it is.
    """
    wait = 0.0 if is_operator(session) else chat.posts.take(session.speaker.id)
    if wait > 0:
        raise TooFast(retry_after=wait)


def _attached(event: Event) -> AttachedFile | None:
    file = event.file
    return None if file is None else AttachedFile(file_size=file.size, sha256=file.sha256)


def _changed(form: type[C], change: Change) -> C:
    event = change.event
    return form(
        chat_group_id=change.message.room_id,
        message_id=change.message.id,
        seq=None if event is None else event.seq,
        server_time=None if event is None else rfc3339(event.created_at),
        duplicate=event is None,
    )
