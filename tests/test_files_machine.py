"""
Files as a state machine: whatever is sent, cut, begun again, deleted and restarted in
whatever order, what is announced is whole, once, and the same for all; and in the end
there is nothing on the disk that nobody knows of.
"""

import tempfile
from pathlib import Path

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
from chatroom.chat.tidying import FIRST_SECONDS, LOOK_SECONDS, LOOKS
from chatroom.chat.uploads import ABANDONED_SECONDS
from chatroom.server.line import ChatFactory
from chatroom.server.service import ChatService
from chatroom.settings import Settings
from chatroom.threads import Lane
from tests.files import chunk, wanted
from tests.lanes import SteppingLane
from tests.peers import Message, Peer, connect_in_memory, login, register, request
from tests.servers import CHEAP, START

#: What is sent, by what its sender calls it.
FILES = [bytes([65 + number]) * (7 * number) for number in range(4)]

WHICH = st.integers(0, len(FILES) - 1)
WHO = st.integers(0, 1)


class Sendings(RuleBasedStateMachine):
    """
    Two sessions of one user who sends files, with threads that work when they are told.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.clock.rightNow = START
        self.lanes: dict[str, SteppingLane] = {}
        self.announced: dict[str, int] = {}
        self.deleted: set[int] = set()
        self.chat = self.start()
        first = self.new_peer()
        first.send(register("alice"))
        self.settle()
        self.peers = [self.come(), self.come()]

    def start(self) -> ChatService:
        """
        Start a server.
        """
        self.lanes.clear()
        chosen = Settings(
            database=f"sqlite:///{Path(self.directory.name) / 'chat.db'}",
            post_rate=0,
            stall_seconds=0,
            heartbeat_seconds=0,
        )
        chat = assemble(
            chosen, self.clock, make_lane=self.make_lane, cost=CHEAP, now=self.clock.seconds
        )
        chat.startService()
        self.factory = ChatFactory(chat)
        return chat

    def make_lane(self, name: str, _: int) -> Lane:
        """
        Keep a lane to step through.
        """
        return self.lanes.setdefault(name, SteppingLane())

    def new_peer(self) -> Peer:
        """
        @return: a new connection.
        """
        return connect_in_memory(self.factory, self.clock)

    def come(self) -> Peer:
        """
        @return: a session of alice's that follows.
        """
        peer = self.new_peer()
        peer.send(request("hello_request", protocol=1), login("alice"), request("resume_request"))
        self.settle()
        peer.heard.clear()
        return peer

    def settle(self) -> None:
        """
        Do all there is to do.
        """
        for _ in range(40):
            for lane in self.lanes.values():
                lane.step_all()
            self.clock.advance(0.01)
        for peer in getattr(self, "peers", ()):
            peer.wire.flow()

    def hear(self) -> None:
        """
        Note what was announced.
        """
        for peer in self.peers:
            peer.wire.flow()  # type: ignore[attr-defined]

    def answer(self, who: int, message: Message) -> Message:
        """
        @return: the answer, when all is done.
        """
        peer = self.peers[who]
        peer.send({**message, "request_id": "?"})
        self.settle()
        [line] = [each for each in peer.heard if each.get("request_id") == "?"]
        peer.heard.clear()
        return line

    def wish(self, which: int) -> Message:
        """
        @return: a request to send a file.
        """
        data = FILES[which]
        return wanted(data, filename=f"{which}.txt", client_file_id=str(which))

    @rule(who=WHO, which=WHICH, count=st.integers(1, 9))
    def send_some(self, who: int, which: int, count: int) -> None:
        """
        Go on with a file, for a while, and wait for nothing.
        """
        answer = self.answer(who, self.wish(which))
        if answer.get("success"):
            return self.note(which, answer)
        offset, data = answer["next_offset"], FILES[which]
        assert offset < len(data)
        for _ in range(count):
            if offset < len(data):
                self.peers[who].send(chunk(answer["upload_id"], offset, data[offset : offset + 3]))
                offset = min(offset + 3, len(data))
        return None

    @rule(name=st.sampled_from(["chatroom-files", "chatroom-write", "chatroom-read"]))
    def step(self, name: str) -> None:
        """
        Have a thread do one thing.
        """
        lane = self.lanes[name]
        if lane.queue:
            lane.step()
        self.clock.advance(0.01)
        self.hear()

    @rule(who=WHO)
    def cut(self, who: int) -> None:
        """
        Lose a connection.
        """
        self.peers[who].wire.abort()
        self.peers[who] = self.come()

    @precondition(lambda self: self.announced)
    @rule(who=WHO, pick=st.randoms(use_true_random=False))
    def delete(self, who: int, pick: object) -> None:
        """
        Take a file back.
        """
        file_id = pick.choice(sorted(self.announced.values()))  # type: ignore[attr-defined]
        self.answer(who, request("delete_message_request", message_id=file_id))
        self.deleted.add(file_id)

    @rule(is_killed=st.booleans())
    def restart(self, is_killed: bool) -> None:
        """
        Stop the server, or kill it, and start it.
        """
        if is_killed:
            for lane in self.lanes.values():
                lane.stop()
        stopped = self.chat.stopService()
        for _ in range(40):
            if not is_killed:
                for lane in self.lanes.values():
                    lane.step_all()
            self.clock.advance(0.5)
        assert stopped.called
        self.chat = self.start()
        self.peers = [self.come(), self.come()]

    def note(self, which: int, answer: Message) -> None:
        """
        See that a file is announced once.
        """
        known = self.announced.setdefault(str(which), answer["file_id"])
        assert known == answer["file_id"], (known, answer)

    @invariant()
    def listed_is_whole(self) -> None:
        """
        What is announced is on the disk, all of it.
        """
        database, folder = self.chat._database, self.chat.files._disk.folder
        assert database._backend is not None
        read = lambda store: store.files_in(1, 100)  # noqa: E731
        listed = database._transact(database._reader, read, commit=False)
        for event in listed:
            known = lambda store, file_id=event.id: store.file(file_id)  # noqa: E731
            file = database._transact(database._reader, known, commit=False)
            assert file is not None
            assert file.name is not None
            data = FILES[int(file.filename.partition(".")[0])]
            assert folder.read(file.name, 0, 1000) == data

    def teardown(self) -> None:
        """
        Finish all files, delete them, and see that nothing is left.
        """
        self.settle()
        for peer in self.peers:
            peer.heard.clear()
        for which, data in enumerate(FILES[:2]):
            answer = self.answer(0, self.wish(which))
            if not answer.get("success"):
                offset = answer["next_offset"]
                answer = self.answer(0, chunk(answer["upload_id"], offset, data[offset:]))
            self.note(which, answer)
            deleted = request("delete_message_request", message_id=answer["file_id"])
            self.answer(0, deleted)
        for file_id in set(self.announced.values()):
            self.answer(0, request("delete_message_request", message_id=file_id))
        database = self.chat._database
        gone = lambda store: [  # noqa: E731
            store.blank(store.message(event.id), 1) for event in store.files_in(1, 100)
        ]
        database._transact(database._writer, gone, commit=True)
        for _ in range(int((ABANDONED_SECONDS + FIRST_SECONDS + 2 * LOOKS * LOOK_SECONDS) / 5)):
            self.clock.advance(5)
            for lane in self.lanes.values():
                lane.step_all()
        assert self.chat.files._disk.folder.names() == set()
        total = database._transact(
            database._reader, lambda store: store.bytes_of_all(), commit=False
        )
        assert total == 0
        stopped = self.chat.stopService()
        for _ in range(40):
            for lane in self.lanes.values():
                lane.step_all()
            self.clock.advance(0.5)
        assert stopped.called
        self.directory.cleanup()


class SendingMachineTests(SynchronousTestCase):
    """
    The machine, run.
    """

    def test_machine(self) -> None:
        """
        Nothing that it tries breaks the promise.
        """
        run_state_machine_as_test(
            Sendings,
            settings=settings(
                max_examples=15,
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                phases=(Phase.explicit, Phase.generate),
                suppress_health_check=list(HealthCheck),
            ),
        )
