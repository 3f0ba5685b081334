"""
What there is to say of a change of a room besides who did it to whom, as one text that
the store can keep.
"""

from typing import Any, Literal

import msgspec
from attrs import asdict, frozen

#: Who may know of a room.
Visibility = Literal["public", "invite"]

#: What a member may be.
RoleName = Literal["owner", "moderator", "member"]

_ENCODER = msgspec.json.Encoder()


@frozen(kw_only=True)
class Details:
    """
    What a change of a room was.

    @ivar role: what a member is from then on.
    @ivar until: the end of it, in milliseconds; C{None} if it has none.
    @ivar reason: why, as who did it has put it.
    @ivar name: what the room was called from then on.
    @ivar topic: what it was about.
    @ivar visibility: who could know of it.
    """

    role: RoleName | None = None
    until: int | None = None
    reason: str | None = None
    name: str | None = None
    topic: str | None = None
    visibility: Visibility | None = None

    def to_text(self) -> str:
        """
        @return: what L{from_text} reads.
        """
        said: dict[str, Any] = asdict(self)
        kept = {key: value for key, value in said.items() if value is not None}
        return _ENCODER.encode(kept).decode("utf-8")

    @classmethod
    def from_text(cls, text: str | None) -> "Details":
        """
        @param text: of an event; C{None} if it says nothing.
        """
        return _DECODER.decode(text) if text else cls()


_DECODER = msgspec.json.Decoder(Details)
