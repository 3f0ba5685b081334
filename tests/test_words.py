"""
What a text consists of, and what is found in it.
"""

import time
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatroom.store.words import (
    SNIPPET_CHARS,
    TOKEN_CHARS,
    Query,
    composed,
    folded,
    room_token,
    sender_token,
    tokens,
)

#: What makes texts that are hard to take apart.
HARD = (
    "abcXYZ", "0123456789", " \t\n\u3000", "+#.-_@/:*()^\"'", "äöéßÅﬁǅİ", "\u0301\u0308\u0345",
    "上海东边我家在", "ひらカタカナー", "한국어각", "\u1100\u1161\u11a8", "ภษไท", "ｶﾞｷﾞﾊﾟ",
    "ｑｗｅｎ３", "٣٤५", "²①Ⅷ", "😀👍", "\u200d\ufe0f\u00ad", "ΣςσΑ", "кириллица",
)  # fmt: skip

TEXTS = st.one_of(st.text(st.sampled_from("".join(HARD)), max_size=40), st.text(max_size=40))


def is_found(query: str, text: str) -> bool:
    """
    Whether a query finds a text: by its tokens, and then by its words.
    """
    asked = Query.of(query)
    return asked.tokens <= tokens(text) and asked.finds(text)


class TokenTests(SynchronousTestCase):
    """
    What a text is indexed by.
    """

    def test_words_and_numbers(self) -> None:
        """
        Letters and digits are apart, and all else is left out.
        """
        self.assertEqual(
            tokens("Try qwen3.6, or C++20!"), {"try", "qwen", "3", "6", "or", "c", "20"}
        )

    def test_unsegmented(self) -> None:
        """
        Of what has no spaces each character is a token, and each two neighbours.
        """
        self.assertEqual(tokens("上海东"), {"上", "海", "东", "上海", "海东"})
        self.assertEqual(tokens("a上b"), {"a", "上", "b"})
        self.assertEqual(tokens("上,海"), {"上", "海"})

    def test_long(self) -> None:
        """
        Of a long word the beginning is a token.
        """
        self.assertEqual(tokens("x" * 1000), {"x" * TOKEN_CHARS})

    def test_marks(self) -> None:
        """
        A mark is part of the word it is in, however it is composed, and nothing
        without one.
        """
        self.assertEqual(tokens("cafe\u0301"), {"café"})
        self.assertEqual(tokens("q\u0303x"), {"q\u0303x"})
        self.assertEqual(tokens("7\u0303 ❤\ufe0f"), {"7"})

    def test_other_tokens(self) -> None:
        """
        The tokens of rooms and senders are nobody's words.
        """
        for token in (room_token(12), sender_token(12)):
            self.assertNotIn(token, tokens(token))
            self.assertEqual(tokens(token), {token[0], "12"})

    @given(TEXTS)
    def test_plain(self, text: str) -> None:
        """
        Every token can be put between spaces and quotes, and is folded already.
        """
        for token in tokens(text):
            self.assertTrue(token)
            self.assertFalse(set(token) & set(" \"'\0%\t\n"), token)
            self.assertFalse(any(each.isascii() and not each.isalnum() for each in token), token)
            self.assertFalse(any(each.isascii() and each.isupper() for each in token), token)


class QueryTests(SynchronousTestCase):
    """
    What is found.
    """

    def test_found(self) -> None:
        """
        A query finds texts with all its words, in any order.
        """
        for query, text in (
            ("上", "我家在上海东边"),
            ("上海", "我家在上海东边"),
            ("海东边", "我家在上海东边"),
            ("东边 上海", "我家在上海东边"),
            ("カナ", "ひらがなとカタカナ"),
            ("한국", "저는한국사람입니다"),
            ("ไทย", "ภาษาไทยง่าย"),
            ("qwen", "qwen3.6 is out"),
            ("qwen3.6", "Try qwen3.6!"),
            ("3.6", "qwen3.6"),
            ("foo.png", "see foo.png, please"),
            ("png", "see foo.png"),
            ("C++20", "in C++20, not C++17"),
            ("c++", "in C++20"),
            ("C#", "C# and F#"),
            ("#tag", "this is #tag!"),
            ("alice@example.com", "write to alice@example.com."),
            ("example", "https://www.example.com/a?b=c#d"),
            ("https://www.example.com/a?b=c#d", "(https://www.example.com/a?b=c#d)"),
            ("cafe\u0301", "im Café"),
            ("café", "im cafe\u0301"),
            ("CAFÉ", "im café"),
            ("straße", "in der STRASSE"),
            ("ｑｗｅｎ３", "qwen3.6"),
            ("qwen3", "ｑｗｅｎ３．６"),
            ("ガス", "ｶﾞｽ"),
            ("ΌΔΟΣ", "όδος"),
            ("snake", "snake_case"),
            ("world hello", "hello, world"),
            ("a\u3000b", "b a"),
        ):
            self.assertTrue(is_found(query, text), (query, text))

    def test_not_found(self) -> None:
        """
        A word is whole, and its symbols count.
        """
        for query, text in (
            ("cat", "concatenate"),
            ("con", "concatenate"),
            ("20", "2020"),
            ("海上", "我家在上海东边"),
            ("上东", "我家在上海东边"),
            ("C++20", "C 20"),
            ("C#", "C++"),
            ("#tag", "tag"),
            ("foo.png", "foo png"),
            ("cafe", "café"),
            ("cafe", "cafe\u0301"),
            ("hello nobody", "hello, world"),
            ("x" * 70, "x" * 71),
        ):
            self.assertFalse(is_found(query, text), (query, text))

    def test_many_marks(self) -> None:
        """
        A text of nothing but accents is looked through once, not once for each of them.
        """
        text = "b a" + "\u0301" * 20_000
        began = time.process_time()
        self.assertTrue(Query.of("b").finds(text))
        self.assertFalse(Query.of("b \u0301").finds(text))
        self.assertFalse(Query.of("b \u0301\u0301").finds(text + "b"))
        self.assertTrue(Query.of("b \u0301").finds(text + " \u0301"))
        self.assertLess(time.process_time() - began, 1.0)

    def test_operators(self) -> None:
        """
        What means something to a database is text.
        """
        for query, text, other in (
            ("foo AND bar", "foo and bar", "foo bar"),
            ("foo OR bar", "foo or bar", "foo"),
            ("NOT foo", "not foo", "foo"),
            ("NEAR(a b)", "near(a b)", "a b"),
            ("foo*", "foo*", "foobar"),
            ('"foo"', 'he said "foo"', "foo"),
            ("words:foo", "words:foo", "foo"),
            ("^foo", "^foo", "foo"),
            ("-foo", "-foo", "foo"),
            ("foo%", "foo%", "foo"),
        ):
            self.assertTrue(is_found(query, text), query)
            self.assertFalse(is_found(query, other), query)

    def test_nothing_to_look_for(self) -> None:
        """
        A query of symbols has no tokens.
        """
        for query in (" ", "* ( ) \" ^ - : '", "…", "\u0301", "\ufe0f"):
            self.assertEqual(Query.of(query).tokens, frozenset(), query)

    def test_few_tokens(self) -> None:
        """
        A query asks for no more than it needs.
        """
        self.assertEqual(Query.of("上海东").tokens, {"上海", "海东"})
        self.assertEqual(Query.of("上").tokens, {"上"})

    @settings(max_examples=500)
    @given(TEXTS, st.data())
    def test_any_part(self, text: str, data: st.DataObject) -> None:
        """
        Every part of a text is found that begins and ends where runs do.
        """
        text = composed(text)
        places = [place for place in range(len(text) + 1) if _is_boundary(text, place)]
        start, end = sorted(data.draw(st.sampled_from(places)) for _ in range(2))
        part = text[start:end]
        if Query.of(part).tokens:
            self.assertTrue(is_found(part, text), (part, text))

    @given(TEXTS)
    def test_itself(self, text: str) -> None:
        """
        Every text is found by itself, and by what it is folded to.
        """
        if Query.of(text).tokens:
            self.assertTrue(is_found(text, text))


def _is_boundary(text: str, place: int) -> bool:
    """
    Whether it is beyond doubt that nothing goes on here.
    """
    before, after = folded(text[:place])[-1:], folded(text[place:])[:1]
    if not before or not after:
        return True
    kinds = {_kind(before), _kind(after)}
    return "M" not in kinds and (len(kinds) == 2 or not kinds & {"L", "N"})


def _kind(character: str) -> str:
    kind = unicodedata.category(character)[0]
    name = unicodedata.name(character, "").partition(" ")[0]
    return "unspaced" if kind == "L" and name in ("CJK", "HIRAGANA", "THAI", "HANGUL") else kind


class SnippetTests(SynchronousTestCase):
    """
    What is shown of a message.
    """

    def test_short(self) -> None:
        """
        A short text is shown whole.
        """
        self.assertEqual(Query.of("b").snippet("A B c"), "A B c")

    def test_long(self) -> None:
        """
        Of a long one that is shown which is around the first word found, as it was
        written.
        """
        text = "x " * 200 + "Café ＱＷＥＮ" + " y" * 200
        snippet = Query.of("qwen").snippet(text)
        self.assertIn("Café ＱＷＥＮ y", snippet)
        self.assertEqual((snippet[0], snippet[-1]), ("…", "…"))
        self.assertEqual(len(snippet), SNIPPET_CHARS + 2)
        self.assertEqual(Query.of("x").snippet(text), text[:SNIPPET_CHARS] + "…")
        self.assertEqual(Query.of("y").snippet(text)[-1], "…")

    def test_lengths(self) -> None:
        """
        The place is right where folding makes a text longer or shorter.
        """
        text = "ﬃ\u00ad" * 300 + " needle " + "ß" * 300
        self.assertIn("needle", Query.of("needle").snippet(text))

    @given(TEXTS, TEXTS)
    def test_shows_it(self, before: str, after: str) -> None:
        """
        What was looked for is in the snippet.
        """
        text = f"{before * 5} needle {after * 5}"
        self.assertIn("needle", Query.of("NEEDLE").snippet(text))
