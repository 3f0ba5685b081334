"""
What the commands share that are about the data itself: they ask no server, but open the
database.
"""

import os
import sys
import tempfile
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, BinaryIO

from attrs import define, field

from chatroom.admin.exits import DONE, INTERRUPTED, REFUSED, UNREACHABLE, Failed
from chatroom.admin.shown import visible
from chatroom.admin.tasks import settings_of
from chatroom.errors import StartError

#: How often progress is shown: once for so many things.
_EVERY = 1000


def guarded(
    run: Callable[[Namespace, str], None],
) -> Callable[[Namespace], int]:
    """
    @param run: does something with a database that it is given the URL of.
    @return: a command, which ends with one line and its exit status where it can't be done.
    """

    @wraps(run)
    def guarded_run(chosen: Namespace) -> int:
        try:
            run(chosen, settings_of(chosen).database)
            return DONE
        except Failed as failed:
            return _complain(failed.status, failed.why)
        except StartError as error:
            return _complain(UNREACHABLE, str(error))
        except BrokenPipeError:
            # Whoever reads has seen enough; nothing is left to be written at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except OSError as error:
            where = error.filename or "the output"
            return _complain(REFUSED, f"{where}: {error.strerror or error}")
        except KeyboardInterrupt:
            return INTERRUPTED

    return guarded_run


def refused(why: str) -> Failed:
    """
    @return: what says why it is not done.
    """
    return Failed(REFUSED, why)


def add_database(parser: ArgumentParser) -> None:
    """
    Add the option that every such command has.
    """
    parser.add_argument(
        "--database",
        default=SUPPRESS,
        metavar="URL",
        help="where everything is stored, as the server has it [CHATROOM_DATABASE]",
    )


def _complain(status: int, why: str) -> int:
    if why:
        sys.stderr.write(f"chatroom admin: {visible(why)}\n")
    return status


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
    @raise Failed: if there is one, and it may not.
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
        raise refused(f"there is a file {path} already; --force replaces it")
    if os.path.isdir(path):
        raise refused(f"{path} is a directory")


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def counted(rows: Any) -> Iterator[Any]:
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
