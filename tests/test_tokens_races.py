"""
Logins that end while somebody is on their way in, and databases that fail: whoever
was told that nobody comes in by a token, or an old password, can rely on it.
"""

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.passwords import Cost
from chatroom.errors import StoreUnavailable
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Login, User
from tests.lanes import SteppingLane
from tests.peers import PASSWORD, MemoryWire, Message, Peer, login, register, request
from tests.servers import memory_server
from tests.test_tokens import NEW_PASSWORD, change, revoke, token_login

#: Who everything here happens to.
ALICE = User(id=1, name="alice")

#: Where others come from: passwords from one place are looked at one after the other.
ELSEWHERE = "192.0.2.1"


class RaceTestCase(SynchronousTestCase):
    """
    A server whose work is stepped through, and alice, who is logged in.
    """

    def setUp(self) -> None:
        """
        Start it.
        """
        self.server = memory_server(self, SteppingLane)
        lanes: dict[str, Any] = self.server.lanes
        self.writing: SteppingLane = lanes["chatroom-write"]
        self.reading: SteppingLane = lanes["chatroom-read"]
        self.hashing: SteppingLane = lanes["chatroom-hash"]
        self.go_on()
        peer = self.server.connect()
        self.ask(peer, register("alice"))
        peer.wire.abort()
        self.alice = self.hello()
        self.ask(self.alice, login("alice"))

    def go_on(self) -> None:
        """
        Have all work done that waits.
        """
        for _ in range(10):
            self.let()
            for lane in (self.reading, self.hashing, self.writing):
                lane.step_all()

    def let(self) -> None:
        """
        Have happen what needs no thread.
        """
        self.server.clock.advance(0.01)
        for peer in self.server.peers:
            assert isinstance(peer.wire, MemoryWire)
            peer.wire.flow()

    def until(self, lane: SteppingLane) -> None:
        """
        Have the work of other lanes done, until this one has something to do.
        """
        for _ in range(10):
            self.let()
            if lane.queue:
                return
            for other in (self.reading, self.hashing, self.writing):
                if other is not lane:
                    other.step_all()
        raise AssertionError("it never had")

    def hello(self, host: str | None = None) -> Peer:
        """
        @return: somebody who has said hello.
        """
        peer = self.server.connect(host)
        self.ask(peer, request("hello_request", protocol=1))
        return peer

    def ask(self, peer: Peer, message: Message) -> Message:
        """
        @return: the first line of the answer.
        """
        peer.send(message)
        self.go_on()
        return self.heard(peer)[0]

    def heard(self, peer: Peer) -> list[Message]:
        """
        @return: what has come.
        """
        lines, peer.heard = peer.heard, []
        return lines

    def hold(self, lane: SteppingLane) -> Callable[[], None]:
        """
        Keep back the first piece of work of a lane.

        @return: what has it be done after all.
        """
        work = lane.queue.popleft()
        return lambda: lane.queue.append(work)

    def uncertain(self, *, is_done: bool) -> None:
        """
        Have the COMMIT of the first piece of writing fail, and be done or not.
        """
        work, done = self.writing.queue.popleft()
        if is_done:
            work()
        done.errback(CommitUncertain())

    def token(self) -> str:
        """
        @return: a token of alice's, who is not connected by it.
        """
        peer = self.hello()
        token: str = self.ask(peer, login("alice"))["session_token"]
        peer.wire.abort()
        return token

    def logins(self) -> list[Login]:
        """
        @return: alice's logins, as they are stored.
        """
        found = self.server.chat._database.read(lambda store: store.logins(ALICE.id, 0))
        self.reading.step_all()
        return self.successResultOf(found)

    def refused(self, peer: Peer, reason: str) -> None:
        """
        Somebody was answered that they may not come in, and is not in.
        """
        [answer] = self.heard(peer)
        self.assertEqual((answer["success"], answer["reason"]), (False, reason))
        answer = self.ask(peer, request("list_sessions_request", request_id="?"))
        self.assertEqual(answer["reason"], "not_logged_in")
        self.assertEqual(self.server.chat.hub.session_count(ALICE.id), 1)

    def change(self) -> None:
        """
        Alice has another password, and was told so.
        """
        answer = self.ask(self.alice, change())
        self.assertEqual(answer["message_type"], "change_password_response")


class ArrivalTests(RaceTestCase):
    """
    Somebody is on their way in.
    """

    def test_old_password(self) -> None:
        """
        Who has proven the old password does not come in once another is acknowledged.
        """
        mallory = self.server.connect(ELSEWHERE)
        mallory.send(login("alice", request_id="1"))
        self.until(self.hashing)
        self.hashing.step()
        self.until(self.reading)
        attach = self.hold(self.reading)
        self.change()
        attach()
        self.go_on()
        self.refused(mallory, "wrong_credentials")

    def test_old_password_being_checked(self) -> None:
        """
        Nor who had it checked against the old hash.
        """
        mallory = self.server.connect(ELSEWHERE)
        mallory.send(login("alice", request_id="1"))
        self.until(self.hashing)
        check = self.hold(self.hashing)
        self.change()
        check()
        self.go_on()
        self.refused(mallory, "wrong_credentials")

    def test_old_password_for_a_token(self) -> None:
        """
        Nor does anybody get a token by it.
        """
        mallory = self.hello(ELSEWHERE)
        mallory.send(login("alice"))
        self.until(self.hashing)
        self.hashing.step()
        self.until(self.writing)
        begin = self.hold(self.writing)
        self.change()
        begin()
        self.go_on()
        self.refused(mallory, "wrong_credentials")
        self.assertEqual(len(self.logins()), 1)

    def test_came_before(self) -> None:
        """
        Who has come in before it was acknowledged is sent away by it.
        """
        mallory = self.hello(ELSEWHERE)
        self.alice.send(change())
        self.until(self.writing)
        write = self.hold(self.writing)
        self.assertTrue(self.ask(mallory, login("alice"))["success"])
        write()
        self.go_on()
        self.assertEqual(self.heard(mallory)[-1]["reason"], "password_changed")
        self.assertEqual(len(self.logins()), 1)

    def come_by_token(self) -> tuple[Peer, Callable[[], None]]:
        """
        @return: somebody whose token was found to hold, and what tells them.
        """
        mallory = self.hello(ELSEWHERE)
        mallory.send(token_login(self.token()))
        self.until(self.reading)
        return mallory, self.reading.do()

    def test_token_before_a_change(self) -> None:
        """
        A token that was found before the password changed is refused after it.
        """
        mallory, tell = self.come_by_token()
        self.change()
        tell()
        self.go_on()
        self.refused(mallory, "bad_token")

    def test_token_before_it_is_revoked(self) -> None:
        """
        So is one that was found before it was revoked.
        """
        mallory, tell = self.come_by_token()
        theirs = self.logins()[-1]
        self.ask(self.alice, revoke(theirs.id))
        tell()
        self.go_on()
        self.refused(mallory, "bad_token")

    def test_another_is_revoked(self) -> None:
        """
        One of another login is not.
        """
        self.token()
        other = self.logins()[-1]
        mallory, tell = self.come_by_token()
        self.ask(self.alice, revoke(other.id))
        tell()
        self.go_on()
        self.assertTrue(self.heard(mallory)[0]["success"])

    def test_renewed_too_late(self) -> None:
        """
        To be used does not bring back what has ended.
        """
        token = self.token()
        mallory = self.hello(ELSEWHERE)
        self.server.clock.rightNow += 5 * 86_400
        mallory.send(token_login(token))
        self.until(self.writing)
        renew = self.hold(self.writing)
        self.change()
        renew()
        self.go_on()
        self.refused(mallory, "bad_token")
        self.assertEqual(len(self.logins()), 1)

    def test_dated_hash(self) -> None:
        """
        A login that replaces a dated hash of the old password does not bring it back.
        """
        dated = Cost(memory_kib=16).context().hash(PASSWORD)
        self.server.chat._database.write(lambda store: store.set_password_hash(1, dated))
        self.go_on()
        mallory = self.server.connect(ELSEWHERE)
        mallory.send(login("alice", request_id="1"))
        self.until(self.hashing)
        self.hashing.step()
        self.until(self.writing)
        keep = self.hold(self.writing)
        self.change()
        keep()
        self.go_on()
        self.refused(mallory, "wrong_credentials")
        self.assertFalse(self.ask(self.server.connect(), login("alice"))["success"])
        self.assertTrue(self.ask(self.server.connect(), login("alice", NEW_PASSWORD))["success"])

    def test_two_changes(self) -> None:
        """
        Of two changes at once the first holds, and is all that was acknowledged.
        """
        phone = self.hello(ELSEWHERE)
        self.ask(phone, login("alice"))
        self.heard(phone)
        self.alice.send(change())
        phone.send(change(new="another789"))
        self.go_on()
        self.assertEqual(self.heard(self.alice)[-1]["message_type"], "change_password_response")
        self.assertEqual([each["message_type"] for each in self.heard(phone)], ["goodbye"])
        self.assertFalse(self.ask(self.server.connect(), login("alice", "another789"))["success"])
        self.assertTrue(self.ask(self.server.connect(), login("alice", NEW_PASSWORD))["success"])


class LostTests(RaceTestCase):
    """
    Somebody leaves while they are served.
    """

    def test_logging_out(self) -> None:
        """
        Who hangs up while they log out leaves nothing behind.
        """
        self.alice.send(request("logout_request"))
        self.until(self.writing)
        self.alice.wire.abort()
        self.go_on()
        self.assertEqual(self.logins(), [])
        self.assertEqual(self.server.chat.sessions, set())
        self.assertEqual(self.server.chat.admission._anonymous, {})

    def test_revoking_oneself(self) -> None:
        """
        So does who ends their own login, and hangs up at once.
        """
        [mine] = self.logins()
        self.alice.send(revoke(mine.id))
        self.until(self.writing)
        self.writing.step()
        self.alice.wire.abort()
        self.go_on()
        self.assertEqual(self.server.chat.sessions, set())


class FailureTests(RaceTestCase):
    """
    A COMMIT fails, and nobody knows whether it has happened.
    """

    def come(self, *, is_done: bool) -> Message:
        """
        @return: what is answered to a login whose COMMIT failed.
        """
        peer = self.hello()
        peer.send(login("alice"))
        self.until(self.writing)
        self.uncertain(is_done=is_done)
        self.go_on()
        return self.heard(peer)[0]

    def test_begun(self) -> None:
        """
        A login that is stored all the same has a token that holds.
        """
        answer = self.come(is_done=True)
        self.assertTrue(answer["success"])
        self.assertTrue(self.ask(self.hello(), token_login(answer["session_token"]))["success"])

    def test_not_begun(self) -> None:
        """
        One that is not is refused.
        """
        answer = self.come(is_done=False)
        self.assertEqual((answer["success"], answer["reason"]), (False, "store_unavailable"))
        self.assertEqual(len(self.logins()), 1)

    def test_not_attached(self) -> None:
        """
        A login that comes to nothing after all leaves no token.
        """
        peer = self.hello()
        peer.send(login("alice"))
        self.until(self.writing)
        self.writing.step()
        self.reading.fail(StoreUnavailable())
        self.go_on()
        self.assertEqual([each["reason"] for each in self.heard(peer)], ["store_unavailable"])
        self.assertEqual(len(self.logins()), 1)

    def test_changed(self) -> None:
        """
        A change that has happened is acknowledged, and ends what came in meanwhile.
        """
        self.token()
        mallory = self.hello(ELSEWHERE)
        mallory.send(login("alice"))
        self.until(self.writing)
        begin = self.hold(self.writing)
        self.alice.send(change())
        self.until(self.writing)
        begin()
        self.uncertain(is_done=True)
        self.writing.step()
        self.reading.step()
        self.let()
        self.assertTrue(self.heard(mallory)[0]["success"])
        self.go_on()
        self.assertEqual(self.heard(self.alice)[-1]["ended_count"], 1)
        self.assertEqual(len(self.logins()), 1)
        self.assertEqual(self.server.chat.hub.session_count(ALICE.id), 1)
        self.assertFalse(self.ask(self.server.connect(), login("alice"))["success"])

    def test_not_changed(self) -> None:
        """
        One that has not is refused, and ends nothing.
        """
        token = self.token()
        self.alice.send(change())
        self.until(self.writing)
        self.uncertain(is_done=False)
        self.go_on()
        self.assertEqual(self.heard(self.alice)[-1]["reason"], "store_unavailable")
        self.assertTrue(self.ask(self.hello(), token_login(token))["success"])
        self.assertTrue(self.ask(self.server.connect(), login("alice"))["success"])

    def revoke(self, *, is_done: bool) -> Message:
        """
        @return: what is answered to an end of a login whose COMMIT failed.
        """
        self.token()
        self.alice.send(revoke(self.logins()[-1].id))
        self.until(self.writing)
        self.uncertain(is_done=is_done)
        self.go_on()
        return self.heard(self.alice)[-1]

    def test_revoked(self) -> None:
        """
        A login that is gone is acknowledged to be.
        """
        self.assertEqual(self.revoke(is_done=True)["message_type"], "revoke_session_response")
        self.assertEqual(len(self.logins()), 1)

    def test_not_revoked(self) -> None:
        """
        One that is not is refused, and holds.
        """
        self.assertEqual(self.revoke(is_done=False)["reason"], "store_unavailable")
        self.assertEqual(len(self.logins()), 2)

    def test_not_renewed(self) -> None:
        """
        A token that can't be renewed is as good as before.
        """
        token = self.token()
        self.server.clock.rightNow += 5 * 86_400
        peer = self.hello()
        peer.send(token_login(token))
        self.until(self.writing)
        self.uncertain(is_done=False)
        self.go_on()
        answer = self.heard(peer)[0]
        self.assertEqual((answer["success"], answer["token_expires"][:10]), (True, "2022-01-31"))
