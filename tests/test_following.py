"""
Following the log: what a session is sent of each of its rooms.
"""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.followers import FollowingClient, Room
from tests.peers import MemoryWire, Peer, login, post, register, request
from tests.servers import MemoryServer, memory_server
from tests.strict import Dialect

WEEK = 7 * 24 * 3600


class FollowingTestCase(SynchronousTestCase):
    """
    A server in memory, and those who follow.
    """

    options: dict[str, Any] = {}

    def setUp(self) -> None:
        """
        Start a server.
        """
        self.server: MemoryServer = memory_server(self, language="en", **self.options)
        self.speaker = self.server.connect()
        self.speaker.dialect = Dialect.ASKING
        self.tell(register("speaker"), login("speaker"))

    def tell(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """
        Have somebody who does not follow ask for something.

        @return: what they hear.
        """
        self.speaker.heard.clear()
        self.speaker.send(*messages)
        self.server.pass_time(0.4)
        return list(self.speaker.heard)

    def follow(self, name: str, client: FollowingClient | None = None) -> FollowingClient:
        """
        Log in somebody who follows, for the first time or again.
        """
        follower = client or FollowingClient(name)
        peer = self.server.connect()
        if client is None:
            peer.send(register(name))
            self.server.pass_time(0.1)
            peer.heard.clear()
        follower.connect(peer)
        self.hear(follower)
        return follower

    def hear(self, *followers: FollowingClient) -> None:
        """
        Let everything come that is to come.
        """
        for _ in range(10):
            self.server.pass_time(0.1)
            for each in followers:
                each.hear()

    def wire(self, client: FollowingClient) -> MemoryWire:
        """
        @return: the connection of somebody.
        """
        assert client.peer is not None
        assert isinstance(client.peer.wire, MemoryWire)
        return client.peer.wire

    def kinds(self, client: FollowingClient, room_id: int = 1) -> list[str]:
        """
        @return: what has happened in a room as somebody knows it.
        """
        return [client.rooms[room_id].kinds[seq] for seq in sorted(client.rooms[room_id].kinds)]


class ResumeTests(FollowingTestCase):
    """
    Coming back.
    """

    options = {"heartbeat_seconds": 0}

    def test_nothing_before_it_is_asked_for(self) -> None:
        """
        Nothing of the log is pushed before the first resumption; then all of it is.
        """
        peer = self.server.connect()
        peer.send(request("hello_request", protocol=1), register("alice"), login("alice"))
        self.server.pass_time(1)
        peer.heard.clear()
        self.tell(post("one"), post("two"))
        self.assertEqual(peer.heard, [])
        peer.send(request("resume_request"))
        self.server.pass_time(1)
        said = [(each["content"], each["replay"]) for each in peer.heard[:-1]]
        self.assertEqual(said, [("one", True), ("two", True)])
        self.assertEqual(peer.heard[-1]["message_type"], "resume_response")

    def test_a_week_later(self) -> None:
        """
        Who was away for a week, with edits, deletions and reactions in between, knows
        the same as who never left.
        """
        steady, away = self.follow("steady"), self.follow("away")
        self.tell(*[post(f"before {n}") for n in range(3)])
        self.hear(steady, away)
        self.wire(away).abort()
        for day in range(7):
            self.server.clock.advance(WEEK / 7)
            first = 1 + 10 * day
            said = [post(f"day {day}, {n}", reply_to=1) for n in range(10)]
            self.tell(*said)
            about = self.messages_of(steady)
            changes = [
                request("edit_message_request", message_id=about[0], content=f"edited {day}"),
                request("edit_message_request", message_id=about[-1], content=f"new {day}"),
                request("delete_message_request", message_id=about[-2]),
                request("react_request", message_id=about[-1], reaction="👍"),
                request("react_request", message_id=about[-3], reaction="👍"),
                request("react_request", message_id=about[-3], reaction="👍", add=False),
            ]
            self.assertGreater(first, 0)
            self.tell(*changes)
            self.hear(steady)
        self.follow("away", away)
        self.assertTrue(away.is_resumed)
        mine, theirs = away.rooms[1], steady.rooms[1]
        self.assertEqual(mine.seq, theirs.seq)
        self.assertEqual(mine.messages, theirs.messages)
        self.assertEqual(mine.reactions, theirs.reactions)
        self.assertEqual(mine.kinds, {seq: theirs.kinds[seq] for seq in mine.kinds})
        self.assertEqual(sorted(mine.kinds), list(range(1, theirs.seq + 1)))

    def messages_of(self, client: FollowingClient) -> list[int]:
        """
        @return: the ids of the messages that somebody knows, once they have heard all.
        """
        self.hear(client)
        return [key for key, said in client.rooms[1].messages.items() if said is not None]

    def test_room_by_room(self) -> None:
        """
        Each room goes on from where its follower was, and one that they were added to
        meanwhile from its beginning.
        """
        alice = self.follow("alice")
        self.tell(post("one"), request("create_chat_request", chat_name="dev", request_id="c"))
        self.wire(alice).abort()
        add = {"chat_name": "ops", "member_usernames": ["alice"]}
        self.tell(post("two"), request("create_chat_request", request_id="d", **add))
        self.tell(post("in ops", chat_group_id=3))
        self.follow("alice", alice)
        self.assertEqual(set(alice.rooms), {1, 3})
        self.assertEqual(list(alice.rooms[1].messages.values()), ["one", "two"])
        # Whatever was before one's joining is not new.
        self.assertEqual(list(alice.rooms[3].messages.values()), ["in ops"])

    def test_left_meanwhile(self) -> None:
        """
        A room that somebody has left from another session is not followed any more.
        """
        alice = self.follow("alice")
        assert alice.peer is not None
        alice.peer.send(request("create_chat_request", chat_name="dev"))
        self.hear(alice)
        self.assertEqual(set(alice.rooms), {1, 2})
        self.wire(alice).abort()
        other = self.server.connect()
        other.dialect = Dialect.ASKING
        other.send(login("alice"), request("leave_chat_request", chat_group_id=2))
        self.server.pass_time(1)
        self.follow("alice", alice)
        self.assertEqual(set(alice.rooms), {1})
        self.assertEqual(alice.others[-1]["message_type"], "resume_response")
        self.assertEqual([each["chat_group_id"] for each in alice.others[-1]["chats"]], [1])

    def test_own_name(self) -> None:
        """
        Only who has sent a message sees its own name, replayed or not.
        """
        alice, bob = self.follow("alice"), self.follow("bob")
        assert alice.peer is not None
        assert bob.peer is not None
        alice.peer.send(post("hi", client_message_id="mine"))
        self.server.pass_time(0.5)
        mine = [each.get("client_message_id") for each in alice.peer.heard]
        theirs = [each.get("client_message_id") for each in bob.peer.heard]
        self.assertEqual((mine, theirs), (["mine", "mine"], [None]))
        for client in (alice, bob):
            client.hear()
            client.rooms[1] = Room(0)
            client.resume()
        self.server.pass_time(0.5)
        mine = [each.get("client_message_id") for each in alice.peer.heard]
        theirs = [each.get("client_message_id") for each in bob.peer.heard]
        self.assertEqual((mine[0], theirs[0]), ("mine", None))

    def test_seed(self) -> None:
        """
        Somebody without a hello may ask what they have missed, and follows nothing.
        """
        peer = self.server.connect()
        peer.send(register("alice"), login("alice"))
        self.server.pass_time(1)
        self.tell(post("one"))
        peer.heard.clear()
        position = {"chat_group_id": 1, "after_seq": 0}
        epoch = self.server.chat.epoch
        peer.send(request("resume_request", epoch=epoch, positions=[position]))
        self.server.pass_time(1)
        replayed, resumed = peer.heard
        self.assertEqual((replayed["content"], replayed["replay"]), ("one", True))
        self.assertEqual(resumed["chats"][0]["to_seq"], 1)
        self.tell(post("two"))
        self.server.pass_time(1)
        self.assertNotIn("seq", peer.heard[-1])
        self.assertEqual(peer.heard[-1]["content"], "two")


class StopTests(FollowingTestCase):
    """
    A server that goes.
    """

    options = {"heartbeat_seconds": 0, "stall_seconds": 0}

    def test_while_resuming(self) -> None:
        """
        Whoever is being sent what they missed is not waited for: they are told to come
        back, and go on from where they are then.
        """
        peer = self.resume_without_reading(request("hello_request", protocol=1))
        refused, goodbye = self.stop_and_read(peer)
        self.assertEqual((refused["error_code"], refused["reason"]), (1009, "shutting_down"))
        self.assertEqual((goodbye["reason"], goodbye["reconnect"]), ("shutting_down", True))

    def test_while_resuming_without_a_hello(self) -> None:
        """
        Nor is somebody who has never said hello.
        """
        refused, warning = self.stop_and_read(self.resume_without_reading())
        self.assertEqual(refused["error_code"], 1009)
        self.assertEqual(
            (warning["message_type"], warning["level"]), ("system_message", "warning")
        )

    def resume_without_reading(self, *first: dict[str, Any]) -> Peer:
        """
        @param first: what comes before the login.
        @return: somebody who has asked for much, and reads nothing of it.
        """
        alice = self.follow("alice")
        self.wire(alice).abort()
        for number in range(40):
            self.tell(*[post(f"{number} " + "x" * 3000)] * 10)
        peer = self.server.connect()
        position = {"chat_group_id": 1, "after_seq": 0}
        epoch = self.server.chat.epoch
        peer.send(*first, login("alice"))
        assert isinstance(peer.wire, MemoryWire)
        peer.wire.transport.is_reading = False
        peer.send(request("resume_request", epoch=epoch, positions=[position]))
        self.server.pass_time(1)
        return peer

    def stop_and_read(self, peer: Peer) -> list[dict[str, Any]]:
        """
        Stop the server, which takes no time to speak of.

        @return: the last two lines that somebody hears who reads again.
        """
        stopped = self.server.chat.stopService()
        self.server.clock.advance(0.1)
        self.assertEqual(len(self.server.chat.sessions), 2)
        assert isinstance(peer.wire, MemoryWire)
        peer.wire.transport.is_reading = True
        self.server.pass_time(1)
        self.successResultOf(stopped)
        return peer.heard[-2:]


class SlowTests(FollowingTestCase):
    """
    Reading slowly.
    """

    options = {"heartbeat_seconds": 0, "stall_seconds": 0, "push_bytes": 64 * 1024}

    def test_falls_behind(self) -> None:
        """
        Who does not read is not cut off, costs little memory, and gets everything
        when they go on.
        """
        alice = self.follow("alice")
        self.wire(alice).transport.is_reading = False
        for number in range(100):
            self.tell(*[post(f"{number} " + "x" * 3000)] * 3)
        session = next(s for s in self.server.chat.sessions if s.user and s.user.name == "alice")
        self.assertLess(session.outgoing._queued, 256 * 1024)
        self.assertTrue(session.is_connected)
        self.wire(alice).transport.is_reading = True
        self.hear(alice)
        self.assertEqual(self.kinds(alice), ["chat_message"] * 300)
        self.tell(post("live again"))
        self.hear(alice)
        self.assertEqual(list(alice.rooms[1].messages.values())[-1], "live again")

    def leave_behind(self) -> tuple[FollowingClient, Peer]:
        """
        Have alice leave a room from another session, while this one is behind in it.

        @return: alice, and her other session.
        """
        alice = self.follow("alice")
        add = {"chat_name": "dev", "member_usernames": ["alice"]}
        self.tell(request("create_chat_request", request_id="c", **add))
        self.hear(alice)
        self.wire(alice).transport.is_reading = False
        other = self.server.connect()
        other.dialect = Dialect.ASKING
        other.send(login("alice"))
        for number in range(60):
            self.tell(*[post(f"{number} " + "x" * 3000, chat_group_id=2)] * 3)
        other.send(request("leave_chat_request", chat_group_id=2))
        return alice, other

    def test_left_while_behind(self) -> None:
        """
        Who leaves a room from another session, while this one is behind, is told here all
        that happened until then, and nothing more; coming back, everything again.
        """
        alice, other = self.leave_behind()
        self.server.pass_time(1)
        self.tell(post("not for alice", chat_group_id=2))
        seen = alice.rooms[2]
        self.wire(alice).transport.is_reading = True
        self.hear(alice)
        self.assertNotIn(2, alice.rooms)
        said = [seen.kinds[seq] for seq in sorted(seen.kinds)]
        self.assertEqual(said, ["member_joined", *["chat_message"] * 180, "member_left"])
        self.assertNotIn("not for alice", seen.messages.values())
        other.send(request("join_chat_request", chat_name="dev"))
        self.server.pass_time(1)
        self.tell(post("for alice", chat_group_id=2))
        self.hear(alice)
        self.assertEqual(list(alice.rooms[2].messages.values()), ["for alice"])

    def test_back_while_behind(self) -> None:
        """
        Who has left and joined again before this session read of it misses nothing.
        """
        alice, other = self.leave_behind()
        self.server.pass_time(0.1)
        other.send(request("join_chat_request", chat_name="dev"))
        self.tell(post("for alice", chat_group_id=2))
        assert alice.peer is not None
        self.wire(alice).transport.is_reading = True
        self.server.pass_time(1)
        heard = [each for each in alice.peer.heard if each.get("chat_group_id") == 2]
        seqs = [each["seq"] for each in heard]
        self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))
        last = [each["message_type"] for each in heard[-3:]]
        self.assertEqual(last, ["member_left", "member_joined", "chat_message"])

    def test_others_are_live(self) -> None:
        """
        Who reads is told at once, whoever else does not.
        """
        slow, quick = self.follow("slow"), self.follow("quick")
        self.wire(slow).transport.is_reading = False
        for number in range(50):
            self.tell(*[post(f"{number} " + "x" * 3000)] * 3)
            quick.hear()
            self.assertEqual(quick.rooms[1].seq, 3 * (number + 1))


class RetentionTests(FollowingTestCase):
    """
    Where the log is kept no longer.
    """

    options = {"heartbeat_seconds": 0, "retention_events": 10}

    def test_incomplete(self) -> None:
        """
        Whoever was away for too long is told what is missing, and gets the rest.
        """
        alice = self.follow("alice")
        self.wire(alice).abort()
        self.tell(*[post(str(number)) for number in range(40)])
        self.server.pass_time(120)
        heard: list[Any] = []
        peer = self.come_back(alice)
        self.server.pass_time(1)
        heard += peer.heard
        seqs = [each["seq"] for each in heard if each["message_type"] == "chat_message"]
        self.assertEqual(seqs, list(range(seqs[0], 41)))
        self.assertGreater(seqs[0], 1)
        expected = {"chat_group_id": 1, "from_seq": seqs[0], "to_seq": 40, "complete": False}
        self.assertEqual(heard[-1]["chats"], [expected])

    def come_back(self, client: FollowingClient) -> Peer:
        """
        Resume as somebody, by hand.
        """
        peer = self.server.connect()
        position = {"chat_group_id": 1, "after_seq": client.rooms[1].seq}
        peer.send(
            request("hello_request", protocol=1),
            login(client.name),
            request("resume_request", epoch=client.epoch, positions=[position]),
        )
        return peer
