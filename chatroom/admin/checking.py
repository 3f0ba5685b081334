"""
C{chatroom admin check}: whether what is stored is as it has to be.
"""

import argparse
import sys

from chatroom.admin.data import Progress, add_database, guarded
from chatroom.admin.exits import DONE, REFUSED
from chatroom.store.offline import snapshot
from chatroom.store.queries.checking import RULES, Finding
from chatroom.wire.archive import encode_report


def describe(parser: argparse.ArgumentParser) -> None:
    """
    Say what it takes.
    """
    add_database(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


@guarded
def run(chosen: argparse.Namespace) -> int:
    """
    Print what is wrong, one line each.
    """
    findings = _findings(chosen.database)
    if chosen.json:
        found = [{"rule": each.rule, "text": each.text} for each in findings]
        sys.stdout.write(encode_report({"rules": list(RULES), "findings": found}))
    else:
        sys.stdout.writelines(f"{each.rule}: {each.text}\n" for each in findings)
    return REFUSED if findings else DONE


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
