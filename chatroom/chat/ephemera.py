"""
What is shown of people for the moment: how far they have read, that they are writing,
that they come and go. Nothing of it is stored.
"""

from collections.abc import Sequence

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from chatroom.chat.hub import Client, Hub
from chatroom.chat.newest import Newest
from chatroom.chat.rates import NO_TIME, Rate
from chatroom.chat.streams import Audience, Stream
from chatroom.chat.times import rfc3339
from chatroom.clock import Now
from chatroom.store.models import Event, EventKind, User
from chatroom.wire.messages import Presence, Receipt, Typing

#: The time from one batch to the next, in seconds, of what is shown in a room.
RECEIPTS_SECONDS = 1.0
TYPING_SECONDS = 0.25

#: The same of who has come or gone, which also waits so long: who comes back within it
#: was not away.
PRESENCE_SECONDS = 1.0

#: In how many seconds it is said once that somebody is still writing, and after how
#: many nobody believes it any more.
STILL_TYPING_SECONDS = 3.0
TYPING_FADES_SECONDS = 10.0

#: How often one user may begin to write, or end it, at once and a second for long; what
#: is too much is not shown.
_TYPING_BURST = 10
_TYPING_RATE = 2


@define(eq=False)
class Ephemera:
    """
    What is shown of people for the moment, to those who wish to see it. It watches the
    hub.
    """

    _hub: Hub
    _clock: IReactorTime
    _now: Now
    #: Who was shown to be writing in which room, and when.
    _writing: Newest[float] = field(factory=Newest, init=False)
    _audience: Audience = field(init=False)
    _often: Rate = field(init=False)
    _receipts: Stream = field(init=False)
    _typing: Stream = field(init=False)
    _presence: Stream = field(init=False)

    @_audience.default
    def _make_audience(self) -> Audience:
        return Audience(self._hub)

    @_often.default
    def _make_often(self) -> Rate:
        return Rate(self._clock, _TYPING_BURST, _TYPING_RATE)

    @_receipts.default
    def _make_receipts(self) -> Stream:
        return Stream(self._audience, self._clock, self._now, "receipts", RECEIPTS_SECONDS)

    @_typing.default
    def _make_typing(self) -> Stream:
        return Stream(self._audience, self._clock, self._now, "typing", TYPING_SECONDS)

    @_presence.default
    def _make_presence(self) -> Stream:
        seconds = PRESENCE_SECONDS
        return Stream(self._audience, self._clock, self._now, "presence", seconds, seconds)

    def start(self) -> None:
        """
        Show things.
        """
        for stream in (self._receipts, self._typing, self._presence):
            stream.start()

    def stop(self) -> None:
        """
        Show nothing more.
        """
        for stream in (self._receipts, self._typing, self._presence):
            stream.stop()

    # What the hub tells

    def came(self, client: Client, user: User) -> None:
        """
        A session has a user.
        """
        self._audience.came(client, user)
        if len(self._hub.clients_of(user.id)) == 1:
            self._turn(Presence(user_id=user.id, username=user.name, is_online=True))

    def went(self, client: Client, user: User) -> None:
        """
        It has them no more.
        """
        self._audience.went(client)
        if not self._hub.is_online(user.id):
            seen = rfc3339(int(self._now() * 1000))
            gone = Presence(user_id=user.id, username=user.name, is_online=False, last_seen=seen)
            self._turn(gone)

    def _turn(self, presence: Presence) -> None:
        # What waits is always the contrary, and both together are no change.
        if not self._presence.take_back(None, presence.user_id):
            self._presence.put(None, presence.user_id, presence)

    # What people do

    def read(self, user_id: int, room_id: int, seq: int) -> None:
        """
        Somebody has read a room up to a place.
        """
        receipt = Receipt(chat_group_id=room_id, user_id=user_id, seq=seq)
        self._receipts.put(room_id, user_id, receipt)

    def write(self, user: User, room_id: int, *, active: bool) -> None:
        """
        A member of a room is writing something there, or no longer.
        """
        place = (user.id, room_id)
        if not self._is_news(place, active=active) or self._often.take(user.id) > 0:
            return
        if active:
            self._writing.put(place, self._clock.seconds())
        else:
            self._writing.discard(place)
        typing = Typing(chat_group_id=room_id, user_id=user.id, username=user.name, active=active)
        self._typing.put(room_id, user.id, typing)

    def learn(self, events: Sequence[Event]) -> None:
        """
        Know what has happened: what somebody was writing in a room is there now, and
        nothing more needs to be shown.
        """
        if self._writing:
            for event in events:
                if event.kind is EventKind.MESSAGE:
                    self._said(event.sender.id, event.room_id)

    def _said(self, user_id: int, room_id: int) -> None:
        if (user_id, room_id) in self._writing:
            self._writing.discard((user_id, room_id))
            self._typing.take_back(room_id, user_id)

    def _is_news(self, place: tuple[int, int], *, active: bool) -> bool:
        shown = self._writing.get(place)
        ago = None if shown is None else self._clock.seconds() - shown + NO_TIME
        if active:
            return ago is None or ago >= STILL_TYPING_SECONDS
        return ago is not None and ago < TYPING_FADES_SECONDS
