"""
Where the operator's commands reach a server that runs: a socket, whose it is and what
becomes of it.
"""

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chatroom.admin import desk as desks
from chatroom.admin import reach as reaching
from chatroom.admin.desk import Desk
from chatroom.admin.exits import DONE, REFUSED, UNREACHABLE, USAGE, Failed
from chatroom.admin.reach import Reach
from chatroom.assembly import assemble
from chatroom.errors import StartError
from chatroom.server.line import ChatFactory
from chatroom.server.reached import AdminSocket, socket_path
from chatroom.server.service import ChatService
from chatroom.settings import Settings
from chatroom.wire.messages import (
    AddUserRequest,
    AddUserResponse,
    ListAccountsRequest,
    ListAccountsResponse,
)
from tests.log_lines import watch
from tests.operators import MODULE, ProcessTestCase
from tests.processes import PYTHON, Place
from tests.servers import CHEAP, memory_server

COMMAND = (PYTHON, "-m", "chatroom", "admin")


def short_place(test: SynchronousTestCase) -> Path:
    """
    @return: a directory whose sockets have names that are not too long.
    """
    path = Path(tempfile.mkdtemp(prefix="chatroom-"))
    test.addCleanup(shutil.rmtree, path, ignore_errors=True)
    return path


class PathTests(SynchronousTestCase):
    """
    Where it is.
    """

    def test_beside(self) -> None:
        """
        It is beside a file, wherever that is from here, unless another path is chosen.
        """
        place = os.path.realpath(".")
        for chosen, database, expected in (
            ("beside", "sqlite:///chat.db", f"{place}/chat.db.admin"),
            ("beside", "sqlite:////var/lib/chat.db", "/var/lib/chat.db.admin"),
            ("beside", "postgresql+psycopg://db/chat", None),
            ("off", "sqlite:///chat.db", None),
            ("own.sock", "postgresql+psycopg://db/chat", f"{place}/own.sock"),
            ("/run/own.sock", "sqlite:///chat.db", "/run/own.sock"),
        ):
            settings = Settings(admin_socket=chosen, database=database)
            self.assertEqual(socket_path(settings), expected)


class SocketCase(TestCase):
    """
    A place for sockets, and a server that runs for real.
    """

    timeout = 30

    def setUp(self) -> None:
        """
        Have the place.
        """
        self.place = short_place(self)
        self.path = self.place / "chat.db.admin"
        self.settings = Settings(database=f"sqlite:///{self.place}/chat.db", language="en")

    def serve(self, settings: Settings | None = None) -> ChatService:
        """
        @return: a server that has the socket, until it is stopped or the test ends.
        """
        chosen = settings or self.settings
        chat = assemble(chosen, reactor, cost=CHEAP)
        AdminSocket(chat, chosen, reactor).setServiceParent(chat)
        self.addCleanup(chat.stopService)
        chat.startService()
        return chat

    def reach(self, settings: Settings | None = None) -> Reach:
        """
        @return: a way to it.
        """
        return Reach(reactor, settings or self.settings, print, {"cost": CHEAP})

    async def names(self) -> list[str]:
        """
        @return: the names of all users, by whichever way there is.
        """
        found: list[str] = []

        async def work(desk: Desk) -> None:
            page = await desk.ask(ListAccountsRequest(), ListAccountsResponse)
            found.extend(each.username for each in page.accounts)

        await self.reach().do(work)
        return found

    async def add(self, name: str) -> None:
        """
        Add a user.
        """

        async def work(desk: Desk) -> None:
            await desk.ask(AddUserRequest(username=name, password="secret123"), AddUserResponse)

        await self.reach().do(work)

    async def failure(self) -> Failed:
        """
        @return: why there is no way.
        """
        try:
            await self.names()
        except Failed as failed:
            return failed
        raise AssertionError("there is one")


class SocketTests(SocketCase):
    """
    What becomes of the socket.
    """

    async def test_mode(self) -> None:
        """
        It is its owner's alone, whatever the umask is, from the moment that it is there.
        """
        modes: list[int] = []

        def listen(listening: socket.socket, backlog: int = 0) -> None:
            # Only now can anybody connect.
            modes.append(stat.S_IMODE(os.stat(self.path).st_mode))
            real(listening, backlog)

        def chmod(path: "str | bytes", mode: int) -> None:
            if os.fsencode(path) == os.fsencode(self.path):
                modes.append(stat.S_IMODE(os.stat(path).st_mode))
            real_chmod(path, mode)

        real, real_chmod = socket.socket.listen, os.chmod
        self.patch(socket.socket, "listen", listen)
        self.patch(os, "chmod", chmod)
        before = os.umask(0)
        try:
            chat = self.serve()
            self.assertEqual(os.umask(0), 0)
        finally:
            os.umask(before)
        self.assertEqual(modes, [0o600, 0o600])
        found = os.lstat(self.path)
        self.assertTrue(stat.S_ISSOCK(found.st_mode))
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o600)
        await chat.stopService()
        self.assertFalse(os.path.lexists(self.path))

    async def test_stale(self) -> None:
        """
        What a killed server has left is replaced.
        """
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(self.path))
            stale.listen()
        self.serve()
        self.assertEqual(await self.names(), [])

    async def test_stale_without_server(self) -> None:
        """
        Where a killed server has left it, and none runs, the database is opened.
        """
        chat = self.serve()
        await self.add("alice")
        await chat.stopService()
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(self.path))
        self.assertEqual(await self.names(), ["alice"])

    async def test_no_socket_there(self) -> None:
        """
        What is no socket is not touched: a server that was told to use it does not start,
        one that was not does without.
        """
        self.path.write_text("precious")
        chosen = Settings(database=self.settings.database, admin_socket=str(self.path))
        chat = assemble(chosen, reactor, cost=CHEAP)
        AdminSocket(chat, chosen, reactor).setServiceParent(chat)
        self.assertIn("a file that is none", str(self.assertRaises(StartError, chat.startService)))
        self.serve()
        self.assertEqual(self.path.read_text(), "precious")

    async def test_another_listens(self) -> None:
        """
        A socket that another server listens at is not taken from it.
        """
        self.serve()
        chosen = Settings(database=f"sqlite:///{self.place}/other.db", admin_socket=str(self.path))
        chat = assemble(chosen, reactor, cost=CHEAP)
        AdminSocket(chat, chosen, reactor).setServiceParent(chat)
        why = str(self.assertRaises(StartError, chat.startService))
        self.assertIn("another server listens", why)
        self.assertEqual(await self.names(), [])

    async def test_removed_by_others(self) -> None:
        """
        A server that stops removes its own socket alone, and stops if it is gone.
        """
        chat = self.serve()
        os.unlink(self.path)
        self.path.write_text("somebody's")
        await chat.stopService()
        self.assertEqual(self.path.read_text(), "somebody's")
        self.path.unlink()
        chat = self.serve()
        os.unlink(self.path)
        await chat.stopService()

    async def test_too_long(self) -> None:
        """
        Where its path would be too long there is none, and the server runs.
        """
        seen = watch(self)
        place = self.place / ("x" * 100)
        place.mkdir()
        settings = Settings(database=f"sqlite:///{place}/chat.db")
        self.assertTrue(self.serve(settings).is_open)
        [event] = [each for each in seen.events if each.get("event") == "no_admin_socket"]
        self.assertIn("cannot make the admin socket", event["why"])

    async def test_off(self) -> None:
        """
        Where it is off there is none.
        """
        self.serve(Settings(database=self.settings.database, admin_socket="off"))
        self.assertFalse(os.path.lexists(self.path))

    def test_not_by_port(self) -> None:
        """
        Who connects to a port is nobody, from wherever.
        """
        server = memory_server(self)
        factory = ChatFactory(server.chat)
        self.assertIs(factory.is_operator, False)
        for host in (None, "127.0.0.1", "local"):
            answer = self.successResultOf(
                server.connect(host).ask({"message_type": "list_accounts_request"})
            )
            self.assertEqual(answer["error_code"], 1001)


class _Dying(Protocol):
    """
    A server that says hello, and is gone when it is asked something.
    """

    def dataReceived(self, data: bytes) -> None:
        """Answer the first line alone."""
        transport: Any = self.transport
        if b"hello_request" in data:
            transport.write(
                b'{"message_type":"hello_response","timestamp":1.0,"request_id":"admin-1",'
                b'"protocol":1,"server":"x","epoch":"x","language":"en","limits":{'
                b'"line_bytes":1,"content_chars":1,"file_bytes":0,"chunk_bytes":0,'
                b'"page_size":1,"heartbeat_seconds":1}}\n'
            )
        else:
            self.asked(transport)

    def asked(self, transport: Any) -> None:
        """Be gone."""
        transport.write(b'{"message_type":"list_acc')
        transport.loseConnection()


class _Silent(_Dying):
    """
    One that says nothing more.
    """

    def asked(self, transport: Any) -> None:
        """Say nothing."""


class ReachTests(SocketCase):
    """
    The ways to a chat.
    """

    def listen(self, protocol: type[Protocol]) -> None:
        """
        Have something at the socket.
        """
        listening: Any = reactor
        port = listening.listenUNIX(str(self.path), Factory.forProtocol(protocol), mode=0o600)
        self.addCleanup(port.stopListening)

    async def test_both_ways(self) -> None:
        """
        What is done through a server is there without it, and the other way round.
        """
        chat = self.serve()
        await self.add("alice")
        await chat.stopService()
        await self.add("bob")
        self.serve()
        self.assertEqual(await self.names(), ["alice", "bob"])

    async def test_two_at_once(self) -> None:
        """
        Two commands at once are both done, with a server and without one.
        """
        chat = self.serve()
        for names in (("alice", "bob"), ("carol", "dora")):
            both = [Deferred.fromCoroutine(self.add(name)) for name in names]
            await gatherResults(both, consumeErrors=True)
            if chat.is_open:
                await chat.stopService()
        self.assertEqual(sorted(await self.names()), ["alice", "bob", "carol", "dora"])

    async def test_the_server_dies(self) -> None:
        """
        Where a server dies in the middle nobody knows what it has done, and that is said.
        """
        self.listen(_Dying)
        failed = await self.failure()
        self.assertEqual(failed.status, UNREACHABLE)
        self.assertIn("the server has gone before it answered", failed.why)
        self.assertIn("whether it was done is not known", failed.why)

    async def test_silence(self) -> None:
        """
        One that does not answer is not waited for without end.
        """
        self.patch(desks, "PATIENCE", 0.2)
        self.listen(_Silent)
        failed = await self.failure()
        self.assertEqual(failed.status, UNREACHABLE)
        self.assertIn("has not answered in 0.2 seconds", failed.why)

    async def test_starting(self) -> None:
        """
        One that refuses connections, since it only just starts or stops, is tried again,
        for a while.
        """
        self.patch(reaching, "WAITING_SECONDS", 0.5)

        class Closing(Protocol):
            def connectionMade(self) -> None:
                transport: Any = self.transport
                transport.loseConnection()

        self.listen(Closing)
        failed = await self.failure()
        self.assertEqual(failed.status, UNREACHABLE)
        self.assertIn("does not answer", failed.why)

    async def test_not_allowed(self) -> None:
        """
        Who may not connect is told so; the database is not opened instead.
        """
        if os.getuid() == 0:
            # Root may; what the system says to others is said here by the kernel's name
            # for a path through a file.
            (self.place / "file").write_text("")
            path = str(self.place / "file" / "admin.sock")
        else:
            self.serve()
            os.chmod(self.path, 0)
            path = str(self.path)
        chosen = Settings(database=self.settings.database, admin_socket=path)
        with self.assertRaises(Failed) as raised:
            await self.reach(chosen).do(lambda desk: desk.greet())
        self.assertEqual(raised.exception.status, UNREACHABLE)
        self.assertIn("cannot connect to", raised.exception.why)


class ProcessTests(ProcessTestCase):
    """
    Real processes.
    """

    def setUp(self) -> None:
        """
        Have a directory whose sockets have names that are not too long.
        """
        super().setUp()
        self.place = Place(reactor, short_place(self))

    async def command(self, *words: str, typed: bytes = b"", **environment: str) -> Any:
        """
        @return: what has come of a command.
        """
        process = self.place.start(*COMMAND, *words, **environment)
        transport: Any = process.transport
        transport.write(typed)
        transport.closeStdin()
        return await process.outcome()

    async def test_commands(self) -> None:
        """
        With a server and, when it has been killed, without one; nobody's password is in
        any output.
        """
        none = await self.command("users", "list")
        self.assertEqual((none.status, none.out), (UNREACHABLE, ""))
        self.assertIn("there is no database", none.err)
        server, _ = await self.serve(*MODULE)
        path = self.place.path / "chatroom.db.admin"
        self.assertEqual(stat.S_IMODE(path.lstat().st_mode), 0o600)
        added = await self.command("users", "add", "alice", typed=b"secret123\n")
        self.assertEqual((added.status, added.out), (DONE, "added alice, user 1\n"))
        again = await self.command("users", "add", "alice", typed=b"secret123\n")
        self.assertEqual(again.status, REFUSED)
        await server.says("('the operator' did add alice)")
        killed = await server.stop(9)
        self.assertTrue(os.path.lexists(path))
        added = await self.command("users", "add", "bob", typed=b"secret123\n")
        self.assertEqual((added.status, added.out), (DONE, "added bob, user 2\n"))
        bad = await self.command("users", "list", CHATROOM_LANGUAGE="klingon")
        self.assertEqual(bad.status, USAGE)
        for outcome in (killed, added):
            self.assertNotIn("secret", outcome.out + outcome.err)
