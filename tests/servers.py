"""
Servers for tests: everything real but, in memory, the network, the threads and
the time.
"""

import os
from base64 import urlsafe_b64encode
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.assembly import assemble
from chatroom.chat.logins import NewToken, random_token
from chatroom.chat.passwords import Cost
from chatroom.chat.sending import NewNames, random_names
from chatroom.server.line import ChatFactory
from chatroom.server.service import ChatService
from chatroom.settings import Settings
from chatroom.threads import Lane
from tests.lanes import InlineLane
from tests.peers import Peer, connect_in_memory, login, register

#: Hashes that are not worth the name, for tests that are not about them.
CHEAP = Cost(memory_kib=8, passes=1)

#: When it is in memory: 2022-01-01T00:00:00Z.
START = 1640995200.0


@define(eq=False)
class MemoryServer:
    """
    A server without network, threads or a time of its own.

    @ivar lanes: by name, for a test that wants to step through them.
    """

    chat: ChatService
    clock: Clock
    factory: ChatFactory
    lanes: dict[str, Lane]
    peers: list[Peer] = field(factory=list)

    def stop(self) -> "Deferred[None]":
        """
        Stop it.

        @return: has a result already.
        """
        stopped = self.chat.stopService()
        for _ in range(20):
            self.clock.advance(0.5)
        return stopped

    def connect(self, host: str | None = None) -> Peer:
        """
        @param host: the address that it comes from; this machine's, if there is none.
        @return: a new peer.
        """
        peer = connect_in_memory(self.factory, self.clock, host)
        self.peers.append(peer)
        return peer

    def connect_operator(self) -> Peer:
        """
        @return: a new peer, who is the operator.
        """
        factory = ChatFactory(self.chat, is_operator=True)
        peer = connect_in_memory(factory, self.clock, None)
        self.peers.append(peer)
        return peer

    def pass_time(self, seconds: float) -> None:
        """
        Let time go by, in steps.
        """
        for _ in range(20):
            self.clock.advance(seconds / 20)
            for peer in self.peers:
                peer.wire.flow()  # type: ignore[attr-defined]


def memory_server(
    test: SynchronousTestCase,
    lane: "type[Any]" = InlineLane,
    *,
    path: str | None = None,
    url: str | None = None,
    settings: Settings | None = None,
    new_token: NewToken = random_token,
    new_names: NewNames = random_names,
    system: Any = os,
    **options: Any,
) -> MemoryServer:
    """
    Start a server in memory, and stop it after the test.

    @param path: of the database, if it is to be there already or afterwards.
    @param url: of the database, if it is not one of SQLite.
    @param settings: but for the database; if there are none, anybody may post as
        fast as they like, and all else is as C{options} say.
    @param new_token: makes the tokens of logins.
    @param new_names: makes the names of uploads.
    @param system: what files are written with.
    """
    clock = Clock()
    clock.rightNow = START
    lanes: dict[str, Lane] = {}

    def make_lane(name: str, _: int) -> Lane:
        lanes[name] = lane()
        return lanes[name]

    chosen = settings or Settings(**{"post_rate": 0, **options})
    chosen = evolve(chosen, database=url or new_file(test, path))
    chat = assemble(
        chosen,
        clock,
        make_lane=make_lane,
        cost=CHEAP,
        now=clock.seconds,
        chance=Random(1),
        new_token=new_token,
        new_names=new_names,
        system=system,
    )
    chat.startService()
    server = MemoryServer(chat, clock, ChatFactory(chat), lanes)

    def stop() -> None:
        if chat.is_open:
            test.successResultOf(server.stop())

    test.addCleanup(stop)
    return server


def known_tokens() -> NewToken:
    """
    @return: makes tokens that look random, and are the same in each server.
    """
    numbers = count(1)

    def new_token() -> str:
        digest = sha256(f"token {next(numbers)}".encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    return new_token


def known_names() -> NewNames:
    """
    @return: likewise, of names of uploads.
    """
    numbers = count(1)

    def new_names() -> tuple[str, str]:
        digest = sha256(f"upload {next(numbers)}".encode())
        return urlsafe_b64encode(digest.digest()[:18]).decode(), digest.hexdigest()[:32]

    return new_names


def new_file(test: SynchronousTestCase, path: str | None = None) -> str:
    """
    @return: the URL of a database of SQLite, which is not there yet unless it has
        a C{path}.
    """
    file = path or str(Path(test.mktemp()).absolute().with_suffix(".db"))
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{file}"


async def log_in(peer: Peer, name: str) -> int:
    """
    Make an account, and log in to it.

    @return: the user's id.
    """
    peer.send(register(name), login(name))
    registered, logged_in = await peer.receive_some(2)
    assert registered["success"], registered
    assert logged_in["success"], logged_in
    user_id: int = logged_in["user_id"]
    return user_id
