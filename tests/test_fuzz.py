"""
A hundred thousand bad lines.
"""

import json
import random

from twisted.trial.unittest import SynchronousTestCase

from tests.peers import PASSWORD, Peer, line, request
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

    def test_mutated_lines(self) -> None:
        """
        Of 100,000 mutated lines each is answered or refused by rule, in lines
        that a strict client takes, and nothing is logged as a failure.
        """
        chance = random.Random(8888)
        self.server = memory_server(self, login_seconds=0, stall_seconds=0)
        peer = self.server.connect()
        peer.dialect = Dialect.ASKING
        account = {"username": "bob", "password": PASSWORD}
        for kind in ("register_request", "login_request"):
            self.assertEqual(self.talk(peer, [line(request(kind, **account))]), 1)
        answered = 0
        for _ in range(1000):
            lines = [mutate(chance, chance.choice(SEEDS)) for _ in range(100)]
            answered += self.talk(peer, lines)
        self.assertEqual(answered, 100_000)
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
