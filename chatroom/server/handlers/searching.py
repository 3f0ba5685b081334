"""
What was said, found by its words.
"""

from math import ceil
from typing import TYPE_CHECKING

from chatroom.chat.search import HITS, Hit, Question
from chatroom.chat.times import rfc3339
from chatroom.errors import TooFast
from chatroom.server.dispatch import handles
from chatroom.wire.messages import SearchHit, SearchRequest, SearchResponse

if TYPE_CHECKING:
    from chatroom.server.service import ChatService
    from chatroom.server.session import Session

#: Beyond any time that a message can have, in seconds.
_MOST_SECONDS = 1e12


@handles(SearchRequest)
async def search(
    chat: "ChatService", session: "Session", request: SearchRequest
) -> SearchResponse:
    """
    Find messages that one may read.
    """
    wait = chat.searches.take(session.speaker.id)
    if wait > 0:
        raise TooFast(retry_after=wait)
    question = Question(
        asker=session.speaker,
        text=request.query,
        room_id=request.chat_group_id,
        username=request.from_username,
        before=None if request.before is None else _milliseconds(request.before),
    )
    found = await chat.search.find(question, request.limit or HITS, request.cursor)
    return SearchResponse(hits=[_hit(each) for each in found.hits], next_cursor=found.cursor)


def _milliseconds(seconds: float) -> int:
    return ceil(max(0.0, min(seconds, _MOST_SECONDS)) * 1000)


def _hit(hit: Hit) -> SearchHit:
    message = hit.message
    return SearchHit(
        message_id=message.id,
        seq=message.seq,
        sender_id=message.sender.id,
        sender_username=message.sender.name,
        chat_group_id=message.room_id,
        chat_group_name=message.room_name,
        server_time=rfc3339(message.created_at),
        content=message.content or "",
        snippet=hit.snippet,
    )
