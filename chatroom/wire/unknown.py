"""
What can be told of a line whose type is not known: a newer server may have more kinds of
events than this vocabulary, and yet each takes its place in its room.
"""

import msgspec
from attrs import frozen

from chatroom.wire.codec import Id


@frozen(kw_only=True)
class Place:
    """
    Where an event stands.

    @ivar replay: C{True} if it comes because it was asked for.
    """

    chat_group_id: Id
    seq: Id
    server_time: str
    replay: bool | None = None


_DECODER = msgspec.json.Decoder(Place)


def decode_place(line: bytes) -> Place | None:
    """
    Find the place of an event of any kind.

    @return: its place, if it has the three keys that every event of a room has.
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
