"""
C{chatroom admin check}: whether what is stored is as it has to be.
"""

import sys
from argparse import ArgumentParser, Namespace

from chatroom.admin.data import Progress, add_database, guarded, refused
from chatroom.admin.shown import for_programs
from chatroom.store.offline import snapshot
from chatroom.store.queries.checking import RULES, Finding


def describe(parser: ArgumentParser) -> None:
    """
    Say what it takes.
    """
    add_database(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


@guarded
def run(chosen: Namespace, database: str) -> None:
    """
    Print what is wrong, one line each.
    """
    findings = _findings(database)
    for each in findings:
        told = for_programs(each) if chosen.json else f"{each.rule}: {each.text}"
        sys.stdout.write(f"{told}\n")
    if findings:
        # All there is to say stands there already.
        raise refused("")


def _findings(url: str) -> list[Finding]:
    progress = Progress("looking at")
    found: list[Finding] = []
    try:
        with snapshot(url) as store:
            for rule in RULES:
                progress.show(rule)
                found += store.findings(rule)
    finally:
        progress.end()
    return found
