"""
Passwords, which are on no command line: others see that, and the shell keeps it.
"""

import sys
from getpass import getpass

from chatroom.admin.exits import USAGE, Failed


def read_password() -> str:
    """
    @return: a line of standard input; on a terminal it is asked for, twice, and not shown.
    @raise Failed: if there is none.
    """
    if sys.stdin.isatty():
        password = getpass("New password: ")
        if getpass("Once more: ") != password:
            raise Failed(USAGE, "these are two different passwords")
    else:
        try:
            password = sys.stdin.buffer.readline().decode("utf-8")
        except UnicodeDecodeError:
            raise Failed(USAGE, "the password on standard input is not UTF-8") from None
        password = password.removesuffix("\n").removesuffix("\r")
    if not password:
        raise Failed(USAGE, "there is no password: it is read from standard input")
    return password


def confirm(question: str, *, is_sure: bool) -> None:
    """
    See that what can't be undone is meant.

    @param is_sure: whether that has been said already.
    @raise Failed: if it is not.
    """
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise Failed(USAGE, "that can't be undone: --yes says that it is meant")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failed(USAGE, "nothing was done")
