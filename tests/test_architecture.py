"""
docs/architecture.md names what there is, and its example works.
"""

import ast
import builtins
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.inventory import PACKAGE, SOURCES
from tests.pages import DOCS, Block, sections

PAGE = DOCS / "architecture.md"
SECTIONS = sections(PAGE)
ROOT = DOCS.parent


def blocks() -> list[Block]:
    """
    @return: the pieces of the example, each with the file it goes to.
    """
    return [block for each in SECTIONS for block in each.blocks]


def build(place: Path) -> None:
    """
    Make a copy of the project that has the example in it.
    """
    for source in (PACKAGE, Path(__file__).parent, DOCS):
        shutil.copytree(source, place / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    for block in blocks():
        with (place / block.info.removeprefix("python ")).open("a", encoding="utf-8") as file:
            file.write(block.text)


class ExampleTests(SynchronousTestCase):
    """
    The new message type of the page.
    """

    def run_tests(self, *modules: str) -> str:
        """
        Run tests in a copy of the project that has the example in it.

        @return: what trial prints.
        """
        place = Path(self.mktemp()).absolute()
        build(place)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        result = subprocess.run(
            [sys.executable, "-m", "twisted.trial", *modules],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return result.stdout + result.stderr

    def test_answers(self) -> None:
        """
        A server with the example answers the new request.
        """
        printed = self.run_tests("tests.test_counting")
        self.assertIn("PASSED (successes=1)", printed)

    def test_is_missed_in_the_protocol(self) -> None:
        """
        The tests say that docs/protocol.md does not have it yet.
        """
        printed = self.run_tests("tests.test_docs.VocabularyTests.test_types")
        self.assertIn("FAILED", printed)
        self.assertIn("count_members_request", printed)


class NameTests(SynchronousTestCase):
    """
    The names and the numbers of the page.
    """

    def items(self) -> set[str]:
        """
        @return: all that is set as code.
        """
        return {item for each in SECTIONS for item in each.items()}

    def test_files(self) -> None:
        """
        Every file and folder that the page names is there, but for the ones it
        has somebody add.
        """
        added = {"r0007_topics.py"}
        for item in self.items() - added:
            if re.fullmatch(r"[\w/]+(\.py|/)", item):
                found = [ROOT / item, PACKAGE / item, PACKAGE / "wire/messages" / item]
                self.assertTrue(any(path.exists() for path in found), item)

    def test_names(self) -> None:
        """
        Every class, method, function and constant that the page names is there.
        """
        known = set(_names()) | set(dir(builtins))
        for item in self.items():
            if re.fullmatch(r"[A-Z]\w+(\.\w+)?(\(\))?|\w+\(\)", item):
                self.assertIn(item.removesuffix("()"), known)

    def test_numbers(self) -> None:
        """
        A constant's value is the one that the page gives.
        """
        text = PAGE.read_text("utf-8")
        found = re.findall(r"`([A-Z_]{4,})`\s+\(([\d.]+)\)", text)
        self.assertGreater(len(found), 5)
        for name, number in found:
            self.assertIn(float(number), _values(name), name)


def _names() -> Iterator[str]:
    for source in SOURCES:
        for node in source.tree.body:
            yield from _names_of(node, "")
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    yield from _names_of(each, f"{node.name}.")


def _names_of(node: ast.stmt, prefix: str) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield prefix + node.name
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield prefix + node.target.id
    elif isinstance(node, ast.Assign):
        yield from (prefix + each.id for each in node.targets if isinstance(each, ast.Name))


def _values(name: str) -> set[float]:
    modules = [import_module(each.name) for each in SOURCES if f"\n{name} = " in each.text]
    return {float(getattr(module, name)) for module in modules}
