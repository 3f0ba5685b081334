"""
C{chatroom admin backup}: a copy of the database, while a server goes on with it.
"""

import argparse
import os
from contextlib import suppress

from chatroom.admin.data import (
    Misused,
    Progress,
    Refused,
    add_database,
    guarded,
    new_file,
)
from chatroom.admin.exits import DONE
from chatroom.store.copying import NotOneFile, copy_database, path_of


def describe(parser: argparse.ArgumentParser) -> None:
    """
    Say what it takes.
    """
    add_database(parser)
    parser.add_argument("file", metavar="FILE", help="where to")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


@guarded
def run(chosen: argparse.Namespace) -> int:
    """
    Copy it.
    """
    _check_target(chosen.database, chosen.file)
    progress = Progress("pages left:")
    try:
        with new_file(chosen.file, force=chosen.force) as file:
            damage = copy_database(
                chosen.database,
                file.name,
                lambda left, total: progress.show(f"{left} of {total}"),
            )
            if damage:
                raise Refused(f"the database is damaged: {damage[0]}; check tells what is wrong")
    except NotOneFile as error:
        raise Misused(
            f"{error.name} is PostgreSQL's, which has its own: "
            f"pg_dump --format=custom --file={chosen.file} {error.name}"
        ) from None
    finally:
        progress.end()
    return DONE


def _check_target(url: str, path: str) -> None:
    """
    @raise Refused: if a copy there would be no copy, or destroy something.
    """
    database = path_of(url)
    with suppress(FileNotFoundError):
        if database is not None and os.path.samefile(database, path):
            raise Refused("that is the database itself")
    for suffix in ("-wal", "-shm", "-journal"):
        if os.path.exists(path + suffix):
            raise Refused(
                f"there is {path}{suffix}: {path} is a database in use, or was; "
                "choose another name"
            )
