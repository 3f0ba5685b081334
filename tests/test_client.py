"""
A client that connects, logs in, speaks and hears, and does so again when it has to.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError

from chatroom.client import (
    Connected,
    Credentials,
    Disconnected,
    NetworkError,
    Refusal,
    exponential,
    outbox,
)
from chatroom.client.backoff import FIRST, MOST, Backoff
from chatroom.errors import (
    Busy,
    ErrorCode,
    LineTooLong,
    RoomNotFound,
    UsernameTaken,
    WrongCredentials,
)
from chatroom.wire.messages import (
    ChangePasswordRequest,
    ChatMessage,
    JoinChatRequest,
    JoinChatResponse,
    MemberJoined,
    MemberLeft,
    ReadMarker,
    SearchRequest,
    Typing,
    TypingRequest,
)
from tests.clients import PASSWORD, ClientCase
from tests.fake_chat import TIME, FakeEnd


class LoginTests(ClientCase):
    """
    How a client becomes somebody.
    """

    def test_ready(self) -> None:
        """
        A client is ready once it is logged in and follows its rooms.
        """
        client = self.start()
        self.do(client.ready())
        self.assertEqual(client.user_id, 1)
        self.assertEqual(client.epoch, "first")
        self.assertEqual(client.heads[1].chat_name, "public")
        self.assertEqual(self.told.events, [Connected(server="fake 1", is_hello=True)])

    def test_hello(self) -> None:
        """
        The hello says who asks, and what for.
        """
        self.start(name="bot", device="lab", language="en", want=["typing"])
        [hello] = self.chat.asked("hello_request")
        del hello["timestamp"], hello["request_id"], hello["message_type"]
        self.assertEqual(
            hello,
            {
                "protocol": 1,
                "client": "bot",
                "device": "lab",
                "language": "en",
                "want": ["typing"],
            },
        )

    def test_password_is_hidden(self) -> None:
        """
        Nobody sees a password by looking at the credentials.
        """
        shown = repr(Credentials(username="alice", password="secret123"))
        self.assertIn("alice", shown)
        self.assertNotIn("secret123", shown)

    def test_wrong_password(self) -> None:
        """
        A wrong password is final: everybody who waits hears it, and nobody tries again.
        """
        client = self.make(password="wrong")
        client.startService()
        ready = Deferred.fromCoroutine(client.ready())
        sending = Deferred.fromCoroutine(client.room(1).send("hi"))
        self.endpoint.run(200)
        for each in (ready, sending):
            error = self.failureResultOf(each, WrongCredentials).value
            self.assertIsInstance(error, Refusal)
            self.assertEqual(error.code, ErrorCode.AUTHENTICATION_FAILED)
        self.assertEqual(len(self.endpoint.tried), 1)
        self.fails(client.ready(), WrongCredentials)
        self.fails(client.room(1).send("hi"), WrongCredentials)
        self.stop(client)

    def test_refused_for_now(self) -> None:
        """
        A refusal for now is waited out, as long as the server says.
        """
        refusal = {"error_code": 1005, "reason": "too_many_tries", "retry_after": 7.5}
        self.chat.login_refusals.append(refusal)
        client = self.start()
        self.endpoint.run(7.4)
        self.assertEqual(len(self.endpoint.tried), 1)
        self.endpoint.run(0.2)
        self.assertEqual(len(self.endpoint.tried), 2)
        self.do(client.ready())

    def test_a_server_at_fault(self) -> None:
        """
        A server that fails at a login is tried again, whatever it says of that.
        """
        self.chat.login_refusals.append(
            {"error_code": 1009, "reason": "internal_error", "temporary": False}
        )
        client = self.start()
        self.endpoint.run(2)
        self.do(client.ready())
        self.assertEqual(len(self.endpoint.tried), 2)

    def test_register(self) -> None:
        """
        An account is made if there is none.
        """
        client = self.start("carol", register=True)
        self.do(client.ready())
        self.assertEqual(client.user_id, 3)
        self.assertEqual(len(self.chat.asked("register_request")), 1)

    def test_register_in_vain(self) -> None:
        """
        With a wrong password for an account that there is, it is the password that is
        wrong.
        """
        client = self.start(register=True, password="wrong-one")
        error = self.fails(client.ready(), WrongCredentials)
        self.assertNotIsInstance(error, UsernameTaken)

    def test_no_registration(self) -> None:
        """
        Without being asked to, a client makes no account.
        """
        client = self.start("carol")
        self.fails(client.ready(), WrongCredentials)
        self.assertNotIn("carol", self.chat.users)

    def test_token(self) -> None:
        """
        After the first login the password does not travel again.
        """
        client = self.start()
        self.endpoint.link.cut()
        self.endpoint.run(1)
        self.do(client.ready())
        self.assertEqual(len(self.chat.asked("login_request")), 1)
        self.assertEqual(len(self.chat.asked("token_login_request")), 1)

    def test_token_is_refused(self) -> None:
        """
        Where the token is good no longer, the password is.
        """
        self.start()
        self.chat.tokens.clear()
        self.endpoint.link.cut()
        self.endpoint.run(1)
        self.assertEqual(len(self.chat.asked("login_request")), 2)
        self.assertEqual(len(self.told.of(Connected)), 2)


class ReconnectTests(ClientCase):
    """
    What becomes of a client whose connection is lost, or never made.
    """

    def test_nobody_listens(self) -> None:
        """
        Who asks for a server in time, and there is none, hears code 1010 and why.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        ready = Deferred.fromCoroutine(client.ready(timeout=10))
        self.endpoint.run(9)
        self.assertNoResult(ready)
        self.endpoint.run(2)
        error = self.failureResultOf(ready, NetworkError).value
        self.assertEqual(error.code, 1010)
        self.assertEqual(error.text("en"), "The server cannot be reached")
        self.assertIsInstance(error.__cause__, ConnectError)
        self.endpoint.is_refusing = False
        self.endpoint.run(60)
        self.do(client.ready(timeout=10))

    def test_an_endpoint_that_raises(self) -> None:
        """
        An endpoint that fails in its own way is tried again, too.
        """

        def accept() -> FakeEnd:
            raise OSError("no route")

        self.endpoint.accept = accept
        client = self.start()
        self.endpoint.run(2)
        self.endpoint.accept = self.chat.accept
        self.endpoint.run(5)
        self.do(client.ready())

    def test_backoff(self) -> None:
        """
        Each wait is twice as long as the one before, up to a minute.
        """
        self.endpoint.is_refusing = True
        client = self.make(retry_policy=exponential(Late()))
        client.startService()
        for _ in range(3000):
            self.clock.advance(0.25)
        waits = [b - a for a, b in zip(self.endpoint.tried, self.endpoint.tried[1:], strict=False)]
        self.assertEqual(waits[:8], [0.5, 1, 2, 4, 8, 16, 32, 60])
        self.stop(client)

    def test_jitter(self) -> None:
        """
        A wait is never less than half of its limit, nor more.
        """
        for chance in (Early(), Late()):
            waits = [exponential(chance)(failures) for failures in range(1, 100)]
            self.assertGreaterEqual(min(waits), FIRST / 2)
            self.assertLessEqual(max(waits), MOST)
        self.assertEqual(exponential(Early())(3), FIRST * 2)
        self.assertEqual(exponential(Late())(3), FIRST * 4)

    def test_flapping(self) -> None:
        """
        A session that soon ends counts as a failure, and one that lasts does not.
        """
        backoff = Backoff(float)
        self.assertEqual([backoff(), backoff()], [1.0, 2.0])
        backoff.lasted(1.0)
        self.assertEqual(backoff(), 3.0)
        backoff.lasted(60.0)
        self.assertEqual(backoff(), 1.0)

    def test_what_a_server_asks(self) -> None:
        """
        No server can have a client wait for ever.
        """
        backoff = Backoff(float)
        backoff.wait_at_least(1e9)
        self.assertEqual(backoff(), 3600.0)

    def test_events_go_on(self) -> None:
        """
        What was said while the connection was lost comes first, then what is said.
        """
        self.start()
        self.chat.say(1, "bob", "one")
        self.endpoint.flow()
        self.endpoint.link.cut()
        self.chat.say(1, "bob", "two")
        self.endpoint.run(1)
        self.chat.say(1, "bob", "three")
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["one", "two", "three"])
        kinds = [type(each).__name__ for each in self.told.events]
        self.assertEqual(kinds[1:4], ["ChatMessage", "Disconnected", "Connected"])

    def test_goodbye(self) -> None:
        """
        A server that says when to come back is given that time.
        """
        self.start()
        self.goodbye(reconnect=True, reconnect_after=20.0)
        self.endpoint.run(19)
        self.assertEqual(len(self.endpoint.tried), 1)
        self.endpoint.run(2)
        self.assertEqual(len(self.endpoint.tried), 2)

    def test_goodbye_for_good(self) -> None:
        """
        A server that wants no more of a client is not asked again.
        """
        client = self.start()
        self.chat.is_mute = True
        sending = self.begin(client.room(1).send("hi"))
        self.goodbye(reconnect=False, reconnect_after=0.0)
        self.endpoint.run(200)
        self.assertEqual(len(self.endpoint.tried), 1)
        error = self.failureResultOf(sending, Refusal).value
        self.assertEqual(error.reason, "revoked")
        self.assertEqual(str(error), "Bye!")

    def goodbye(self, **keys: Any) -> None:
        """
        Have the server close.
        """
        end = self.chat.ends[-1]
        end.write("goodbye", reason="revoked", text="Bye!", **keys)
        end.is_closing = True
        self.endpoint.flow()

    def test_heartbeat(self) -> None:
        """
        A server that says nothing is asked, and left when it does not answer.
        """
        self.chat.heartbeat = 10
        self.start()
        self.endpoint.run(35)
        self.assertEqual(len(self.chat.asked("ping")), 3)
        self.assertEqual(len(self.endpoint.tried), 1)
        self.endpoint.link.is_dead = True
        self.endpoint.run(30)
        self.assertEqual(len(self.endpoint.tried), 2)
        self.assertEqual(len(self.told.of(Disconnected)), 1)

    def test_ping(self) -> None:
        """
        A server that asks is answered.
        """
        self.start()
        self.chat.ends[-1].write("ping", nonce="n1")
        self.endpoint.flow()
        self.assertEqual([each["nonce"] for each in self.chat.asked("pong")], ["n1"])

    def test_nobody_is_let_in(self) -> None:
        """
        A server that does not answer the hello is tried again.
        """
        self.chat.is_mute = True
        self.start()
        self.endpoint.run(70)
        self.assertGreater(len(self.endpoint.tried), 1)

    def test_nothing_missed_is_told(self) -> None:
        """
        A server that lets one in, and answers a ping, but never tells what was missed is
        tried again.
        """
        self.chat.knows_no_resume = True
        client = self.start()
        self.endpoint.run(130)
        self.assertGreater(len(self.endpoint.tried), 1)
        self.chat.knows_no_resume = False
        self.endpoint.run(130)
        self.do(client.ready())

    def test_after_the_end(self) -> None:
        """
        There is nothing to read of a client that has come to its end.
        """
        client = self.start()
        self.stop(client)
        self.assertRaises(NetworkError, client.events)

    def test_nonsense(self) -> None:
        """
        Of a server that does not speak the protocol nothing more is heard.
        """
        for line in (b"nonsense\n", b'{"message_type":"typing"}\n', b"x" * (2**24 + 1)):
            client = self.start()
            self.chat.ends[-1].write_raw(line + b'{"message_type":"ping","nonce":"n1"}\n')
            self.endpoint.flow()
            self.assertTrue(self.endpoint.link.is_lost)
            self.assertEqual(self.chat.asked("pong"), [])
            self.stop(client)

    def test_the_unknown(self) -> None:
        """
        Types and keys of a newer server are passed over.
        """
        self.start()
        self.chat.ends[-1].write("horoscope", sign="virgo")
        self.chat.ends[-1].write("ping", nonce="n1", later=True)
        self.endpoint.flow()
        self.assertEqual(len(self.chat.asked("pong")), 1)

    def test_stop(self) -> None:
        """
        A client that is stopped closes, and whoever waits hears code 1010.
        """
        client = self.start()
        self.chat.is_mute = True
        sending = self.begin(client.room(1).send("hi"))
        asking = self.begin(client.room(1).mark_read(1))
        self.stop(client)
        self.assertTrue(self.endpoint.link.is_lost)
        for each in (sending, asking):
            self.failureResultOf(each, NetworkError)
        self.fails(client.room(1).send("hi"), NetworkError)
        self.fails(client.ready(), NetworkError)
        self.endpoint.run(200)
        self.assertEqual(len(self.endpoint.tried), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_without_an_end(self) -> None:
        """
        A server that does not let go is left all the same.
        """
        client = self.start()
        self.endpoint.link.is_dead = True
        stopping = client.stopService()
        self.endpoint.run(1)
        self.assertNoResult(stopping)
        self.endpoint.run(2)
        self.successResultOf(stopping)

    def test_stop_between(self) -> None:
        """
        A client can be stopped while there is no connection, and unstarted.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        self.stop(client)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.stop(self.make())

    def test_stop_twice(self) -> None:
        """
        A client that was stopped can be stopped again, at once as well.
        """
        client = self.start()

        async def stop() -> None:
            await client.stopService()
            await client.stopService()

        stopping = self.begin(stop())
        self.endpoint.run(3)
        self.successResultOf(stopping)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_start_again(self) -> None:
        """
        A client that was stopped can be started again.
        """
        client = self.start()
        self.stop(client)
        client.startService()
        self.endpoint.flow()
        self.do(client.ready())
        self.do(client.room(1).send("hi"))


class Early:
    """
    Chance that always has the least.
    """

    def uniform(self, a: float, b: float, /) -> float:
        """The least."""
        return a

    def getrandbits(self, k: int, /) -> int:
        """The least."""
        return 0


class Late(Early):
    """
    Chance that always has the most.
    """

    def uniform(self, a: float, b: float, /) -> float:
        """The most."""
        return b


class RoomTests(ClientCase):
    """
    What one does in rooms.
    """

    def test_send(self) -> None:
        """
        What is sent is stored, and then told like everything else.
        """
        client = self.start()
        stored = self.do(client.room(1).send("hello"))
        self.assertEqual((stored.message_id, stored.seq, stored.duplicate), (1, 1, False))
        self.assertEqual(stored.server_time, TIME)
        [said] = self.told.of(ChatMessage)
        self.assertEqual(said.client_message_id, stored.client_message_id)

    def test_a_name_of_ones_own(self) -> None:
        """
        What has a name already is stored once.
        """
        room = self.start().room(1)
        first = self.do(room.send("hello", client_message_id="answer-1"))
        second = self.do(room.send("hello", client_message_id="answer-1"))
        self.assertEqual(first.message_id, second.message_id)
        self.assertTrue(second.duplicate)

    def test_refused(self) -> None:
        """
        A refusal is of the class that the server raised, and has its words.
        """
        client = self.start()
        error = self.fails(client.join("nowhere"), RoomNotFound)
        self.assertIsInstance(error, Refusal)
        self.assertEqual((error.code, error.reason), (1004, "chat_not_found"))
        self.assertEqual((str(error), error.temporary), ("no", False))

    def test_create_and_join(self) -> None:
        """
        A room that is made or joined is followed from there.
        """
        alice = self.start()
        room = self.do(alice.create("dev", ["bob"]))
        self.assertEqual(room.id, 2)
        self.do(room.send("first"))
        self.assertEqual(self.told.contents, ["first"])
        assert room.head is not None
        self.assertEqual((room.head.chat_name, room.head.last_seq), ("dev", 3))
        self.chat.add_user("carol")
        carol = self.start("carol")
        self.told.events.clear()
        joined = self.do(carol.join("dev"))
        self.chat.say(2, "bob", "second")
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["second", "second"])
        self.assertEqual(carol.positions[2], 5)
        self.assertEqual(joined, carol.room(2))

    def test_leave_and_come_back(self) -> None:
        """
        What happened between two memberships is not missed.
        """
        client = self.start()
        self.do(client.create("dev", ["bob"]))
        room = self.chat.rooms[2]
        self.chat.leave(room, "alice")
        self.endpoint.flow()
        self.assertNotIn(2, client.heads)
        self.assertNotIn(2, client.positions)
        self.chat.say(2, "bob", "behind your back")
        self.chat.join(room, "alice")
        self.chat.say(2, "bob", "welcome back")
        self.endpoint.flow()
        self.assertEqual(self.told.contents, ["welcome back"])
        self.assertEqual(len(self.told.of(MemberLeft)), 1)
        self.assertEqual(len(self.told.of(MemberJoined)), 3)

    def test_history(self) -> None:
        """
        A page has its messages, and says what is beyond it.
        """
        room = self.start().room(1)
        self.chat.say(1, "bob", "one")
        self.chat.say(1, "bob", "two")
        page = self.do(room.history(limit=10))
        self.assertEqual([each.content for each in page.messages], ["one", "two"])
        self.assertEqual((page.first_seq, page.last_seq), (1, 2))
        self.assertFalse(page.more_before or page.more_after)

    def test_heads(self) -> None:
        """
        The heads count what is not read.
        """
        client = self.start()
        self.chat.say(1, "bob", "hi @alice", mentions=[1])
        self.chat.say(1, "bob", "there?")
        self.endpoint.flow()
        head = client.heads[1]
        self.assertEqual((head.last_seq, head.unread, head.mentions), (2, 2, 1))
        marker = self.do(client.room(1).mark_read(2))
        self.assertEqual(marker.seq, 2)
        self.assertEqual((client.heads[1].unread, client.heads[1].read_seq), (0, 2))
        self.assertEqual(self.told.of(ReadMarker), [marker])

    def test_a_head_after_a_marker(self) -> None:
        """
        Who has marked something as read finds it so at once.
        """
        client = self.start()
        self.chat.say(1, "bob", "hi")

        async def mark() -> tuple[int, int]:
            await client.room(1).mark_read(1)
            head = client.heads[1]
            return head.read_seq, head.unread

        self.assertEqual(self.do(mark()), (1, 0))

    def test_typing(self) -> None:
        """
        Typing is told at once or not at all.
        """
        client = self.start()
        client.room(1).typing(True)
        self.endpoint.flow()
        self.assertTrue(self.chat.asked("typing")[0]["active"])
        self.endpoint.link.cut()
        client.room(1).typing(False)
        self.endpoint.run(1)
        self.assertEqual(len(self.chat.asked("typing")), 1)
        ends = self.chat.ends
        ends[-1].write("typing", chat_group_id=1, user_id=2, username="bob", active=True)
        self.endpoint.flow()
        self.assertEqual([each.username for each in self.told.of(Typing)], ["bob"])

    def test_any_request(self) -> None:
        """
        Any request of the vocabulary can be asked, before there is a session too.
        """
        client = self.make()
        client.startService()
        asking = Deferred.fromCoroutine(client.request(JoinChatRequest(chat_name="public")))
        self.endpoint.flow()
        [answer] = self.successResultOf(asking)
        self.assertIsInstance(answer, JoinChatResponse)
        self.stop(client)

    def test_what_nothing_answers(self) -> None:
        """
        What nothing answers can be asked too.
        """
        asked = self.do(self.start().request(TypingRequest(chat_group_id=1, active=True)))
        self.assertEqual(asked, [])
        self.assertEqual(len(self.chat.asked("typing")), 1)

    def test_a_connection_lost_before_the_answer(self) -> None:
        """
        A request whose answer is lost is not asked again.
        """
        client = self.start()
        self.chat.is_mute = True
        asking = self.begin(client.request(SearchRequest(query="x")))
        self.endpoint.link.cut()
        self.failureResultOf(asking, NetworkError)

    def test_what_json_cannot_hold(self) -> None:
        """
        A text that can't be sent is refused at once, and is in nobody's way.
        """
        client = self.start()
        self.fails(client.room(1).send("\ud800"), ValueError)
        self.fails(client.join("\ud800"), ValueError)
        self.do(client.room(1).send("fine"))

    def test_too_long(self) -> None:
        """
        A line that the server would not take is refused at once, too.
        """
        client = self.start()
        self.fails(client.room(1).send("x" * 65536), LineTooLong)
        self.fails(client.room(1).edit(1, "x" * 65536), LineTooLong)
        self.do(client.room(1).send("fine"))

    def test_another_password(self) -> None:
        """
        Who changes the password goes on with the new one.
        """
        client = self.start()
        asked = ChangePasswordRequest(old_password=PASSWORD, new_password="secret456")
        self.do(client.request(asked))
        self.chat.tokens.clear()
        self.endpoint.link.cut()
        self.endpoint.run(1)
        self.assertEqual(len(self.told.of(Connected)), 2)

    def test_busy(self) -> None:
        """
        The outbox has an end.
        """
        self.patch(outbox, "MOST_WAITING", 3)
        client = self.start()
        self.chat.is_mute = True
        for _ in range(3):
            self.begin(client.room(1).send("x")).addErrback(lambda _: None)
        self.fails(client.room(1).send("x"), Busy)
