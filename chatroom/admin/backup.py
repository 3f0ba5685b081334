"""
C{chatroom admin backup}: a copy of the database, while a server goes on with it.
"""

import os
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from shlex import quote

from chatroom.admin.data import (
    Progress,
    add_database,
    guarded,
    new_file,
    refused,
)
from chatroom.admin.exits import USAGE, Failed
from chatroom.store.copying import NotOneFile, copy_database, path_of


def describe(parser: ArgumentParser) -> None:
    """
    Say what it takes.
    """
    add_database(parser)
    parser.add_argument("file", metavar="FILE", help="where to")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


@guarded
def run(chosen: Namespace, database: str) -> None:
    """
    Copy it.
    """
    _check_target(database, chosen.file)
    progress = Progress("pages left:")
    try:
        with new_file(chosen.file, force=chosen.force) as file:
            damage = copy_database(
                database,
                file.name,
                lambda left, total: progress.show(f"{left} of {total}"),
            )
            if damage:
                raise refused(f"the database is damaged: {damage[0]}; check tells what is wrong")
    except NotOneFile as error:
        raise Failed(
            USAGE,
            "PostgreSQL has a program of its own for this: "
            f"pg_dump --format=custom --file={quote(chosen.file)} {quote(error.name)}",
        ) from None
    finally:
        progress.end()


def _check_target(url: str, path: str) -> None:
    """
    @raise chatroom.admin.exits.Failed: if a copy there would be no copy, or destroy something.
    """
    database = path_of(url)
    with suppress(FileNotFoundError):
        if database is not None and os.path.samefile(database, path):
            raise refused("that is the database itself")
    for suffix in ("-wal", "-shm", "-journal"):
        if os.path.exists(path + suffix):
            raise refused(
                f"there is {path}{suffix}: {path} is a database in use, or was; "
                "choose another name"
            )
