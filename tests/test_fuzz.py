"""
A hundred thousand bad lines.
"""

import json
import random

from twisted.trial.unittest import SynchronousTestCase

from tests.peers import PASSWORD, Message, Peer, request
from tests.servers import memory_server
from tests.strict import Dialect

SEEDS = [
    json.dumps(message, ensure_ascii=is_ascii).encode()
    for is_ascii in (True, False)
    for message in (
        request("login_request", username="alice", password=PASSWORD),
        request("register_request", username="boß", password=PASSWORD, request_id="r"),
        request("chat_message", content="héllo 😀", chat_group_id=1, client_message_id="c"),
        request("create_chat_request", chat_name="项目", member_usernames=["alice"]),
        request("list_users_request", list_type="current_chat", chat_group_id=0),
        request("enter_chat_request", chat_name="public"),
        request("leave_chat_request", chat_group_id=2),
        request("hello_request", protocol=1, client="fuzz", language="en", want=["typing"]),
        request("token_login_request", session_token="abc", request_id="t"),
        request("resume_request", epoch="e", positions=[{"chat_group_id": 1, "after_seq": 0}]),
        request("edit_message_request", message_id=1, content="héllo"),
        request("delete_message_request", message_id=2),
        request("react_request", message_id=1, reaction="👍", add=False),
        request("history_request", chat_group_id=1, around_seq=3, limit=5),
        request("search_request", query="héllo 😀 项目", before=1.5, cursor="c"),
        request("mark_read_request", chat_group_id=1, seq=1),
        request("ping", nonce="n"),
        request("revoke_session_request", session_id=987),
        request("change_password_request", old_password="a", new_password="secret"),
    )
]
GRIT = (
    b"\x00",
    b"\xff",
    b"\\u0000",
    b"\\ud800",
    b"NaN",
    b"-1",
    b"1e999",
    b"9" * 30,
    b"true",
    b"null",
    b"[",
    b"{",
    b'"',
    b":",
    b"\r",
    b"\xed\xa0\x80",
    "\u202e".encode(),
)


def mutate(chance: random.Random, line: bytes) -> bytes:
    """
    @return: a line with some bytes changed, added, doubled or lost.
    """
    data = bytearray(line)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.randint(0, 8))
        choice = chance.randrange(4)
        if choice == 0:
            data[start:end] = chance.choice(GRIT)
        elif choice == 1:
            data[start:end] = bytes(chance.randrange(256) for _ in range(end - start))
        elif choice == 2:
            data[start:start] = data[start:end]
        else:
            del data[start:end]
    return bytes(data).replace(b"\n", b" ")


class FuzzTests(SynchronousTestCase):
    """
    Lines that are nearly requests.
    """

    def setUp(self) -> None:
        """
        Start a server.
        """
        self.server = memory_server(self, login_seconds=0, stall_seconds=0)

    def test_mutated_lines(self) -> None:
        """
        Of 100,000 mutated lines each is answered or refused by rule, in lines
        that a strict client takes, and nothing is logged as a failure.
        """
        peer = self.server.connect()
        peer.dialect = Dialect.ASKING
        self.mutate(peer, 1000, [])

    def test_mutated_lines_after_a_hello(self) -> None:
        """
        So is each of somebody who follows the log.
        """
        hello, resume = request("hello_request", protocol=1), request("resume_request")
        self.mutate(self.server.connect(), 200, [hello], [resume])

    def mutate(self, peer: Peer, count: int, *around: list[Message]) -> None:
        """
        Log in, with something said before and behind it, and send mutated lines.

        @param count: how many times a hundred.
        """
        account = {"username": "bob", "password": PASSWORD}
        first, *rest = around
        for kind in ("register_request", "login_request"):
            peer.send(*(first if kind == "register_request" else []), request(kind, **account))
            self.server.pass_time(1)
        peer.send(*(each for some in rest for each in some))
        self.server.pass_time(1)
        peer.heard.clear()
        chance, answered = random.Random(8888), 0
        for _ in range(count):
            lines = [mutate(chance, chance.choice(SEEDS)) for _ in range(100)]
            answered += self.talk(peer, lines)
        self.assertEqual(answered, 100 * count)
        self.assertEqual(self.flushLoggedErrors(), [])

    def talk(self, peer: Peer, lines: list[bytes]) -> int:
        """
        Send lines, each with one behind it that is known to be refused.

        @return: how many had an answer before that.
        """
        for number, each in enumerate(lines):
            peer.send(each, request("mark", request_id=f"mark {number}"))
        answered, marks, since = 0, 0, 0
        for _ in range(1000):
            for message in peer.heard:
                if message.get("request_id") == f"mark {marks}":
                    marks, answered, since = marks + 1, answered + bool(since), 0
                else:
                    since += 1
            peer.heard.clear()
            if marks == len(lines):
                return answered
            self.server.pass_time(0.01)
        raise AssertionError(f"no answer to {lines[marks]!r}")
