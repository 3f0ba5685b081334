"""
What there is in the project, for tests that go over all of it. What other tests
define meanwhile is none of it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from attrs import field, frozen

import chatroom
import chatroom.wire.messages
from chatroom import errors
from chatroom.errors import ChatError
from chatroom.wire.codec import Direction, Message, message_classes

#: The package, as it is installed.
PACKAGE = Path(chatroom.__file__).parent


@frozen
class Source:
    """
    A module of the project.

    @ivar name: in full, such as C{chatroom.wire.codec}.
    """

    name: str
    path: Path
    text: str = field(repr=False)
    tree: ast.Module = field(repr=False)

    @property
    def place(self) -> str:
        """
        Where it is in the package, such as C{wire.codec}.
        """
        return self.name.partition(".")[2]


def _source(path: Path, root: Path) -> Source:
    parts = path.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text("utf-8")
    return Source(name, path, text, ast.parse(text))


def _sources(package: Path) -> list[Source]:
    return [_source(path, package.parent) for path in sorted(package.rglob("*.py"))]


#: Every module of the project.
SOURCES = _sources(PACKAGE)

#: Every module of the benchmarks, which are beside it.
BENCHMARKS = _sources(Path(__file__).parent.parent / "benchmarks")


def types(direction: Direction) -> list[type[Message]]:
    """
    @return: the message classes of one direction.
    """
    return [cls for cls in message_classes(direction) if cls.__module__.startswith("chatroom.")]


def reasons() -> dict[str, type[ChatError]]:
    """
    @return: every refusal, by its reason.
    """
    return {cls.reason: cls for cls in vars(errors).values() if _is_refusal(cls)}


def _is_refusal(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, ChatError) and "reason" in vars(thing)


def imports(source: Source) -> Iterator[tuple[str, ast.stmt]]:
    """
    @return: what a module imports, wherever in it: the full name, and the statement.
    """
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.name}: imports are absolute"
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)
