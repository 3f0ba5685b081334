"""
docs/client.md names what there is, and has all of it.
"""

import inspect
import re
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from typing import get_args

from twisted.trial.unittest import SynchronousTestCase

import chatroom.client
import chatroom.wire.messages
from chatroom import errors
from chatroom.client import ChatClient, Event, EventStream, Room
from chatroom.client.audience import MOST_EVENTS, PATIENCE
from chatroom.client.conversation import ANSWER_SECONDS
from chatroom.client.line import MOST_LINE_BYTES
from chatroom.client.outbox import MOST_WAITING
from tests.pages import DOCS, code, sections

PAGE = DOCS / "client.md"
TEXT = PAGE.read_text("utf-8")
SECTIONS = sections(PAGE)


class PageTests(SynchronousTestCase):
    """
    The page is true.
    """

    def test_options(self) -> None:
        """
        Each option of the client is in the table, and no other.
        """
        [table] = [table for each in SECTIONS for table in each.tables]
        options = {code(name) for row in table for name in row[0].split(", ")}
        known = inspect.signature(ChatClient).parameters.keys()
        self.assertEqual(options, known - {"reactor", "endpoint", "credentials"})

    def test_names(self) -> None:
        """
        Every class and method that the page names is there.
        """
        places = (chatroom.client, chatroom.wire.messages, errors, ChatClient, Room, EventStream)
        known = {name for place in places for name in dir(place)}
        known |= {"OSError", "Connected.is_hello"}
        for item in {item for each in SECTIONS for item in each.items()}:
            if re.fullmatch(r"[A-Z]\w+(\.\w+)?|\w+\(\)", item):
                self.assertIn(item.removesuffix("()"), known)

    def test_events(self) -> None:
        """
        Every kind of event is named.
        """
        for each in get_args(Event):
            self.assertIn(f"`{each.__name__}`", TEXT)

    def test_code(self) -> None:
        """
        Every piece of Python is Python.
        """
        blocks = [block for each in SECTIONS for block in each.blocks]
        pieces = [block.text for block in blocks if block.info.startswith("python")]
        self.assertEqual(len(pieces), 3)
        for piece in pieces:
            compile(piece, str(PAGE), "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT)

    def test_numbers(self) -> None:
        """
        The numbers are those of the code.
        """
        for number in (
            f"At most {MOST_WAITING} messages",
            f"longer than {MOST_LINE_BYTES // 2**20} MiB",
            f"not answered in {ANSWER_SECONDS:.0f} seconds",
        ):
            self.assertIn(number, TEXT)
        self.assertEqual(PATIENCE, 10)
        self.assertGreater(MOST_EVENTS, 0)
