"""
What an operator limits, as a peer meets it.
"""

import json
from collections.abc import Awaitable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.messages import MOST_OWN_REACTIONS
from chatroom.server.foreign import may_become_other, other_protocol
from tests.lanes import SteppingLane
from tests.peers import Message, Peer, login, post, register, request
from tests.servers import MemoryServer, log_in, memory_server

T = TypeVar("T")

HOST = "192.0.2.1"


def step(server: MemoryServer) -> None:
    """
    Let the threads do what there is, and time go by.
    """
    for _ in range(50):
        for lane in server.lanes.values():
            lane.step_all()  # type: ignore[attr-defined]
        server.pass_time(0.02)


class LimitTestCase(SynchronousTestCase):
    """
    A server with limits.
    """

    def serve(self, **options: Any) -> MemoryServer:
        """
        Start it.
        """
        self.server = memory_server(self, language="en", **options)
        return self.server

    def wait(self, work: Awaitable[T]) -> T:
        """
        @return: the result of what needs no time.
        """

        async def waiting() -> T:
            return await work

        return self.successResultOf(Deferred.fromCoroutine(waiting()))

    def ask(self, peer: Peer, message: Message) -> Message:
        """
        @return: the next line that comes.
        """
        return self.wait(peer.ask(message))

    def user(self, name: str, host: str | None = None) -> Peer:
        """
        @return: a new user, who has logged in.
        """
        peer = self.server.connect(host)
        self.wait(log_in(peer, name))
        return peer

    def goodbye(self, peer: Peer) -> str:
        """
        @return: the one line that came before the server closed.
        """
        [line] = self.wait(peer.closed())
        self.assertEqual((line["message_type"], line["level"]), ("system_message", "warning"))
        content: str = line["content"]
        return content


class PostTests(LimitTestCase):
    """
    How fast a user may post.
    """

    def test_burst(self) -> None:
        """
        What is too much is refused in its place; what came before it stays.
        """
        self.serve(post_burst=3, post_rate=2)
        alice = self.user("alice")
        alice.send(*(post(str(n), request_id=str(n)) for n in range(5)))
        acks = [each for each in self.wait(alice.receive_some(8)) if "request_id" in each]
        self.assertEqual(
            [(each["request_id"], each.get("error_code")) for each in acks],
            [("0", None), ("1", None), ("2", None), ("3", 1005), ("4", 1005)],
        )
        self.server.pass_time(acks[-1]["retry_after"])
        self.assertEqual(self.ask(alice, post("5", request_id="5"))["seq"], 4)

    def test_plain(self) -> None:
        """
        A plain post that is too fast is refused behind the copies of those that were not.
        """
        self.serve(post_burst=2, post_rate=1)
        alice = self.user("alice")
        alice.send(*(post(str(n)) for n in range(4)))
        heard = self.wait(alice.receive_some(4))
        self.assertEqual([each.get("content") for each in heard], ["0", "1", None, None])
        self.assertEqual([each.get("error_code") for each in heard], [None, None, 1005, 1005])

    def test_all_sessions(self) -> None:
        """
        A user's sessions share what the user may post, and other users have their own.
        """
        self.serve(post_burst=1, post_rate=1)
        alice, bob = self.user("alice"), self.user("bob")
        phone = self.server.connect()
        self.ask(phone, login("alice"))
        self.assertEqual(self.ask(alice, post("1", request_id="1"))["seq"], 1)
        self.wait(phone.settle())
        self.assertEqual(self.ask(phone, post("2", request_id="2"))["reason"], "too_fast")
        bob.send(post("3", request_id="3"))
        self.assertEqual(self.wait(bob.until("chat_message_ack"))[-1]["seq"], 2)

    def test_reactions(self) -> None:
        """
        Nobody takes all the reactions that a message may have.
        """
        self.serve(post_rate=0)
        alice, bob = self.user("alice"), self.user("bob")
        self.ask(alice, post("hi", request_id="1"))
        self.wait(alice.settle())
        reactions = [f"r{number}" for number in range(MOST_OWN_REACTIONS + 1)]
        react = [request("react_request", message_id=1, reaction=each) for each in reactions]
        answers = [self.ask(alice, each) for each in react]
        self.assertEqual(answers[-2]["duplicate"], False)
        self.assertEqual(answers[-1]["error_code"], 1005)
        self.wait(bob.settle())
        self.assertEqual(self.ask(bob, react[-1])["duplicate"], False)

    def test_leaving(self) -> None:
        """
        To make a room and to leave it count as messages: else rooms, and joins and
        leaves, could be made without end.
        """
        self.serve(post_burst=5, post_rate=1, rooms_per_user=1)
        alice = self.user("alice")
        answers = []
        for number in range(3):
            created = self.ask(alice, request("create_chat_request", chat_name=f"room {number}"))
            room_id = created["chat_group_id"]
            leave = request("leave_chat_request", chat_group_id=room_id, request_id="1")
            answers.append(self.ask(alice, leave))
        reasons = [each.get("reason") for each in answers]
        self.assertEqual(reasons, [None, None, "too_fast"])
        self.server.pass_time(answers[-1]["retry_after"])
        self.assertTrue(self.ask(alice, leave)["success"])

    def test_searches(self) -> None:
        """
        A user searches so often at once, and then as often as it is for long.
        """
        self.serve(search_rate=0.5)
        alice = self.user("alice")
        search = request("search_request", query="word", request_id="1")
        for _ in range(2):
            self.assertEqual(self.ask(alice, search)["hits"], [])
        refusal = self.ask(alice, search)
        self.assertEqual((refusal["error_code"], refusal["reason"]), (1005, "too_fast"))
        self.server.pass_time(refusal["retry_after"])
        self.assertEqual(self.ask(alice, search)["hits"], [])

    def test_by_default(self) -> None:
        """
        Nobody posts without end, unless an operator says so.
        """
        self.serve(post_rate=10)
        alice = self.user("alice")
        alice.send(*(post(str(n)) for n in range(30)))
        heard = self.wait(alice.receive_some(30))
        self.assertEqual(sum("content" in each for each in heard), 20)


class GuessingTests(LimitTestCase):
    """
    What wrong passwords cost.
    """

    def test_penalty(self) -> None:
        """
        After five wrong passwords even the right one has to wait, and is not looked at.
        """
        self.serve()
        self.user("alice")
        mallory = self.server.connect(HOST)
        for _ in range(5):
            refusal = self.ask(mallory, login("alice", "wrong", request_id="1"))
            self.assertEqual(refusal["reason"], "wrong_credentials")
        refusal = self.ask(mallory, login("alice", request_id="1"))
        self.assertEqual((refusal["error_code"], refusal["reason"]), (1005, "too_many_tries"))
        self.server.pass_time(refusal["retry_after"])
        self.assertTrue(self.ask(mallory, login("alice"))["success"])

    def test_no_hash(self) -> None:
        """
        A try that comes too early costs no hash, and is answered at once.
        """
        server = self.serve(lane=SteppingLane, login_tries=1)
        mallory = server.connect(HOST)
        hashing = server.lanes["chatroom-hash"]
        assert isinstance(hashing, SteppingLane)
        hashing.step_all()
        mallory.send(login("alice", "wrong"))
        server.lanes["chatroom-read"].step()  # type: ignore[attr-defined]
        hashing.step_all()
        self.assertFalse(self.wait(mallory.receive())["success"])
        refusal = self.ask(mallory, login("alice", "wrong", request_id="1"))
        self.assertEqual(refusal["reason"], "too_many_tries")
        self.assertEqual(len(hashing.queue), 0)

    def test_plain(self) -> None:
        """
        A strict client reads that it has to wait, as any other refusal.
        """
        self.serve(login_tries=1)
        mallory = self.server.connect()
        self.ask(mallory, login("alice", "wrong"))
        refusal = self.ask(mallory, login("alice", "wrong"))
        self.assertEqual(refusal["error_message"], "Too many tries; try again in 1 s")

    def test_at_the_same_time(self) -> None:
        """
        Of many tries at the same time no more are looked at than one after the other.
        """
        server = self.serve(lane=SteppingLane)
        peers = [server.connect(HOST) for _ in range(10)]
        for peer in peers:
            peer.send(login("alice", "wrong", request_id="1"))
        step(server)
        reasons = sorted(self.wait(peer.receive())["reason"] for peer in peers)
        self.assertEqual(reasons, ["too_many_tries"] * 5 + ["wrong_credentials"] * 5)

    def test_right_at_the_same_time(self) -> None:
        """
        Right passwords wait for nobody: of one user, or of an office at nine o'clock.
        """
        server = self.serve(lane=SteppingLane, registrations_per_hour=0, anonymous_per_address=0)
        peer = server.connect(HOST)
        for number in range(30):
            peer.send(register(f"user{number}"))
            step(server)
        self.wait(peer.receive_some(30))
        logins = [f"user{number}" for number in range(30)] + ["user0"] * 10
        peers = [server.connect(HOST) for _ in logins]
        for peer, name in zip(peers, logins, strict=True):
            peer.send(login(name))
        step(server)
        answers = [self.wait(peer.receive()) for peer in peers]
        self.assertEqual([each["error_message"] for each in answers], [None] * len(logins))

    def test_another_address(self) -> None:
        """
        While somebody guesses, the user logs in from elsewhere.
        """
        self.serve(login_tries=1)
        self.user("alice")
        for number in range(2, 20):
            self.ask(self.server.connect(f"192.0.2.{number}"), login("alice", "wrong"))
        self.assertTrue(self.ask(self.server.connect(HOST), login("alice"))["success"])

    def test_unknown_user(self) -> None:
        """
        Whether there is such a user is not told by the penalties either.
        """
        self.serve(login_tries=2)
        self.user("alice")
        answers = []
        for name, host in (("alice", "192.0.2.2"), ("nobody", "192.0.2.3"), ("a b", "192.0.2.4")):
            peer = self.server.connect(host)
            heard = [self.ask(peer, login(name, "wrong")) for _ in range(4)]
            answers.append([{**each, "timestamp": 0} for each in heard])
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])


class RegistrationTests(LimitTestCase):
    """
    Who may make accounts, and how many.
    """

    def test_closed(self) -> None:
        """
        Where registration is closed nobody gets an account, and those who have one log in.
        """
        path = self.mktemp() + "/chat.db"
        self.serve(path=path)
        self.user("alice")
        self.server.stop()
        self.serve(path=path, registration="closed")
        peer = self.server.connect()
        refusal = self.ask(peer, register("bob", request_id="1"))
        self.assertEqual((refusal["error_code"], refusal["reason"]), (1005, "registration_closed"))
        self.assertTrue(self.ask(peer, login("alice"))["success"])

    def test_an_hour(self) -> None:
        """
        An address makes only so many accounts in an hour; others are not concerned.
        """
        self.serve(registrations_per_hour=3)
        peer = self.server.connect(HOST)
        for name in "abc":
            self.assertTrue(self.ask(peer, register(name))["success"])
        refusal = self.ask(peer, register("d", request_id="1"))
        self.assertEqual(refusal["reason"], "too_many_registrations")
        self.assertEqual(round(refusal["retry_after"]), 1200)
        for other in (self.server.connect("192.0.2.2"), self.server.connect()):
            self.assertTrue(self.ask(other, register(f"d{id(other)}"))["success"])
        self.server.clock.advance(1200)
        self.assertTrue(self.ask(self.server.connect(HOST), register("d"))["success"])

    def test_not_made(self) -> None:
        """
        What makes no account does not count.
        """
        self.serve(registrations_per_hour=2)
        peer = self.server.connect(HOST)
        self.assertTrue(self.ask(peer, register("alice"))["success"])
        for name in ("alice", "a b", "ALICE"):
            self.assertFalse(self.ask(peer, register(name))["success"])
        self.assertTrue(self.ask(peer, register("bob"))["success"])

    def test_questions(self) -> None:
        """
        Nobody finds out all names that are taken by asking for them.
        """
        self.serve(registrations_per_hour=1)
        self.user("alice", "192.0.2.2")
        peer = self.server.connect(HOST)
        asked = [self.ask(peer, register("alice", request_id="1"))["reason"] for _ in range(11)]
        self.assertEqual(asked, ["username_taken"] * 10 + ["too_many_registrations"])


class ConnectionTests(LimitTestCase):
    """
    How many connections there may be.
    """

    def test_crowded_out(self) -> None:
        """
        The oldest connection that has not logged in goes, and is told why.
        """
        self.serve(anonymous_connections=2)
        peers = [self.server.connect() for _ in range(3)]
        self.assertIn("Too many are waiting to log in", self.goodbye(peers[0]))
        for name, peer in zip(("alice", "bob"), peers[1:], strict=True):
            self.wait(log_in(peer, name))

    def test_login_under_way(self) -> None:
        """
        Whose password is being checked is not crowded out.
        """
        server = self.serve(lane=SteppingLane, anonymous_connections=2)
        one, two = server.connect(), server.connect()
        one.send(login("alice"))
        server.connect()
        self.goodbye(two)
        for lane in server.lanes.values():
            lane.step_all()  # type: ignore[attr-defined]
        self.assertEqual(self.wait(one.receive())["message_type"], "login_response")

    def test_from_an_address(self) -> None:
        """
        One more than may be from an address is told so, and another takes its place.
        """
        self.serve(connections_per_address=2)
        peers = [self.user(name, HOST) for name in ("alice", "bob")]
        late = self.server.connect(HOST)
        self.assertIn("too many connections from your address", self.goodbye(late))
        peers[0].wire.abort()
        self.wait(log_in(self.server.connect(HOST), "carol"))

    def test_after_logout(self) -> None:
        """
        Who logs out waits for a login like all others.
        """
        self.serve(anonymous_connections=1, login_seconds=10)
        alice = self.user("alice")
        self.ask(alice, request("logout_request"))
        self.server.pass_time(10)
        self.assertIn("in time", self.goodbye(alice))

    def test_sessions_of_a_user(self) -> None:
        """
        A user has only so many sessions; when one ends, another may begin.
        """
        self.serve(sessions_per_user=2)
        peers = [self.user("alice"), self.server.connect(), self.server.connect()]
        self.assertTrue(self.ask(peers[1], login("alice"))["success"])
        refusal = self.ask(peers[2], login("alice", request_id="1"))
        self.assertEqual((refusal["error_code"], refusal["reason"]), (1005, "too_many_sessions"))
        self.ask(peers[0], request("logout_request"))
        self.assertTrue(self.ask(peers[2], login("alice"))["success"])

    def test_sessions_at_the_same_time(self) -> None:
        """
        Logins that are under way count.
        """
        server = self.serve(lane=SteppingLane, sessions_per_user=1)
        peers = [server.connect(host) for host in ("192.0.2.1", "192.0.2.2")]
        peers[0].send(register("alice"))
        step(self.server)
        self.wait(peers[0].receive())
        for peer in peers:
            peer.send(login("alice"))
        step(self.server)
        answers = [self.wait(peer.receive())["success"] for peer in peers]
        self.assertEqual(sorted(answers), [False, True])


class LineTests(LimitTestCase):
    """
    How long a line may be.
    """

    def test_of_a_stranger(self) -> None:
        """
        Who has not logged in does not have more kept than their own limit, ended or not.
        """
        self.serve(line_bytes=0, content_chars=0)
        peer = self.server.connect()
        for _ in range(3):
            peer.wire.write(b"x" * 20_000)
        self.assertEqual(self.wait(peer.receive())["error_code"], 1008)
        protocol = peer.wire.protocol  # type: ignore[attr-defined]
        self.assertLess(len(protocol._bytes), 21_000)
        self.assertEqual(self.ask(peer, "\n" * 2)["error_code"], 1008)  # type: ignore[arg-type]

    def test_behind_a_login(self) -> None:
        """
        A line behind a login may be as long as after it, though the login is under way.
        """
        server = self.serve(lane=SteppingLane)
        peer = server.connect()
        peer.send(register("alice"), login("alice"), post("x" * 4000, request_id="1" * 60))
        long = post("\U0001f600" * 4000, request_id="2")
        peer.wire.write(json.dumps(long).encode())
        step(server)
        peer.wire.write(b"\n")
        step(server)
        acks = [each for each in peer.heard if each["message_type"] == "chat_message_ack"]
        self.assertEqual([each["seq"] for each in acks], [1, 2])


class RoomTests(LimitTestCase):
    """
    How many members, and how many rooms.
    """

    def create(self, name: str, *members: str) -> Message:
        """
        @return: a request for a room.
        """
        return request(
            "create_chat_request", chat_name=name, member_usernames=members, request_id="1"
        )

    def join(self, name: str) -> Message:
        """
        @return: a request to join one.
        """
        return request("join_chat_request", chat_name=name, request_id="1")

    def test_full(self) -> None:
        """
        A room that is full takes nobody more; who is in it may join again.
        """
        self.serve(room_members=2)
        alice, bob, carol = (self.user(name) for name in ("alice", "bob", "carol"))
        self.ask(alice, self.create("tea"))
        self.assertTrue(self.ask(bob, self.join("tea"))["success"])
        refusal = self.ask(carol, self.join("tea"))
        self.assertEqual((refusal["error_code"], refusal["reason"]), (1005, "chat_full"))
        self.wait(bob.settle())
        self.assertTrue(self.ask(bob, self.join("tea"))["success"])

    def test_full_from_the_start(self) -> None:
        """
        A room of too many is not made.
        """
        self.serve(room_members=2)
        alice = self.user("alice")
        for name in ("bob", "carol"):
            self.user(name)
        refusal = self.ask(alice, self.create("tea", "bob", "carol"))
        self.assertEqual(refusal["reason"], "chat_full")
        self.assertTrue(self.ask(alice, self.create("tea", "bob", "alice", "bob"))["success"])

    def test_public(self) -> None:
        """
        The public room has everybody, however many they are.
        """
        self.serve(room_members=1)
        for name in ("alice", "bob"):
            self.user(name)
        carol = self.user("carol")
        self.assertTrue(self.ask(carol, self.join("public"))["success"])

    def test_rooms(self) -> None:
        """
        Who has made and joined as many rooms as one may makes and joins no more.
        """
        self.serve(rooms_per_user=2)
        alice, bob = self.user("alice"), self.user("bob")
        for name in ("coffee", "beer"):
            self.ask(bob, self.create(name))
        self.assertTrue(self.ask(alice, self.create("tea"))["success"])
        self.assertTrue(self.ask(alice, self.join("coffee"))["success"])
        self.wait(alice.settle())
        for message in (self.create("milk"), self.join("beer")):
            refusal = self.ask(alice, message)
            self.assertEqual((refusal["error_code"], refusal["reason"]), (1005, "too_many_chats"))
        self.assertTrue(self.ask(alice, self.join("public"))["success"])

    def test_rooms_of_others(self) -> None:
        """
        Rooms that one is put into by others take nothing of one's share.
        """
        self.serve(rooms_per_user=1)
        alice = self.user("alice")
        for number in range(5):
            mallory = self.user(f"mallory{number}")
            self.ask(mallory, self.create(f"trap {number}", "alice"))
        self.wait(alice.settle())
        self.assertTrue(self.ask(alice, self.create("tea"))["success"])
        self.assertEqual(self.ask(alice, self.create("milk"))["reason"], "too_many_chats")

    def test_at_once(self) -> None:
        """
        Of many who join at the same time no more get in than may.
        """
        server = self.serve(lane=SteppingLane, room_members=3)
        peers = [server.connect() for _ in range(6)]
        for number, peer in enumerate(peers):
            peer.send(register(f"user{number}"), login(f"user{number}"))
        step(server)
        peers[0].send(self.create("tea"))
        step(server)
        for peer in peers[1:]:
            peer.send(self.join("tea"))
        step(server)
        for peer in peers[1:3]:
            self.wait(peer.until("join_chat_response"))
        for peer in peers[3:]:
            self.assertEqual(self.wait(peer.until("error_message"))[-1]["reason"], "chat_full")


class OtherProtocolTests(LimitTestCase):
    """
    Peers that speak something else.
    """

    BEGINNINGS = (
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP"),
        (b'POST / HTTP/1.1\r\n\r\n{"message_type":"register_request"}\n', "HTTP"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    )

    def test_door(self) -> None:
        """
        They get one line, nothing of theirs is done, and they are out.
        """
        self.serve()
        for data, name in self.BEGINNINGS:
            for size in (1, 3, 1000):
                peer = self.server.connect()
                for start in range(0, len(data), size):
                    self.server_hears(peer, data[start : start + size])
                [line] = self.wait(peer.closed())
                self.assertEqual(line["error_code"], 1008)
                self.assertIn(f"not {name}", line["error_message"])

    def server_hears(self, peer: Peer, data: bytes) -> None:
        """
        Send bytes, as they are.
        """
        if not peer.wire.is_closed:
            peer.wire.write(data)

    def test_only_these(self) -> None:
        """
        Whatever else is no JSON is refused, and the connection stays.
        """
        self.serve()
        for data in (b"GETTING\n", b"G\n", b"\n", b"EHLO me\n", b"\x16\n", b"get / HTTP/1.1\n"):
            peer = self.server.connect()
            self.assertEqual(self.wait(peer.ask(data))["error_code"], 1008)
            self.assertFalse(peer.wire.is_closed)
            self.wait(log_in(peer, f"user{len(self.server.peers)}"))

    def test_only_first(self) -> None:
        """
        Only the first bytes of a connection tell.
        """
        self.serve()
        peer = self.user("alice")
        self.assertEqual(self.ask(peer, "GET / HTTP/1.1")["error_code"], 1008)  # type: ignore[arg-type]
        self.assertFalse(peer.wire.is_closed)

    def test_unfinished(self) -> None:
        """
        What could become one and ends before that is a line that was not ended.
        """
        self.serve()
        peer = self.server.connect()
        peer.wire.write(b"GE")
        [line] = self.wait(peer.finish())
        self.assertIn("newline", line["error_message"])

    def test_prefixes(self) -> None:
        """
        Bytes decide as soon as they can.
        """
        self.assertTrue(may_become_other(b""))
        self.assertTrue(may_become_other(b"PO"))
        self.assertFalse(may_become_other(b"{"))
        self.assertFalse(may_become_other(b"POSE"))
        self.assertIsNone(other_protocol(b"PO"))
        self.assertEqual(other_protocol(b"POST "), "HTTP")
