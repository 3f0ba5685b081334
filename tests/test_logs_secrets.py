"""
What nobody may find in a log: whatever happens, no password and no content is in
any event, in any format.
"""

import json
from collections.abc import Iterator
from sqlite3 import OperationalError
from typing import Any

from attrs import evolve, fields
from sqlalchemy.exc import DBAPIError
from twisted.trial.unittest import SynchronousTestCase

from chatroom.errors import StoreUnavailable
from chatroom.logs.journal import Journal
from chatroom.server import dispatch
from chatroom.server.dispatch import entry
from chatroom.store.errors import CommitUncertain, StoreRejected
from chatroom.store.queries.logins import LoginQueries
from chatroom.store.repository import Repository
from chatroom.wire.codec import Direction
from chatroom.wire.messages import FileChunkRequest
from tests.inventory import types
from tests.lanes import SteppingLane
from tests.log_lines import Seen, watch
from tests.peers import Message, Peer, post, request
from tests.servers import MemoryServer, memory_server
from tests.strict import Dialect

PASSWORD = "c4n4ry-p4ssw0rd"
CONTENT = "c4n4ry-c0nt3nt"
TOKEN = "c4n4ry-t0k3n"
CANARY = "c4n4ry"

#: Where a key's value is neither a name nor anything else that a log may have.
SECRET_KEYS = {
    "password": PASSWORD,
    "old_password": PASSWORD,
    "new_password": PASSWORD,
    "session_token": TOKEN,
    "content": CONTENT,
}


def requests() -> Iterator[Message]:
    """
    @return: a request of every type, whose secrets are canaries, and in which all
        else that is text, but for names of users, is one too.
    """
    for cls in types(Direction.TO_SERVER):
        kind = cls.message_type.value
        keys = {each.name for each in fields(cls)} - {"timestamp"}
        values: dict[str, Any] = dict.fromkeys(keys, CONTENT)
        values |= {key: SECRET_KEYS[key] for key in keys & SECRET_KEYS.keys()}
        values |= {"username": "alice"} if "username" in keys else {}
        yield request(kind, **values)


def valid(cls: "type[Any]") -> Message:
    """
    @return: a request that is one, whose secrets are canaries.
    """
    known: dict[str, Any] = {"username": "alice", "chat_name": "tea", **SECRET_KEYS}
    known |= dict.fromkeys(("protocol", "session_id", "message_id", "chat_group_id", "seq"), 1)
    known |= {"reaction": CONTENT, "query": CONTENT, "add": True, "active": True}
    known |= {"role": "member", "administrator": True}
    known |= {"filename": CONTENT, "file_size": 3, "data": CONTENT, "offset": 0}
    known |= {"client_file_id": CONTENT[:64], "file_id": 1, "bytes": 1}
    if cls is FileChunkRequest:
        known["upload_id"] = CONTENT
    keys = {each.name for each in fields(cls)} & known.keys()
    return request(cls.message_type.value, **{key: known[key] for key in keys})


def variants(message: Message) -> Iterator[bytes]:
    """
    @return: a request, and what comes of it when each key in turn is missing, or of
        another type; and lines that are cut off or nearly JSON.
    """
    line = json.dumps(message).encode()
    yield line
    for key in message:
        # A name is logged; what else is sent in its place is not.
        texts = [] if key == "username" else [CONTENT * 1000, "\0" + CONTENT]
        for value in (None, [CONTENT], {"a": PASSWORD}, 1, True, *texts):
            yield json.dumps({**message, key: value}).encode()
        yield json.dumps({k: v for k, v in message.items() if k != key}).encode()
    yield line[:-1]
    yield line + b"}"
    yield line.replace(b'"', b"'")
    yield line + b"\xff"
    yield b"[" + line + b"]"
    yield (
        b'{"message_type": "' + CONTENT.encode() + b'", "password": "' + PASSWORD.encode() + b'"}'
    )


class SecretTests(SynchronousTestCase):
    """
    A whole server, whose log is read.
    """

    def setUp(self) -> None:
        """
        See what is logged.
        """
        self.seen: Seen = watch(self)

    def start(self, **arguments: Any) -> MemoryServer:
        """
        @return: a server that lets anybody try as often as they like.
        """
        free = dict.fromkeys(("login_tries", "registrations_per_hour", "post_burst"), 0)
        return memory_server(self, **{**free, **arguments})

    def user(self, server: MemoryServer, name: str = "alice") -> Peer:
        """
        @return: somebody whose password is a canary.
        """
        peer = self.named(server)
        account = {"username": name, "password": PASSWORD}
        peer.send(request("register_request", **account), request("login_request", **account))
        registered, logged_in = self.successResultOf(peer.receive_some(2))
        self.assertTrue(registered["success"] and logged_in["success"])
        return peer

    def named(self, server: MemoryServer) -> Peer:
        """
        @return: a connection whose answers may have all keys.
        """
        peer = server.connect()
        peer.dialect = Dialect.ASKING
        return peer

    def clean(self) -> str:
        """
        Nothing secret was logged.

        @return: all that was.
        """
        everything = self.seen.everything()
        self.assertNotIn(CANARY, everything)
        return everything

    def say_everything(self, peer: Peer, server: MemoryServer) -> None:
        """
        Send every request, good and bad.
        """
        for message in requests():
            for line in variants(message):
                peer.send(line)
                server.pass_time(0.1)

    def test_requests(self) -> None:
        """
        Every request is valid or not, logged in or not.
        """
        server = self.start()
        self.say_everything(self.named(server), server)
        peer = self.user(server, "bob")
        self.say_everything(peer, server)
        operator = server.connect_operator()
        operator.dialect = Dialect.ASKING
        self.say_everything(operator, server)
        peer.send(request("login_request", username="bob", password=PASSWORD + "!"))
        server.pass_time(1)
        self.clean()
        self.assertLessEqual(
            {"registered", "registration_failed", "logged_in", "login_failed", "logged_out"},
            set(self.seen.names()),
        )

    def test_lines(self) -> None:
        """
        Lines are too long, not ended, or of another protocol.
        """
        server = self.start()
        for data in (
            b'{"message_type": "login_request", "password": "' + PASSWORD.encode() * 9999,
            f"GET /?password={PASSWORD} HTTP/1.1\r\n\r\n".encode(),
            post(CONTENT * 9999),
        ):
            peer = server.connect()
            peer.send(data) if isinstance(data, dict) else peer.wire.write(data)
            server.pass_time(1)
            peer.wire.end()
            server.pass_time(3)
        self.clean()
        self.assertIn("cut_off", self.seen.names())

    def failures(self) -> Iterator[Exception]:
        """
        @return: what may go wrong, with messages that tell everything.
        """
        said = f"{PASSWORD} {CONTENT}"
        yield ValueError(said)
        yield KeyError(said)
        yield RuntimeError({"password": PASSWORD})
        yield OSError(5, said, said)
        yield UnicodeDecodeError("utf-8", said.encode(), 0, 1, said)
        for error in (OperationalError(said), ValueError(said)):
            wrapped = DBAPIError(f"INSERT {said}", {"password": PASSWORD}, error)
            wrapped.__cause__ = error
            yield wrapped
            for failed in (StoreUnavailable(), CommitUncertain(said), StoreRejected(said)):
                failed.__cause__ = wrapped
                yield failed

    def test_handlers(self) -> None:
        """
        A handler of each request fails, whatever the exception says.
        """
        server = self.start()
        peer = self.user(server)
        classes = types(Direction.TO_SERVER)
        for cls in classes:
            for error in self.failures():
                self.fail_with(cls, error, server, peer)
        self.flushLoggedErrors()
        self.clean()
        failed = {each["type"] for each in self.seen.of("request_failed")}
        self.assertEqual(failed, {cls.message_type.value for cls in classes})

    def fail_with(
        self, cls: "type[Any]", error: Exception, server: MemoryServer, peer: Peer
    ) -> None:
        """
        Have the handler of a class of requests raise.
        """

        async def broken(*_: object) -> list[Any]:
            raise error

        before = entry(cls)
        dispatch._ENTRIES[cls] = evolve(before, handler=broken)
        try:
            peer.send(valid(cls))
            server.pass_time(0.1)
        finally:
            dispatch._ENTRIES[cls] = before

    def test_lanes(self) -> None:
        """
        The database fails in any way, for any request.
        """
        for error in self.failures():
            self.fail_lanes(error)
        self.flushLoggedErrors()
        self.clean()
        self.assertIn("database_failed", self.seen.names())

    def fail_lanes(self, error: Exception) -> None:
        """
        Have a lane fail at all that any request wants of it.
        """
        server = self.start(lane=SteppingLane)
        lanes: list[Any] = list(server.lanes.values())
        for lane in lanes:
            lane.step_all()
        peer = self.named(server)
        for cls in types(Direction.TO_SERVER):
            peer.send(valid(cls))
            for _ in range(3):
                server.pass_time(0.1)
                for lane in lanes:
                    while lane.queue:
                        lane.fail(error)

    def test_statements(self) -> None:
        """
        Statements fail, with the data that they were given in the message.
        """
        server = self.start()
        peer = self.user(server)

        def broken(*arguments: object, **keys: object) -> None:
            raise OperationalError(f"{arguments} {keys} {PASSWORD} {CONTENT}")

        names = [name for name in dir(Repository) if not name.startswith("_")]
        for name in names:
            of = next(each for each in Repository.__mro__ if name in vars(each))
            before = getattr(of, name)
            setattr(of, name, broken)
            try:
                for message in requests():
                    peer.send(message)
                    server.pass_time(0.2)
                peer.send(post(CONTENT), post(CONTENT, client_message_id=CONTENT))
                server.pass_time(0.2)
            finally:
                setattr(of, name, before)
        self.flushLoggedErrors()
        self.clean()
        self.assertTrue(self.seen.of("request_failed") or self.seen.of("change_failed"))

    def test_tokens(self) -> None:
        """
        A token of the server's own is given, used and ended, and statements fail.
        """
        server = self.start()
        server.chat.logins._new_token = lambda: TOKEN
        self.user(server).wire.abort()
        asked = [
            request("login_request", username="alice", password=PASSWORD),
            request("token_login_request", session_token=TOKEN),
            request("list_sessions_request"),
            request("revoke_session_request", session_id=9),
            request("change_password_request", old_password=PASSWORD, new_password=TOKEN * 999),
            request("logout_request"),
        ]

        def broken(*arguments: object, **keys: object) -> None:
            raise OperationalError(f"{arguments} {keys} {TOKEN}")

        for name in ["", *(name for name in vars(LoginQueries) if not name.startswith("_"))]:
            before = getattr(LoginQueries, name, None)
            if before is not None:
                self.patch(LoginQueries, name, broken)
            for message in asked:
                peer = server.connect()
                peer.send(request("hello_request", protocol=1), message, *asked[1:])
                server.pass_time(0.2)
                peer.wire.abort()
            if before is not None:
                setattr(LoginQueries, name, before)
        self.flushLoggedErrors()
        self.clean()
        names = set(self.seen.names())
        self.assertLessEqual({"logged_in", "login_failed", "password_change_failed"}, names)
        self.assertTrue(self.seen.of("request_failed"))

    def test_slow_reader(self) -> None:
        """
        Who does not read is cut off, and not with what was to be read.
        """
        server = self.start(push_bytes=64 * 1024)
        peer, reader = self.user(server), self.user(server, "bob")
        reader.wire.transport.is_reading = False  # type: ignore[attr-defined]
        for _ in range(200):
            peer.send(post(CONTENT * 200))
            server.pass_time(0.5)
        self.clean()
        self.assertIn("slow_reader", [each["reason"] for each in self.seen.of("cut_off")])

    def test_everything_was_read(self) -> None:
        """
        A canary that is logged would be found, wherever it was.
        """
        Journal("tests").note("logged_out", user=CANARY, address="local")
        self.assertRaises(self.failureException, self.clean)
