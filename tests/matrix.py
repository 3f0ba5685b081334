"""
The table of who may do what, as docs/moderation.md has it::

    python -m tests.matrix docs/moderation.md            # print
    python -m tests.matrix --write docs/moderation.md    # fill in
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from chatroom.chat.access import TABLE, VERDICTS, Thing, Who

_BLOCK = re.compile(r"(<!-- matrix -->\n).*?(<!-- end of the matrix -->)", re.DOTALL)


def cells() -> Iterator[tuple[str, Thing, Who, str]]:
    """
    @return: of everything that can be asked: what, about what, by whom, and the letter
        that says whether it may be.
    """
    for action, row in TABLE.items():
        for thing, letters in row.items():
            for who, letter in zip(Who, letters, strict=True):
                if letter != "-":
                    yield action, thing, who, letter


def tables() -> str:
    """
    @return: the table in Markdown, a part for each thing.
    """
    parts = []
    for thing in Thing:
        rows = {action: row[thing] for action, row in TABLE.items() if thing in row}
        heads = [f"{thing.value}", *(who.value for who in Who)]
        lines = [_row(heads), _row(["---"] * len(heads))]
        lines += [_row([_name(action), *map(_word, rows[action])]) for action in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def fill_in(text: str) -> str:
    """
    @return: a page with the table in it as it is.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}\n{tables()}\n\n{found[2]}", text)


def _row(words: list[str]) -> str:
    return f"| {' | '.join(words)} |"


def _name(action: str) -> str:
    kind, _, part = action.partition(" ")
    return f"`{kind}`: `{part}`" if part else f"`{kind}`"


def _word(letter: str) -> str:
    refusal = VERDICTS[letter]
    if letter == "-":
        return "–"
    return "yes" if refusal is None else f"`{refusal.reason}`"


def main(arguments: list[str]) -> int:
    """
    Print the table, or write it into a page.
    """
    page = Path(arguments[-1])
    filled = fill_in(page.read_text("utf-8"))
    if "--write" in arguments:
        page.write_text(filled, "utf-8")
    else:
        sys.stdout.write(tables() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
