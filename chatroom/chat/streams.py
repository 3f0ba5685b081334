"""
What is for the moment only: it is shown to those who wish to see it, never stored, and
the first to be dropped.

A stream says of each user only what is newest, in batches, and the more sessions see a
batch the longer it is until the next: so a stream costs no more in a room of thousands
than in one of hundreds.
"""

from collections.abc import Mapping, Sequence
from typing import get_args

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chatroom.chat.hub import Client, Hub
from chatroom.chat.rates import NO_TIME
from chatroom.clock import Now, cancel
from chatroom.store.models import User
from chatroom.wire.codec import Reply, encode
from chatroom.wire.messages.greeting import Ephemeral

#: Of how many users a batch tells at the most.
MOST_A_BATCH = 100

#: Of how many users something may wait in one room; of more, who came last.
MOST_WAITING = 1000

#: How many sessions a second see a batch of one stream in one room, about.
SHOWN_A_SECOND = 1000

#: How many sessions are shown a batch before others have their turn.
SHOWN_A_TURN = 250


@define(eq=False)
class Audience:
    """
    Who wishes to see what.
    """

    _hub: Hub
    _wishing: dict[Ephemeral, dict[Client, User]] = field(init=False)

    @_wishing.default
    def _nobody(self) -> dict[Ephemeral, dict[Client, User]]:
        return {what: {} for what in get_args(Ephemeral)}

    def came(self, client: Client, user: User) -> None:
        """
        A session has a user.
        """
        for what, some in self._wishing.items():
            if client.wants(what):
                some[client] = user

    def went(self, client: Client) -> None:
        """
        It has them no more.
        """
        for some in self._wishing.values():
            some.pop(client, None)

    def has(self, what: Ephemeral) -> bool:
        """
        Whether anybody wishes to see it anywhere.
        """
        return bool(self._wishing[what])

    def who(self, what: Ephemeral, room_id: int | None) -> list[tuple[Client, int]]:
        """
        @param room_id: C{None} stands for everywhere.
        @return: the sessions that wish to see something, and whose each is.
        """
        wishing = self._wishing[what]
        some = wishing if room_id is None else self._in_room(wishing, room_id)
        return [(client, wishing[client].id) for client in some]

    def is_among(self, what: Ephemeral, room_id: int | None, client: Client) -> bool:
        """
        Whether a session is one that L{who} finds.
        """
        is_there = room_id is None or self._hub.is_in(client, room_id)
        return is_there and client in self._wishing[what]

    def _in_room(self, wishing: Mapping[Client, User], room_id: int) -> list[Client]:
        there = self._hub.followers_in(room_id)
        if len(there) < len(wishing):
            return [client for client in there if client in wishing]
        return [client for client in wishing if self._hub.is_in(client, room_id)]


@define(eq=False)
class _Waiting:
    """
    What is to be said of somebody, and not before when.
    """

    due: float
    reply: Reply


@frozen
class _Batch:
    """
    What is said of some users.

    @ivar lines: by user.
    """

    lines: Mapping[int, bytes]
    together: bytes = field(init=False)

    @together.default
    def _join(self) -> bytes:
        return b"".join(self.lines.values())

    def lines_for(self, user_id: int) -> bytes:
        """
        @return: what is said of others than this user.
        """
        if user_id not in self.lines:
            return self.together
        return b"".join(line for other, line in self.lines.items() if other != user_id)


@define(eq=False)
class Stream:
    """
    What is said of users in rooms, or everywhere, for those who wish to see it.

    @ivar what: the wish.
    @ivar pause: the time from one batch in a room to the next, in seconds.
    @ivar delay: how long something waits at the least; it may be taken back so long.
    """

    _audience: Audience
    _clock: IReactorTime
    _now: Now
    what: Ephemeral
    pause: float
    delay: float = 0.0
    _waiting: dict[int | None, dict[int, _Waiting]] = field(factory=dict, init=False)
    _timers: dict[int | None, IDelayedCall] = field(factory=dict, init=False)
    _is_stopped: bool = field(default=False, init=False)

    def start(self) -> None:
        """
        Show things.
        """
        self._is_stopped = False

    def stop(self) -> None:
        """
        Show nothing more.
        """
        self._is_stopped = True
        self._waiting.clear()
        for timer in self._timers.values():
            cancel(timer)
        self._timers.clear()

    def put(self, room_id: int | None, user_id: int, reply: Reply) -> None:
        """
        Say something of somebody, in place of what has not been said yet.

        @param room_id: where; C{None} is everywhere.
        """
        if self._is_stopped or not self._audience.has(self.what):
            return
        waiting = self._waiting.setdefault(room_id, {})
        if user_id in waiting:
            waiting[user_id].reply = reply
            return
        waiting[user_id] = _Waiting(self._clock.seconds() + self.delay, reply)
        if len(waiting) > MOST_WAITING:
            del waiting[next(iter(waiting))]
        if room_id not in self._timers:
            self._later(room_id, self.delay)

    def take_back(self, room_id: int | None, user_id: int) -> bool:
        """
        Leave unsaid what has not been said yet.

        @return: whether there was anything.
        """
        return self._waiting.get(room_id, {}).pop(user_id, None) is not None

    def _later(self, room_id: int | None, seconds: float) -> None:
        self._timers[room_id] = self._clock.callLater(seconds, self._go_on, room_id)

    def _go_on(self, room_id: int | None) -> None:
        """
        Say what is due; when nothing waits, rest.
        """
        del self._timers[room_id]
        waiting = self._waiting.get(room_id, {})
        some = self._due(waiting)
        if some:
            now = self._now()
            lines = {user_id: encode(waiting.pop(user_id).reply, now=now) for user_id in some}
            audience = self._audience.who(self.what, room_id)
            if not audience:
                waiting.clear()
            self._show(room_id, _Batch(lines), audience, 0)
        elif waiting:
            due = next(iter(waiting.values())).due
            self._later(room_id, max(0.0, due - self._clock.seconds()))
        else:
            self._waiting.pop(room_id, None)

    def _due(self, waiting: Mapping[int, _Waiting]) -> list[int]:
        now = self._clock.seconds() + NO_TIME
        return [user_id for user_id, each in waiting.items() if each.due <= now][:MOST_A_BATCH]

    def _show(
        self,
        room_id: int | None,
        batch: _Batch,
        audience: Sequence[tuple[Client, int]],
        shown: int,
    ) -> None:
        for client, user_id in audience[shown : shown + SHOWN_A_TURN]:
            lines = batch.lines_for(user_id)
            # Some may have gone since the first had their turn.
            if lines and self._audience.is_among(self.what, room_id, client):
                client.show(lines)
        shown += SHOWN_A_TURN
        if shown < len(audience):
            self._timers[room_id] = self._clock.callLater(
                0, self._show, room_id, batch, audience, shown
            )
        else:
            self._later(room_id, max(self.pause, len(audience) / SHOWN_A_SECOND))
