"""
How a conversation begins, stays alive and ends, for clients of the hello dialect.
"""

from typing import Annotated, Literal

from attrs import frozen
from msgspec import Meta

from chatroom.wire.codec import Label, Reply, Request
from chatroom.wire.constants import MessageType

#: The one version there is; both sides ignore what they do not know of it.
PROTOCOL = 1

_Version = Annotated[int, Meta(ge=1, le=2**53 - 1)]
_Nonce = Annotated[str, Meta(max_length=64)]

#: What is shown for the moment only, and never stored.
Ephemeral = Literal["presence", "typing", "receipts"]


@frozen(kw_only=True)
class HelloRequest(Request):
    """
    Speak the hello dialect from now on. Once, and before the login.

    @ivar protocol: the newest version that the client knows.
    @ivar client: the name of the program, for the user's list of sessions.
    @ivar device: where it runs, likewise.
    @ivar language: of texts for people, such as C{en} or C{zh-CN}.
    @ivar want: what the session wishes to be told besides.
    """

    message_type = MessageType.HELLO_REQUEST

    protocol: _Version
    client: Label | None = None
    device: Label | None = None
    language: Label | None = None
    want: list[Ephemeral] | None = None


@frozen(kw_only=True, slots=False)
class Limits:
    """
    What the server takes.

    @ivar line_bytes: of a line after login, without its newline.
    @ivar content_chars: of a message.
    @ivar file_bytes: of a file; 0 where no file can be sent.
    @ivar chunk_bytes: of a piece of a file; likewise.
    @ivar page_size: of messages in one answer.
    @ivar heartbeat_seconds: of silence after which the other side is asked whether it
        is there, and after twice of which it is taken to be gone; 0 is never.
    """

    line_bytes: int
    content_chars: int
    file_bytes: int
    chunk_bytes: int
    page_size: int
    heartbeat_seconds: float


@frozen(kw_only=True)
class HelloResponse(Reply):
    """
    The hello dialect is spoken.

    @ivar protocol: the version, which both sides know.
    @ivar server: the name and the version of the server's program.
    @ivar epoch: names the database; places in the log of another one mean nothing here.
    @ivar language: of texts for people: what was asked for, if the server speaks it.
    """

    message_type = MessageType.HELLO_RESPONSE

    protocol: int
    server: str
    epoch: str
    language: str
    limits: Limits


@frozen(kw_only=True)
class PingRequest(Request):
    """
    Ask the server whether it is there.
    """

    message_type = MessageType.PING

    nonce: _Nonce | None = None


@frozen(kw_only=True)
class Ping(Reply):
    """
    The server asks whether the client is there.
    """

    message_type = MessageType.PING

    nonce: str | None = None


@frozen(kw_only=True)
class PongRequest(Request):
    """
    The client is there. Nothing answers this.
    """

    message_type = MessageType.PONG

    nonce: _Nonce | None = None


@frozen(kw_only=True)
class Pong(Reply):
    """
    The server is there.

    @ivar nonce: what the L{PingRequest} had.
    """

    message_type = MessageType.PONG

    nonce: str | None = None


@frozen(kw_only=True)
class Goodbye(Reply):
    """
    The server is about to close the connection.

    @ivar reason: why, as a stable slug.
    @ivar text: why, for people.
    @ivar reconnect: whether connecting again makes sense.
    @ivar reconnect_after: after how many seconds; not the same for all, so that not
        all come at once.
    """

    message_type = MessageType.GOODBYE

    reason: str
    text: str
    reconnect: bool
    reconnect_after: float
