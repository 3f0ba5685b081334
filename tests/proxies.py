"""
A network between a server and its database that fails when a test says so. It
has threads of its own, so that the server may block the test's.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from threading import Event, Thread

from attrs import define, field

from tests.clusters import Cluster

#: How long anything may take.
SECONDS = 10.0


class AtCommit(Enum):
    """
    What happens to a connection when C{COMMIT} goes over it.
    """

    PASSES = "nothing"
    IS_LOST = "it breaks before PostgreSQL hears of it"
    ANSWER_IS_LOST = "it breaks after PostgreSQL has done it, before the answer"
    IS_LATE = "it breaks; PostgreSQL hears of it when the next one wants the lock"
    HANGS = "nothing comes through any more"


@define(eq=False)
class Proxy:
    """
    Listens on a port, and passes everything on to a cluster.

    @ivar mode: what happens at the next C{COMMIT}, once.
    """

    cluster: Cluster
    mode: AtCommit = AtCommit.PASSES
    _listening: socket.socket = field(init=False)
    _wants_lock: Event = field(factory=Event)
    _sockets: list[socket.socket] = field(factory=list)
    _threads: list[Thread] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets.append(self._listening)
        self._begin(self._accept)

    def url(self, database: str) -> str:
        """
        @return: how the owner of a database reaches it this way.
        """
        port = self._listening.getsockname()[1]
        return f"postgresql+psycopg://chatroom@127.0.0.1:{port}/{database}?sslmode=disable"

    def stop(self) -> None:
        """
        Break everything, and end.
        """
        for each in self._sockets:
            _break(each)
        for thread in self._threads:
            thread.join(SECONDS)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.cluster.directory / ".s.PGSQL.5432"))
                self._sockets += [client, server]
                link = _Link(self, client, server)
                self._begin(link.ask)
                self._begin(link.answer)

    def take(self) -> AtCommit:
        """
        @return: what happens now, and not again.
        """
        mode, self.mode = self.mode, AtCommit.PASSES
        return mode

    def wait_for_lock(self) -> None:
        """
        Wait until a connection waits for the lock that another one has.
        """
        self._wants_lock.wait(SECONDS)
        query = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for _ in range(500):
            if self.cluster.execute(query):
                return

    def heard(self, data: bytes) -> None:
        """
        Take note of what goes over a connection.
        """
        if b"pg_advisory_lock" in data:
            self._wants_lock.set()


@define(eq=False)
class _Link:
    """
    One connection, of two halves.
    """

    _proxy: Proxy
    _client: socket.socket
    _server: socket.socket
    _is_mute: bool = False

    def ask(self) -> None:
        """
        Pass on what the client says.
        """
        with suppress(OSError):
            while data := self._client.recv(65536):
                self._proxy.heard(data)
                mode = self._proxy.take() if data.startswith(b"Q") and b"COMMIT" in data else None
                if mode in (None, AtCommit.PASSES):
                    self._server.sendall(data)
                else:
                    self._fail(mode, data)
        _break(self._client, self._server)

    def answer(self) -> None:
        """
        Pass on what the server says.
        """
        with suppress(OSError):
            while data := self._server.recv(65536):
                if self._is_mute:
                    break
                self._client.sendall(data)
        _break(self._client, self._server)

    def _fail(self, mode: "AtCommit | None", data: bytes) -> None:
        self._is_mute = True
        if mode is AtCommit.IS_LOST:
            _break(self._client, self._server)
        elif mode is AtCommit.ANSWER_IS_LOST:
            self._server.sendall(data)
        elif mode is AtCommit.IS_LATE:
            self._proxy._wants_lock.clear()
            _break(self._client)
            self._proxy.wait_for_lock()
            self._server.sendall(data)


def _break(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
