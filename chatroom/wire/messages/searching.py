"""
What was said, found by its words.
"""

from typing import Annotated

from attrs import frozen
from msgspec import Meta

from chatroom.wire.codec import Id, Label, Reply, Request
from chatroom.wire.constants import MessageType
from chatroom.wire.messages.talking import PAGE_SIZE

#: How many characters a query has at the most.
QUERY_CHARS = 256

_Query = Annotated[str, Meta(min_length=1, max_length=QUERY_CHARS)]
_Limit = Annotated[int, Meta(ge=1, le=PAGE_SIZE)]
_Cursor = Annotated[str, Meta(max_length=128)]


@frozen(kw_only=True)
class SearchRequest(Request):
    """
    Look for messages that have certain words in them, in one's rooms.

    @ivar query: the words, each of which is text whatever it looks like.
    @ivar chat_group_id: the one room to look in, if not in all of one's own.
    @ivar from_username: who has said it.
    @ivar before: only what was stored before this time, in Unix seconds.
    @ivar limit: how many at the most; C{None} is 50.
    @ivar cursor: where an earlier answer to the same question ended.
    """

    message_type = MessageType.SEARCH_REQUEST

    query: _Query
    chat_group_id: Id | None = None
    from_username: Label | None = None
    before: float | None = None
    limit: _Limit | None = None
    cursor: _Cursor | None = None


@frozen(kw_only=True, slots=False)
class SearchHit:
    """
    A message that was found.

    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar snippet: some of the content, from around what was looked for.
    """

    message_id: Id
    seq: Id
    sender_id: Id
    sender_username: str
    chat_group_id: Id
    chat_group_name: str
    server_time: str
    content: str
    snippet: str


@frozen(kw_only=True)
class SearchResponse(Reply):
    """
    What was found, newest first.

    @ivar next_cursor: for the question that goes on; C{None} if there is no more. (There
        may be one although nothing was found so far.)
    """

    message_type = MessageType.SEARCH_RESPONSE

    hits: list[SearchHit]
    next_cursor: str | None = None
