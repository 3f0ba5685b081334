"""
What a text consists of, for looking it up: the one tokenisation, whatever the
database. Pure.

A text is folded first: capitals, full-width forms and the like make no difference.
Then it falls into runs of letters, of digits, and of scripts that put no spaces
between words; all else separates. A token never has both letters and digits, which
leaves C{r1} and C{u1} to say in which room and by whom something was said.

What the index finds is no more than a candidate: L{Query.finds} decides. So symbols
need not be in the index, and still count.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

from attrs import frozen

#: How much of a run of letters or digits is in the index.
TOKEN_CHARS = 64

#: How long a snippet is, about.
SNIPPET_CHARS = 120

#: How much of a snippet comes before what was looked for.
_CHARS_BEFORE = 40

#: Scripts that are written without spaces between words, or whose words are looked
#: for by their parts: Han, Hiragana, Katakana, Bopomofo, Hangul, Thai, Lao, Myanmar
#: and Khmer.
_UNSEGMENTED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007"
    "\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u3100-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)

#: What is not there for a reader: soft hyphens, joiners, variation selectors.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u180b-\u180f\u200c\u200d\u2060\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)

#: Half-width Katakana whose voicing is a character of its own.
_HALF_WIDTH = re.compile("[\uff66-\uff9d][\uff9e\uff9f]")

#: How many characters are remembered, each with what it is: more than anybody needs
#: who does not try to have the memory filled.
_MOST_KNOWN = 1 << 16

_ASCII_RUNS = re.compile("[a-z]+|[0-9]+")

# The kinds of characters, and what they make together.
_LETTER, _DIGIT, _UNSPACED, _MARK, _OTHER = "LDUM "
_RUNS = re.compile("L[LM]*|D+|U[UM]*")


class _Known(dict[int, str]):
    """
    What is known of each character, for L{str.translate}.
    """

    def __init__(self, find: Callable[[str], str]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, code: int) -> str:
        found = self._find(chr(code))
        if len(self) < _MOST_KNOWN:
            self[code] = found
        return found


def _fold(character: str) -> str:
    if _INVISIBLE.match(character):
        return ""
    fold = unicodedata.normalize("NFKC", character).casefold()
    return unicodedata.normalize("NFKC", fold)


def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Nd", "No"):
        return _DIGIT
    if category[0] not in "LM" and category != "Nl":
        return _OTHER
    if _UNSEGMENTED.match(character):
        return _UNSPACED
    return _MARK if category[0] == "M" else _LETTER


_FOLDS = _Known(_fold)
_KINDS = _Known(_kind)


def composed(text: str) -> str:
    """
    @return: the same text in the form whose characters are folded one by one.
    """
    if text.isascii():
        return text
    return _HALF_WIDTH.sub(_full_width, unicodedata.normalize("NFC", text))


def _full_width(found: "re.Match[str]") -> str:
    return unicodedata.normalize("NFKC", found[0])


def folded(text: str) -> str:
    """
    @return: what texts have in common that read the same.
    """
    return text.lower() if text.isascii() else composed(text).translate(_FOLDS)


def tokens(text: str) -> set[str]:
    """
    @return: what a text is indexed by.
    """
    return _tokens(folded(text))


def _tokens(text: str) -> set[str]:
    if text.isascii():
        return {run[:TOKEN_CHARS] for run in _ASCII_RUNS.findall(text)}
    found: set[str] = set()
    for kind, run in _runs(text):
        if kind == _UNSPACED:
            found.update(run)
            found.update(map(str.__add__, run, run[1:]))
        else:
            found.add(run[:TOKEN_CHARS])
    return found


def _runs(text: str) -> Iterator[tuple[str, str]]:
    kinds = text.translate(_KINDS)
    for found in _RUNS.finditer(kinds):
        yield kinds[found.start()], text[found.start() : found.end()]


def room_token(room_id: int) -> str:
    """
    @return: what all that was said in a room is indexed by, too.
    """
    return f"r{room_id}"


def sender_token(user_id: int) -> str:
    """
    @return: what all that somebody said is indexed by, too.
    """
    return f"u{user_id}"


@frozen
class Query:
    """
    What somebody looks for: words, all of which must be there. A word is text
    whatever it looks like, and begins and ends where words, numbers or symbols do.

    @ivar words: folded.
    @ivar tokens: what a message has in the index that has all the words; it may have
        these and not the words. There are none if there is nothing to look up.
    """

    words: tuple[str, ...]
    tokens: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Query":
        """
        @param text: as somebody typed it.
        """
        words = tuple(dict.fromkeys(folded(text).split()))
        return cls(words, frozenset(token for word in words for token in _needed(word)))

    def finds(self, text: str) -> bool:
        """
        Whether a text has all the words.
        """
        there = folded(text)
        return all(_place(there, word) is not None for word in self.words)

    def snippet(self, text: str) -> str:
        """
        @return: some of a text that has all the words, from around the first of them.
        """
        text = composed(text)
        if len(text) <= SNIPPET_CHARS:
            return text
        there = folded(text)
        places = (_place(there, word) for word in self.words)
        first = min((place for place in places if place is not None), default=0)
        return _cut(text, _unfolded(text, first))


def _needed(word: str) -> Iterator[str]:
    """
    @return: the tokens that a text with this word has, as few as do.
    """
    for kind, run in _runs(word):
        if kind == _UNSPACED and len(run) > 1:
            yield from map(str.__add__, run, run[1:])
        else:
            yield run[:TOKEN_CHARS]


def _place(text: str, word: str) -> int | None:
    """
    @return: where a word is in a text, both folded; C{None} if it is not.
    """
    start = text.find(word)
    while start >= 0:
        if not _is_within(text, start) and not _is_within(text, start + len(word)):
            return start
        start = text.find(word, _past_marks(text, start))
    return None


def _past_marks(text: str, place: int) -> int:
    """
    @return: the next place at which a word may begin that does not at C{place}. Among
        marks none does: to see that of each would take all those before it each time.
    """
    end = place + 1
    if _KINDS[ord(text[place])] == _MARK:
        while end < len(text) and _KINDS[ord(text[end])] == _MARK:
            end += 1
    return end


def _is_within(text: str, place: int) -> bool:
    """
    Whether a place is in the middle of a run of letters or digits.
    """
    if not 0 < place < len(text):
        return False
    before = place - 1
    while before and _KINDS[ord(text[before])] == _MARK:
        before -= 1
    kind, following = _KINDS[ord(text[before])], _KINDS[ord(text[place])]
    if kind == _DIGIT:
        return following == _DIGIT and before == place - 1
    return kind == _LETTER and following in (_LETTER, _MARK)


def _unfolded(text: str, place: int) -> int:
    """
    @param place: in what C{text} is folded to.
    @return: the same place in C{text}.
    """
    length = 0
    for index, character in enumerate(text):
        length += len(_FOLDS[ord(character)])
        if length > place:
            return index
    return len(text)


def _cut(text: str, place: int) -> str:
    start = max(0, min(place - _CHARS_BEFORE, len(text) - SNIPPET_CHARS))
    end = start + SNIPPET_CHARS
    # A mark belongs to what is before it.
    while start > 0 and unicodedata.combining(text[start]):
        start -= 1
    before = "…" if start else ""
    return before + text[start:end] + ("…" if end < len(text) else "")
