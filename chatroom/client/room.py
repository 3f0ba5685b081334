"""
A room, as a program speaks in it.
"""

from os import PathLike
from typing import Protocol

from attrs import frozen

from chatroom.client.entrance import pick
from chatroom.client.events import Page, Stored
from chatroom.client.files import Files
from chatroom.wire.codec import Reply, Request
from chatroom.wire.details import RoleName
from chatroom.wire.messages import (
    BanRequest,
    ChatHead,
    ChatHistory,
    ChatHistoryComplete,
    ChatInfoRequest,
    ChatInfoResponse,
    DeleteMessageRequest,
    DeleteMessageResponse,
    EditMessageRequest,
    EditMessageResponse,
    FileUploadResponse,
    HistoryRequest,
    InviteRequest,
    KickRequest,
    LeaveChatRequest,
    LiftRequest,
    MarkReadRequest,
    MuteRequest,
    PostRequest,
    ReactRequest,
    ReactResponse,
    ReadMarker,
    SetRoleRequest,
    TypingRequest,
)


class Speaker(Protocol):
    """
    What a room needs of its client.
    """

    @property
    def files(self) -> Files:
        """The files of the client."""

    async def send(self, post: PostRequest) -> Stored:
        """Have it stored."""

    async def request(self, request: Request) -> list[Reply]:
        """Ask."""

    def tell(self, request: Request) -> None:
        """Say what nothing answers."""

    def head(self, room_id: int) -> ChatHead | None:
        """What is known of a room."""


@frozen
class Room:
    """
    One room of a client. Two of the same client and id are the same room.
    """

    _client: Speaker
    id: int

    @property
    def head(self) -> ChatHead | None:
        """
        Its name, where its log ends and how far one has read; C{None} if one is no
        member, as far as one knows.
        """
        return self._client.head(self.id)

    async def send(
        self, text: str, *, reply_to: int | None = None, client_message_id: str | None = None
    ) -> Stored:
        """
        Say something. It is kept until the server has stored it, however often the
        connection is lost, and stored once.

        @param reply_to: the message that this one answers.
        @param client_message_id: the program's own name for it, for ever; sent again, it
            is not stored again.
        @raise Refusal: if the server refuses it for good.
        @raise NetworkError: if the client is stopped before.
        @raise OSError: if it can't be kept, for the outbox's disk is full.
        """
        post = PostRequest(
            chat_group_id=self.id,
            content=text,
            reply_to=reply_to,
            client_message_id=client_message_id,
        )
        return await self._client.send(post)

    async def send_file(
        self,
        path: str | PathLike[str],
        *,
        filename: str | None = None,
        client_file_id: str | None = None,
    ) -> FileUploadResponse:
        """
        Send a file, once, however often the connection is lost meanwhile.

        @param filename: what others see, if not the last part of C{path}.
        @param client_file_id: the program's own name for it; a file that was sent under
            it already is not sent again.
        @raise Refusal: if the server refuses it for good.
        @raise NetworkError: if the client is stopped before.
        @raise OSError: if it can't be read.
        """
        return await self._client.files.send(
            self.id, path, filename=filename, client_file_id=client_file_id
        )

    async def edit(self, message_id: int, text: str) -> EditMessageResponse:
        """
        Have a message of one's own say something else.
        """
        request = EditMessageRequest(message_id=message_id, content=text)
        return pick(await self._client.request(request), EditMessageResponse)

    async def delete(self, message_id: int) -> DeleteMessageResponse:
        """
        Take a message of one's own back.
        """
        request = DeleteMessageRequest(message_id=message_id)
        return pick(await self._client.request(request), DeleteMessageResponse)

    async def react(self, message_id: int, reaction: str, *, add: bool = True) -> ReactResponse:
        """
        React to a message, or no longer.
        """
        request = ReactRequest(message_id=message_id, reaction=reaction, add=add)
        return pick(await self._client.request(request), ReactResponse)

    async def history(
        self,
        *,
        before_seq: int | None = None,
        after_seq: int | None = None,
        around_seq: int | None = None,
        limit: int | None = None,
    ) -> Page:
        """
        Read what was said: the newest messages, or those around one place.

        @param limit: how many at the most; the server's own choice if C{None}.
        """
        request = HistoryRequest(
            chat_group_id=self.id,
            before_seq=before_seq,
            after_seq=after_seq,
            around_seq=around_seq,
            limit=limit,
        )
        replies = await self._client.request(request)
        end = pick(replies, ChatHistoryComplete)
        return Page(
            messages=[each for each in replies if isinstance(each, ChatHistory)],
            first_seq=end.first_seq,
            last_seq=end.last_seq,
            more_before=bool(end.more_before),
            more_after=bool(end.more_after),
        )

    async def mark_read(self, seq: int) -> ReadMarker:
        """
        Have read up to a place.
        """
        request = MarkReadRequest(chat_group_id=self.id, seq=seq)
        return pick(await self._client.request(request), ReadMarker)

    async def leave(self) -> None:
        """
        Be no member any more.
        """
        await self._client.request(LeaveChatRequest(chat_group_id=self.id))

    async def invite(self, username: str) -> None:
        """
        Let somebody join.
        """
        await self._client.request(InviteRequest(chat_group_id=self.id, username=username))

    async def kick(self, username: str, *, reason: str | None = None) -> None:
        """
        Have somebody be no member any more.
        """
        request = KickRequest(chat_group_id=self.id, username=username, reason=reason)
        await self._client.request(request)

    async def mute(
        self, username: str, *, until: float | None = None, reason: str | None = None
    ) -> None:
        """
        Have a member say nothing.

        @param until: the end of it, in Unix seconds; C{None} is no end.
        """
        await self._client.request(
            MuteRequest(chat_group_id=self.id, username=username, until=until, reason=reason)
        )

    async def ban(
        self, username: str, *, until: float | None = None, reason: str | None = None
    ) -> None:
        """
        Have somebody be no member, and become none.

        @param until: the end of it, in Unix seconds; C{None} is no end.
        """
        await self._client.request(
            BanRequest(chat_group_id=self.id, username=username, until=until, reason=reason)
        )

    async def lift(self, username: str) -> None:
        """
        Have somebody be muted and banned no longer.
        """
        await self._client.request(LiftRequest(chat_group_id=self.id, username=username))

    async def set_role(self, username: str, role: RoleName) -> None:
        """
        Have a member be something else.
        """
        request = SetRoleRequest(chat_group_id=self.id, username=username, role=role)
        await self._client.request(request)

    async def info(self) -> ChatInfoResponse:
        """
        Ask what it is, and who is in it.
        """
        request = ChatInfoRequest(chat_group_id=self.id)
        return pick(await self._client.request(request), ChatInfoResponse)

    def typing(self, active: bool = True) -> None:
        """
        Show the others that one is writing, or no longer; nobody is told if there is no
        connection.
        """
        self._client.tell(TypingRequest(chat_group_id=self.id, active=active))
