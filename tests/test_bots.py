"""
Bots in the process of the server.
"""

import gc
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from chatroom.bots import bot
from chatroom.client import ChatClient, Credentials, Disconnected, Missed, Refusal
from chatroom.errors import (
    BadUsername,
    Banned,
    NotAMember,
    ShuttingDown,
    TooFast,
    UsernameTaken,
    WrongCredentials,
)
from chatroom.server.local import LocalEndpoint
from chatroom.wire.messages import ChatMessage, PostRequest
from tests.clients import Told
from tests.lanes import SteppingLane
from tests.peers import PASSWORD, Peer, login, post, register, request
from tests.servers import MemoryServer, log_in, memory_server

T = TypeVar("T")


class BotCase(SynchronousTestCase):
    """
    A server in memory, with bots in it.
    """

    def setUp(self) -> None:
        """
        Start a server.
        """
        self.server = self.serve()

    def serve(self, **options: Any) -> MemoryServer:
        """
        @return: a server.
        """
        self.server = memory_server(self, **options)
        return self.server

    def flow(self, seconds: float = 0.0) -> None:
        """
        Let all arrive that is on its way, and time go by.
        """
        self.server.pass_time(seconds)
        self.server.pass_time(0)

    def start(self, name: str = "robot", **options: Any) -> tuple[ChatClient, Told]:
        """
        @return: a bot that is started, and what it is told.
        """
        told = Told()
        robot = bot(self.server.chat, name, **{"on_event": told.events.append, **options})
        self.run_client(robot)
        return robot, told

    def run_client(self, client: ChatClient) -> None:
        """
        Start a client, and stop it after the test.
        """
        client.startService()
        self.addCleanup(self.stop, client)
        self.flow()

    def stop(self, client: ChatClient) -> None:
        """
        Stop a client.
        """
        stopping = client.stopService()
        self.flow(3)
        self.successResultOf(stopping)

    def begin(self, work: Coroutine[Any, Any, T]) -> "Deferred[T]":
        """
        Begin something.
        """
        begun = Deferred.fromCoroutine(work)
        self.flow()
        return begun

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """
        Do something that is done at once.
        """
        return self.successResultOf(self.begin(work))

    def fails(self, work: Coroutine[Any, Any, Any], cls: type[Exception]) -> Any:
        """
        @return: the error that it ends with.
        """
        return self.failureResultOf(self.begin(work), cls).value

    def person(self, name: str = "alice") -> Peer:
        """
        @return: somebody at a terminal, logged in.
        """
        peer = self.server.connect()
        self.successResultOf(log_in(peer, name))
        return peer


class EntranceTests(BotCase):
    """
    Who gets in.
    """

    def test_account(self) -> None:
        """
        A bot gets an account when it comes for the first time, and keeps it.
        """
        robot, _ = self.start()
        self.do(robot.ready())
        again, _ = self.start()
        self.do(again.ready())
        self.assertEqual(robot.user_id, again.user_id)
        [user] = self.do(self.server.chat.accounts.everybody())
        self.assertEqual((user.id, user.name), (robot.user_id, "robot"))

    def test_closed_registration(self) -> None:
        """
        A bot gets an account where nobody else does.
        """
        self.serve(registration="closed")
        robot, _ = self.start()
        self.do(robot.ready())

    def test_nobody_has_its_password(self) -> None:
        """
        Nobody logs in as a bot, with whatever password, and takes its name.
        """
        self.start()
        peer = self.server.connect()
        for password in ("", "x", "robot", PASSWORD):
            refused = self.successResultOf(peer.ask(login("robot", password, request_id="1")))
            self.assertEqual((refused["success"], refused["error_code"]), (False, 1001), password)
        taken = self.successResultOf(peer.ask(register("robot", request_id="2")))
        self.assertEqual(taken["reason"], "username_taken")

    def test_no_password_to_change(self) -> None:
        """
        A bot can't get itself a password.
        """
        robot, _ = self.start()
        user = self.do(self.server.chat.accounts.of_bot("robot"))
        change = self.server.chat.accounts.change_password(user, "", PASSWORD)
        self.fails(change, WrongCredentials)
        self.do(robot.room(1).send("still here"))

    def test_name_of_a_person(self) -> None:
        """
        A bot does not get into the account of who has its name.
        """
        self.person("robot")
        robot, _ = self.start()
        self.fails(robot.ready(), UsernameTaken)

    def test_bad_name(self) -> None:
        """
        A bot with a name that nobody can have is refused for good.
        """
        robot, _ = self.start("no name")
        self.fails(robot.ready(), BadUsername)

    def test_on_behalf_of(self) -> None:
        """
        A program lets in whom it likes, without a password, if there is such a person.
        """
        self.person("alice")
        told = Told()
        for name in ("alice", "nobody"):
            client = ChatClient(
                self.server.clock,
                LocalEndpoint(self.server.chat, name),
                Credentials(username=name, password=""),
                on_event=told.events.append,
            )
            self.run_client(client)
            if name == "nobody":
                self.fails(client.ready(), WrongCredentials)
            else:
                self.do(client.room(1).send("me too"))
        self.assertEqual([each.sender_username for each in told.of(ChatMessage)], ["alice"])

    def test_as_somebody_else(self) -> None:
        """
        Whom the program does not vouch for needs a password there, too.
        """
        self.person("alice")
        for name, password, error in (("alice", PASSWORD, None), ("alice", "", WrongCredentials)):
            client = ChatClient(
                self.server.clock,
                LocalEndpoint(self.server.chat, "robot", is_bot=True),
                Credentials(username=name, password=password),
            )
            self.run_client(client)
            if error is None:
                self.do(client.ready())
            else:
                self.fails(client.ready(), error)

    def test_no_limit_by_address(self) -> None:
        """
        There may be more bots than connections from one address.
        """
        self.serve(connections_per_address=2, anonymous_per_address=1)
        for number in range(5):
            robot, _ = self.start(f"robot{number}")
            self.do(robot.ready())

    def test_nothing_runs(self) -> None:
        """
        There is no connection to a chat that does not run, or for a factory that wants none.
        """

        class Unwilling(Factory):
            def buildProtocol(self, addr: object) -> None:
                return None

        endpoint = LocalEndpoint(self.server.chat)
        unwilling = endpoint.connect(Unwilling())
        self.flow()
        self.failureResultOf(unwilling, ConnectError)
        self.successResultOf(self.server.stop())
        refused = endpoint.connect(Factory.forProtocol(Protocol))
        self.flow()
        self.failureResultOf(refused, ConnectError)
        self.assertEqual(self.server.chat.sessions, set())


class EchoTests(BotCase):
    """
    A bot that answers.
    """

    def echo(self, name: str = "robot", **options: Any) -> ChatClient:
        """
        @return: a bot that repeats what others say.
        """

        async def repeat(robot: ChatClient, events: Any) -> None:
            async for event in events:
                if isinstance(event, ChatMessage) and event.sender_id != robot.user_id:
                    await robot.room(1).send(f"You said: {event.content}")

        robot = bot(self.server.chat, name, **options)
        # Nobody else knows of it, and it goes on.
        Deferred.fromCoroutine(repeat(robot, robot.events()))
        gc.collect()
        self.run_client(robot)
        return robot

    def test_storm(self) -> None:
        """
        Under a storm it answers each message once, and in order.
        """
        self.echo()
        people = [self.person(name) for name in ("alice", "bob", "carol")]
        watcher, told = self.start("watcher")
        self.do(watcher.ready())
        for number in range(100):
            for each in people:
                each.send(post(f"{number}"), post(f"{number} again"))
            self.flow()
        self.flow(5)
        robot = [each for each in told.of(ChatMessage) if each.sender_username == "robot"]
        others = [each for each in told.of(ChatMessage) if each.sender_username != "robot"]
        self.assertEqual(len(others), 600)
        self.assertEqual(
            [each.content for each in robot], [f"You said: {each.content}" for each in others]
        )
        seqs = [each.seq for each in told.of(ChatMessage)]
        self.assertEqual(seqs, [*range(1, 1201)])

    def test_rates(self) -> None:
        """
        A bot is held to how fast anybody may post, and loses nothing by it.
        """
        self.serve(post_rate=5.0, post_burst=2)
        self.echo()
        alice = self.person()
        for number in range(6):
            alice.send(post(str(number)))
            self.flow(1)
        self.flow(5)
        said = [each["content"] for each in alice.heard if "content" in each]
        answers = [each for each in said if each.startswith("You said")]
        self.assertEqual(answers, [f"You said: {each}" for each in range(6)])
        robot, _ = self.start("hasty")
        for _ in range(2):
            self.do(robot.request(_hurried_post()))
        self.fails(robot.request(_hurried_post()), TooFast)

    def test_slow_reading(self) -> None:
        """
        A bot that does not read costs the server little, and misses nothing.
        """
        robot = bot(self.server.chat, "robot", most_events=10)
        events = robot.events()
        self.run_client(robot)
        alice = self.person()
        content = "x" * 4000
        for _ in range(30):
            alice.send(*[post(content) for _ in range(10)])
            self.flow()
        [session] = self.server.chat.sessions_of(robot.user_id or 0)
        self.assertLess(session.outgoing._queued, 2**20)
        heard: list[ChatMessage] = []

        async def read() -> None:
            async for event in events:
                if isinstance(event, ChatMessage):
                    heard.append(event)
                self.assertNotIsInstance(event, Missed)

        reading = Deferred.fromCoroutine(read())
        self.flow(2)
        self.assertEqual([each.seq for each in heard], [*range(1, 301)])
        self.assertEqual({each.content for each in heard}, {content})
        self.assertNoResult(reading)
        self.stop(robot)
        self.successResultOf(reading)


class RuleTests(BotCase):
    """
    A bot is held to what holds for people.
    """

    def test_kicked_and_banned(self) -> None:
        """
        A bot that is put out of a room is out.
        """
        robot, told = self.start()
        owner, _ = self.start("owner")
        room = self.do(owner.create("den", ["robot"]))
        self.do(robot.room(room.id).send("hi"))
        self.do(room.kick("robot"))
        self.fails(robot.room(room.id).send("hello?"), NotAMember)
        self.do(room.ban("robot"))
        self.fails(robot.join("den"), Banned)
        self.do(room.send("among us"))
        self.assertEqual(told.contents, ["hi"])

    def test_disabled(self) -> None:
        """
        A bot whose account is disabled is told so and ends, and can't come back.
        """
        robot, told = self.start()
        chat = self.server.chat
        self.do(chat.administration.set_administrator(None, "robot", is_one=True))
        alice = self.person()
        self.do(chat.administration.set_administrator(None, "alice", is_one=True))
        answer = self.successResultOf(
            alice.ask(request("disable_user_request", username="robot", request_id="1"))
        )
        self.assertEqual(answer["message_type"], "disable_user_response")
        self.flow(1)
        [lost] = told.of(Disconnected)
        self.assertIn("停用", lost.reason)
        self.assertEqual(self.fails(robot.ready(), Refusal).reason, "account_disabled")
        again, _ = self.start()
        self.fails(again.ready(), WrongCredentials)

    def test_ended_session(self) -> None:
        """
        A bot whose sessions are ended by an administrator ends.
        """
        robot, _ = self.start()
        self.person()
        chat = self.server.chat
        self.do(chat.administration.set_administrator(None, "alice", is_one=True))
        peer = self.server.peers[-1]
        self.successResultOf(
            peer.ask(request("end_sessions_request", username="robot", request_id="1"))
        )
        self.flow(1)
        self.assertEqual(self.fails(robot.ready(), Refusal).reason, "session_revoked")


class LifeTests(BotCase):
    """
    How bots begin and end.
    """

    def calls(self) -> list[object]:
        """
        @return: what is still to happen.
        """
        return list(self.server.clock.getDelayedCalls())

    def test_stop(self) -> None:
        """
        When the chat stops, its bots are told goodbye and end; nothing is left.
        """
        robot, told = self.start()
        events = robot.events()
        reading = Deferred.fromCoroutine(_read_all(events))
        waiting = Deferred.fromCoroutine(robot.room(1).send("my last words"))
        self.server.clock.advance(0)
        self.successResultOf(self.server.stop())
        self.assertEqual(self.successResultOf(waiting).seq, 1)
        [lost] = told.of(Disconnected)
        self.assertEqual(lost.reason, "服务器正在关闭")
        self.successResultOf(reading)
        self.fails(robot.ready(), ShuttingDown)
        self.fails(robot.room(1).send("anybody?"), ShuttingDown)
        self.assertEqual((self.server.chat.sessions, self.calls()), (set(), []))

    def test_stop_while_a_commit_is_in_flight(self) -> None:
        """
        What a bot says while the chat stops is stored, or it is told that it is not.
        """
        self.serve(lane=SteppingLane)
        robot, _ = self.start()
        self.step()
        self.flow()
        self.do(robot.ready(timeout=5))
        sending = Deferred.fromCoroutine(robot.room(1).send("in flight"))
        self.server.clock.advance(0)
        stopping = self.server.chat.stopService()
        self.server.clock.advance(0)
        self.step()
        self.assertEqual(self.successResultOf(sending).seq, 1)
        self.step()
        self.flow(5)
        self.step()
        self.successResultOf(stopping)
        self.assertEqual(self.calls(), [])

    def step(self) -> None:
        """
        Have the threads do all there is.
        """
        for _ in range(50):
            for lane in self.server.lanes.values():
                while getattr(lane, "queue", ()):
                    lane.step()  # type: ignore[attr-defined]
            self.server.clock.advance(0)

    def test_child(self) -> None:
        """
        A bot that is the chat's child starts and stops with it, as often as it does.
        """
        path = str(Path(self.mktemp()).absolute())
        self.serve(path=path)
        chat = self.server.chat
        robot = bot(chat, "robot")
        robot.setServiceParent(chat)
        self.flow()
        for expected in (1, 2):
            self.assertEqual(self.do(robot.room(1).send("hello")).seq, expected)
            self.successResultOf(self.server.stop())
            self.assertEqual((chat.sessions, self.calls()), (set(), []))
            self.assertFalse(robot.running)
            chat.startService()
            self.flow()
        self.do(robot.ready())


def _hurried_post() -> PostRequest:
    return PostRequest(content="hurry", chat_group_id=1)


async def _read_all(events: Any) -> int:
    count = 0
    async for _ in events:
        count += 1
    return count
