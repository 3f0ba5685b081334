"""
What the server says to people is whole, in every language.
"""

import ast
from collections.abc import Iterator
from string import Formatter

from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.access import VERDICTS
from chatroom.errors import ChatError, ErrorCode
from chatroom.texts import DEFAULT_LANGUAGE, TEXTS, text
from tests.inventory import SOURCES, reasons

#: What every refusal knows of itself.
_OF_ITSELF = {"field", "retry_after"}


def placeholders(words: str) -> set[str]:
    """
    @return: the names of what is filled in.
    """
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def refusals() -> Iterator[tuple[str, type[ChatError], ast.Call]]:
    """
    @return: wherever in the code a refusal is made: the place, its class, the call.
    """
    classes = {cls.__name__: cls for cls in reasons().values()}
    for source in SOURCES:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                cls = classes.get(node.func.id)
                if cls is not None:
                    yield f"{source.name}:{node.lineno}", cls, node


def _subclasses(cls: type[ChatError]) -> set[type[ChatError]]:
    direct = set(cls.__subclasses__())
    return direct.union(*map(_subclasses, direct))


class TextTests(SynchronousTestCase):
    """
    The tables of texts.
    """

    def test_languages(self) -> None:
        """
        Every language has the same slugs, in the same order.
        """
        for language, table in TEXTS.items():
            self.assertEqual(list(table), list(TEXTS[DEFAULT_LANGUAGE]), language)

    def test_placeholders(self) -> None:
        """
        A text says the same things in every language.
        """
        for slug, words in TEXTS[DEFAULT_LANGUAGE].items():
            for language, table in TEXTS.items():
                self.assertEqual(
                    placeholders(table[slug]), placeholders(words), f"{slug} in {language}"
                )

    def test_no_positions(self) -> None:
        """
        What is filled in has a name, and no format of its own.
        """
        for table in TEXTS.values():
            for slug, words in table.items():
                for _, name, form, conversion in Formatter().parse(words):
                    if name is not None:
                        self.assertTrue(name.isidentifier() and not form, slug)
                        self.assertIsNone(conversion, slug)

    def test_used(self) -> None:
        """
        Every text is said somewhere.
        """
        said = {
            node.value
            for source in SOURCES
            if source.place != "texts"
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        self.assertEqual(TEXTS[DEFAULT_LANGUAGE].keys() - said, set())

    def test_details(self) -> None:
        """
        A text has its placeholders filled.
        """
        self.assertEqual(text("en", "user_not_found", username="dave"), "No such user: dave")


class RefusalTests(SynchronousTestCase):
    """
    The refusals and their texts.
    """

    def test_one_place(self) -> None:
        """
        Every refusal is in C{chatroom.errors}, where these tests look for it, but for
        what only a client knows.
        """
        found = {cls.__module__ for cls in _subclasses(ChatError)}
        ours = {each for each in found if each.startswith("chatroom.")}
        known = {each.name for each in SOURCES if f"{each.place}.".startswith("errors.")}
        self.assertEqual(ours - {"chatroom.client.errors"} - known, set())

    def test_codes(self) -> None:
        """
        Every refusal has a code that means one.
        """
        for reason, cls in reasons().items():
            self.assertIsInstance(cls.code, ErrorCode, reason)
            self.assertNotEqual(cls.code, ErrorCode.OK, reason)

    def test_texts(self) -> None:
        """
        Every refusal has a text in every language.
        """
        for language, table in TEXTS.items():
            self.assertEqual(reasons().keys() - table.keys(), set(), language)

    def test_no_reason_is_shared(self) -> None:
        """
        A reason is one refusal's alone.
        """
        found = [
            each.value.value
            for source in SOURCES
            if f"{source.place}.".startswith("errors.")
            for node in ast.walk(source.tree)
            if isinstance(node, ast.ClassDef)
            for each in node.body
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
            if isinstance(each.value.value, str)
        ]
        self.assertEqual(sorted(found), sorted(reasons()))

    def test_details(self) -> None:
        """
        Wherever a refusal is made, it is given what its text has placeholders for.
        """
        for place, cls, call in refusals():
            given = {each.arg for each in call.keywords}
            needed = placeholders(TEXTS[DEFAULT_LANGUAGE][cls.reason])
            self.assertEqual(given - _OF_ITSELF, needed - _OF_ITSELF, place)
            self.assertLessEqual(needed & _OF_ITSELF, given, place)

    def test_used(self) -> None:
        """
        Every refusal is made somewhere.
        """
        made = {cls for _, cls, _ in refusals()} | {cls for cls in VERDICTS.values() if cls}
        self.assertEqual(made, set(reasons().values()))

    def test_says(self) -> None:
        """
        A refusal says itself in the default language.
        """
        for cls in reasons().values():
            details = placeholders(TEXTS[DEFAULT_LANGUAGE][cls.reason]) - _OF_ITSELF
            refusal = cls(**dict.fromkeys(details, "?"))  # type: ignore[arg-type]
            self.assertEqual(str(refusal), refusal.text(DEFAULT_LANGUAGE))
