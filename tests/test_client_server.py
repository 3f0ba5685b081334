"""
The client and the server, together.
"""

from pathlib import Path
from random import Random
from typing import Any

from twisted.application import strports
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.trial.unittest import TestCase

from chatroom.assembly import assemble
from chatroom.client import (
    ChatClient,
    Connected,
    Credentials,
    Disconnected,
    Event,
    Missed,
    NetworkError,
)
from chatroom.errors import Banned, Muted, NotAMember, RoomNotFound
from chatroom.server.line import ChatFactory
from chatroom.settings import Settings
from chatroom.wire.messages import (
    ChatDeleted,
    ChatInvitation,
    ChatMessage,
    DeleteChatRequest,
    ListUsersRequest,
    ListUsersResponse,
    MemberChanged,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    MessageEdited,
    ReactionChanged,
    UpdateChatRequest,
)
from tests.clients import PASSWORD, ClientCase, Told
from tests.links import MemoryEndpoint, RealSide
from tests.servers import CHEAP, MemoryServer, memory_server


class ServerCase(ClientCase):
    """
    Tests with a real server in memory.
    """

    def setUp(self) -> None:
        """
        Start a server.
        """
        super().setUp()
        self.path = str(Path(self.mktemp()).absolute())
        self.server = self.serve()
        self.clock = self.server.clock
        self.endpoint = MemoryEndpoint(self.clock, lambda: RealSide(self.server.factory))

    def serve(self, **options: Any) -> MemoryServer:
        """
        @return: a server on the same database as the one before.
        """
        return memory_server(self, path=self.path, **options)

    def start(self, username: str = "alice", **options: Any) -> ChatClient:
        """
        @return: a client that is ready; its account is made if need be.
        """
        return super().start(username, register=True, **options)

    def pair(self) -> tuple[ChatClient, ChatClient, Told]:
        """
        @return: alice, bob, and what bob is told.
        """
        told = Told()
        bob = self.start("bob", on_event=told.events.append)
        alice = self.start()
        self.do(alice.ready())
        return alice, bob, told


class ServerTests(ServerCase):
    """
    With a real server in memory.
    """

    def test_talk(self) -> None:
        """
        What one says both hear, in one order.
        """
        alice, bob, told = self.pair()
        sending = [
            self.begin(each.room(1).send(str(n))) for n in range(9) for each in (alice, bob)
        ]
        self.endpoint.run(0.5)
        stored = [self.successResultOf(each) for each in sending]
        self.assertEqual(sorted(each.seq or 0 for each in stored), [*range(1, 19)])
        self.assertEqual(told.contents, self.told.contents)
        self.assertEqual(len(told.contents), 18)

    def test_a_lost_acknowledgement(self) -> None:
        """
        A message whose acknowledgement is lost is stored once.
        """
        alice, _, told = self.pair()
        link = self.endpoint.link
        link.is_reading = False
        sending = self.begin(alice.room(1).send("hello"))
        self.endpoint.run(0.1)
        link.cut()
        self.endpoint.run(2)
        self.assertTrue(self.successResultOf(sending).duplicate)
        self.assertEqual(told.contents, ["hello"])
        self.assertEqual(self.told.contents, ["hello"])

    def test_resume(self) -> None:
        """
        What happens while one is away is told when one is back.
        """
        alice, bob, _ = self.pair()
        self.do(bob.room(1).send("one"))
        self.endpoint.link.cut()
        for each in ("two", "three"):
            self.do(bob.room(1).send(each))
        self.endpoint.run(2)
        self.do(bob.room(1).send("four"))
        self.assertEqual(self.told.contents, ["one", "two", "three", "four"])
        self.assertEqual(self.told.of(Missed), [])
        self.assertEqual(alice.positions, bob.positions)

    def test_changes(self) -> None:
        """
        Edits, reactions and deletions are told.
        """
        alice, bob, told = self.pair()
        stored = self.do(alice.room(1).send("helo"))
        room, message = alice.room(1), stored.message_id
        self.do(room.edit(message, "hello"))
        self.do(bob.room(1).react(message, "👍"))
        page = self.do(bob.room(1).history())
        self.assertEqual([each.content for each in page.messages], ["hello"])
        self.assertIsNotNone(page.messages[0].reactions)
        self.assertTrue(self.do(bob.room(1).react(message, "👍")).duplicate)
        self.do(bob.room(1).react(message, "👍", add=False))
        self.do(room.delete(message))
        kinds = [type(each) for each in told.events[-5:]]
        self.assertEqual(
            kinds, [ChatMessage, MessageEdited, ReactionChanged, ReactionChanged, MessageDeleted]
        )

    def test_rooms(self) -> None:
        """
        Rooms are made, joined and left, and followed meanwhile.
        """
        alice, bob, told = self.pair()
        room = self.do(alice.create("dev", ["bob"]))
        self.do(room.send("hi", reply_to=None))
        self.do(bob.room(room.id).leave())
        self.fails(bob.room(room.id).send("still there"), NotAMember)
        self.do(room.send("bob is gone"))
        self.assertEqual(self.do(bob.join("dev")), bob.room(room.id))
        self.do(room.send("again"))
        self.assertEqual(told.contents, ["hi", "again"])
        self.assertEqual(len(told.of(MemberJoined)), 2)
        self.assertEqual(len(told.of(MemberLeft)), 1)
        self.assertEqual(told.of(Missed), [])
        self.assertEqual(bob.heads[room.id].chat_name, "dev")
        self.fails(alice.join("nowhere"), RoomNotFound)
        reply = self.do(alice.request(ListUsersRequest()))[0]
        assert isinstance(reply, ListUsersResponse)
        self.assertEqual([each.username for each in reply.users], ["bob", "alice"])

    def test_moderated_room(self) -> None:
        """
        A room is looked after, and what is done there is told, and known of one's rooms.
        """
        alice, bob, told = self.pair()
        room = self.do(alice.create("dev"))
        self.do(room.invite("bob"))
        [invitation] = told.of(ChatInvitation)
        self.assertEqual(invitation.chat_group_name, "dev")
        theirs = self.do(bob.join("dev"))
        self.do(room.set_role("bob", "moderator"))
        self.assertEqual(bob.heads[room.id].role, "moderator")
        self.do(room.mute("bob", reason="Hush."))
        self.fails(theirs.send("but"), Muted)
        self.do(room.lift("bob"))
        self.do(theirs.send("thanks"))
        self.do(alice.request(UpdateChatRequest(chat_group_id=room.id, name="ops")))
        self.assertEqual(bob.heads[room.id].chat_name, "ops")
        info = self.do(room.info())
        self.assertEqual([each.role for each in info.members], ["moderator", "owner"])
        self.do(room.kick("bob"))
        self.assertNotIn(room.id, bob.heads)
        self.do(bob.join("ops"))
        self.do(room.ban("bob"))
        self.fails(bob.join("ops"), Banned)
        changes = [each.change for each in told.of(MemberChanged)]
        self.assertEqual(changes, ["role", "muted", "lifted"])

    def test_end_of_a_room(self) -> None:
        """
        Who is told the end of a room forgets it.
        """
        alice, bob, told = self.pair()
        room = self.do(alice.private_chat("bob"))
        self.assertEqual(self.do(bob.private_chat("alice")).id, room.id)
        other = self.do(alice.create("dev", ["bob"]))
        self.do(other.send("hi"))
        self.do(alice.request(DeleteChatRequest(chat_group_id=other.id)))
        [event] = told.of(ChatDeleted)
        self.assertEqual(event.seq, 4)
        self.assertEqual(set(bob.heads), {1, room.id})
        self.assertNotIn(other.id, bob.positions)
        self.assertEqual(told.of(Missed), [])

    def test_away_from_a_room(self) -> None:
        """
        A room that one leaves elsewhere and joins again goes on from there.
        """
        alice, bob, _ = self.pair()
        room = self.do(bob.create("dev", ["alice"]))
        self.endpoint.link.cut()
        other = self.start("alice", on_event=None)
        self.do(other.room(room.id).leave())
        self.do(room.send("alone"))
        self.do(other.join("dev"))
        self.do(room.send("again"))
        self.endpoint.run(2)
        self.do(room.send("and again"))
        self.assertEqual(self.told.contents[-2:], ["again", "and again"])
        self.assertEqual(alice.positions[room.id], bob.positions[room.id])

    def test_restart(self) -> None:
        """
        A server that is restarted is told when it is back, and loses nothing.
        """
        alice, _, told = self.pair()
        self.do(alice.room(1).send("one"))
        stopping = self.server.chat.stopService()
        sending = self.begin(alice.room(1).send("two"))
        self.endpoint.run(3)
        self.successResultOf(stopping)
        self.server = self.serve()
        self.endpoint.others.append(self.server.clock)
        self.endpoint.run(60)
        self.successResultOf(sending)
        self.assertEqual(self.told.contents, ["one", "two"])
        self.assertEqual(told.contents, ["one", "two"])

    def test_outbox(self) -> None:
        """
        What is in the outbox's file is stored once, by whichever process.
        """
        path = str(Path(self.mktemp()).absolute())
        client = self.start(outbox=path)
        link = self.endpoint.link
        link.is_reading = False
        sending = self.begin(client.room(1).send("hello"))
        self.endpoint.run(0.1)
        self.stop(client)
        self.failureResultOf(sending, NetworkError)
        self.start(outbox=path)
        self.endpoint.run(1)
        self.assertEqual(self.told.contents, ["hello"])

    def test_too_fast(self) -> None:
        """
        Who sends faster than the server takes it is slowed down, and loses nothing.
        """
        self.stop_server()
        self.server = self.serve(post_rate=5.0, post_burst=2)
        self.endpoint.others.append(self.server.clock)
        client = self.start()
        sending = [self.begin(client.room(1).send(str(each))) for each in range(10)]
        self.endpoint.run(5)
        seqs = [self.successResultOf(each).seq for each in sending]
        self.assertEqual(seqs, [*range(1, 11)])
        self.assertEqual(self.told.contents, [str(each) for each in range(10)])

    def stop_server(self) -> None:
        """
        Stop the server that there is.
        """
        self.successResultOf(self.server.stop())

    def test_heartbeat(self) -> None:
        """
        Two that have nothing to say stay connected.
        """
        self.start()
        self.endpoint.run(600)
        self.assertEqual(self.told.of(Disconnected), [])

    def test_storm(self) -> None:
        """
        However often connections break, everybody is told everything once and in order.
        """
        chance = Random(11)
        alice, bob, told = self.pair()
        sending = []
        for number in range(60):
            who = chance.choice((alice, bob))
            sending.append(self.begin(who.room(1).send(str(number))))
            if chance.random() < 0.4:
                chance.choice(self.endpoint.links).cut()
            self.endpoint.run(chance.random())
        self.endpoint.run(60)
        for each in sending:
            self.successResultOf(each)
        self.assertEqual(len(self.told.contents), 60)
        self.assertEqual(self.told.contents, told.contents)
        self.assertEqual(len(set(told.contents)), 60)


class SocketTests(TestCase):
    """
    Over a real socket.
    """

    async def test_echo(self) -> None:
        """
        A client that repeats what another one says does so, and both stop.
        """
        path = Path(self.mktemp()).absolute()
        chat = assemble(Settings(database=f"sqlite:///{path}"), reactor, cost=CHEAP)
        port: Any = strports.service("tcp:0:interface=127.0.0.1", ChatFactory(chat), reactor)
        port.setServiceParent(chat)
        chat.startService()
        self.addCleanup(chat.stopService)
        listening = await port._waitingForPort
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", listening.getHost().port)
        alice = self.client(endpoint, "alice")
        bob = self.client(endpoint, "bob")
        heard = bob.events()
        echoing = Deferred.fromCoroutine(self.echo(alice))
        for each in (alice, bob):
            each.startService()
            await each.ready(timeout=10)
        await bob.room(1).send("hello")
        contents: list[str] = []
        while len(contents) < 2:
            event: Event = await heard.__anext__()
            if isinstance(event, ChatMessage):
                contents.append(event.content)
        self.assertEqual(contents, ["hello", "echo: hello"])
        for each in (alice, bob):
            await each.stopService()
        await echoing

    def client(self, endpoint: HostnameEndpoint, name: str) -> ChatClient:
        """
        @return: a client that is not started.
        """
        credentials = Credentials(username=name, password=PASSWORD)
        return ChatClient(reactor, endpoint, credentials, register=True)

    async def echo(self, client: ChatClient) -> None:
        """
        Repeat what others say.
        """
        async for event in client.events():
            if isinstance(event, ChatMessage) and event.sender_id != client.user_id:
                await client.room(1).send(f"echo: {event.content}")
            if isinstance(event, Connected):
                self.assertTrue(event.is_hello)
