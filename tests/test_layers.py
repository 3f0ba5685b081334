"""
The floors: imports only go down, and each thing has its one place.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from tests.inventory import BENCHMARKS, SOURCES, Source, imports

#: The floor of each module or package of the project.
FLOORS = {
    "clock": 0,
    "errors": 0,
    "memory": 0,
    "settings": 0,
    "texts": 0,
    "threads": 0,
    "logs": 0,
    "wire": 1,
    "store": 2,
    "client": 2,
    "chat": 3,
    "server": 4,
    "torture": 4,
    "admin": 5,
    "assembly": 5,
    "bots": 5,
    "tap": 5,
    "__main__": 5,
}

#: What only one package or module may import.
OWNERS: dict[str, str | tuple[str, ...]] = {
    "sqlalchemy": "store",
    "alembic": "store",
    "sqlite3": ("store", "torture.files"),
    "passlib": "chat.passwords",
    "precis_i18n": "chat.names",
    "msgspec": "wire",
    "json": ("logs.lines", "torture.report", "admin.shown"),
    "fcntl": ("store.lock", "client.journal"),
    "psycopg": "store.bounded",
}

#: What is known of Twisted below the server: no transport, and no reactor.
_DEFERREDS = {
    "twisted.internet.defer",
    "twisted.internet.interfaces",
    "twisted.internet.task",
    "twisted.logger",
    "twisted.python.failure",
}
TWISTED = {"wire": set[str](), "store": _DEFERREDS, "chat": _DEFERREDS}

#: Parts beside the floors: what they may import.
SIDES = {"client": {"wire", "errors"}, "torture": {"client", "wire", "errors"}}

#: And who may import them.
USERS = {"client": {"client", "torture", "bots"}, "torture": {"torture", "__main__"}}

MOST_LINES = 400


def part(source: Source) -> str:
    """
    @return: what of the project a module belongs to: a key of L{FLOORS}.
    """
    return source.place.partition(".")[0]


def modules() -> Iterator[Source]:
    """
    @return: every module but the package itself, which holds nothing.
    """
    return (source for source in SOURCES if source.place)


def ours(source: Source) -> Iterator[str]:
    """
    @return: what a module imports of the project, without the project's name.
    """
    for name, _ in imports(source):
        if name.startswith("chatroom."):
            yield name.removeprefix("chatroom.")


class FloorTests(SynchronousTestCase):
    """
    Who may import whom.
    """

    def test_every_module_has_a_floor(self) -> None:
        """
        The table of floors is whole, and has nothing that is not there.
        """
        self.assertEqual({part(source) for source in modules()}, set(FLOORS))

    def test_down(self) -> None:
        """
        A module imports from floors below it, and from its own part.
        """
        for source in modules():
            for name in ours(source):
                target = name.partition(".")[0]
                if target != "__version__" and target != part(source):
                    is_beside = FLOORS[target] == FLOORS[part(source)] in (0, 5)
                    is_below = FLOORS[target] < FLOORS[part(source)]
                    self.assertTrue(is_below or is_beside, f"{source.name} imports {name}")

    def test_sides(self) -> None:
        """
        A part beside the floors imports only what it may, and few know of it.
        """
        for source in modules():
            for name in ours(source):
                target = name.partition(".")[0]
                if part(source) in SIDES and target != part(source):
                    self.assertIn(target, SIDES[part(source)], source.name)
                if target in SIDES:
                    self.assertIn(part(source), USERS[target], source.name)

    def test_the_package_itself(self) -> None:
        """
        C{import chatroom} imports nothing more.
        """
        (package,) = (source for source in SOURCES if not source.place)
        self.assertEqual(list(imports(package)), [])

    def test_handlers(self) -> None:
        """
        The handlers are the server's own.
        """
        for source in modules():
            if part(source) != "server":
                hits = [name for name in ours(source) if name.startswith("server.handlers")]
                self.assertEqual(hits, [], source.name)

    def test_migrations(self) -> None:
        """
        A migration imports nothing of ours: it stays what it was.
        """
        for source in modules():
            if source.place.startswith("store.migrations.versions."):
                self.assertEqual(list(ours(source)), [], source.name)


class OwnerTests(SynchronousTestCase):
    """
    Who may know of what is not ours.
    """

    def test_owners(self) -> None:
        """
        A library that has an owner is imported there alone.
        """
        for source in modules():
            for name, _ in imports(source):
                owners = OWNERS.get(name.partition(".")[0])
                if owners is not None:
                    owners = (owners,) if isinstance(owners, str) else owners
                    places = tuple(f"{each}." for each in owners)
                    is_there = f"{source.place}.".startswith(places)
                    self.assertTrue(is_there, f"{source.name} imports {name}")

    def test_owners_are_real(self) -> None:
        """
        Each owner does import what it owns; the standard library's parts may
        be nobody's.
        """
        for library in OWNERS.keys() - {"sqlite3"}:
            used = {name.partition(".")[0] for each in SOURCES for name, _ in imports(each)}
            self.assertIn(library, used)

    def test_twisted(self) -> None:
        """
        Below the server nothing knows a transport, and the wire no Twisted at all.
        """
        for source in modules():
            allowed = TWISTED.get(part(source))
            for name, _ in imports(source):
                if allowed is not None and name.startswith("twisted."):
                    self.assertIn(name.rpartition(".")[0], allowed, source.name)

    def test_reactor(self) -> None:
        """
        Nobody imports the reactor but one function of the command line.
        """
        found = [
            (source.place, _function(source, statement))
            for source in modules()
            for name, statement in imports(source)
            if name == "twisted.internet.reactor"
        ]
        self.assertEqual(found, [("tap", "makeService")])

    def test_no_reactor_is_installed(self) -> None:
        """
        A program can import all of the project, and choose its reactor then.
        """
        names = [each.name for each in modules() if each.place != "store.migrations.env"]
        code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
sys.exit("twisted.internet.reactor" in sys.modules)
"""
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def _function(source: Source, statement: ast.stmt) -> str | None:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef) and statement in ast.walk(node):
            return node.name
    return None


class HabitTests(SynchronousTestCase):
    """
    What holds for every file.
    """

    def test_size(self) -> None:
        """
        No file is longer than one can keep in mind.
        """
        for source in SOURCES + BENCHMARKS:
            self.assertLessEqual(source.text.count("\n"), MOST_LINES, source.name)

    def test_finished(self) -> None:
        """
        Nothing is left for later.
        """
        # In pieces, so that a search of the project does not find this test.
        for mark in ("TO" + "DO", "FIX" + "ME", "X" * 3, "Not" + "ImplementedError"):
            hits = [each.name for each in SOURCES + BENCHMARKS if mark in each.text]
            self.assertEqual(hits, [], mark)

    def test_docstrings(self) -> None:
        """
        Everything public says what it is for.
        """
        missing = [
            name
            for source in SOURCES + BENCHMARKS
            for name, node in _public(source)
            if not _is_told(node)
        ]
        self.assertEqual(missing, [])


_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _is_told(node: _Documented) -> bool:
    return bool(ast.get_docstring(node))


def _public(source: Source) -> Iterator[tuple[str, _Documented]]:
    is_migration = source.place.startswith("store.migrations.versions")
    if source.text:
        yield source.name, source.tree
    # A migration's functions are alembic's names; its module says what it does.
    if not is_migration:
        yield from _members(source.name, source.tree)


def _members(name: str, node: ast.Module | ast.ClassDef) -> Iterator[tuple[str, _Documented]]:
    for each in node.body:
        if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if each.name.startswith("_"):
                continue
            yield f"{name}.{each.name}", each
            if isinstance(each, ast.ClassDef):
                yield from _members(f"{name}.{each.name}", each)
