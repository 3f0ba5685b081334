"""
Who may do what: every cell of the table, against a server.
"""

import re
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.access import VERDICTS, Thing, Who
from tests.cast import KEYS, OTHER, Cast, asked, make_cast
from tests.matrix import cells, fill_in
from tests.pages import DOCS
from tests.peers import Message, Peer, login, request
from tests.servers import MemoryServer

PAGE = DOCS / "moderation.md"

#: What tells that there is no such thing, or none that one may know of.
UNKNOWN = ("?", "m", "s", "f", "u")

#: What a stranger may guess with.
ABOUT_ROOMS = (
    "chat_message",
    "history_request",
    "mark_read_request",
    "search_request",
    "chat_info_request",
    "leave_chat_request",
    "invite_request",
    "kick_request",
    "mute_request",
    "ban_request",
    "lift_request",
    "set_role_request",
    "update_chat_request",
    "delete_chat_request",
    "file_upload_request",
    "file_list_request",
)
ABOUT_MESSAGES = ("edit_message_request", "delete_message_request", "react_request")
ABOUT_FILES = ("file_download_request",)

#: How many ids are guessed.
GUESSED = 520

_TIMESTAMP = re.compile(rb'"timestamp":[0-9.e+-]+,')


class Walk:
    """
    Servers in which each request is made by each who may make it or not.

    @ivar count: how many cells were looked at.
    """

    def __init__(self, test: SynchronousTestCase) -> None:
        self.test = test
        self.cast: Cast = make_cast(test)
        self.count = 0
        self._server: MemoryServer | None = None

    def visit(self, action: str, thing: Thing, who: Who, letter: str) -> None:
        """
        Make a request, and see that what comes of it is what the table says.
        """
        self.count += 1
        where = f"{action}, {thing.value}, {who.value}"
        server = self._server or self.cast.server()
        self._server = server
        name = who.value
        # Something before, for the first login of a server may write something.
        peer = self._peer(server, who)
        before = self.cast.stored()
        answer, raw = self._ask(peer, asked(self.cast, action, thing, name))
        refusal = VERDICTS[letter]
        if refusal is None:
            self.test.assertNotIn("error_code", answer, where)
            self._give_up(server)
            return
        self.test.assertEqual(answer.get("reason"), refusal.reason, where)
        self.test.assertEqual(answer["error_code"], int(refusal.code), where)
        self.test.assertEqual(self.cast.stored(), before, where)
        if letter in UNKNOWN:
            nothing = asked(self.cast, action, thing, name, is_there=False)
            self.test.assertEqual(self._ask(peer, nothing)[1], raw, where)
        peer.wire.abort()

    def _give_up(self, server: MemoryServer) -> None:
        # It is another world now.
        self.test.successResultOf(server.stop())
        self._server = None

    def _peer(self, server: MemoryServer, who: Who) -> Peer:
        if who is Who.OPERATOR:
            return server.connect_operator()
        peer = server.connect()
        if who is not Who.ANONYMOUS:
            answer = self.test.successResultOf(peer.ask(login(who.value)))
            self.test.assertTrue(answer["success"])
        return peer

    def _ask(self, peer: Peer, message: Message) -> tuple[Message, bytes]:
        """
        @return: what answers a request, or is pushed to who has made it.
        """
        peer.heard.clear()
        start = len(peer.raw)
        # Some have no answer of their own.
        peer.send(message, request("ping", nonce="after", request_id="after"))
        found: list[Message] = []
        for _ in range(200):
            found += peer.heard
            peer.heard.clear()
            if found and found[-1].get("request_id") == "after":
                break
            if peer.wire.is_closed:
                break
            self.test.successResultOf(_wait(peer))
        mine = [each for each in found if each.get("request_id") == "asked"]
        answer = mine[0] if mine else found[-1]
        raw = bytes(peer.raw[start:])
        return answer, _TIMESTAMP.sub(b"", raw)


async def _wait(peer: Peer) -> None:
    await peer.wire.wait()


def refusals_first() -> list[tuple[str, Thing, Who, str]]:
    """
    @return: all cells; those that change nothing first, for these can share a server.
    """
    return sorted(cells(), key=lambda cell: VERDICTS[cell[3]] is None)


class MatrixTests(SynchronousTestCase):
    """
    The table is what happens.
    """

    def test_every_cell(self) -> None:
        """
        Each request, by each who may make it or not, of each thing that it can be of, is
        done or refused as the table says. What is refused has changed nothing; what one
        may not know of is refused in the same bytes as what is not there.
        """
        walk = Walk(self)
        for cell in refusals_first():
            walk.visit(*cell)
        self.assertGreater(walk.count, 700)

    def test_guesses(self) -> None:
        """
        A stranger who tries thousands of names and ids gets the same bytes for those that
        are hidden rooms, or messages in them, and for those that are nothing.
        """
        cast = make_cast(self)
        server = cast.server()
        peer = server.connect()
        self.successResultOf(peer.ask(login(Who.STRANGER.value)))
        known = {cast.rooms[Thing.GROUP], cast.rooms[Thing.EVERYBODY]}
        rooms = [each for each in range(1, GUESSED) if each not in known]
        hidden = {cast.rooms[Thing.INVITE], cast.rooms[Thing.PRIVATE]}
        self.assertLess(hidden, set(rooms))
        names = ["closed", "@member, @other", "nothing", "@nobody, @other"]
        questions: list[tuple[str, str, Sequence[object]]] = [
            *((kind, "chat_name", names) for kind in ("join_chat_request", "enter_chat_request")),
            *((kind, "chat_group_id", rooms) for kind in ABOUT_ROOMS),
            *((kind, "message_id", range(1, GUESSED)) for kind in ABOUT_MESSAGES),
            *((kind, "file_id", range(1, GUESSED)) for kind in ABOUT_FILES),
        ]
        self.assertGreater(sum(len(guesses) for _, _, guesses in questions), 10_000)
        for kind, key, guesses in questions:
            start = len(peer.raw)
            keys = {**KEYS.get(kind, {}), "username": OTHER, "topic": "Tea"}
            peer.send(*(request(kind, **{**keys, key: guess}) for guess in guesses))
            for _ in range(30):
                # Marks are taken some at a time.
                server.pass_time(4)
            answers = _TIMESTAMP.sub(b"", bytes(peer.raw[start:])).splitlines()
            self.assertEqual(len(answers), len(guesses), kind)
            self.assertEqual(len(set(answers)), 1, kind)

    def test_page(self) -> None:
        """
        The page has the table as it is, and says how many cells it has.
        """
        text = PAGE.read_text("utf-8")
        self.assertEqual(fill_in(text), text)
        self.assertIn(f"all {len(list(cells()))} cells", " ".join(text.split()))
