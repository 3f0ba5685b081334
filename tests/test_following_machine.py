"""
Following the log as a state machine: whatever happens in whatever order, everybody who
follows hears each event once, in order, and ends with the state of who never left.
"""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.assembly import assemble
from chatroom.errors import StoreUnavailable
from chatroom.server.line import ChatFactory
from chatroom.settings import Settings
from chatroom.threads import Lane
from tests.followers import FollowingClient
from tests.lanes import SteppingLane
from tests.peers import MemoryWire, Peer, connect_in_memory, login, register, request
from tests.servers import CHEAP, START
from tests.strict import Dialect

NAMES = ("alice", "bob", "carol")
ROOMS = ("public", "dev")
WHO = st.integers(0, len(NAMES) - 1)


class Followings(RuleBasedStateMachine):
    """
    Three who follow, and one who never leaves and always reads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.clock.rightNow = START
        self.lanes: dict[str, SteppingLane] = {}
        chosen = Settings(
            database=f"sqlite:///{Path(self.directory.name) / 'chat.db'}",
            post_rate=0,
            stall_seconds=0,
            heartbeat_seconds=0,
            push_bytes=64 * 1024,
        )
        self.chat = assemble(
            chosen, self.clock, make_lane=self.make_lane, cost=CHEAP, now=self.clock.seconds
        )
        self.chat.startService()
        self.factory = ChatFactory(self.chat)
        self.count = 0
        self.peers: list[Peer] = []
        self.speaker = self.new_peer(Dialect.ASKING)
        self.speaker.send(*[register(name) for name in (*NAMES, "dave")], login("dave"))
        self.clean()
        self.speaker.send(request("create_chat_request", chat_name="dev", request_id="c"))
        self.clean()
        self.clients = [FollowingClient(name) for name in NAMES]
        self.steady = FollowingClient("dave")
        for client in [*self.clients, self.steady]:
            client.connect(self.new_peer())
        self.clean()

    def make_lane(self, name: str, _: int) -> Lane:
        """
        Keep a lane to step through.
        """
        return self.lanes.setdefault(name, SteppingLane())

    def new_peer(self, dialect: Dialect = Dialect.HELLO) -> Peer:
        """
        Connect.
        """
        peer = connect_in_memory(self.factory, self.clock)
        peer.dialect = dialect
        self.peers.append(peer)
        return peer

    def wire(self, client: FollowingClient) -> MemoryWire:
        """
        @return: the connection of somebody.
        """
        assert client.peer is not None
        assert isinstance(client.peer.wire, MemoryWire)
        return client.peer.wire

    @rule(who=WHO, room=st.integers(1, 2), size=st.sampled_from([1, 1, 1, 3000]))
    def post(self, who: int, room: int, size: int) -> None:
        """
        Somebody says something, which may be refused.
        """
        self.count += 1
        self.say(
            self.clients[who],
            request(
                "chat_message",
                chat_group_id=room,
                content=f"{self.count} " + "x" * size,
                client_message_id=str(self.count),
            ),
        )

    def say(self, client: FollowingClient, message: dict[str, Any]) -> None:
        """
        Send what somebody has to say, if they are there.
        """
        if client.peer is not None and not client.peer.wire.is_closed:
            client.peer.send(message)

    @rule(count=st.integers(1, 60))
    def storm(self, count: int) -> None:
        """
        Somebody who does not follow says much.
        """
        posts = []
        for _ in range(count):
            self.count += 1
            content = f"{self.count} " + "y" * 2000
            posts.append(request("chat_message", chat_group_id=1, content=content))
        self.speaker.send(*posts)

    @rule(who=WHO, message=st.integers(1, 30), what=st.sampled_from(["edit", "delete"]))
    def change(self, who: int, message: int, what: str) -> None:
        """
        Somebody changes a message, which may be theirs.
        """
        more = {"content": f"edited {self.count}"} if what == "edit" else {}
        self.count += 1
        kind = f"{what}_message_request"
        self.say(self.clients[who], request(kind, message_id=message, **more))

    @rule(who=WHO, message=st.integers(1, 30), add=st.booleans())
    def react(self, who: int, message: int, add: bool) -> None:
        """
        Somebody reacts.
        """
        wish = request("react_request", message_id=message, reaction="!", add=add)
        self.say(self.clients[who], wish)

    @rule(who=WHO, is_joining=st.booleans())
    def move(self, who: int, is_joining: bool) -> None:
        """
        Somebody joins a room or leaves it.
        """
        if is_joining:
            self.say(self.clients[who], request("join_chat_request", chat_name="dev"))
        else:
            self.say(self.clients[who], request("leave_chat_request", chat_group_id=2))

    @rule(who=WHO)
    def hang_up(self, who: int) -> None:
        """
        Somebody's connection is gone.
        """
        self.hear()
        self.wire(self.clients[who]).abort()

    @rule(who=WHO)
    def come_back(self, who: int) -> None:
        """
        Somebody connects again, and follows from where they were.
        """
        client = self.clients[who]
        if self.wire(client).is_closed:
            client.connect(self.new_peer())

    @rule(who=WHO, is_reading=st.booleans())
    def read(self, who: int, is_reading: bool) -> None:
        """
        Somebody reads no longer, or again.
        """
        self.wire(self.clients[who]).transport.is_reading = is_reading

    @rule(who=WHO)
    def ask_again(self, who: int) -> None:
        """
        Somebody asks to go on from where they are, as after a gap.
        """
        client = self.clients[who]
        wire = self.wire(client)
        if client.is_resumed and wire.transport.is_reading and not wire.is_closed:
            self.clean()
            client.resume()

    @rule(name=st.sampled_from(["chatroom-write", "chatroom-read", "chatroom-hash"]))
    def step(self, name: str) -> None:
        """
        A thread gets its turn.
        """
        self.clock.advance(0.01)
        if self.lanes[name].queue:
            self.lanes[name].step()
        self.flow()

    @rule()
    def withhold(self) -> None:
        """
        The log is read, and much happens before whoever asked is told.
        """
        lane = self.lanes["chatroom-read"]
        if lane.queue:
            tell = lane.do()
            self.lanes["chatroom-write"].step_all()
            self.clock.advance(0.01)
            self.lanes["chatroom-write"].step_all()
            tell()
            self.flow()

    @precondition(lambda self: self.lanes["chatroom-read"].queue)
    @rule()
    def unreadable(self) -> None:
        """
        The database can't be read for a moment.
        """
        if all(client.is_resumed or self.wire(client).is_closed for client in self.clients):
            self.lanes["chatroom-read"].fail(StoreUnavailable())
        self.flow()

    def flow(self) -> None:
        """
        Have everybody hear what there is to hear.
        """
        for peer in self.peers:
            assert isinstance(peer.wire, MemoryWire)
            peer.wire.flow()

    @invariant()
    def hear(self) -> None:
        """
        Everybody hears what comes next, and nothing else.
        """
        if hasattr(self, "steady"):
            for client in [*self.clients, self.steady]:
                client.hear()

    @rule()
    def clean(self) -> None:
        """
        Let everything that was begun come to its end.
        """
        for _ in range(60):
            self.clock.advance(0.1)
            for lane in self.lanes.values():
                lane.step_all()
            self.flow()
            self.hear()

    def teardown(self) -> None:
        """
        At the end all who are there know the same.
        """
        for number in range(len(NAMES)):
            self.read(number, True)
            self.come_back(number)
        self.clean()
        self.clean()
        for client in self.clients:
            for room_id, room in client.rooms.items():
                self.compare(client, room_id, room)
        stopped = self.chat.stopService()
        for _ in range(30):
            self.clock.advance(0.5)
            self.flow()
        assert stopped.called
        self.directory.cleanup()

    def compare(self, client: FollowingClient, room_id: int, room: Any) -> None:
        """
        See that who was away, or did not read, knows what the steady one does.
        """
        known = self.steady.rooms[room_id]
        last = client.others[-4:]
        assert room.seq == known.seq, (client.name, room.seq, known.seq, last)
        for seq, kind in room.kinds.items():
            assert known.kinds.get(seq) == kind, (client.name, seq, kind)
        for message_id, content in room.messages.items():
            assert known.messages[message_id] == content, (client.name, message_id, content)


class FollowingMachineTests(SynchronousTestCase):
    """
    Whatever the order of things.
    """

    def test_followings(self) -> None:
        """
        Nobody who follows misses an event, or hears one twice.
        """
        run_state_machine_as_test(
            Followings,
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                deadline=None,
                # A shorter example is not worth minutes.
                phases=(Phase.explicit, Phase.reuse, Phase.generate),
                suppress_health_check=list(HealthCheck),
            ),
        )
        self.flushLoggedErrors()
