"""
A program that opens a database, and is killed while it does. Not a test, but
what one starts::

    python -m tests.dying URL N

It dies before the change of the schema that is number N; or, if N is 0, before
the COMMIT that follows them all.
"""

import os
import signal
import sys
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

from chatroom.store.database import Database
from tests.lanes import InlineLane

_CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")


def main(url: str, last: int) -> None:
    """
    Open a database, but not to the end.
    """
    numbers = count(1)
    changes = 0

    def die() -> None:
        sys.stdout.write(f"{changes}\n")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    def execute(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        nonlocal changes
        if statement.lstrip().startswith(_CHANGES):
            changes = next(numbers)
            if changes == last:
                die()

    event.listen(Engine, "before_cursor_execute", execute)
    event.listen(Engine, "commit", lambda _: die())
    Database(url, InlineLane(), InlineLane()).open(now=0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
