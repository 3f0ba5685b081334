"""
A client is told everything once and in order, and asks for what it misses.
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.client import (
    ChatClient,
    Connected,
    Disconnected,
    EpochChanged,
    Event,
    EventStream,
    Missed,
)
from chatroom.client import session as sessions
from chatroom.client.following import Following, Verdict
from chatroom.wire.messages import ChatMessage, ResumedChat
from tests.clients import ClientCase


class FollowingTests(ClientCase):
    """
    The log of a room, as it arrives.
    """

    def test_a_gap(self) -> None:
        """
        What is missing is asked for, and comes before what follows it.
        """
        self.start()
        self.chat.lost_pushes = {2, 3}
        for each in ("one", "two", "three", "four", "five"):
            self.chat.say(1, "bob", each)
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["one", "two", "three", "four", "five"])
        asked = self.chat.asked("resume_request")[1:]
        self.assertEqual(
            [each["positions"] for each in asked], [[{"chat_group_id": 1, "after_seq": 1}]]
        )

    def test_a_duplicate(self) -> None:
        """
        What comes twice is told once.
        """
        self.start()
        said = self.chat.say(1, "bob", "one")
        self.chat.push(self.chat.rooms[1], said)
        self.chat.say(1, "bob", "two")
        self.chat.push(self.chat.rooms[1], said)
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["one", "two"])

    def test_what_never_comes(self) -> None:
        """
        A server that says there is more, and does not send it, is not asked for ever.
        """
        self.start()
        self.chat.say(1, "bob", "one")
        self.endpoint.flow()
        self.chat.is_stubborn = True
        self.chat.lost_pushes = {2}
        self.chat.say(1, "bob", "two")
        self.chat.say(1, "bob", "three")
        self.endpoint.flow()
        self.assertEqual(len(self.chat.asked("resume_request")), 2)
        self.assertEqual(self.told.of(Missed), [Missed(chat_group_id=1, from_seq=2, to_seq=3)])
        self.chat.say(1, "bob", "four")
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["one", "four"])

    def test_a_log_that_is_cut(self) -> None:
        """
        What the server no longer has is said to be missed, before what it has.
        """
        self.start()
        self.endpoint.link.cut()
        for each in ("one", "two", "three"):
            self.chat.say(1, "bob", each)
        self.chat.rooms[1].first_seq = 3
        self.endpoint.run(1)
        missed, said = self.told.events[-2:]
        self.assertEqual(missed, Missed(chat_group_id=1, from_seq=1, to_seq=2))
        assert isinstance(said, ChatMessage)
        self.assertEqual(said.content, "three")

    def test_a_log_that_is_gone(self) -> None:
        """
        Where nothing is left, all of it is missed.
        """
        client = self.start()
        self.endpoint.link.cut()
        self.chat.say(1, "bob", "one")
        self.chat.rooms[1].first_seq = 2
        self.endpoint.run(1)
        self.assertEqual(self.told.of(Missed), [Missed(chat_group_id=1, from_seq=1, to_seq=1)])
        self.assertEqual(client.positions, {1: 1})

    def test_a_kind_that_is_not_known(self) -> None:
        """
        An event of a newer server takes its place, and is not taken for a gap.
        """
        client = self.start()
        self.chat.say(1, "bob", "one")
        room = self.chat.rooms[1]
        self.chat.push(room, room.append("topic_changed", topic="x"))
        self.chat.say(1, "bob", "two")
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["one", "two"])
        self.assertEqual(client.positions, {1: 3})
        self.assertEqual(len(self.chat.asked("resume_request")), 1)

    def test_another_epoch(self) -> None:
        """
        In another database nothing is where it was.
        """
        client = self.start()
        self.chat.say(1, "bob", "one")
        self.endpoint.flow()
        self.endpoint.link.cut()
        self.chat.epoch = "second"
        self.chat.say(1, "bob", "two")
        self.endpoint.run(1)
        self.assertEqual(self.told.of(EpochChanged), [EpochChanged(old="first", new="second")])
        self.assertEqual((client.epoch, client.positions), ("second", {1: 2}))
        self.chat.say(1, "bob", "three")
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["one", "three"])

    def test_a_place_in_the_future(self) -> None:
        """
        A place that the server has not reached is void, and so are the others.
        """
        self.chat.resume_refusals.append(
            {"code": 1008, "reason": "seq_in_future", "temporary": False}
        )
        client = self.start(positions={1: 50}, epoch="first")
        self.assertEqual(len(self.told.of(EpochChanged)), 1)
        self.assertEqual(client.positions, {1: 0})
        self.do(client.ready())

    def test_a_server_at_fault(self) -> None:
        """
        A server that fails to tell what was missed has not another database for that.
        """
        self.chat.say(1, "bob", "one")
        self.chat.resume_refusals.append(
            {"code": 1009, "reason": "internal_error", "temporary": False}
        )
        self.start(positions={1: 0}, epoch="first")
        self.endpoint.run(2)
        self.assertEqual(self.told.of(EpochChanged), [])
        self.assertEqual(self.told.contents, ["one"])

    def test_positions(self) -> None:
        """
        A client goes on where the program says that it was.
        """
        for each in ("one", "two", "three"):
            self.chat.say(1, "bob", each)
        client = self.start(positions={1: 1, 99: 5}, epoch="first")
        self.assertEqual(self.told.contents, ["two", "three"])
        self.assertEqual(client.positions, {1: 3})

    def test_many_rooms(self) -> None:
        """
        More rooms than fit into a line are asked for in several.
        """
        self.patch(sessions, "MOST_POSITIONS", 3)
        client = self.start()
        for each in range(7):
            self.do(client.create(f"room {each}"))
        self.endpoint.link.cut()
        for room_id in client.heads:
            self.chat.say(room_id, "bob", f"in {room_id}")
        self.endpoint.run(1)
        self.assertEqual(len(self.chat.asked("resume_request")), 4)
        self.assertEqual(self.told.contents, [f"in {room_id}" for room_id in range(1, 9)])
        self.assertEqual(self.told.of(Missed), [])

    def test_refused_for_now(self) -> None:
        """
        A server that can't tell for now what was missed is tried again.
        """
        self.chat.resume_refusals.append({"code": 1009, "reason": "busy", "temporary": True})
        client = self.start()
        self.endpoint.run(2)
        self.do(client.ready())
        self.assertEqual(len(self.endpoint.tried), 2)


class StreamTests(ClientCase):
    """
    Events by iteration.
    """

    def read(self, stream: EventStream, count: int) -> list[Event]:
        """
        @return: the next events.
        """
        return [self.do(stream.__anext__()) for _ in range(count)]

    def test_events(self) -> None:
        """
        Everybody who reads is told everything from then on.
        """
        client = self.make()
        stream = client.events()
        client.startService()
        self.addCleanup(self.stop, client)
        self.endpoint.flow()
        self.assertIsInstance(self.read(stream, 1)[0], Connected)
        waiting = self.begin(stream.__anext__())
        self.assertNoResult(waiting)
        self.chat.say(1, "bob", "one")
        self.endpoint.flow()
        said: Any = self.successResultOf(waiting)
        self.assertEqual(said.content, "one")

    def test_end(self) -> None:
        """
        When the client stops, what is there is still told, and then nothing.
        """
        client = self.start()
        kinds: list[str] = []

        async def listen() -> None:
            async for event in client.events():
                kinds.append(type(event).__name__)

        listening = self.begin(listen())
        self.chat.say(1, "bob", "one")
        self.stop(client)
        self.successResultOf(listening)
        self.assertEqual(kinds, ["ChatMessage", "Disconnected"])

    def test_end_after_a_refusal(self) -> None:
        """
        Where there will be no session there will be no events.
        """
        client = self.make(password="wrong-one")
        stream = client.events()
        client.startService()
        self.addCleanup(self.stop, client)
        self.endpoint.flow()
        self.failureResultOf(Deferred.fromCoroutine(stream.__anext__()), StopAsyncIteration)

    def test_one_that_is_closed(self) -> None:
        """
        Who reads no more is told no more.
        """
        client = self.start()
        stream = client.events()
        stream.close()
        self.chat.say(1, "bob", "one")
        self.endpoint.flow()
        self.failureResultOf(Deferred.fromCoroutine(stream.__anext__()), StopAsyncIteration)

    def behind(self) -> tuple[ChatClient, EventStream]:
        """
        @return: a client and a stream that has as much as it holds, with more to come.
        """
        client = self.start(most_events=10)
        stream = client.events()
        for each in range(300):
            self.chat.say(1, "bob", str(each))
            self.endpoint.flow()
        return client, stream

    def test_slow(self) -> None:
        """
        Where a reader is behind nothing more is taken from the server, and nothing lost.
        """
        _, stream = self.behind()
        self.assertFalse(self.endpoint.link.is_reading)
        self.assertEqual(len(stream), 10)
        said: Any = []
        for _ in range(300):
            said += self.read(stream, 1)
        self.assertEqual([each.content for each in said], [str(each) for each in range(300)])
        self.assertTrue(self.endpoint.link.is_reading)

    def test_forgotten(self) -> None:
        """
        A stream that nobody has any more holds nobody up.
        """
        client, stream = self.behind()
        del stream
        client.moved()
        self.endpoint.flow()
        self.assertEqual(len(self.told.contents), 300)

    def test_who_is_behind_and_sends(self) -> None:
        """
        Who is behind may wait for an answer, which comes after all that is not read yet;
        what can't be kept meanwhile is asked for later.
        """
        client, stream = self.behind()
        sending = self.begin(client.room(1).send("mine"))
        self.successResultOf(sending)
        self.assertLessEqual(len(stream), 100)
        said: Any = []
        for _ in range(301):
            said += self.read(stream, 1)
        contents = [each.content for each in said]
        self.assertEqual(contents, [*(str(each) for each in range(300)), "mine"])
        self.assertGreater(len(self.chat.asked("resume_request")), 1)

    def test_behind_for_long(self) -> None:
        """
        Who does not read still tells the server that somebody is there.
        """
        self.chat.heartbeat = 10
        self.behind()
        self.endpoint.run(100)
        self.assertGreater(len(self.chat.asked("pong")), 5)
        self.assertEqual(self.told.of(Disconnected), [])

    def test_a_callback_that_fails(self) -> None:
        """
        A callback that fails is told in the log, and costs nobody else an event.
        """

        def fail(event: Event) -> None:
            raise ValueError("mine")

        client = self.make(on_event=fail)
        stream = client.events()
        client.startService()
        self.endpoint.flow()
        self.read(stream, 1)
        self.stop(client)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)


class PlaceTests(SynchronousTestCase):
    """
    The reckoning behind it.
    """

    def judge(self, following: Following, seq: int, *, is_replay: bool = False) -> Verdict:
        """
        @return: what to do with an event of room 1.
        """
        return following.judge(1, seq, is_replay=is_replay, is_start=False)

    def test_a_room_that_is_new(self) -> None:
        """
        A room begins with what is first heard of it.
        """
        following = Following()
        self.assertIs(self.judge(following, 7), Verdict.NEXT)
        self.assertIs(self.judge(following, 7), Verdict.KNOWN)
        self.assertIs(self.judge(following, 9), Verdict.EARLY)
        self.assertEqual(following.short(), [1])

    def test_a_live_event_while_asked(self) -> None:
        """
        What is early while the log is sent is asked for afterwards, if it did not come.
        """
        following = Following("e", {1: 5})
        following.ask_for([1])
        self.assertIs(self.judge(following, 8), Verdict.EARLY)
        self.assertEqual(following.short(), [])
        chat = ResumedChat(chat_group_id=1, from_seq=6, to_seq=5, complete=True)
        self.assertIsNone(following.finish(chat))
        self.assertEqual(following.short(), [1])

    @given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=60))
    def test_any_order(self, events: list[tuple[int, bool]]) -> None:
        """
        Whatever comes, and in whichever order, no place is told twice, none out of order,
        and none is left out without being said to be lost.
        """
        following = Following("e", {1: 0})
        reached = 0
        for seq, is_replay in events:
            following.ask_for(following.short())
            verdict = self.judge(following, seq, is_replay=is_replay)
            if verdict is Verdict.NEXT:
                self.assertEqual(seq, reached + 1)
            if verdict is Verdict.CUT:
                self.assertGreater(seq, reached + 1)
            reached = following.known[1]
            self.assertGreaterEqual(reached, seq if verdict is not Verdict.EARLY else 0)
