"""
Following the log while other things happen: what comes between a question to the
database and its answer.
"""

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from chatroom.errors import StoreUnavailable
from chatroom.server.following import PAUSE_SECONDS
from tests.followers import LOG_TYPES
from tests.lanes import SteppingLane
from tests.peers import Message, Peer, login, post, register, request
from tests.servers import MemoryServer, memory_server
from tests.strict import Dialect


class RacesTestCase(SynchronousTestCase):
    """
    A server in memory whose threads do nothing by themselves, and a speaker.
    """

    options: dict[str, Any] = {}

    def setUp(self) -> None:
        """
        Start a server.
        """
        options = {"heartbeat_seconds": 0, "stall_seconds": 0, **self.options}
        self.server: MemoryServer = memory_server(self, SteppingLane, language="en", **options)
        self.speaker = self.asking()
        names = ("speaker", "alice", "bob")
        self.speaker.send(*map(register, names), login("speaker"))
        self.settle()

    def lane(self, name: str) -> SteppingLane:
        """
        @return: a thread to step.
        """
        lane = self.server.lanes[f"chatroom-{name}"]
        assert isinstance(lane, SteppingLane)
        return lane

    def settle(self, *, but: str | None = None) -> None:
        """
        Let everything come that is to come.

        @param but: the thread that does nothing meanwhile.
        """
        for _ in range(12):
            for name in self.server.lanes:
                if name != f"chatroom-{but}":
                    self.lane(name.removeprefix("chatroom-")).step_all()
            self.flow(0.05)

    def flow(self, seconds: float = 0.001) -> None:
        """
        Let a moment go by.
        """
        self.server.clock.advance(seconds)
        for peer in self.server.peers:
            peer.wire.flow()  # type: ignore[attr-defined]

    def step(self) -> None:
        """
        Have something be read.
        """
        self.lane("read").step()
        self.flow()

    def withhold(self) -> Callable[[], None]:
        """
        Have something be read.

        @return: what tells it to whoever has asked.
        """
        tell = self.lane("read").do()

        def tell_all() -> None:
            tell()
            self.flow()

        return tell_all

    def asking(self, *messages: Message) -> Peer:
        """
        Connect without a hello.
        """
        peer = self.server.connect()
        peer.dialect = Dialect.ASKING
        peer.send(*messages)
        return peer

    def hello(self, *messages: Message, but: str | None = None) -> Peer:
        """
        Connect with a hello.
        """
        peer = self.server.connect()
        peer.send(request("hello_request", protocol=1), *messages)
        self.settle(but=but)
        return peer

    def make_room(self, *names: str) -> None:
        """
        Make room 2.
        """
        self.speaker.send(
            request("create_chat_request", chat_name="dev", member_usernames=list(names))
        )
        self.settle()

    def resume(self, **positions: int) -> Message:
        """
        @param positions: by room, as in C{room_2}.
        @return: a request to go on from there.
        """
        places = [
            {"chat_group_id": int(name.removeprefix("room_")), "after_seq": seq}
            for name, seq in positions.items()
        ]
        return request("resume_request", epoch=self.server.chat.epoch, positions=places)


def said(peer: Peer) -> list[Any]:
    """
    @return: what somebody has heard people say.
    """
    return [each["content"] for each in peer.heard if each["message_type"] == "chat_message"]


def kinds(peer: Peer) -> list[str]:
    """
    @return: of what types somebody has heard lines.
    """
    return [each["message_type"] for each in peer.heard]


def places(peer: Peer, room_id: int) -> list[int]:
    """
    @return: the places of the events that somebody has heard of in a room, as they came.
    """
    return [
        each["seq"]
        for each in peer.heard
        if each["message_type"] in LOG_TYPES and each["chat_group_id"] == room_id
    ]


class SeedTests(RacesTestCase):
    """
    Somebody who has never said hello asks for what they have missed.
    """

    def setUp(self) -> None:
        """
        alice is in a room where something was said.
        """
        super().setUp()
        self.make_room("alice")
        self.speaker.send(post("before", chat_group_id=2))
        self.alice = self.asking(login("alice"))
        self.other = self.asking(login("alice"))
        self.settle()
        self.alice.heard.clear()

    def test_end(self) -> None:
        """
        It ends with the answer, and nothing goes wrong.
        """
        self.alice.send(self.resume(room_2=0))
        self.settle()
        self.assertEqual(said(self.alice), ["before"])
        self.assertEqual(kinds(self.alice)[-1], "resume_response")

    def test_only_what_is_named(self) -> None:
        """
        The answer is about the rooms that were named.
        """
        self.alice.send(self.resume(room_2=0))
        self.settle()
        chats = self.alice.heard[-1]["chats"]
        self.assertEqual([each["chat_group_id"] for each in chats], [2])

    def test_left_meanwhile(self) -> None:
        """
        Whoever leaves is shown nothing that is said afterwards, at whatever moment it is.
        """
        for steps in range(3):
            with self.subTest(steps=steps):
                self.alice.heard.clear()
                self.alice.send(self.resume(room_2=0))
                for _ in range(steps):
                    self.step()
                tell = self.withhold()
                # (What was said before she came back is hers to read.)
                self.leave_and_say(f"secret {steps}")
                tell()
                self.settle()
                self.assertNotIn(f"secret {steps}", said(self.alice))
                self.assertEqual(kinds(self.alice)[-1], "resume_response")
                self.other.send(request("join_chat_request", chat_name="dev"))
                self.settle()

    def leave_and_say(self, secret: str) -> None:
        """
        Have alice leave, and somebody say something that is not for her.
        """
        self.other.send(request("leave_chat_request", chat_group_id=2))
        self.settle(but="read")
        self.speaker.send(post(secret, chat_group_id=2))
        self.settle(but="read")


class JoinTests(RacesTestCase):
    """
    A membership that is stored before anybody is told.
    """

    def setUp(self) -> None:
        """
        alice has a token, so that to log in takes no writing.
        """
        super().setUp()
        self.make_room()
        first = self.hello(login("alice"))
        self.token = first.heard[1]["session_token"]
        first.wire.abort()

    def test_resumed_before(self) -> None:
        """
        Who has read of their joining from the log is not told of it once more.
        """
        other = self.asking(login("alice"))
        self.settle()
        other.send(request("join_chat_request", chat_name="dev"))
        self.flow()
        # As where nobody can say for a while what has become of a commit.
        tell = self.lane("write").do()
        alice = self.hello(
            request("token_login_request", session_token=self.token),
            self.resume(room_2=0),
            but="write",
        )
        self.assertEqual(places(alice, 2), [1, 2])
        tell()
        self.settle()
        self.speaker.send(post("welcome", chat_group_id=2))
        self.settle()
        self.assertEqual(places(alice, 2), [1, 2, 3])


class ManyRoomsTests(RacesTestCase):
    """
    Several rooms to be read.
    """

    def setUp(self) -> None:
        """
        alice has missed something in two rooms, and knows by now in how many.
        """
        super().setUp()
        self.make_room("alice")
        self.speaker.send(post("public"), post("dev", chat_group_id=2))
        self.settle()
        self.alice = self.hello(login("alice"))
        self.alice.heard.clear()
        self.alice.send(self.resume(room_1=0, room_2=2))
        self.step()

    def test_one_never_ends(self) -> None:
        """
        A room in which more is always said than was read holds up no other.
        """
        for number in range(10):
            if self.lane("read").queue:
                tell = self.withhold()
                self.speaker.send(post(f"more {number}"))
                self.settle(but="read")
                tell()
        self.assertIn("dev", said(self.alice))
        self.assertIn("resume_response", kinds(self.alice))

    def test_one_cannot_be_read(self) -> None:
        """
        A room that cannot be read for now holds up no other.
        """
        self.lane("read").fail(StoreUnavailable())
        self.flow(PAUSE_SECONDS)
        self.step()
        self.assertEqual(said(self.alice), ["dev"])
        self.settle()
        self.assertEqual(said(self.alice), ["dev", "public"])


class PageTests(RacesTestCase):
    """
    Pages that several are sent.
    """

    def test_deleted_meanwhile(self) -> None:
        """
        Whoever asks after a deletion gets no page that was read before it.
        """
        self.speaker.send(post("secret"))
        self.settle()
        alice, bob = self.hello(login("alice")), self.hello(login("bob"))
        alice.send(self.resume(room_1=0))
        self.step()
        tell = self.withhold()
        self.speaker.send(request("delete_message_request", message_id=1, request_id="1"))
        self.settle(but="read")
        self.assertEqual(kinds(self.speaker)[-1], "delete_message_response")
        bob.send(self.resume(room_1=0))
        self.step()
        tell()
        self.settle()
        self.assertEqual((said(alice), said(bob)), (["secret"], [""]))
        carol = self.hello(register("carol"), login("carol"), self.resume(room_1=0))
        self.assertEqual(said(carol), [""])


class CutTests(RacesTestCase):
    """
    Pages of what is kept no longer.
    """

    options = {"retention_events": 5}

    def test_cut_since(self) -> None:
        """
        What was read for somebody before it was cut off is not sent to others after it.
        """
        self.speaker.send(*[post(str(number)) for number in range(12)])
        self.settle()
        self.hello(login("alice"), self.resume(room_1=0))
        for _ in range(100):
            self.settle()
        bob = self.hello(login("bob"), self.resume(room_1=0))
        self.assertEqual(said(bob), [str(number) for number in range(7, 12)])
        expected = {"chat_group_id": 1, "from_seq": 8, "to_seq": 12, "complete": False}
        self.assertEqual(bob.heard[-1]["chats"], [expected])
