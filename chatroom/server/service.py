"""
The chat as a service: what it consists of, and how it starts and stops.
"""

from collections.abc import Callable, Iterable
from random import Random

from attrs import define, field
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime

import chatroom.server.handlers  # noqa: F401 - it fills the dispatch table
from chatroom.chat.accounts import Accounts
from chatroom.chat.administration import Administration
from chatroom.chat.alterations import Alterations
from chatroom.chat.ephemera import Ephemera
from chatroom.chat.files import Files
from chatroom.chat.hub import Hub
from chatroom.chat.indexing import Indexing
from chatroom.chat.log import Log
from chatroom.chat.logins import Ending, Logins
from chatroom.chat.messages import Messages
from chatroom.chat.moderation import Moderation
from chatroom.chat.mutes import Mutes
from chatroom.chat.passwords import Passwords
from chatroom.chat.rates import Rate
from chatroom.chat.reading import Marks
from chatroom.chat.replays import Replays
from chatroom.chat.rooms import Rooms
from chatroom.chat.seams import Guard, Guards, Observer, Observers
from chatroom.chat.search import Search
from chatroom.chat.upkeep import Upkeep
from chatroom.clock import Now
from chatroom.errors import FileNotFound
from chatroom.logs.journal import Journal
from chatroom.server.admission import Admission, limited_as
from chatroom.server.cork import Cork
from chatroom.server.following import Following
from chatroom.server.heartbeats import Heartbeats
from chatroom.server.inbox import Connection, Inbox
from chatroom.server.inside import Inside
from chatroom.server.later import Later
from chatroom.server.operator import OperatorSession
from chatroom.server.outgoing import Outgoing, Transport
from chatroom.server.replies import CLOSING_SECONDS
from chatroom.server.session import Session
from chatroom.server.transfers import Means, Transfers
from chatroom.settings import Settings
from chatroom.store.database import Database
from chatroom.store.filed import File
from chatroom.store.models import EventKind, User
from chatroom.wire.codec import Reply

#: How long a stop waits for requests that are under way, then for the log. After
#: that no transaction begins, and one that has begun takes no longer than
#: L{chatroom.store.backend.BUSY_SECONDS}: a stop takes less than ten seconds.
FINISHING_SECONDS = 3.0
DRAINING_SECONDS = 1.5

#: How long those have to read why whose login has ended.
ENDING_SECONDS = 1.0


@define(eq=False, repr=False, slots=False)
class ChatService(MultiService):
    """
    A chat server, without its listening ports: these are its children.

    @ivar settings: what was chosen.
    @ivar cork: keeps what is said together.
    @ivar later: what is done in the reactor's next turn.
    @ivar clock: for durations.
    @ivar now: for what people read.
    @ivar moderation: what is done to members, and C{alterations} to rooms.
    @ivar mutes: who may be muted.
    @ivar administration: what is done to accounts.
    @ivar posts: how many messages each user sends.
    @ivar searches: how often each user searches.
    @ivar indexing: puts what was said into the index of words.
    @ivar upkeep: what else is done to the store in the background.
    @ivar admission: who may be connected.
    @ivar files: the files of rooms.
    @ivar marks: how far everybody has read.
    @ivar ephemera: what is shown for the moment only.
    @ivar guards: whom the program has ask before something happens, and C{observers} whom
        it has told afterwards.
    @ivar heartbeats: who is to be heard of now and then.
    @ivar chance: spreads what should not happen all at once.
    @ivar epoch: names the database, once it is open.
    @ivar sessions: all conversations.
    @ivar is_open: whether connections are answered.
    """

    _logger = Journal()

    settings: Settings
    cork: Cork
    later: Later
    clock: IReactorTime
    now: Now
    accounts: Accounts
    logins: Logins
    rooms: Rooms
    moderation: Moderation
    alterations: Alterations
    mutes: Mutes
    administration: Administration
    log: Log
    hub: Hub
    posts: Rate
    search: Search
    searches: Rate
    indexing: Indexing
    upkeep: Upkeep
    admission: Admission
    messages: Messages
    files: Files
    replays: Replays
    marks: Marks
    ephemera: Ephemera
    heartbeats: Heartbeats
    chance: Random
    guards: Guards
    observers: Observers
    _database: Database
    _passwords: Passwords
    sessions: set[Session] = field(factory=set, init=False)
    is_open: bool = field(default=False, init=False)
    epoch: str = field(default="", init=False)

    def __attrs_pre_init__(self) -> None:
        MultiService.__init__(self)

    def startService(self) -> None:
        """
        Open the database, then what ports are not open yet. Blocks.

        @raise chatroom.errors.StartError: if the database can't be opened.
        @raise Exception: whatever a port raises. The database is closed then; ports
            that were opened before are the parent's to close.
        """
        if self.running:
            return
        self.epoch = self._database.open(now=int(self.now() * 1000))
        try:
            self.files.start(self.epoch)
        except BaseException:
            self._database.close()
            raise
        self._passwords.start()
        self.log.start()
        self.marks.start()
        self.ephemera.start()
        try:
            super().startService()
        except BaseException:
            self.running = False
            self._passwords.stop()
            self.files.close()
            self._database.close()
            raise
        self.indexing.start()
        self.upkeep.start()
        self.files.tidying.start()
        self.is_open = True
        self._logger.note("serving", database=self._database.name)

    def stopService(self) -> Deferred[None]:
        """
        Stop listening, finish what was accepted, close, in this order.

        @return: when all of it is done, after some seconds at the most.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if not self.running:
            return
        self.is_open = False
        self.ephemera.stop()
        await super().stopService()
        looked_after = [self.indexing.stop(), self.upkeep.stop(), self.files.tidying.stop()]
        sessions = tuple(self.sessions)
        finished = [session.finish() for session in sessions]
        if not await self._within(FINISHING_SECONDS, finished):
            self._logger.note("requests_unfinished")
        kept = Deferred.fromCoroutine(self.files.uploads.stop())
        if not await self._within(DRAINING_SECONDS, [self.log.stop(), kept, *looked_after]):
            self._logger.note("log_unfinished")
            self.log.give_up()
        self.marks.stop()
        self._passwords.refuse()
        self.files.refuse()
        self._database.refuse()
        for session in sessions:
            session.close("shutting_down")
        gone = [each.when_gone() for each in sessions if each.is_connected]
        if not await self._within(CLOSING_SECONDS + 0.5, gone):
            self._logger.note("sessions_left", count=len(self.sessions))
        self._passwords.stop()
        self.files.close()
        self._database.close()
        self._logger.note("stopped")

    async def _within(self, seconds: float, all_of: "Iterable[Deferred[None]]") -> bool:
        """
        @return: whether all of it was done in time.
        """
        in_time: Deferred[bool] = Deferred()
        timer = self.clock.callLater(seconds, in_time.callback, False)

        def tell(_: object) -> None:
            if timer.active():
                timer.cancel()
                in_time.callback(True)

        DeferredList(list(all_of)).addCallback(tell)
        return await in_time

    def converse(
        self,
        connection: Connection,
        transport: Transport,
        unsent: Callable[[], int],
        peer: str,
        *,
        is_operator: bool = False,
    ) -> Session:
        """
        Begin a conversation.

        @param connection: can be told to give no more lines for a while.
        @param transport: where the answers go.
        @param unsent: tells how much the transport still has.
        @param peer: where it comes from, for the operator.
        @param is_operator: whether it is the operator's.
        """
        outgoing = Outgoing(transport, unsent, self.cork, self.clock, self.settings, peer)
        kind = OperatorSession if is_operator else Session
        session = kind(self, Inbox(connection), outgoing, peer, limited_as(peer))
        self.sessions.add(session)
        session.begin()
        return session

    def let_in(self, session: Session, inside: Inside) -> None:
        """
        The peer of a conversation is in this process, and is to end with the server.
        """
        session.inside = inside
        session.replies.ends_with_server = True

    def guard(self, kind: EventKind, guard: Guard) -> Callable[[], None]:
        """
        Have a function be asked before what somebody wants happens: a person or a bot,
        not the program itself.

        @param guard: called in the reactor with an L{chatroom.chat.seams.Intent}; it
            returns nothing, or raises L{chatroom.errors.Declined}. Whatever else it
            does is a fault of the server's to the peer: it does not happen.
        @return: what takes it away again.
        @raise TypeError: if it is a coroutine function.
        """
        return self.guards.add(kind, guard)

    def observe(self, kind: EventKind, observer: Observer) -> Callable[[], None]:
        """
        Have a function be told what has happened, whoever has brought it about.

        @param observer: called in the reactor with each L{chatroom.store.models.Event},
            in the order of the log, after it was stored and published.
        @return: what takes it away again.
        @raise TypeError: if it is a coroutine function.
        """
        return self.observers.add(kind, observer)

    def sessions_of(self, user_id: int) -> list[Session]:
        """
        @return: the conversations of a user.
        """
        return [each for each in self.hub.clients_of(user_id) if isinstance(each, Session)]

    def end_sessions(self, ending: Ending, slug: str, *, but: Session | None = None) -> int:
        """
        Close the connections of logins that have ended; one on its way in is refused.

        @param slug: the text that says why.
        @param but: one that stays.
        @return: how many there were.
        """
        self.logins.tell(ending)
        ended = [
            each
            for each in self.sessions_of(ending.user_id)
            if each is not but and ending.login_id in (None, each.login and each.login.id)
        ]
        for session in ended:
            # Nothing is pushed to them any more, and nobody counts them.
            self.hub.detach(session)
            session.turn_away(slug, within=ENDING_SECONDS)
        return len(ended)

    def following(
        self, user: User, outgoing: Outgoing, tell: Callable[[Reply], None]
    ) -> Following:
        """
        @param tell: takes what is to be said besides.
        @return: what reads the log for a user.
        """
        return Following(user, outgoing, self.replays, self.clock, self.hub.last_seq, tell)

    def transfers(self, session: Session) -> Transfers:
        """
        @return: what sends files to a session, and answers what comes of one.
        """

        async def read(file: File, offset: int, length: int) -> bytes:
            if not self.hub.is_in(session, file.room_id):
                raise FileNotFound()
            return await self.files.read(session.speaker, file, offset, length)

        return Transfers(
            Means(
                outgoing=session.outgoing,
                clock=self.clock,
                chunk_bytes=self.files.uploads.chunk_bytes,
                may_have=lambda room_id: self.hub.is_in(session, room_id),
                read=lambda *place: Deferred.fromCoroutine(read(*place)),
                encode=lambda reply: session.replies.answer(reply, reply.request_id),
                say=lambda error: error.text(session.replies.language),
                rested=session.go_on,
            )
        )

    def move(self, session: Session, peer: str) -> None:
        """
        A proxy has said where the peer of a conversation is.

        @param peer: where it comes from, for the operator.
        """
        self.admission.leave(session)
        session.peer, session.address = peer, limited_as(peer)
        session.outgoing.come_from(peer)
        self.admission.enter(session)
