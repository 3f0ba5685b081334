"""
What there is, is whole: types, classes, handlers, options.
"""

import contextlib
from typing import Any

from attrs import asdict, fields, frozen
from twisted.trial.unittest import SynchronousTestCase

import chatroom.wire.messages as vocabulary
from chatroom.chat.access import TABLE, Who, admit
from chatroom.errors import NotAllowed, NotLoggedIn
from chatroom.server import handlers
from chatroom.server.dispatch import Shared, entry, handled, handles
from chatroom.settings import Settings, options
from chatroom.wire.codec import Direction, Reply, Request
from chatroom.wire.constants import MessageType
from chatroom.wire.messages import LoginRequest, LoginResponse, RegisterRequest, RegisterResponse
from tests.inventory import types

assert handlers.__all__, "importing them registers them"

#: What one can do without a login; everything else needs one.
FREE = {
    LoginRequest,
    RegisterRequest,
    vocabulary.TokenLoginRequest,
    vocabulary.HelloRequest,
    vocabulary.PingRequest,
    vocabulary.PongRequest,
}


class MessageTests(SynchronousTestCase):
    """
    The message types and their classes.
    """

    def test_types(self) -> None:
        """
        Every type has a class, in one direction or in both.
        """
        known = {cls.message_type for direction in Direction for cls in types(direction)}
        self.assertEqual(known, set(MessageType))

    def test_constants(self) -> None:
        """
        A type's constant is its name on the wire, in capitals.
        """
        for each in MessageType:
            self.assertEqual(each.name, each.value.upper())

    def test_directions(self) -> None:
        """
        Clients send requests, and the server replies.
        """
        for direction, base in ((Direction.TO_SERVER, Request), (Direction.TO_CLIENT, Reply)):
            for cls in types(direction):
                self.assertTrue(issubclass(cls, base), cls)

    def test_names(self) -> None:
        """
        A class is called as its type; a type that goes both ways has a C{Request}, too.
        """
        for direction in Direction:
            for cls in types(direction):
                name = "".join(word.capitalize() for word in cls.message_type.value.split("_"))
                if direction is Direction.TO_SERVER and not name.endswith("Request"):
                    name = "PostRequest" if name == "ChatMessage" else f"{name}Request"
                self.assertEqual(cls.__name__, name)

    def test_exported(self) -> None:
        """
        Programs find every class in C{chatroom.wire.messages}.
        """
        known = {cls.__name__ for direction in Direction for cls in types(direction)}
        self.assertEqual(known - set(vocabulary.__all__), set())
        self.assertEqual(sorted(vocabulary.__all__), list(vocabulary.__all__))

    def test_twice(self) -> None:
        """
        A second class for a type in one direction is refused when it is defined.
        """
        with self.assertRaises(TypeError):

            @frozen(kw_only=True)
            class Another(Request):
                message_type = MessageType.LOGIN_REQUEST

    def test_secrets(self) -> None:
        """
        What is secret in a message is not in its C{repr}.
        """
        for cls in (LoginRequest, RegisterRequest):
            self.assertNotIn("hunter2", repr(cls(username="a", password="hunter2")))


class HandlerTests(SynchronousTestCase):
    """
    The table of handlers.
    """

    def test_handlers(self) -> None:
        """
        Every request has a handler, and every handler is a request's.
        """
        self.assertEqual(handled(), set(types(Direction.TO_SERVER)))

    def test_needs(self) -> None:
        """
        Every request needs a login, but for those by which one gets it.
        """
        free = set()
        for cls in handled():
            with contextlib.suppress(NotLoggedIn):
                admit(cls.message_type.value, Who.ANONYMOUS)
                free.add(cls)
        self.assertEqual(free, FREE)

    def test_access(self) -> None:
        """
        The table of who may do what has every request, and nothing else.
        """
        asked = {action.partition(" ")[0] for action in TABLE}
        self.assertEqual(asked, {cls.message_type.value for cls in handled()})

    def test_unknown(self) -> None:
        """
        A request that the table does not have is nobody's.
        """
        for nobody in (Who.ANONYMOUS, Who.OPERATOR, None):
            with self.assertRaises(NotAllowed):
                admit("another_request", nobody)

    def test_refusals(self) -> None:
        """
        Logins and registrations are refused by answers of their own.
        """
        own = {cls: entry(cls).refusal for cls in handled() if entry(cls).refusal is not None}
        expected = {
            LoginRequest: LoginResponse,
            vocabulary.TokenLoginRequest: LoginResponse,
            RegisterRequest: RegisterResponse,
        }
        self.assertEqual(own, expected)

    def test_shared_commits(self) -> None:
        """
        Only posts may be under way together.
        """
        shared = {cls for cls in handled() if isinstance(entry(cls).handler, Shared)}
        self.assertEqual(shared, {vocabulary.PostRequest})

    def test_twice(self) -> None:
        """
        A second handler for a request is refused when it is defined.
        """

        async def another(*_: object) -> list[Reply]:
            return []

        with self.assertRaises(TypeError):
            handles(LoginRequest)(another)


class OptionTests(SynchronousTestCase):
    """
    The operator's choices.
    """

    def refused(self, **values: Any) -> str:
        """
        @return: what is said of values that can't be.
        """
        return str(self.assertRaises(ValueError, Settings, **values))

    def test_help(self) -> None:
        """
        Every option says what it is for, in a way that fits a list of options.
        """
        for each in options():
            words = each.metadata["help"]
            self.assertTrue(words, each.name)
            self.assertFalse(words.endswith("."), each.name)
            self.assertFalse(words[0].isupper(), each.name)

    def test_defaults(self) -> None:
        """
        An operator need not choose anything.
        """
        self.assertEqual(
            asdict(Settings()), {each.name: each.default for each in fields(Settings)}
        )

    def test_types(self) -> None:
        """
        Every option is of a type that can be read from a text.
        """
        for each in options():
            self.assertIn(each.type, (str, int, float), each.name)
            self.assertIsInstance(each.default, each.type, each.name)

    def test_numbers(self) -> None:
        """
        Every number has bounds, and a refusal names the option.
        """
        for each in options():
            if each.type is not str:
                for value in (-1, 2**40, float("nan")):
                    self.assertIn(each.name, self.refused(**{each.name: value}))

    def test_texts(self) -> None:
        """
        Every text is checked, and a refusal names the option.
        """
        for each in options():
            if each.type is str:
                self.assertIn(each.name, self.refused(**{each.name: ""}))

    def test_languages(self) -> None:
        """
        A language that the server does not speak is refused.
        """
        self.assertIn("zh, en", self.refused(language="tlh"))

    def test_content_fits(self) -> None:
        """
        A line that is too short for the longest message is refused.
        """
        self.assertIn("line_bytes", self.refused(content_chars=10_000))

    def test_unbounded(self) -> None:
        """
        A time of 0 stands for no limit.
        """
        Settings(login_seconds=0, stall_seconds=0)
