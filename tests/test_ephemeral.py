"""
What is shown for the moment only: to whom, how often, and when not at all.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat import streams
from chatroom.chat.ephemera import (
    PRESENCE_SECONDS,
    RECEIPTS_SECONDS,
    STILL_TYPING_SECONDS,
    TYPING_FADES_SECONDS,
    TYPING_SECONDS,
)
from chatroom.chat.reading import Marks
from chatroom.chat.streams import MOST_A_BATCH, SHOWN_A_SECOND, SHOWN_A_TURN, Stream
from chatroom.server.outgoing import PORTION
from chatroom.wire.messages import Receipt
from tests.moments import EVERYTHING, HelloTestCase, flow, keys, mark, transport, typing
from tests.peers import Message, Peer, login, post, register, request
from tests.servers import log_in, memory_server


class EphemeralTestCase(HelloTestCase):
    """
    A test with alice, who does things, and bob, who sees all there is to see.
    """

    #: What is being looked at.
    kind = ""

    def setUp(self) -> None:
        """
        Have both, and nothing under way.
        """
        self.server = memory_server(self)
        self.alice, self.bob = self.user("alice", *EVERYTHING), self.user("bob", *EVERYTHING)
        self.pass_time(15)
        flow(self.alice), flow(self.bob)

    def sees(self, peer: Peer | None = None) -> list[Message]:
        """
        @return: what somebody, who is bob, was shown of it.
        """
        return self.shown(peer or self.bob, self.kind)

    def do(self, peer: Peer, *messages: Message) -> None:
        """
        Have somebody ask for something, and let no time go by.
        """
        peer.send(*messages)
        for _ in range(10):
            self.server.clock.advance(0)

    def timers(self) -> list[object]:
        """
        @return: whatever waits to show or write something.
        """
        calls = self.server.clock.getDelayedCalls()
        owners = [getattr(getattr(call, "func", None), "__self__", None) for call in calls]
        return [each for each in owners if isinstance(each, (Stream, Marks))]

    def seed(self, name: str) -> Peer:
        """
        @return: somebody who has not said hello.
        """
        peer = self.server.connect()
        self.successResultOf(Deferred.fromCoroutine(log_in(peer, name)))
        self.pass_time(3)
        flow(peer)
        return peer


class ReceiptTests(EphemeralTestCase):
    """
    Who has read how far.
    """

    kind = "receipt"

    def setUp(self) -> None:
        """
        Have something to read.
        """
        super().setUp()
        self.alice.send(*(post(str(number)) for number in range(9)))
        self.pass_time(1)
        flow(self.alice), flow(self.bob)

    def test_receipt(self) -> None:
        """
        Others in the room are told who has read how far, at once.
        """
        self.do(self.alice, mark(3))
        told = keys(self.sees(), "chat_group_id", "user_id", "seq")
        self.assertEqual(told, [(1, 1, 3)])
        self.assertEqual(self.sees(self.alice), [])

    def test_newest(self) -> None:
        """
        In a second only what is newest is told.
        """
        self.do(self.alice, mark(1))
        for seq in (2, 3, 4):
            self.server.clock.advance(0.1)
            self.do(self.alice, mark(seq))
        self.assertEqual(keys(self.sees(), "seq"), [(1,)])
        self.server.clock.advance(RECEIPTS_SECONDS)
        self.assertEqual(keys(self.sees(), "seq"), [(4,)])

    def test_no_news(self) -> None:
        """
        A mark that changes nothing is none.
        """
        self.do(self.alice, mark(3))
        self.pass_time(2)
        self.sees()
        self.do(self.alice, mark(3), mark(1))
        self.pass_time(2)
        self.assertEqual(self.sees(), [])

    def test_own_sessions(self) -> None:
        """
        One's own sessions are told in another way.
        """
        other = self.user("alice", *EVERYTHING, is_new=False)
        self.do(self.alice, mark(3))
        self.do(self.bob, mark(2))
        self.pass_time(2)
        self.assertEqual(keys(self.sees(other), "user_id"), [(2,)])

    def test_other_rooms(self) -> None:
        """
        Who is not in the room is told nothing.
        """
        self.do(self.alice, request("create_chat_request", chat_name="dev"))
        self.pass_time(1)
        self.do(self.alice, mark(1, chat_group_id=2))
        self.pass_time(2)
        self.assertEqual(self.sees(), [])

    def test_unwanted(self) -> None:
        """
        Nor is who has not asked for it.
        """
        carol, seed = self.user("carol", "typing", "presence"), self.seed("dave")
        self.do(self.alice, mark(3))
        self.pass_time(2)
        self.assertEqual(len(self.sees()), 1)
        self.assertEqual([*self.sees(carol), *flow(seed)], [])


class TypingTests(EphemeralTestCase):
    """
    Who is writing.
    """

    kind = "typing"

    def active(self, peer: Peer | None = None) -> list[Any]:
        """
        @return: what somebody, who is bob, was told of alice.
        """
        return [each["active"] for each in self.sees(peer)]

    def test_typing(self) -> None:
        """
        Others in the room are told, at once, and nobody is answered.
        """
        self.do(self.alice, typing(request_id="1"))
        (told,) = self.sees()
        self.assertEqual(
            keys([told], "chat_group_id", "user_id", "username", "active"),
            [(1, 1, "alice", True)],
        )
        self.assertNotIn("request_id", told)
        self.assertEqual(flow(self.alice), [])

    def test_again(self) -> None:
        """
        That somebody is still writing is said again after some seconds only.
        """
        for _ in range(4):
            self.do(self.alice, typing())
            self.server.clock.advance(STILL_TYPING_SECONDS / 3)
        self.assertEqual(self.active(), [True, True])

    def test_end(self) -> None:
        """
        The end is told once, and only of what was begun.
        """
        self.do(self.alice, typing(active=False))
        self.server.clock.advance(1)
        self.do(self.alice, typing())
        self.server.clock.advance(1)
        self.do(self.alice, typing(active=False), typing(active=False))
        self.server.clock.advance(1)
        self.assertEqual(self.active(), [True, False])

    def test_faded(self) -> None:
        """
        Nor of what nobody believes any more.
        """
        self.do(self.alice, typing())
        self.server.clock.advance(TYPING_FADES_SECONDS + 1)
        self.do(self.alice, typing(active=False))
        self.assertEqual(self.active(), [True])

    def test_post(self) -> None:
        """
        A message ends it without a word, and the next one begins anew.
        """
        self.do(self.alice, typing())
        self.do(self.alice, post("done"), typing(active=False))
        self.server.clock.advance(1)
        self.do(self.alice, typing())
        self.assertEqual(self.active(), [True, True])

    def test_post_overtakes(self) -> None:
        """
        Nobody is told behind a message that it is being written.
        """
        self.do(self.alice, typing(), typing(active=False))
        flow(self.bob)
        self.do(self.alice, typing(), post("done"))
        self.pass_time(1)
        self.assertEqual([each["message_type"] for each in flow(self.bob)], ["chat_message"])

    def test_pace(self) -> None:
        """
        One room is not told more often than a few times a second.
        """
        self.do(self.alice, typing())
        self.server.clock.advance(TYPING_SECONDS / 2)
        self.do(self.alice, typing(active=False), typing())
        self.assertEqual(self.active(), [True])
        self.server.clock.advance(TYPING_SECONDS)
        self.assertEqual(self.active(), [True])

    def test_flapping(self) -> None:
        """
        Who begins and ends all the time is not shown each time.
        """
        for _ in range(100):
            self.do(self.alice, typing(), typing(active=False))
            self.server.clock.advance(0.25)
        self.assertLess(len(self.active()), 70)

    def test_strangers(self) -> None:
        """
        Who is no member is refused as everywhere.
        """
        self.do(self.alice, request("create_chat_request", chat_name="dev"))
        self.pass_time(1)
        refusals = [self.ask(self.bob, typing(chat_group_id=number)) for number in (2, 99)]
        self.assertEqual(
            keys(refusals, "error_code", "reason"),
            [(1005, "not_a_member"), (1004, "chat_not_found")],
        )
        self.pass_time(1)
        self.assertEqual(self.sees(self.alice), [])

    def test_seed(self) -> None:
        """
        A client of the seed may tell, and is not told; nor is who has not asked.
        """
        seed, carol = self.seed("dave"), self.user("carol", "presence", "receipts")
        self.do(seed, typing())
        self.do(self.alice, typing())
        self.pass_time(1)
        self.assertEqual(keys(self.sees(), "username"), [("dave",), ("alice",)])
        self.assertEqual([*flow(seed), *self.sees(carol)], [])


class PresenceTests(EphemeralTestCase):
    """
    Who comes and goes.
    """

    kind = "presence"

    def test_come_and_go(self) -> None:
        """
        Who comes is told of after a moment, and who goes, with the time of it.
        """
        carol = self.user("carol")
        self.assertEqual(self.sees(), [])
        self.server.clock.advance(PRESENCE_SECONDS)
        (came,) = self.sees()
        self.assertEqual(
            keys([came], "user_id", "username", "is_online", "last_seen"),
            [(3, "carol", True, None)],
        )
        self.server.clock.advance(60)
        carol.wire.abort()
        seconds = int(self.server.clock.seconds()) % 60
        self.server.clock.advance(PRESENCE_SECONDS)
        (gone,) = self.sees()
        self.assertEqual(keys([gone], "user_id", "is_online"), [(3, False)])
        self.assertRegex(gone["last_seen"], rf"^2022-01-01T00:01:{seconds:02}\.\d\d\dZ$")

    def test_back(self) -> None:
        """
        Who comes back within a moment was not away, and who goes within it was not here.
        """
        self.alice.wire.abort()
        self.server.clock.advance(PRESENCE_SECONDS * 0.9)
        self.user("alice", is_new=False)
        self.user("carol").wire.abort()
        self.pass_time(3)
        self.assertEqual(self.sees(), [])

    def test_back_later(self) -> None:
        """
        Each change waits as long, however lately others were told of.
        """
        self.user("carol")
        self.server.clock.advance(PRESENCE_SECONDS * 0.9)
        self.alice.wire.abort()
        self.server.clock.advance(PRESENCE_SECONDS * 0.9)
        self.user("alice", is_new=False)
        self.pass_time(3)
        self.assertEqual(keys(self.sees(), "username"), [("carol",)])

    def test_sessions(self) -> None:
        """
        Only one's first session and one's last one matter.
        """
        self.user("alice", is_new=False).wire.abort()
        self.pass_time(2)
        self.do(self.alice, request("logout_request"))
        self.pass_time(2)
        self.assertEqual(keys(self.sees(), "username", "is_online"), [("alice", False)])

    def test_oneself(self) -> None:
        """
        Nobody is told of themselves.
        """
        carol = self.user("carol", *EVERYTHING)
        self.pass_time(2)
        self.assertEqual(self.sees(carol), [])

    def test_unwanted(self) -> None:
        """
        Nobody is told who has not asked for it; clients of the seed are told of.
        """
        carol, seed = self.user("carol", "typing", "receipts"), self.seed("dave")
        self.pass_time(2)
        self.assertEqual(keys(self.sees(), "username"), [("carol",), ("dave",)])
        self.assertEqual([*self.sees(carol), *flow(seed)], [])

    def test_many(self) -> None:
        """
        So many changes are told of at once, and the others after them.
        """
        for number in range(MOST_A_BATCH + 20):
            self.do(self.server.connect(), register(f"user{number}"), login(f"user{number}"))
        self.server.clock.advance(PRESENCE_SECONDS)
        self.assertEqual(len(self.sees()), MOST_A_BATCH)
        self.server.clock.advance(PRESENCE_SECONDS * 0.9)
        self.assertEqual(len(self.sees()), 0)
        self.server.clock.advance(PRESENCE_SECONDS * 0.2)
        self.assertEqual(len(self.sees()), 20)

    def test_stop(self) -> None:
        """
        When the server stops, nobody is told that everybody goes.
        """
        self.user("carol")
        self.successResultOf(self.server.stop())
        self.assertEqual((self.sees(), self.timers()), ([], []))


class DroppingTests(EphemeralTestCase):
    """
    What becomes of it where something else is to be read first.
    """

    kind = "receipt typing presence"

    def everything(self) -> None:
        """
        Let something of each kind happen.
        """
        self.do(self.alice, typing(), mark(1))
        self.user("carol").wire.abort()
        self.alice.wire.abort()
        self.pass_time(3)

    def test_slow_reader(self) -> None:
        """
        A peer for whom anything waits is shown nothing, and misses no event.
        """
        transport(self.bob).is_reading = False
        self.alice.send(*(post("x" * 4000) for _ in range(40)), post("last"))
        self.pass_time(1)
        self.assertGreater(len(transport(self.bob).written), PORTION)
        self.everything()
        self.alice = self.user("alice", is_new=False)
        self.do(self.alice, post("behind"))
        transport(self.bob).is_reading = True
        self.pass_time(0.9)
        lines = flow(self.bob)
        self.assertEqual({each["message_type"] for each in lines}, {"chat_message"})
        self.assertEqual([each["seq"] for each in lines], list(range(1, 43)))

    def test_reader(self) -> None:
        """
        Who reads is shown all of it, and the events as well.
        """
        self.do(self.alice, post("first"))
        self.everything()
        kinds = [each["message_type"] for each in flow(self.bob)]
        self.assertEqual(kinds, ["chat_message", "typing", "receipt", "presence"])

    def test_before_the_first_resume(self) -> None:
        """
        It depends on no place in the log: also who has not resumed yet is shown it.
        """
        carol = self.server.connect()
        carol.send(request("hello_request", protocol=1, want=["typing"]), login("bob"))
        self.pass_time(1)
        flow(carol)
        self.do(self.alice, post("first"), typing())
        self.assertEqual([each["message_type"] for each in flow(carol)], ["typing"])

    def test_idle(self) -> None:
        """
        When nothing happens, nothing waits to happen.
        """
        self.do(self.alice, post("first"))
        self.everything()
        self.pass_time(5)
        self.assertEqual(self.timers(), [])


@define(eq=False)
class Seen:
    """
    A session that counts what it is shown.
    """

    lines: list[bytes] = field(factory=list)
    shown: Callable[[], object] = lambda: None

    def show(self, lines: bytes) -> None:
        """Remember."""
        self.lines.append(lines)
        self.shown()


@define(eq=False)
class FakeAudience:
    """
    Sessions that see everything; each is of a user of its own, from 1 on.
    """

    seen: list[Seen]

    def has(self, what: str) -> bool:
        """Whether there are any."""
        return bool(self.seen)

    def who(self, what: str, room_id: int | None) -> list[Any]:
        """All of them."""
        return [(each, number) for number, each in enumerate(self.seen, 1)]

    def is_among(self, what: str, room_id: int | None, client: object) -> bool:
        """Whether it is one of them."""
        return client in self.seen


class StreamTests(SynchronousTestCase):
    """
    Batches, with many who see them.
    """

    def stream(self, count: int) -> Stream:
        """
        @param count: of sessions.
        """
        self.clock = Clock()
        self.seen = [Seen() for _ in range(count)]
        audience: Any = FakeAudience(self.seen)
        return Stream(audience, self.clock, self.clock.seconds, "receipts", 1.0)

    def put(self, stream: Stream, *users: int, room_id: int = 1) -> None:
        """
        Say something of users.
        """
        for user_id in users:
            stream.put(room_id, user_id, Receipt(chat_group_id=1, user_id=user_id, seq=1))

    def batches(self, number: int = 0) -> list[int]:
        """
        @return: how many lines each batch had that a session has seen.
        """
        return [each.count(b"\n") for each in self.seen[number].lines]

    def test_one_object(self) -> None:
        """
        All see the same bytes, but for those whom they are about.
        """
        stream = self.stream(5)
        self.put(stream, 1, 2, 99)
        self.clock.advance(0)
        self.assertEqual([each.lines[0].count(b"\n") for each in self.seen], [2, 2, 3, 3, 3])
        self.assertEqual(len({id(each.lines[0]) for each in self.seen[2:]}), 1)

    def test_batches(self) -> None:
        """
        What does not go into a batch goes into the next.
        """
        stream = self.stream(1)
        self.put(stream, *range(2, 2 + 2 * MOST_A_BATCH + 5))
        self.clock.advance(0)
        self.assertEqual(self.batches(), [MOST_A_BATCH])
        for _ in range(4):
            self.clock.advance(1)
        self.assertEqual(self.batches(), [MOST_A_BATCH, MOST_A_BATCH, 5])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bound(self) -> None:
        """
        What waits is bounded; the oldest goes.
        """
        self.patch(streams, "MOST_WAITING", 3)
        stream = self.stream(1)
        self.put(stream, *range(10, 20))
        self.clock.advance(0)
        self.assertEqual(self.batches(), [3])
        self.assertIn(b'"user_id":19,', self.seen[0].lines[0])

    def test_rooms(self) -> None:
        """
        Rooms do not wait for one another.
        """
        stream = self.stream(1)
        for room_id in (1, 2, 3):
            self.put(stream, 9, room_id=room_id)
        self.clock.advance(0)
        self.assertEqual(self.batches(), [1, 1, 1])

    def test_turns(self) -> None:
        """
        Many are shown it in several turns, and who has gone meanwhile is not.
        """
        stream = self.stream(SHOWN_A_TURN + 2)
        *_, last, gone = everybody = list(self.seen)
        counts = []

        def others_turn() -> None:
            counts.append(sum(len(each.lines) for each in everybody))
            self.seen.remove(gone)

        self.put(stream, 9999)
        self.seen[0].shown = lambda: self.clock.callLater(0, others_turn)
        self.clock.advance(0)
        self.assertEqual(counts, [SHOWN_A_TURN])
        self.assertEqual((len(last.lines), len(gone.lines)), (1, 0))

    def test_many_see_it_less_often(self) -> None:
        """
        The more see it, the longer it is until the next batch.
        """
        stream = self.stream(3 * SHOWN_A_SECOND)
        self.put(stream, 9999)
        for _ in range(20):
            self.clock.advance(0)
        self.put(stream, 9999)
        self.clock.advance(2.9)
        self.assertEqual(self.batches(), [1])
        self.clock.advance(0.2)
        self.assertEqual(self.batches(), [1, 1])

    def test_nobody(self) -> None:
        """
        Where nobody wishes to see it, nothing is kept.
        """
        stream = self.stream(0)
        self.put(stream, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertFalse(stream.take_back(1, 1))

    def test_stop(self) -> None:
        """
        After its stop it does nothing, until it is started again.
        """
        stream = self.stream(1)
        self.put(stream, 9)
        stream.stop()
        self.put(stream, 9)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        stream.start()
        self.put(stream, 9)
        self.clock.advance(0)
        self.assertEqual(self.batches(), [1])
