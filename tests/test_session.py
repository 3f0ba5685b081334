"""
One conversation, turn by turn.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.errors import ErrorCode, StoreUnavailable
from chatroom.server.arriving import QUIET_SECONDS
from chatroom.server.inbox import MOST_BYTES, MOST_LINES
from tests.behaviour import contents
from tests.lanes import SteppingLane
from tests.peers import PASSWORD, MemoryTransport, MemoryWire, Message, Peer, post, request
from tests.servers import MemoryServer, log_in, memory_server
from tests.strict import Dialect


def transport(peer: Peer) -> MemoryTransport:
    """
    @return: the server's end of a connection.
    """
    assert isinstance(peer.wire, MemoryWire)
    return peer.wire.transport


def flow(peer: Peer) -> list[Message]:
    """
    @return: what has come, without any time going by.
    """
    assert isinstance(peer.wire, MemoryWire)
    peer.wire.flow()
    heard, peer.heard = peer.heard, []
    return heard


def step(server: MemoryServer) -> None:
    """
    Have all work of a server with stepping lanes done.
    """
    for _ in range(10):
        server.clock.advance(0.01)
        for lane in server.lanes.values():
            assert isinstance(lane, SteppingLane)
            lane.step_all()


class SessionTestCase(SynchronousTestCase):
    """
    A test with a server in memory.
    """

    def start(self, **settings: Any) -> MemoryServer:
        """
        Start it.
        """
        self.server = memory_server(self, **settings)
        return self.server

    def user(self, name: str) -> Peer:
        """
        @return: a connection on which somebody new is logged in.
        """
        peer = self.server.connect()
        self.successResultOf(Deferred.fromCoroutine(log_in(peer, name)))
        self.server.clock.advance(0)
        return peer

    def stepped_user(self, name: str) -> Peer:
        """
        The same, of a server whose work is stepped through.
        """
        peer = self.server.connect()
        for kind in ("register_request", "login_request"):
            peer.send(request(kind, username=name, password=PASSWORD))
            step(self.server)
        self.assertEqual([each["success"] for each in flow(peer)], [True, True])
        return peer


class QuietTests(SessionTestCase):
    """
    Exactly one line answers a login, for clients that read once.
    """

    def setUp(self) -> None:
        """
        Have somebody who talks, and somebody who has logged in only now.
        """
        self.start()
        self.alice = self.user("alice")
        self.server.pass_time(1)
        self.bob = self.user("bob")
        self.alice.send(post("1"), post("2"))
        self.server.clock.advance(0)
        self.server.clock.advance(0)

    def test_nothing_unasked(self) -> None:
        """
        For a while nothing follows the answer; then all comes, in order.
        """
        self.assertEqual(flow(self.bob), [])
        self.server.clock.advance(QUIET_SECONDS * 0.9)
        self.assertEqual(flow(self.bob), [])
        self.server.clock.advance(QUIET_SECONDS * 0.2)
        self.assertEqual(contents(flow(self.bob)), ["1", "2"])

    def test_who_goes_on(self) -> None:
        """
        A peer that goes on is no longer spared, and hears the pushes first.
        """
        self.bob.send(b"nonsense")
        kinds = [each["message_type"] for each in flow(self.bob)]
        self.assertEqual(kinds, ["chat_message", "chat_message", "error_message"])

    def test_logged_out(self) -> None:
        """
        The quiet of a login ends with what comes next, and does not come back.
        """
        self.bob.send(request("logout_request"))
        self.server.pass_time(1)
        kinds = [each["message_type"] for each in flow(self.bob)]
        self.assertEqual(kinds, ["chat_message", "chat_message", "system_message"])


class LoginTimeTests(SessionTestCase):
    """
    The time to log in.
    """

    def test_overdue(self) -> None:
        """
        Who does not log in is told, and the connection closes.
        """
        self.start()
        peer = self.server.connect()
        self.server.pass_time(29)
        self.assertFalse(peer.wire.is_closed)
        self.server.pass_time(2)
        self.assertEqual([each["level"] for each in flow(peer)], ["warning"])
        self.assertTrue(peer.wire.is_closed)

    def test_after_the_end(self) -> None:
        """
        What comes after the warning is too late: nothing of it happens.
        """
        self.start()
        peer = self.server.connect()
        transport(peer).is_reading = False
        self.server.pass_time(31)
        for kind in ("register_request", "login_request"):
            peer.send(request(kind, username="alice", password=PASSWORD))
        self.assertEqual(self.server.chat.hub.online_count, 0)
        transport(peer).is_reading = True
        self.assertEqual([each["message_type"] for each in flow(peer)], ["system_message"])

    def test_in_time(self) -> None:
        """
        Who has logged in stays.
        """
        self.start()
        peer = self.user("alice")
        self.server.pass_time(100)
        self.assertFalse(peer.wire.is_closed)

    def test_after_logout(self) -> None:
        """
        After a logout the time runs again.
        """
        self.start()
        peer = self.user("alice")
        peer.send(request("logout_request"))
        self.server.pass_time(29)
        self.assertFalse(peer.wire.is_closed)
        self.server.pass_time(2)
        self.assertTrue(peer.wire.is_closed)

    def test_no_limit(self) -> None:
        """
        0 is no limit.
        """
        self.start(login_seconds=0)
        peer = self.server.connect()
        self.server.pass_time(1000)
        self.assertFalse(peer.wire.is_closed)

    def test_while_checked(self) -> None:
        """
        Who waits for us is not overdue.
        """
        self.start(lane=SteppingLane)
        peer = self.server.connect()
        peer.send(request("login_request", username="alice", password=PASSWORD))
        self.server.pass_time(100)
        self.assertFalse(peer.wire.is_closed)
        for lane in self.server.lanes.values():
            assert isinstance(lane, SteppingLane)
            lane.step_all()
        self.server.lanes["chatroom-hash"].step_all()  # type: ignore[attr-defined]
        self.assertEqual([each["success"] for each in flow(peer)], [False])


class FlowTests(SessionTestCase):
    """
    Neither a peer that sends much nor one that reads little costs the others.
    """

    def test_reader_that_does_not_read(self) -> None:
        """
        Who does not read its answers is not asked for more, and loses nothing.
        """
        self.start(login_seconds=0)
        peer = self.server.connect()
        transport(peer).is_reading = False
        peer.send(*([b"x"] * 20_000))
        self.server.pass_time(10)
        self.assertTrue(transport(peer).is_paused)
        self.assertLess(len(transport(peer).written), 300_000)
        transport(peer).is_reading = True
        for _ in range(2000):
            self.server.clock.advance(0)
            assert isinstance(peer.wire, MemoryWire)
            peer.wire.flow()
        self.assertEqual(len(flow(peer)), 20_000)

    def test_slow_reader_is_cut_off(self) -> None:
        """
        Who does not read what is pushed is cut off, and the others are not held up.
        """
        self.start(stall_seconds=0)
        alice, bob = self.user("alice"), self.user("bob")
        transport(bob).is_reading = False
        for number in range(600):
            alice.send(post(f"{number}" + "x" * 3990))
            self.server.pass_time(0.1)
        self.assertEqual(len(contents(flow(alice))), 600)
        self.assertTrue(bob.wire.is_closed)

    def test_turns(self) -> None:
        """
        Many lines of one peer are not handled in one turn.
        """
        self.start()
        peer = self.server.connect()
        peer.send(*([b"x"] * (MOST_LINES * 2)))
        self.assertLess(len(flow(peer)), MOST_LINES)
        self.server.pass_time(0.1)
        self.assertGreater(len(flow(peer)), MOST_LINES)

    def test_bad_lines_behind_a_post(self) -> None:
        """
        What is refused while a post is being stored is bounded too.
        """
        self.start(lane=SteppingLane)
        peer = self.stepped_user("alice")
        peer.send(post("a"), *([b"x"] * 1000))
        for _ in range(100):
            self.server.pass_time(0.1)
        self.assertTrue(transport(peer).is_paused)
        step(self.server)
        for _ in range(100):
            self.server.pass_time(0.1)
        self.assertEqual(len([e for e in flow(peer) if "error_code" in e]), 1000)

    def test_long_lines(self) -> None:
        """
        Long lines that wait are bounded by their bytes, not by their number.
        """
        self.start(lane=SteppingLane)
        peer = self.server.connect()
        peer.send(request("login_request", username="alice", password=PASSWORD))
        for _ in range(100):
            peer.send(b"x" * 8000)
        assert isinstance(peer.wire, MemoryWire)
        kept = len(peer.wire.protocol._bytes) + 8000 * len(peer.wire.protocol._session._inbox)  # type: ignore[union-attr]
        self.assertTrue(transport(peer).is_paused)
        self.assertLess(kept, 2 * MOST_BYTES + 2**16)

    def test_ended_while_paused(self) -> None:
        """
        Who sends much and then no more gets all the answers all the same.
        """
        self.start()
        peer = self.server.connect()
        transport(peer).is_reading = False
        assert isinstance(peer.wire, MemoryWire)
        peer.wire.protocol.dataReceived(b"x\n" * 5000 + b"unended")
        peer.wire.end()
        transport(peer).is_reading = True
        for _ in range(500):
            self.server.clock.advance(0)
            peer.wire.flow()
        self.assertEqual(len(flow(peer)), 5001)
        self.assertTrue(peer.wire.is_closed)


class FaultTests(SessionTestCase):
    """
    Whatever goes wrong, the peer is told so in its place.
    """

    def test_refusal_in_full(self) -> None:
        """
        Only a post has a C{client_message_id}: on another request it is ignored.
        """
        self.start()
        peer = self.server.connect()
        peer.dialect = Dialect.ASKING
        peer.send(
            b'{"message_type":"login_request","client_message_id":"c"}',
            b'{"message_type":"chat_message","client_message_id":"c"}',
        )
        login, refused = flow(peer)
        self.assertNotIn("reason", login)
        self.assertEqual((refused["reason"], refused["client_message_id"]), ("bad_field", "c"))

    def fail(self, lane: str) -> None:  # type: ignore[override]
        """
        Have the next piece of work in a lane fail.
        """
        stepping = self.server.lanes[lane]
        assert isinstance(stepping, SteppingLane)
        stepping.fail(StoreUnavailable())

    def test_database_fails(self) -> None:
        """
        A post that could not be stored is refused with 1009; the next one is stored.
        """
        self.start(lane=SteppingLane)
        peer = self.stepped_user("alice")
        peer.send(post("a", request_id="1"))
        self.server.clock.advance(0)
        self.fail("chatroom-write")
        (refused,) = flow(peer)
        self.assertEqual(
            (refused["error_code"], refused["reason"], refused["temporary"]),
            (ErrorCode.SERVER_ERROR, "store_unavailable", True),
        )
        peer.send(post("b"))
        step(self.server)
        self.assertEqual(contents(flow(peer)), ["b"])

    def test_login_while_the_database_fails(self) -> None:
        """
        A login that can't be checked is refused as a login is.
        """
        self.start(lane=SteppingLane)
        peer = self.server.connect()
        peer.send(request("login_request", username="alice", password=PASSWORD))
        self.fail("chatroom-read")
        (refused,) = flow(peer)
        self.assertEqual((refused["message_type"], refused["success"]), ("login_response", False))

    def test_bug(self) -> None:
        """
        What nobody expected is a bare 1009 for the peer, and a traceback for us.
        """
        self.start(lane=SteppingLane)
        peer = self.stepped_user("alice")
        peer.send(request("user_info_request"))
        lane = self.server.lanes["chatroom-read"]
        assert isinstance(lane, SteppingLane)
        lane.fail(ZeroDivisionError("secret"))
        (refused,) = flow(peer)
        self.assertEqual(refused["error_code"], ErrorCode.SERVER_ERROR)
        self.assertNotIn("secret", refused["error_message"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_gone_while_storing(self) -> None:
        """
        A post whose sender is gone before it is stored is stored all the same.
        """
        self.start(lane=SteppingLane)
        peer = self.stepped_user("alice")
        peer.send(post("a"))
        self.server.clock.advance(0)
        peer.wire.abort()
        step(self.server)
        again = self.server.connect()
        again.send(request("login_request", username="alice", password=PASSWORD))
        step(self.server)
        again.send(request("enter_chat_request", chat_name="public"))
        step(self.server)
        self.assertEqual(contents(flow(again), "chat_history"), ["a"])

    def test_posts_share_a_commit(self) -> None:
        """
        Posts in a row are one commit; what follows them waits for it.
        """
        self.start(lane=SteppingLane)
        peer = self.stepped_user("alice")
        peer.send(post("a"), post("b"), post("c"), request("user_info_request"))
        self.server.clock.advance(0)
        writing, reading = (self.server.lanes[f"chatroom-{x}"] for x in ("write", "read"))
        assert isinstance(writing, SteppingLane)
        assert isinstance(reading, SteppingLane)
        self.assertEqual((len(writing.queue), len(reading.queue)), (1, 0))
        writing.step()
        self.server.clock.advance(0)
        self.assertEqual((len(writing.queue), len(reading.queue)), (0, 1))
        step(self.server)
        self.assertEqual(contents(flow(peer)), ["a", "b", "c"])


class StopTests(SessionTestCase):
    """
    The server goes, and says so.
    """

    def test_idle(self) -> None:
        """
        Who is connected is warned, and the connection closes.
        """
        self.start()
        peers = [self.user("alice"), self.server.connect()]
        stopped = self.server.chat.stopService()
        for peer in peers:
            self.assertEqual(
                [(each["message_type"], each["level"]) for each in flow(peer)],
                [("system_message", "warning")],
            )
            self.assertTrue(peer.wire.is_closed)
        self.successResultOf(stopped)

    def test_under_way(self) -> None:
        """
        What was begun is finished and acknowledged; what waits is refused.
        """
        self.start(lane=SteppingLane)
        peer = self.stepped_user("alice")
        peer.send(post("a", request_id="1"), request("list_chats_request", request_id="2"))
        self.server.clock.advance(0)
        stopped = self.server.chat.stopService()
        self.assertNoResult(stopped)
        step(self.server)
        answers = [each.get("reason", each["message_type"]) for each in flow(peer)]
        self.assertEqual(
            answers, ["chat_message_ack", "chat_message", "shutting_down", "system_message"]
        )
        self.server.clock.advance(0)
        self.successResultOf(stopped)

    def test_others_hear_what_was_accepted(self) -> None:
        """
        What is being stored when the server goes is pushed before it says goodbye.
        """
        self.start(lane=SteppingLane)
        alice, bob = self.stepped_user("alice"), self.stepped_user("bob")
        self.server.pass_time(1)
        flow(bob)
        alice.send(post("a"))
        self.server.clock.advance(0)
        stopped = self.server.chat.stopService()
        self.assertEqual(flow(bob), [])
        step(self.server)
        self.assertEqual(
            [each["message_type"] for each in flow(bob)], ["chat_message", "system_message"]
        )
        flow(alice)
        self.successResultOf(stopped)

    def test_locked_database(self) -> None:
        """
        A database that does not answer does not keep the server up.
        """
        self.start(lane=SteppingLane)
        peer = self.stepped_user("alice")
        peer.send(post("a", request_id="r"))
        stopped = self.server.chat.stopService()
        self.server.pass_time(8)
        flow(peer)
        self.successResultOf(stopped)

    def test_reader_that_does_not_read(self) -> None:
        """
        A peer that does not read does not keep the server up.
        """
        self.start()
        alice = self.user("alice")
        transport(alice).is_reading = False
        for _ in range(200):
            alice.send(post("x" * 3000))
            self.server.pass_time(0.1)
        stopped = self.server.chat.stopService()
        self.server.pass_time(9)
        self.successResultOf(stopped)

    def test_new_connections(self) -> None:
        """
        A server that goes, or has not come, answers nobody.
        """
        self.start()
        self.successResultOf(self.server.chat.stopService())
        self.assertIsNone(self.server.factory.buildProtocol(None))

    def test_again(self) -> None:
        """
        A server that was stopped can be started again.
        """
        self.start()
        alice = self.user("alice")
        stopped = self.server.chat.stopService()
        flow(alice)
        self.successResultOf(stopped)
        self.server.chat.startService()
        peer = self.server.connect()
        answer = Deferred.fromCoroutine(
            peer.ask(request("login_request", username="alice", password=PASSWORD))
        )
        self.assertTrue(self.successResultOf(answer)["success"])
