"""
What the commands share that are about the data itself: they ask no server, but open the
database.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, BinaryIO

from attrs import define, field

from chatroom.admin.exits import INTERRUPTED, REFUSED, UNREACHABLE, USAGE
from chatroom.errors import StartError
from chatroom.settings import Settings

#: How often progress is shown: once for so many things.
_EVERY = 1000


class Refused(Exception):
    """
    It can't be done; C{str()} is one line that says why, and nothing has changed.
    """


class Misused(Exception):
    """
    Something else has to be asked for; C{str()} is one line that says what.
    """


_EXITS: dict[type[BaseException], int] = {
    Refused: REFUSED,
    Misused: USAGE,
    StartError: UNREACHABLE,
}


def guarded(
    run: Callable[[argparse.Namespace], int],
) -> Callable[[argparse.Namespace], int]:
    """
    Have a command end with one line and its exit status where it can't be done.
    """

    @wraps(run)
    def guarded_run(chosen: argparse.Namespace) -> int:
        try:
            return run(chosen)
        except tuple(_EXITS) as error:
            _complain(chosen, str(error))
            return _EXITS[type(error)]
        except BrokenPipeError:
            # Whoever reads the output has had enough. Nothing more is to be written there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return REFUSED
        except OSError as error:
            _complain(chosen, f"{error.filename or 'the output'}: {error.strerror or error}")
            return REFUSED
        except KeyboardInterrupt:
            return INTERRUPTED

    return guarded_run


def add_database(parser: argparse.ArgumentParser) -> None:
    """
    Add the option that every such command has.
    """
    known = os.environ.get("CHATROOM_DATABASE") or Settings().database
    parser.add_argument(
        "--database",
        default=known,
        metavar="URL",
        help="where everything is stored, as the server's option of this name has it",
    )


def _complain(chosen: argparse.Namespace, text: str) -> None:
    sys.stderr.write(f"chatroom admin {chosen.subcommand}: {text}\n")


@define(eq=False)
class Progress:
    """
    A line on the terminal that says how far it is; nothing where there is no terminal.
    """

    _verb: str
    _count: int = field(default=0, init=False)
    _is_shown: bool = field(init=False)

    @_is_shown.default
    def _is_terminal(self) -> bool:
        return sys.stderr.isatty()

    def step(self) -> None:
        """
        One more is done.
        """
        self._count += 1
        if self._count % _EVERY == 0:
            self.show(str(self._count))

    def show(self, how_far: str) -> None:
        """
        Say how far it is.
        """
        if self._is_shown:
            sys.stderr.write(f"\r{self._verb} {how_far}\x1b[K")
            sys.stderr.flush()

    def end(self) -> None:
        """
        Have the next line be somebody else's.
        """
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def new_file(path: str, *, force: bool) -> Iterator[BinaryIO]:
    """
    Make a file that only its owner may read, and that has its name when all of it is on the
    disk; until then, and if the block raises, what has the name stays as it is.

    @param force: whether another file may be replaced.
    @raise Refused: if there is one, and it may not.
    """
    path = os.path.realpath(path)
    _require_free(path, force=force)
    descriptor, unfinished = tempfile.mkstemp(
        prefix=f".{os.path.basename(path)}.", suffix=".unfinished", dir=os.path.dirname(path)
    )
    try:
        os.close(descriptor)
        with open(unfinished, "r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _require_free(path, force=force)
        os.rename(unfinished, path)
    finally:
        # If it is a database, there may be more of it.
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.remove(unfinished + suffix)
    _sync_directory(os.path.dirname(path))


def _require_free(path: str, *, force: bool) -> None:
    if os.path.lexists(path) and not force:
        raise Refused(f"there is a file {path} already; --force replaces it")
    if os.path.isdir(path):
        raise Refused(f"{path} is a directory")


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rows_in_order(rows: Any) -> Iterator[Any]:
    """
    @return: the same, to be counted on a terminal.
    """
    progress = Progress("rows")
    try:
        for row in rows:
            yield row
            progress.step()
    finally:
        progress.end()
