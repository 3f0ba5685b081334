"""
The client itself: a service that connects, and connects again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from random import SystemRandom
from types import MappingProxyType

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint

from chatroom.client.audience import MOST_EVENTS, Audience, EventStream
from chatroom.client.backoff import Backoff, Chance, RetryPolicy, exponential
from chatroom.client.entrance import Credentials, Entrance, pick
from chatroom.client.errors import NetworkError, Refusal
from chatroom.client.events import Event, Stored
from chatroom.client.files import Files
from chatroom.client.following import Following, resumption
from chatroom.client.journal import Journal
from chatroom.client.outbox import Outbox
from chatroom.client.posting import say
from chatroom.client.reconnecting import Reconnecting
from chatroom.client.room import Room
from chatroom.client.session import Session
from chatroom.client.tracker import Tracker
from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import (
    ChangePasswordRequest,
    ChatHead,
    CreateChatRequest,
    CreateChatResponse,
    FileData,
    FileDownloadResponse,
    FileEnd,
    HelloRequest,
    JoinChatRequest,
    JoinChatResponse,
    PongRequest,
    PostRequest,
    PrivateChatRequest,
    SearchRequest,
    SearchResponse,
    TypingRequest,
)
from chatroom.wire.messages.greeting import PROTOCOL, Ephemeral

#: How often the places reached are written to the outbox's file, in seconds.
SAVING_SECONDS = 1.0

_UNANSWERED = (TypingRequest, PongRequest)


class ChatClient(Service):
    """
    A user of a chat server, for as long as the service runs.

    @ivar user_id: who one is, once that is known.
    @ivar files: what one sends, and has.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        endpoint: IStreamClientEndpoint,
        credentials: Credentials,
        *,
        outbox: str | None = None,
        register: bool = False,
        want: Iterable[Ephemeral] = ("presence", "typing", "receipts"),
        name: str = "chatroom.client",
        device: str | None = None,
        language: str | None = None,
        positions: Mapping[int, int] | None = None,
        epoch: str | None = None,
        retry_policy: RetryPolicy | None = None,
        random: Chance | None = None,
        on_event: Callable[[Event], object] | None = None,
        most_events: int = MOST_EVENTS,
    ) -> None:
        """
        @param reactor: the time.
        @param endpoint: the server.
        @param outbox: the path of a file that keeps, from one run to the next, what is not
            acknowledged and where one is in each room; C{None} keeps it in memory.
        @param register: whether to make the account if there is none.
        @param want: what to be told of besides what happens in one's rooms.
        @param name: of the program, for the user's list of sessions.
        @param device: where it runs, likewise.
        @param language: of what the server says to people.
        @param positions: where one was in an earlier run, by the ids of rooms; what is in
            the outbox's file counts if there are none.
        @param epoch: of the database that C{positions} are of.
        @param retry_policy: tells how long to wait, by how many tries have failed.
        @param random: the chance in waits and names.
        @param on_event: called with everything that L{events} would have.
        @param most_events: how many may wait for a reader of L{events} before the server
            has to.
        """
        self._clock = reactor
        self._random: Chance = random or SystemRandom()
        self._audience = Audience(on_event, self.moved, most_events)
        self._tracker = Tracker(Following(epoch, dict(positions or {})), self._audience)
        self._journal = None if outbox is None else Journal(outbox, credentials.username)
        self._outbox = Outbox(reactor, self._journal, self._audience.tell)
        self._entrance = Entrance(credentials, register)
        self._connection = Reconnecting(
            reactor,
            endpoint,
            HelloRequest(
                protocol=PROTOCOL, client=name, device=device, language=language, want=list(want)
            ),
            self._entrance,
            self._tracker,
            Backoff(retry_policy or exponential(self._random)),
            self,
        )
        self.files = Files(reactor, self._random, self, self._waited_for)
        self._awaiting = 0
        self._saving: IDelayedCall | None = None
        self._saved: dict[int, int] = {}

    @property
    def user_id(self) -> int | None:
        """
        Who one is, once that is known.
        """
        return self._tracker.user_id

    @property
    def is_running(self) -> bool:
        """
        Whether there may be a session again.
        """
        return bool(self.running) and self._connection.gate.error is None

    @property
    def epoch(self) -> str | None:
        """
        The name of the database that L{positions} are of.
        """
        return self._tracker.following.epoch

    @property
    def heads(self) -> Mapping[int, ChatHead]:
        """
        One's rooms, by id.
        """
        return MappingProxyType(self._tracker.heads)

    @property
    def positions(self) -> Mapping[int, int]:
        """
        The last place in each room that everybody has dealt with who reads L{events}.
        """
        return self._audience.dealt_with(self._tracker.following.known)

    def startService(self) -> None:
        """
        Connect, and stay connected.

        @raise chatroom.client.errors.OutboxError: if the outbox's file can't be used.
        """
        self._outbox.open()
        super().startService()
        self._load()
        self._connection.start()

    def stopService(self) -> "Deferred[None]":
        """
        Connect no more. Whoever waits for something hears a L{NetworkError}; what is in
        the outbox's file and not acknowledged is sent by the next client that has it.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def ready(self, *, timeout: float | None = None) -> None:
        """
        Wait until one has been logged in and told what one missed, for the first time.

        @param timeout: how long to wait, in seconds; C{None} is for ever.
        @raise Refusal: if the server refuses the login for good.
        @raise NetworkError: if it is not reached in time, or the client is stopped.
        """
        if not self._connection.was_ready or self._connection.gate.error is not None:
            with self._waited_for():
                await self._connection.wait(timeout)

    def events(self) -> EventStream:
        """
        @return: what happens from now on: C{async for event in client.events()}.
        @raise ChatError: if the client has come to its end.
        """
        if self._connection.gate.error is not None:
            raise self._connection.gate.error
        return self._audience.stream()

    def room(self, room_id: int) -> Room:
        """
        @return: a room, to speak in; whether it is one's own only the server knows.
        """
        return Room(self, room_id)

    async def join(self, name: str) -> Room:
        """
        Become a member of a room.
        """
        answer = await self.request(JoinChatRequest(chat_name=name))
        return self._own(pick(answer, JoinChatResponse))

    async def create(self, name: str, members: Iterable[str] = ()) -> Room:
        """
        Make a room, with its first members.
        """
        request = CreateChatRequest(chat_name=name, member_usernames=list(members))
        return self._own(pick(await self.request(request), CreateChatResponse))

    async def private_chat(self, username: str) -> Room:
        """
        Find or make the room of oneself and another.
        """
        answer = await self.request(PrivateChatRequest(username=username))
        return self._own(pick(answer, CreateChatResponse))

    async def search(
        self,
        query: str,
        *,
        room_id: int | None = None,
        from_username: str | None = None,
        before: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> SearchResponse:
        """
        Look for messages that have certain words in them, newest first.

        @param room_id: where, if not in all of one's rooms.
        @param before: only what was stored before this time, in Unix seconds.
        @param cursor: C{next_cursor} of an earlier answer, to go on.
        """
        request = SearchRequest(
            query=query,
            chat_group_id=room_id,
            from_username=from_username,
            before=before,
            limit=limit,
            cursor=cursor,
        )
        return pick(await self.request(request), SearchResponse)

    async def download(self, file_id: int, path: str | PathLike[str]) -> FileDownloadResponse:
        """
        Have a file, which is at C{path} when all of it is there; see L{Files.download}.
        """
        return await self.files.download(file_id, path)

    async def request(self, request: Request) -> list[Reply]:
        """
        Ask anything, as soon as there is a session. (To say something, use L{send} or a
        room: it is then repeated where this would fail.)

        @return: all lines of the answer; none to what nothing answers.
        @raise Refusal: if the server refuses.
        @raise NetworkError: if the connection is lost before the answer: whether the
            request had its effect is not known.
        """
        with self._waited_for():
            session = await self._connection.gate.wait()
            if isinstance(request, _UNANSWERED):
                session.conversation.tell(request)
                return []
            replies = await session.conversation.ask(request)
        if isinstance(request, ChangePasswordRequest):
            self._entrance.change_password(request.new_password)
        return replies

    async def send(self, post: PostRequest) -> Stored:
        """
        Say something, as L{Room.send} does.

        @param post: with its room; it gets a C{client_message_id} if it has none.
        """
        if self._connection.gate.error is not None:
            raise self._connection.gate.error
        if not self.running:
            raise NetworkError()
        if post.client_message_id is None:
            post = evolve(post, client_message_id=f"{self._random.getrandbits(128):032x}")
        with self._waited_for():
            return await self._outbox.put(post)

    def tell(self, request: Request) -> None:
        """
        Say what nothing answers, if there is a session just now.
        """
        session = self._connection.gate.value
        if session is not None:
            session.conversation.tell(request)

    def head(self, room_id: int) -> ChatHead | None:
        """
        @return: what is known of a room of one's own.
        """
        return self._tracker.heads.get(room_id)

    def session_ready(self, session: Session) -> None:
        """
        Send what waits.
        """

        async def deliver(post: PostRequest) -> Stored:
            return await say(session.conversation, post)

        self._outbox.start(deliver)

    def session_lost(self) -> None:
        """
        Send nothing for now.
        """
        self._outbox.pause()
        self.files.lost()

    def file_came(self, message: FileData | FileEnd) -> None:
        """
        Take some of a file.
        """
        self.files.take(message)

    def gave_up(self, error: Refusal) -> None:
        """
        Fail what waits: there will be no session.
        """
        self._save()
        self._outbox.close(error)

    def moved(self) -> None:
        """
        Read on, or no more for now, as the readers of L{events} can keep up; and keep
        where they are.
        """
        self._flow()
        if self._journal is None or not self.running:
            return
        if self._tracker.following.known.keys() != self._saved.keys():
            # Of a room without a place the next run would begin at its end.
            self._save()
        elif self._saving is None:
            self._saving = self._clock.callLater(SAVING_SECONDS, self._save)

    def _own(self, answer: JoinChatResponse | CreateChatResponse) -> Room:
        if self.epoch is None:  # An older server tells of no event that makes one a member.
            self._tracker.know(answer.chat_group_id, answer.chat_name)
        return self.room(answer.chat_group_id)

    def _flow(self) -> None:
        session = self._connection.session
        if session is None:
            return
        # Who is behind may wait for an answer, which comes after what is not read yet.
        if self._audience.is_full and not self._awaiting:
            session.conversation.line.pause()
        else:
            session.conversation.line.resume()
            session.catch_up()

    @contextmanager
    def _waited_for(self) -> Iterator[None]:
        self._awaiting += 1
        try:
            self._flow()
            yield
        finally:
            self._awaiting -= 1
            self._flow()

    def _load(self) -> None:
        position = None if self._journal is None else self._journal.position
        if position is not None and not self._tracker.following.known:
            self._tracker.following.epoch = position.epoch
            self._tracker.following.load(position.positions or [])

    def _save(self) -> None:
        if self._saving is not None and self._saving.active():
            self._saving.cancel()
        self._saving = None
        positions, position = dict(self.positions), None
        if positions != self._saved and self.epoch is not None:
            self._saved = positions
            position = resumption(self.epoch, positions)
        self._outbox.save(position)

    async def _stop(self) -> None:
        self._save()
        self._outbox.close(NetworkError())
        await self._connection.stop()
        self._audience.end()
