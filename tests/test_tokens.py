"""
Logins by token, what ends them, and another password.
"""

from collections.abc import Awaitable
from hashlib import sha256
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from chatroom.chat.logins import WRONG_TOKENS_A_TRY, random_token
from chatroom.wire.messages import ChangePasswordRequest, LoginResponse, TokenLoginRequest
from tests.log_lines import watch
from tests.peers import PASSWORD, Message, Peer, login, post, register, request
from tests.servers import START, MemoryServer, memory_server
from tests.stores import OnPostgreSQL, OnSQLite, Program

T = TypeVar("T")

NEW_PASSWORD = "secret456"
DAY = 86_400
HOUR = 3600
HOST = "192.0.2.1"


def token_login(token: str, **keys: object) -> Message:
    """
    @return: a request to come back.
    """
    return request("token_login_request", session_token=token, **keys)


def change(old: str = PASSWORD, new: str = NEW_PASSWORD, **keys: object) -> Message:
    """
    @return: a request for another password.
    """
    return request("change_password_request", old_password=old, new_password=new, **keys)


def revoke(session_id: int) -> Message:
    """
    @return: a request to end a login.
    """
    return request("revoke_session_request", session_id=session_id, request_id="revoke")


def minute(time: str) -> str:
    """
    @return: a time of the protocol, cut off behind the minutes.
    """
    return time[:16]


class TokenTestCase(OnSQLite):
    """
    A server with alice, who comes and goes.
    """

    options: dict[str, Any] = {"token_days": 10}

    def setUp(self) -> None:
        """
        Start it.
        """
        super().setUp()
        self.url = self.new_url()
        self.start(**self.options)
        self.ask(self.server.connect(), register("alice"))

    def start(self, **options: Any) -> MemoryServer:
        """
        Start a server.
        """
        self.server = memory_server(self, url=self.url, language="en", **options)
        return self.server

    def done(self, work: Awaitable[T]) -> T:
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
        return self.done(peer.ask(message))

    def hello(self, client: str = "", device: str = "", host: str | None = None) -> Peer:
        """
        @return: somebody who has said hello.
        """
        peer = self.server.connect(host)
        self.ask(peer, request("hello_request", protocol=1, client=client, device=device))
        return peer

    def alice(self, client: str = "", device: str = "", **keys: object) -> tuple[Peer, Message]:
        """
        @return: alice, logged in by her password, and what she was answered.
        """
        peer = self.hello(client, device)
        response = self.ask(peer, login("alice", **keys))  # type: ignore[arg-type]
        self.assertTrue(response["success"], response)
        self.assertEqual(self.done(peer.receive())["message_type"], "chat_heads")
        return peer, response

    def plain(self) -> Peer:
        """
        @return: alice, in the seed's dialect.
        """
        peer = self.server.connect()
        self.assertTrue(self.ask(peer, login("alice"))["success"])
        return peer

    def token(self) -> str:
        """
        @return: a token of alice's, who is not connected.
        """
        peer, response = self.alice()
        peer.wire.abort()
        token: str = response["session_token"]
        return token

    def back(self, token: str, **keys: object) -> Message:
        """
        @return: what is answered to a token.
        """
        peer = self.hello()
        answer = self.ask(peer, token_login(token, **keys))
        peer.wire.abort()
        return answer

    def refused(self, token: str) -> None:
        """
        A token holds no longer.
        """
        answer = self.back(token)
        self.assertEqual((answer["success"], answer["reason"]), (False, "bad_token"))

    def program(self) -> Program:
        """
        @return: another program with the same database.
        """
        return self.another_program(self.url)

    def column(self, name: str) -> list[Any]:
        """
        @return: a column of what is stored of logins.
        """
        return [row[0] for row in self.program().ask(f"SELECT {name} FROM sessions ORDER BY id")]

    def sessions(self, peer: Peer) -> list[Message]:
        """
        @return: what a user sees of their logins.
        """
        found: list[Message] = self.ask(peer, request("list_sessions_request"))["sessions"]
        return found


class TokenTests(TokenTestCase):
    """
    Coming back without a password.
    """

    def test_comes_back(self) -> None:
        """
        A token logs its user in on another connection, as often as they like.
        """
        token = self.token()
        for _ in range(3):
            answer = self.back(token)
            self.assertEqual((answer["success"], answer["username"]), (True, "alice"))
            self.assertEqual(answer["session_token"], token)

    def test_heads(self) -> None:
        """
        The answer is followed by the user's rooms, and the log can be followed.
        """
        peer = self.hello()
        peer.send(token_login(self.token()), request("resume_request"), post("hi"))
        kinds = [each["message_type"] for each in self.done(peer.receive_some(5))]
        expected = ["login_response", "chat_heads", "resume_response"]
        self.assertEqual(kinds, [*expected, "chat_message_ack", "chat_message"])

    def test_after_a_restart(self) -> None:
        """
        A token outlives the server.
        """
        token = self.token()
        self.successResultOf(self.server.stop())
        self.start(**self.options)
        self.assertTrue(self.back(token)["success"])

    def test_stored(self) -> None:
        """
        A token is stored hashed, and nowhere as it is.
        """
        token = self.token()
        stored = [bytes(each) for each in self.column("token_hash")]
        self.assertEqual(stored, [sha256(token.encode()).digest()])
        self.assertNotIn(token, str(self.program().ask("SELECT * FROM sessions")))

    def test_shown(self) -> None:
        """
        Neither a token nor a password is in the C{repr} of a message.
        """
        secret = "c4n4ry"
        for each in (
            TokenLoginRequest(session_token=secret),
            LoginResponse(success=True, session_token=secret),
            ChangePasswordRequest(old_password=secret, new_password=secret),
        ):
            self.assertNotIn(secret, repr(each))

    def test_random(self) -> None:
        """
        A real server's tokens are of 256 bits, and no two are the same.
        """
        tokens = {random_token() for _ in range(100)}
        self.assertEqual(len(tokens), 100)
        self.assertEqual({len(each) for each in tokens}, {43})

    def test_seed(self) -> None:
        """
        Who has not said hello gets no token, and no key more.
        """
        peer = self.server.connect()
        for message in (login("alice"), login("alice", request_id="1")):
            answer = self.ask(peer, message)
            self.assertTrue(answer["success"])
            self.assertNotIn("session_token", answer)
            self.ask(peer, request("logout_request"))
        self.assertEqual(self.column("id"), [])

    def test_seed_comes_back(self) -> None:
        """
        A token is good in the seed's dialect too; the answer has the seed's keys.
        """
        peer, token = self.server.connect(), self.token()
        answer = self.ask(peer, token_login(token))
        expected = {"success", "user_id", "username", "error_message", "message_type", "timestamp"}
        self.assertEqual((answer["success"], set(answer)), (True, expected))
        self.server.pass_time(1)
        self.assertEqual(peer.heard, [])
        self.assertEqual([each["is_current"] for each in self.sessions(peer)], [True])

    def test_expires(self) -> None:
        """
        A token that is not used holds for as long as was said.
        """
        token, other = self.token(), self.token()
        self.assertEqual(minute(self.alice()[1]["token_expires"]), "2022-01-11T00:00")
        self.server.pass_time(10 * DAY - 1)
        self.assertTrue(self.back(token)["success"])
        self.server.pass_time(1)
        self.refused(other)

    def test_renewed(self) -> None:
        """
        A token that is used holds for as long again, and stays the same.
        """
        token = self.token()
        for _ in range(3):
            self.server.pass_time(9 * DAY)
            self.assertTrue(self.back(token)["success"])
        self.assertEqual(minute(self.back(token)["token_expires"]), "2022-02-07T00:00")

    def test_renewed_rarely(self) -> None:
        """
        Coming back at once writes nothing; coming back after a day does.
        """
        token = self.token()
        self.server.pass_time(23 * HOUR)
        self.assertEqual(minute(self.back(token)["token_expires"]), "2022-01-11T00:00")
        self.assertEqual(self.column("expires_at - last_used_at - 864000000"), [0])
        [before] = self.column("last_used_at")
        self.assertEqual(before // 1000, int(START))
        self.server.pass_time(1 * HOUR)
        self.assertEqual(minute(self.back(token)["token_expires"]), "2022-01-12T00:00")
        self.assertEqual(self.column("last_used_at")[0] // 1000, int(START) + DAY)

    def test_wrong(self) -> None:
        """
        A token that never was is refused in one line.
        """
        for token in ("", "x", "张三", self.token() + "x", self.token()[:-1]):
            self.refused(token)
        answer = self.ask(self.server.connect(), token_login("x"))
        self.assertEqual(answer["error_message"], "This login is not valid any more")

    def test_logged_in_already(self) -> None:
        """
        Who is logged in logs out first, as with a password.
        """
        peer, response = self.alice()
        answer = self.ask(peer, token_login(response["session_token"]))
        self.assertEqual(answer["reason"], "already_logged_in")

    def test_disabled(self) -> None:
        """
        A user who may not log in does not come back either.
        """
        token = self.token()
        self.program().do("UPDATE users SET disabled_at = 1")
        self.refused(token)
        self.program().do("UPDATE users SET disabled_at = NULL")
        self.assertTrue(self.back(token)["success"])

    def test_logged_out(self) -> None:
        """
        To log out is to give the token back, with all that is connected by it.
        """
        peer, response = self.alice()
        twin = self.hello()
        self.ask(twin, token_login(response["session_token"]))
        self.assertEqual(
            self.ask(peer, request("logout_request"))["message_type"], "system_message"
        )
        self.refused(response["session_token"])
        self.assertEqual(self.done(twin.closed())[-1]["reason"], "session_revoked")
        self.assertEqual(self.column("id"), [])
        self.assertTrue(self.ask(peer, login("alice"))["success"])

    def test_forgotten(self) -> None:
        """
        A login with a password forgets what has expired.
        """
        self.token()
        self.server.pass_time(10 * DAY)
        self.token()
        self.assertEqual(len(self.column("id")), 1)

    def test_log(self) -> None:
        """
        The operator is told of logins by token as of others, but of no token.
        """
        seen = watch(self)
        token = self.token()
        self.back(token)
        self.back("c4n4ry")
        self.assertEqual([each["user"] for each in seen.of("logged_in")], ["alice", "alice"])
        [failed] = seen.of("login_failed")
        self.assertEqual((failed["user"], failed["reason"]), ("", "bad_token"))
        for secret in (token, "c4n4ry"):
            self.assertNotIn(secret, seen.everything())


class LimitTests(TokenTestCase):
    """
    How many, and how often.
    """

    options = {"sessions_per_user": 2, "login_tries": 1}

    def test_sessions(self) -> None:
        """
        A token is no way around the most sessions of a user; who is refused leaves no
        login, and ends none.
        """
        token, *_ = [self.token() for _ in range(48)]
        peers = [self.alice()[0] for _ in range(2)]
        before = self.column("id")
        self.assertEqual(self.back(token)["reason"], "too_many_sessions")
        answer = self.ask(self.hello(), login("alice"))
        self.assertEqual(answer["reason"], "too_many_sessions")
        self.assertEqual(self.column("id"), before)
        peers[0].wire.abort()
        self.assertTrue(self.back(token)["success"])

    def test_least_used(self) -> None:
        """
        Of too many logins the one goes that was not used for longest.
        """
        tokens = [self.token() for _ in range(50)]
        self.server.pass_time(4 * DAY)
        self.assertTrue(self.back(tokens[0])["success"])
        self.token()
        self.refused(tokens[1])
        for token in (tokens[0], tokens[2]):
            self.assertTrue(self.back(token)["success"])

    def guess(self, number: int, host: str) -> Message:
        """
        @return: what is answered to a token that is none.
        """
        peer = self.hello(host=host)
        answer = self.ask(peer, token_login(f"wrong {number}"))
        peer.wire.abort()
        return answer

    def test_guesses(self) -> None:
        """
        An address that has sent many wrong tokens has to wait before the next one, but
        with one that it has come back by; other addresses, and passwords, do not wait.
        """
        token, other = self.token(), self.token()

        def back(token: str, host: str) -> Message:
            peer = self.hello(host=host)
            answer = self.ask(peer, token_login(token))
            peer.wire.abort()
            return answer

        self.assertTrue(back(token, HOST)["success"])
        for number in range(WRONG_TOKENS_A_TRY):
            self.assertEqual(self.guess(number, HOST)["reason"], "bad_token")
        answer = back(other, HOST)
        self.assertEqual(answer["reason"], "too_many_tries")
        self.assertLessEqual(answer["retry_after"], 1.0)
        self.assertTrue(back(token, HOST)["success"])
        self.assertTrue(back(other, "192.0.2.2")["success"])
        self.assertTrue(self.ask(self.server.connect(HOST), login("alice"))["success"])
        self.server.pass_time(1)
        self.assertTrue(back(other, HOST)["success"])


class ListTests(TokenTestCase):
    """
    Looking at one's logins, and ending some.
    """

    def test_list(self) -> None:
        """
        One sees what logged in when and where, what is here, and what one is oneself.
        """
        self.alice("chat-cli", "laptop")[0].wire.abort()
        self.server.pass_time(HOUR)
        self.alice("app", "phone")
        peer, _ = self.alice()
        seen = [
            (each["client"], each["device"], each["is_online"], each["is_current"])
            for each in self.sessions(peer)
        ]
        self.assertEqual(
            seen,
            [
                ("chat-cli", "laptop", False, False),
                ("app", "phone", True, False),
                ("", "", True, True),
            ],
        )
        first = self.sessions(peer)[0]
        self.assertEqual(minute(first["created_at"]), "2022-01-01T00:00")
        self.assertEqual(first["last_used_at"], first["created_at"])
        self.assertEqual(minute(first["expires_at"]), "2022-01-11T00:00")

    def test_own(self) -> None:
        """
        One sees no others', and none that have expired.
        """
        self.ask(self.server.connect(), register("bob"))
        self.token()
        bob = self.server.connect()
        self.ask(bob, login("bob"))
        self.assertEqual(self.sessions(bob), [])
        self.server.pass_time(10 * DAY)
        self.assertEqual(self.sessions(self.plain()), [])

    def test_revoke(self) -> None:
        """
        A login that is revoked is cut off at once, and its token holds no longer.
        """
        phone, response = self.alice()
        peer, _ = self.alice()
        phone_id = self.sessions(peer)[0]["session_id"]
        seen = watch(self)
        answer = self.ask(peer, revoke(phone_id))
        self.assertEqual(answer["session_id"], phone_id)
        goodbye = self.done(phone.closed())[-1]
        self.assertEqual((goodbye["reason"], goodbye["reconnect"]), ("session_revoked", False))
        self.refused(response["session_token"])
        self.assertEqual([each["is_current"] for each in self.sessions(peer)], [True])
        self.assertIn("session_revoked", seen.names())

    def test_revoke_nothing(self) -> None:
        """
        What is not there, and what is somebody else's, is not there.
        """
        self.ask(self.server.connect(), register("bob"))
        token = self.token()
        bob = self.server.connect()
        self.ask(bob, login("bob"))
        for session_id in (*self.column("id"), 99):
            answer = self.ask(bob, revoke(session_id))
            self.assertEqual(
                (answer["error_code"], answer["reason"], answer["field"]),
                (1004, "session_not_found", "session_id"),
            )
        self.assertTrue(self.back(token)["success"])

    def test_revoke_oneself(self) -> None:
        """
        Who ends their own login is answered, and asked for nothing more.
        """
        peer, response = self.alice()
        (mine,) = self.sessions(peer)
        peer.send(revoke(mine["session_id"]), post("hi"))
        lines = self.done(peer.closed())
        kinds = [each["message_type"] for each in lines]
        self.assertEqual(kinds, ["revoke_session_response", "goodbye"])
        self.refused(response["session_token"])

    def test_revoke_seed(self) -> None:
        """
        A client of the seed that came by a token is told in words.
        """
        peer, token = self.server.connect(), self.token()
        self.ask(peer, token_login(token))
        other, _ = self.alice()
        self.ask(other, revoke(self.sessions(other)[0]["session_id"]))
        [warning] = self.done(peer.closed())
        self.assertEqual(
            (warning["message_type"], warning["level"]), ("system_message", "warning")
        )


class ChangeTests(TokenTestCase):
    """
    Having another password.
    """

    def changed(self, peer: Peer, **keys: Any) -> Message:
        """
        @return: the answer to a change that succeeds.
        """
        answer = self.ask(peer, change(**keys))
        self.assertEqual(answer["message_type"], "change_password_response", answer)
        return answer

    def can_log_in(self, password: str) -> bool:
        """
        Whether a password is alice's.
        """
        peer = self.server.connect()
        answer = self.ask(peer, login("alice", password))
        peer.wire.abort()
        return bool(answer["success"])

    def test_change(self) -> None:
        """
        The new password logs in, and the old one does not.
        """
        self.changed(self.plain())
        self.assertTrue(self.can_log_in(NEW_PASSWORD))
        self.assertFalse(self.can_log_in(PASSWORD))

    def test_others_end(self) -> None:
        """
        All other sessions of the user are told why and closed, at once; their tokens
        hold no longer; and nobody else's.
        """
        self.ask(self.server.connect(), register("bob"))
        bob = self.server.connect()
        self.ask(bob, login("bob"))
        away, (phone, _), seed = self.token(), self.alice(), self.plain()
        peer, response = self.alice()
        self.assertEqual(self.changed(peer)["ended_count"], 2)
        goodbye, warning = self.done(phone.closed())[-1], self.done(seed.closed())[-1]
        self.assertEqual((goodbye["reason"], goodbye["reconnect"]), ("password_changed", False))
        self.assertEqual(warning["level"], "warning")
        self.assertEqual(warning["content"], "The password was changed; please log in again")
        self.refused(away)
        self.assertTrue(self.back(response["session_token"])["success"])
        self.assertEqual(self.ask(peer, post("hi"))["message_type"], "chat_message_ack")
        self.assertEqual(self.done(bob.receive())["content"], "hi")

    def test_within_a_second(self) -> None:
        """
        Who does not read why is gone after a second, and is pushed nothing meanwhile.
        """
        phone, _ = self.alice()
        phone.wire.transport.is_reading = False  # type: ignore[attr-defined]
        peer = self.plain()
        self.changed(peer)
        self.assertEqual(self.server.chat.hub.session_count(1), 1)
        self.ask(peer, post("hi"))
        self.server.pass_time(1)
        self.assertTrue(phone.wire.is_closed)
        self.assertNotIn(b'"hi"', phone.raw)

    def test_seed(self) -> None:
        """
        A session without a token ends all that have one.
        """
        token = self.token()
        peer = self.plain()
        self.assertEqual(self.changed(peer)["ended_count"], 1)
        self.refused(token)
        self.assertEqual(self.ask(peer, post("hi"))["message_type"], "chat_message")

    def test_wrong(self) -> None:
        """
        Without the old password nothing changes, and it counts as a guess.
        """
        token = self.token()
        peer, _ = self.alice()
        seen = watch(self)
        reasons = [self.ask(peer, change("wrong"))["reason"] for _ in range(6)]
        self.assertEqual(reasons, ["wrong_credentials"] * 5 + ["too_many_tries"])
        self.assertEqual(len(seen.of("password_change_failed")), 6)
        self.assertTrue(self.back(token)["success"])
        self.server.pass_time(20)
        self.assertTrue(self.can_log_in(PASSWORD))

    def test_bad(self) -> None:
        """
        A new password that no account can have is refused, by its own name.
        """
        answer = self.ask(self.plain(), change(new="12345", request_id="1"))
        self.assertEqual((answer["reason"], answer["field"]), ("bad_password", "new_password"))
        self.assertTrue(self.can_log_in(PASSWORD))

    def test_needs_login(self) -> None:
        """
        Only who is logged in can do any of this.
        """
        peer = self.hello()
        for message in (change(), revoke(1), request("list_sessions_request")):
            self.assertEqual(self.ask(peer, message)["reason"], "not_logged_in")

    def test_log(self) -> None:
        """
        The operator is told who, and from where, but no password.
        """
        seen = watch(self)
        self.changed(self.plain())
        [changed] = seen.of("password_changed")
        self.assertEqual((changed["user"], changed["address"]), ("alice", "local"))
        for secret in (PASSWORD, NEW_PASSWORD):
            self.assertNotIn(secret, seen.everything())


class TokenOnPostgreSQLTests(OnPostgreSQL, TokenTests):
    """
    The same, with PostgreSQL.
    """


class ListOnPostgreSQLTests(OnPostgreSQL, ListTests):
    """
    The same, with PostgreSQL.
    """


class ChangeOnPostgreSQLTests(OnPostgreSQL, ChangeTests):
    """
    The same, with PostgreSQL.
    """
