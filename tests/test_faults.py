"""
A database that fails at each statement of the write path in turn: who is
concerned hears 1009, what is acknowledged is stored and nothing else, and no
restart is needed.

In memory and with inline lanes, so that what is sent at once shares a commit.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from attrs import define
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from twisted.trial.unittest import TestCase

from chatroom.chat.passwords import Cost, Passwords
from tests.behaviour import named
from tests.lanes import InlineLane
from tests.peers import PASSWORD, Message, Peer, post, request
from tests.servers import log_in, memory_server
from tests.stores import OnPostgreSQL, OnSQLite


@define(eq=False)
class Injection:
    """
    Makes one statement of the writer fail, C{COMMIT} included, where a scenario
    says C{with}.

    @ivar at: which, from 1.
    @ivar fail: how; C{None} when it has.
    @ivar seen: how many statements there were.
    """

    at: int = 0
    fail: Callable[[Connection], None] | None = None
    seen: int = 0
    _is_on: bool = False

    def into(self, engine: Any) -> None:
        """
        Watch what a database is told.
        """
        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            event.listen(engine, name, self._executes)
        event.listen(engine, "commit", self._step)

    def __enter__(self) -> None:
        self.seen, self._is_on = 0, True

    def __exit__(self, *_: object) -> None:
        self._is_on = False

    def _executes(self, *arguments: Any) -> None:
        self._step(arguments[-1].root_connection)

    def _step(self, connection: Connection) -> None:
        if self._is_on:
            self.seen += 1
            fail = self.fail
            if fail is not None and self.seen == self.at:
                self.fail = None
                fail(connection)


def error(connection: Connection) -> None:
    """
    Say what a driver says when the database does not work.
    """
    dbapi: Any = connection.dialect.dbapi
    raise OperationalError("", None, dbapi.OperationalError("injected"))


def lost_answer(connection: Connection) -> None:
    """
    Do as C{COMMIT} does, and lose the answer.
    """
    driver: Any = connection.connection.dbapi_connection
    driver.commit()
    error(connection)


class FaultsOnSQLite(OnSQLite, TestCase):
    """
    A server in memory, with people who talk.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        """
        Start it.
        """
        self.url = self.new_url()
        self.server = memory_server(self, url=self.url)
        self.alice, self.bob, self.carol, self.dave = [
            await self.user(name) for name in ("alice", "bob", "carol", "dave")
        ]
        self.program = self.another_program(self.url)
        self.injection = Injection()
        self.costs = count(2)
        self.injection.into(self.server.chat._database._writer)

    async def user(self, name: str) -> Peer:
        """
        @return: a connection on which a new user is logged in.
        """
        peer = self.server.connect()
        await log_in(peer, name)
        return peer

    def break_off(self, connection: Connection) -> None:
        """
        Fail as on a full disk: the transaction is undone by the database itself.
        """
        driver: Any = connection.connection.dbapi_connection
        driver.rollback()
        error(connection)

    async def rounds(
        self, scenario: Callable[[str], Any], *failures: Callable[[Connection], None]
    ) -> int:
        """
        Go through a scenario once as it should be, then for each statement and
        each way to fail, and once with the answer to C{COMMIT} lost.

        @param scenario: called with a name for the round.
        @return: how many statements there are.
        """
        injection = self.injection
        await scenario("well")
        statements = injection.seen
        for fail in failures:
            for injection.at in range(1, statements + 1):
                injection.fail = fail
                await scenario(f"{fail.__name__}{injection.at}")
                self.assertIsNone(injection.fail)
        injection.at, injection.fail = statements, lost_answer
        await scenario("lost")
        self.assertIsNone(injection.fail)
        return statements

    def stored(self) -> Iterator[tuple[int, int, int, str]]:
        """
        @return: the room, seq, id and name of what is in the log.
        """
        query = "SELECT room_id, seq, id, client_message_id FROM events ORDER BY room_id, seq"
        return iter(self.program.ask(query))

    def check_log(self) -> dict[str, int]:
        """
        See that the log has no gap.

        @return: the seqs of the posts that have a name.
        """
        ends: dict[int, int] = {1: 0}
        named: dict[str, int] = {}
        ids = set()
        for room_id, seq, event_id, name in self.stored():
            self.assertEqual(seq, ends.get(room_id, 0) + 1)
            ends[room_id] = seq
            ids.add(event_id)
            if name is not None:
                self.assertNotIn(name, named)
                named[name] = seq
        found = self.program.ask("SELECT id, last_seq FROM rooms")
        self.assertEqual({room_id: seq for room_id, seq in found if seq or room_id == 1}, ends)
        [(counter,)] = self.program.ask("SELECT value FROM counters WHERE name = 'events.id'")
        self.assertEqual(counter, max(ids, default=0))
        return named

    async def talk(self, name: str) -> None:
        """
        Several people do something at once, in one commit; what of it fails they
        do again.
        """
        room = f"r{name}"
        await self.alice.ask(named("create_chat_request", room, request_id="r"))
        await self.alice.settle()
        heard: dict[Peer, list[Message]] = {}
        asked: dict[Peer, list[Message]] = {
            self.alice: [post("a", client_message_id=f"{name}-a{n}") for n in range(3)],
            self.bob: [named("join_chat_request", room, request_id="j")],
            self.carol: [
                named("create_chat_request", f"c{name}", member_usernames=["bob"], request_id="c")
            ],
            self.dave: [post("d", client_message_id=f"{name}-d{n}") for n in range(2)],
        }
        with self.injection:
            for peer, messages in asked.items():
                peer.send(*messages)
            for peer in asked:
                heard[peer] = await peer.settle()
        self.check(name, heard)
        before = self.check_log()
        for peer, messages in asked.items():
            peer.send(*messages)
        for peer in asked:
            again = await peer.settle()
            for answer in answers(again):
                self.assertNotEqual(answer.get("error_code"), 1009)
                if "duplicate" in answer:
                    cid = answer["client_message_id"]
                    self.assertEqual(answer["duplicate"], cid in before)
                    self.assertEqual(answer["seq"], before.get(cid, answer["seq"]))
        self.check_log()
        self.assertEqual(len([each for each in self.check_log() if each.startswith(name)]), 5)

    def check(self, name: str, heard: dict[Peer, list[Message]]) -> None:
        """
        What is acknowledged is stored, what is refused is not, and what is stored
        is shown: all of it or nothing.
        """
        log = self.check_log()
        given = [each for lines in heard.values() for each in answers(lines)]
        self.assertEqual(len(given), 7)
        for answer in given:
            if "error_code" in answer:
                self.assertEqual((answer["error_code"], answer["temporary"]), (1009, True))
        acknowledged = {
            each["client_message_id"]: each["seq"] for each in given if "duplicate" in each
        }
        mine = {cid: seq for cid, seq in log.items() if cid.startswith(f"{name}-")}
        self.assertEqual(acknowledged, mine)
        self.assertIn(len(mine), (0, 5))
        pushed = [each for each in heard[self.carol] if each["message_type"] == "chat_message"]
        self.assertEqual(len(pushed), len(mine))
        rooms = self.program.ask(f"SELECT count(*) FROM rooms WHERE name = 'c{name}'")
        made = [a for a in given if a["message_type"] == "create_chat_response"]
        self.assertEqual(rooms, [(len(made),)])
        members = self.program.ask(
            "SELECT count(*) FROM members JOIN rooms ON rooms.id = room_id"
            f" WHERE rooms.name = 'r{name}'"
        )
        joined = {a["message_type"] for a in given} & {"join_chat_response"}
        self.assertEqual(members, [(1 + len(joined),)])

    async def register(self, name: str) -> None:
        """
        Somebody makes an account; if that fails, there is none, and it goes the
        next time.
        """
        peer = self.server.connect()
        account = request("register_request", username=name, password=PASSWORD, request_id="r")
        with self.injection:
            answer = await peer.ask(account)
        count_them = (
            "SELECT count(*) FROM users JOIN members ON users.id = user_id"
            f" WHERE users.name = '{name}'"
        )
        self.assertEqual(self.program.ask(count_them), [(int(answer["success"]),)])
        if not answer["success"]:
            self.assertEqual(answer["error_code"], 1009)
            self.assertTrue((await peer.ask(account))["success"])
        self.assertEqual(self.program.ask(count_them), [(1,)])
        await peer.finish()

    async def rehash(self, name: str) -> None:
        """
        Somebody logs in whose hash is dated, and is let in whatever becomes of that.
        """
        cost = Cost(memory_kib=8 * next(self.costs), passes=1)
        self.server.chat.accounts._passwords = Passwords(InlineLane(), 6, cost)
        with self.injection:
            await self.log_in_again()
        await self.log_in_again()
        [(kept,)] = self.program.ask("SELECT password_hash FROM users WHERE name = 'bob'")
        self.assertIn(f"m={cost.memory_kib},", kept)

    async def log_in_again(self) -> None:
        """
        Log in on another connection, and leave.
        """
        peer = self.server.connect()
        answer = await peer.ask(request("login_request", username="bob", password=PASSWORD))
        self.assertTrue(answer["success"])
        await peer.finish()

    async def test_talking(self) -> None:
        """
        A batch of posts, a join and a new room is stored as a whole, or not at all.
        """
        self.assertGreater(await self.rounds(self.talk, error, self.break_off), 15)

    async def test_registering(self) -> None:
        """
        An account is made with its membership, or not at all.
        """
        self.assertGreater(await self.rounds(self.register, error, self.break_off), 3)

    async def test_rehashing(self) -> None:
        """
        A login succeeds, and a later one does what it could not.
        """
        self.assertGreater(await self.rounds(self.rehash, error, self.break_off), 1)


class FaultsOnPostgreSQL(OnPostgreSQL, FaultsOnSQLite):
    """
    The same with PostgreSQL.
    """

    def break_off(self, connection: Connection) -> None:
        """
        End the connection, as its operator would.
        """
        driver: Any = connection.connection.dbapi_connection
        self.program.do(f"SELECT pg_terminate_backend({driver.info.backend_pid}, 5000)")


def answers(lines: list[Message]) -> list[Message]:
    """
    @return: what answers a request, and is more than a greeting.
    """
    return [
        each
        for each in lines
        if {"client_message_id", "request_id"} & each.keys()
        and each["message_type"] not in ("chat_message", "system_message")
    ]
