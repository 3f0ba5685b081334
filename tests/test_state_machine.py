"""
Sessions as a state machine: any order of requests, crashes of the work between
them, and comings and goings, against a model of what the promise says.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.assembly import assemble
from chatroom.chat.rooms import HISTORY
from chatroom.errors import StoreUnavailable
from chatroom.server.line import ChatFactory
from chatroom.settings import Settings
from chatroom.store.errors import CommitUncertain
from chatroom.threads import Lane
from tests.lanes import SteppingLane
from tests.peers import PASSWORD, MemoryWire, Message, Peer, connect_in_memory, request
from tests.servers import CHEAP, START
from tests.strict import Dialect

NAMES = ("alice", "bob", "carol")
ROOMS = ("public", "dev", "ops")


class Model:
    """
    What one peer must hear, going by what it asked.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.asked: list[str] = []
        self.answers: list[str] = []
        #: The ids of messages that were pushed, by login and room.
        self.pushed: dict[tuple[int, int], list[int]] = {}
        self.logins = 0
        #: The ids of messages that were acknowledged, by room.
        self.acknowledged: dict[int, set[int]] = {}
        self.history: set[int] = set()

    @property
    def is_content(self) -> bool:
        """
        Whether every request has its answer, unless the peer has left.
        """
        return self.answers == self.asked or self.peer.wire.is_closed


class Conversations(RuleBasedStateMachine):
    """
    Some peers, three users, three rooms, and a database that fails at will.
    """

    peers = Bundle("peers")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.clock.rightNow = START
        self.lanes: dict[str, SteppingLane] = {}
        path = Path(self.directory.name) / "chat.db"
        chosen = Settings(database=f"sqlite:///{path}", login_seconds=0)
        self.chat = assemble(chosen, self.clock, make_lane=self.make_lane, cost=CHEAP)
        self.chat.startService()
        self.factory = ChatFactory(self.chat)
        self.models: list[Model] = []
        self.count = 0
        #: The ids of messages that were acknowledged as new.
        self.acknowledged: set[int] = set()
        first: Any = self.connect()
        self.ask_all(first, [self.account("register_request", n) for n in NAMES])
        self.clean()
        for model, name in zip([self.connect() for _ in NAMES], NAMES, strict=True):
            self.log_in(model, name)
            self.room(model, "create_chat_request", "dev")
            self.room(model, "join_chat_request", "dev")
        self.clean()

    @initialize(target=peers)
    def those_who_are_there(self) -> Any:
        """
        Begin with somebody connected for each user.
        """
        return multiple(*self.models)

    def make_lane(self, name: str, _: int) -> Lane:
        """
        Keep a lane to step through.
        """
        return self.lanes.setdefault(name, SteppingLane())

    def account(self, kind: str, name: str) -> Message:
        """
        @return: a request with a user's name and password.
        """
        return request(kind, username=name, password=PASSWORD)

    def ask_all(self, model: Model, messages: Iterable[Message]) -> None:
        """
        Send requests, each with a name of its own, as one write.
        """
        named = []
        for message in messages:
            self.count += 1
            model.asked.append(f"r{self.count}")
            named.append({**message, "request_id": model.asked[-1]})
        model.peer.send(*named)

    @rule(target=peers)
    def connect(self) -> Any:
        """
        Somebody connects.
        """
        model = Model(connect_in_memory(self.factory, self.clock))
        model.peer.dialect = Dialect.ASKING
        self.models.append(model)
        return model

    @rule(model=peers, name=st.sampled_from(NAMES))
    def log_in(self, model: Model, name: str) -> None:
        """
        Somebody logs in, or tries to.
        """
        self.ask_all(model, [self.account("login_request", name)])

    @rule(model=peers)
    def log_out(self, model: Model) -> None:
        """
        Somebody logs out.
        """
        self.ask_all(model, [request("logout_request")])

    @rule(
        model=peers,
        kind=st.sampled_from(["create_chat_request", "join_chat_request", "enter_chat_request"]),
        name=st.sampled_from(ROOMS),
    )
    def room(self, model: Model, kind: str, name: str) -> None:
        """
        Somebody does something about a room.
        """
        self.ask_all(model, [request(kind, chat_name=name)])

    @rule(
        model=peers,
        posts=st.lists(
            st.tuples(
                st.sampled_from([None, 1, 2, 3, 9]),
                st.sampled_from([None, "c1", "c2", "c3"]),
                st.sampled_from(["hello", "bye", "", "\x00"]),
            ),
            min_size=1,
            max_size=5,
        ),
    )
    def post(self, model: Model, posts: list[tuple[Any, ...]]) -> None:
        """
        Somebody says something.
        """
        self.ask_all(
            model,
            [
                request("chat_message", chat_group_id=room, client_message_id=name, content=text)
                for room, name, text in posts
            ],
        )

    @rule(model=peers, count=st.integers(1, 3))
    def post_and_see(self, model: Model, count: int) -> None:
        """
        Somebody says something, and in the same breath asks for the history.
        """
        posts = [request("chat_message", content="see", chat_group_id=1)] * count
        self.ask_all(model, [*posts, request("enter_chat_request", chat_name="public")])

    @rule(model=peers)
    def look(self, model: Model) -> None:
        """
        Somebody looks around.
        """
        self.ask_all(model, [request("user_info_request"), request("list_users_request")])

    @rule(model=peers)
    def nonsense(self, model: Model) -> None:
        """
        Somebody sends what is no request.
        """
        self.ask_all(model, [{"message_type": "nonsense"}])

    @rule(model=peers)
    def leave(self, model: Model) -> None:
        """
        Somebody is suddenly gone.
        """
        model.peer.wire.abort()

    @rule(name=st.sampled_from(["chatroom-write", "chatroom-read", "chatroom-hash"]))
    def step(self, name: str) -> None:
        """
        A thread gets its turn.
        """
        self.clock.advance(0.01)
        if self.lanes[name].queue:
            self.lanes[name].step()
        self.flow()

    @precondition(lambda self: self.lanes["chatroom-write"].queue)
    @rule(is_stored=st.booleans())
    def uncertain(self, is_stored: bool) -> None:
        """
        A commit fails, and perhaps it did happen.
        """
        lane = self.lanes["chatroom-write"]
        if is_stored:
            work, done = lane.queue.popleft()
            try:
                work()
            except Exception as error:
                done.errback(error)
            else:
                done.errback(CommitUncertain())
        else:
            lane.fail(StoreUnavailable())
        self.flow()

    @precondition(lambda self: self.lanes["chatroom-read"].queue)
    @rule()
    def unreadable(self) -> None:
        """
        The database can't be read for a moment.
        """
        self.lanes["chatroom-read"].fail(StoreUnavailable())
        self.flow()

    @rule()
    def pause(self) -> None:
        """
        Some time goes by.
        """
        self.clock.advance(0.5)
        self.flow()

    def flow(self) -> None:
        """
        Have everybody hear what there is to hear.
        """
        for model in self.models:
            assert isinstance(model.peer.wire, MemoryWire)
            model.peer.wire.flow()

    @invariant()
    def heard(self) -> None:
        """
        Whatever was heard keeps the promise so far.
        """
        for model in self.models:
            lines, model.peer.heard = model.peer.heard, []
            for line in lines:
                self.judge(model, line)

    def judge(self, model: Model, line: Message) -> None:
        """
        Look at one line.
        """
        name = line.get("request_id")
        if name is not None and (not model.answers or model.answers[-1] != name):
            model.answers.append(name)
            assert model.answers == model.asked[: len(model.answers)], "answers out of order"
        if line["message_type"] == "chat_message":
            pushed = model.pushed.setdefault((model.logins, line["chat_group_id"]), [])
            assert line["message_id"] > max(pushed, default=0), "pushed twice or late"
            pushed.append(line["message_id"])
        assert line.get("reason") != "internal_error"
        judge = getattr(self, f"judge_{line['message_type']}", None)
        if judge is not None:
            judge(model, line)

    def judge_login_response(self, model: Model, line: Message) -> None:
        """
        What is pushed may begin anew.
        """
        model.logins += 1

    def judge_system_message(self, model: Model, line: Message) -> None:
        """
        It may say that somebody has logged out, or is added to a room.
        """
        model.logins += 1

    def judge_chat_message_ack(self, model: Model, line: Message) -> None:
        """
        A message is new once.
        """
        if not line["duplicate"]:
            assert line["message_id"] not in self.acknowledged, "acknowledged as new twice"
            self.acknowledged.add(line["message_id"])
        model.acknowledged.setdefault(line["chat_group_id"], set()).add(line["message_id"])

    def judge_enter_chat_response(self, model: Model, line: Message) -> None:
        """
        A history begins.
        """
        model.history = set()

    def judge_chat_history(self, model: Model, line: Message) -> None:
        """
        A history goes on.
        """
        model.history.add(line["message_id"])

    def judge_chat_history_complete(self, model: Model, line: Message) -> None:
        """
        What was acknowledged before is in it, unless it is too long.
        """
        if len(model.history) < HISTORY:
            known = model.acknowledged.get(line["chat_group_id"], set())
            assert known <= model.history, "acknowledged, then not there"

    @rule()
    def clean(self) -> None:
        """
        Let everything that was begun come to its end.
        """
        for _ in range(500):
            self.clock.advance(0.05)
            for lane in self.lanes.values():
                lane.step_all()
            self.flow()
            self.heard()
            if all(model.is_content for model in self.models):
                break
        self.pause()
        self.heard()

    def teardown(self) -> None:
        """
        At the end every request of who is still there has its answer, all of
        what was pushed is stored, and each room's log has no gap.
        """
        self.clean()
        for model in self.models:
            assert model.is_content, "a request without an answer"
        self.look_at_store()
        stopped = self.chat.stopService()
        for _ in range(30):
            self.clock.advance(0.5)
            self.flow()
        assert stopped.called
        self.directory.cleanup()

    def look_at_store(self) -> None:
        """
        Compare what is stored with what was said of it.
        """
        read = self.chat._database.read(
            lambda store: store._connection.exec_driver_sql(
                "SELECT id, room_id, seq, kind FROM events ORDER BY id"
            ).fetchall()
        )
        self.lanes["chatroom-read"].step_all()
        rows = read.result
        assert isinstance(rows, list), rows
        for room_id in {row[1] for row in rows}:
            seqs = [row[2] for row in rows if row[1] == room_id]
            assert seqs == list(range(1, len(seqs) + 1)), "a gap in the log"
        ids = {row[0] for row in rows if row[3] == "message"}
        assert self.acknowledged <= ids, "acknowledged but not stored"
        for model in self.models:
            for (_, room_id), shown in model.pushed.items():
                stored = [row[0] for row in rows if row[1] == room_id and row[3] == "message"]
                first = stored.index(shown[0])
                assert shown == stored[first : first + len(shown)], "a gap in what was shown"


class StateMachineTests(SynchronousTestCase):
    """
    Whatever the order of things.
    """

    def test_conversations(self) -> None:
        """
        Answers keep their order, pushes come once, and logs have no gaps.
        """
        run_state_machine_as_test(
            Conversations,
            settings=settings(
                max_examples=80,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        self.flushLoggedErrors()
