"""
The command line: C{python -m benchmarks}.
"""

import argparse
import signal
import sys

from benchmarks import (
    acknowledged,
    files,
    greedy,
    growth,
    guesses,
    logins,
    million,
    reconnect,
    silent,
    slow,
    storm,
    table,
    tls,
)
from benchmarks.trouble import Trouble
from chatroom.errors import StartError

_COMMANDS = {
    "table": table,
    "acknowledged": acknowledged,
    "files": files,
    "greedy": greedy,
    "growth": growth,
    "guesses": guesses,
    "logins": logins,
    "million": million,
    "reconnect": reconnect,
    "silent": silent,
    "slow": slow,
    "storm": storm,
    "tls": tls,
}


def main() -> int:
    """
    @return: the exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in _COMMANDS.items():
        what = " ".join((module.__doc__ or "").split())
        short = what.partition(":")[0]
        module.add_arguments(commands.add_parser(name, help=short, description=what))
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in {*_COMMANDS, "-h", "--help"}:
        arguments = ["table", *arguments]
    choices = parser.parse_args(arguments)
    # Leave by the way on which the server is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return int(_COMMANDS[choices.command].run(choices))
    except StartError as error:
        raise Trouble(f"benchmarks: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
