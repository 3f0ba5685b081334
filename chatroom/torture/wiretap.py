"""
Listens to connections, so that no client can hide what the server does: what is sent
counts, whether it arrives or not.
"""

from collections import Counter

from attrs import define, field

from chatroom.errors import InvalidMessage
from chatroom.torture.histories import Acknowledged, Album, Glimpse, Place, Session
from chatroom.wire.codec import decode_message, decode_request
from chatroom.wire.messages import (
    ChatMessage,
    ChatMessageAck,
    Goodbye,
    LoginResponse,
    PostRequest,
    ResumeRequest,
)


@define(eq=False)
class Wiretap:
    """
    Listens to one connection.

    @ivar session: what was heard.
    @ivar is_in: whether the client is logged in.
    """

    session: Session
    _album: Album
    _counts: "Counter[str]"
    is_in: bool = False
    _from_client: bytes = b""
    _from_server: bytes = b""

    def client_sends(self, data: bytes) -> None:
        """
        Hear what a client says.
        """
        *lines, self._from_client = (self._from_client + data).split(b"\n")
        for line in lines:
            request = decode_request(line)
            if isinstance(request, PostRequest):
                self._counts["posts sent"] += 1
            elif isinstance(request, ResumeRequest):
                self.session.heard += [
                    Place(each.chat_group_id, each.after_seq) for each in request.positions or ()
                ]

    def server_sends(self, data: bytes) -> None:
        """
        Hear what the server says.
        """
        *lines, self._from_server = (self._from_server + data).split(b"\n")
        for line in lines:
            try:
                self._hear(decode_message(line))
            except InvalidMessage as error:
                self.session.surprises.append(f"the server has sent no message: {error.reason}")

    def _hear(self, message: object) -> None:
        if isinstance(message, ChatMessageAck):
            self._counts["acknowledgements"] += 1
            self._counts["of these duplicates"] += message.duplicate
            self.session.acknowledged.append(_acknowledged(message))
        elif isinstance(message, LoginResponse):
            self.is_in = message.success
            self._counts["logins"] += message.success
        elif isinstance(message, Goodbye):
            self._counts["goodbyes"] += 1
        else:
            event = self._album.keep(message)  # type: ignore[arg-type]
            if event is not None:
                self.session.heard.append(event)
            elif isinstance(message, ChatMessage):
                self.session.glimpsed.append(_glimpse(message))


def _glimpse(message: ChatMessage) -> Glimpse:
    return Glimpse(
        room=message.chat_group_id or 0,
        message=message.message_id or 0,
        user=message.sender_id or 0,
        text=message.content,
    )


def _acknowledged(message: ChatMessageAck) -> Acknowledged:
    return Acknowledged(
        name=message.client_message_id,
        room=message.chat_group_id,
        seq=message.seq,
        message=message.message_id,
        duplicate=message.duplicate,
    )


@define(eq=False)
class Listener:
    """
    Listens to all connections of all clients.

    @ivar sessions: what was heard, a connection each.
    @ivar counts: of what went over them.
    """

    album: Album
    sessions: list[Session] = field(factory=list)
    counts: "Counter[str]" = field(factory=Counter)

    def tap(self, client: int) -> Wiretap:
        """
        Listen to a new connection.
        """
        session = Session(client=client)
        self.sessions.append(session)
        self.counts["connections"] += 1
        return Wiretap(session, self.album, self.counts)
