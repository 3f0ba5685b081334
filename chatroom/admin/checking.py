"""
C{chatroom admin check}: whether what is stored is as it has to be.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from hashlib import sha256

from chatroom.admin.data import Progress, add_database, guarded, refused
from chatroom.admin.shown import for_programs
from chatroom.store.backends import folder_for
from chatroom.store.offline import Snapshot, snapshot
from chatroom.store.queries.checking import RULES, Finding

#: The rule that the database can't be asked about.
FILES = "files"

#: How much of a file is read at a time.
_READ_BYTES = 2**20


def describe(parser: ArgumentParser) -> None:
    """
    Say what it takes.
    """
    add_database(parser)
    parser.add_argument(
        "--files",
        default="beside",
        metavar="FOLDER",
        help="where files are kept, as the server has it [beside the database]",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


@guarded
def run(chosen: Namespace, database: str) -> None:
    """
    Print what is wrong, one line each.
    """
    findings = _findings(database, chosen.files)
    for each in findings:
        told = for_programs(each) if chosen.json else f"{each.rule}: {each.text}"
        sys.stdout.write(f"{told}\n")
    if findings:
        # All there is to say stands there already.
        raise refused("")


def _findings(url: str, kept: str) -> list[Finding]:
    progress = Progress("looking at")
    found: list[Finding] = []
    try:
        with snapshot(url) as store:
            for rule in RULES:
                progress.show(rule)
                found += store.findings(rule)
            progress.show(FILES)
            found += _files(store, folder_for(url, kept))
    finally:
        progress.end()
    return found


def _files(store: Snapshot, path: str | None) -> Iterator[Finding]:
    """
    The files that were sent and not deleted, which are all in their folder, and whole.
    """
    for each in store.stored_files():
        if each["is_dropped"]:
            continue
        wrong: str | None = "there is no folder for it"
        if path is not None:
            place = os.path.join(path, store.epoch(), each["name"] or "")
            wrong = _wrong(place, each["size"], each["sha256"])
        if wrong is not None:
            yield Finding(rule=FILES, text=f"file {each['event_id']}: {wrong}")


def _wrong(path: str, size: int, digest: str) -> str | None:
    hasher = sha256()
    try:
        with open(path, "rb") as file:
            while some := file.read(_READ_BYTES):
                hasher.update(some)
            length = file.tell()
    except OSError as error:
        return f"it can't be read: {error.strerror}"
    if length != size:
        return f"it has {length} bytes, and should have {size}"
    return None if hasher.hexdigest() == digest else "its content is not what was sent"
