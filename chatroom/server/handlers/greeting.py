"""
How a conversation begins, and whether the other side is there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom import __version__
from chatroom.chat.files import Files
from chatroom.errors import HelloTooLate
from chatroom.server.dispatch import handles
from chatroom.settings import Settings
from chatroom.texts import TEXTS
from chatroom.wire.codec import Reply
from chatroom.wire.messages import (
    HelloRequest,
    HelloResponse,
    Limits,
    PingRequest,
    Pong,
    PongRequest,
)
from chatroom.wire.messages.greeting import PROTOCOL
from chatroom.wire.messages.talking import PAGE_SIZE

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session


@handles(HelloRequest)
async def hello(chat: "ChatService", session: "Session", request: HelloRequest) -> HelloResponse:
    """
    Speak the hello dialect.
    """
    if session.greeting is not None or session.user is not None:
        raise HelloTooLate()
    language = _language(request.language) or chat.settings.language
    session.greet(request, language)
    return HelloResponse(
        protocol=PROTOCOL,
        server=f"chatroom {__version__}",
        epoch=chat.epoch,
        language=language,
        limits=_limits(chat.settings, chat.files),
    )


@handles(PingRequest)
async def ping(chat: "ChatService", session: "Session", request: PingRequest) -> Pong:
    """
    Be there.
    """
    return Pong(nonce=request.nonce)


@handles(PongRequest)
async def pong(chat: "ChatService", session: "Session", request: PongRequest) -> Sequence[Reply]:
    """
    The peer is there: its line has told so.
    """
    return []


def _language(wish: str | None) -> str | None:
    """
    @param wish: such as C{en}, C{en-US} or C{zh_CN}.
    @return: a language that there is.
    """
    language = (wish or "").replace("_", "-").partition("-")[0].lower()
    return language if language in TEXTS else None


def _limits(settings: Settings, files: Files) -> Limits:
    return Limits(
        line_bytes=settings.line_bytes,
        content_chars=settings.content_chars,
        file_bytes=files.most_bytes if files.is_on else 0,
        chunk_bytes=files.uploads.chunk_bytes if files.is_on else 0,
        page_size=PAGE_SIZE,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
