"""
Pages of the docs, as the tests that keep them true read them.
"""

import re
from pathlib import Path

from attrs import define, field, frozen

DOCS = Path(__file__).parent.parent / "docs"

_FENCE = re.compile(r"^```(.*)$")
_ITEM = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@frozen(kw_only=True)
class Block:
    """
    A fenced block.

    @ivar info: what follows the fence, such as a language.
    """

    info: str
    text: str


@define(kw_only=True)
class Section:
    """
    What stands under one heading, without what has a heading of its own.

    @ivar tables: the rows of each table, but for its head.
    @ivar prose: the lines of no block.
    """

    heading: str
    tables: list[list[list[str]]] = field(factory=list)
    blocks: list[Block] = field(factory=list)
    prose: list[str] = field(factory=list)

    def items(self) -> set[str]:
        """
        @return: what is set as code in the prose and the tables.
        """
        return set(_ITEM.findall("\n".join(self.prose)))


def sections(path: Path) -> list[Section]:
    """
    @return: a page, cut at its headings.
    """
    found = [Section(heading="")]
    block: list[str] | None = None
    info = before = ""
    for line in path.read_text("utf-8").splitlines():
        fence = _FENCE.match(line)
        if fence and block is None:
            block, info = [], fence[1]
        elif fence and block is not None:
            found[-1].blocks.append(Block(info=info, text="".join(block)))
            block = None
        elif block is not None:
            block.append(line + "\n")
        elif line.startswith("#"):
            found.append(Section(heading=line.lstrip("#").strip()))
        else:
            found[-1].prose.append(line)
            _add_row(found[-1], line, is_first=not before.startswith("|"))
        before = line
    return found


def _add_row(section: Section, line: str, *, is_first: bool) -> None:
    if line.startswith("|") and is_first:
        section.tables.append([])
    elif line.startswith("|") and not line.startswith("|--"):
        section.tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])


def code(cell: str) -> str:
    """
    @return: the name that is all of a table's cell, set as code.
    """
    assert cell.startswith("`") and cell.endswith("`"), f"{cell!r} is to be set as code"
    return cell.strip("`")


def anchor(heading: str) -> str:
    """
    @return: how links call a heading.
    """
    words = re.sub(r"[^\w\- ]", "", heading.lower())
    return words.replace(" ", "-")
