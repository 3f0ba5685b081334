"""
What people who talk notice of files: how late their messages are while many files are
sent and had.
"""

import argparse
import time
from multiprocessing import get_context
from typing import Any

from benchmarks import place
from benchmarks.bystanders import Seen, stand_by
from benchmarks.carriers import Carried, carry
from benchmarks.checkout import OURS
from benchmarks.figures import milliseconds, percentile, table
from benchmarks.people import populate
from benchmarks.server import Server, cores
from benchmarks.trouble import Trouble

#: How late a message may be, in seconds, for 99 of 100 deliveries.
_MOST_SECONDS = 0.1

#: How long the load settles before anything is measured, in seconds.
_SETTLE_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    parser.add_argument(
        "--transfers", type=int, default=20, help="how many send, and how many have [%(default)s]"
    )
    parser.add_argument("--megabytes", type=float, default=100, help="of a file [%(default)s]")
    parser.add_argument("--people", type=int, default=20, help="how many talk [%(default)s]")
    parser.add_argument(
        "--rate", type=float, default=20, help="messages a second, of all of them [%(default)s]"
    )
    parser.add_argument(
        "--seconds", type=float, default=10, help="how long they talk alone [%(default)s]"
    )


def run(choices: argparse.Namespace) -> int:
    """
    Let people talk, alone and while files are carried, and print how late they were.

    @return: the exit status: 1 if that was too late, or a file did not arrive.
    """
    mine, others = cores()
    size = int(choices.megabytes * 1e6)
    settings = {**OURS.no_limits(), **OURS.known({"user_files_bytes": 0, "all_files_bytes": 0})}
    settings |= OURS.known({"file_bytes": max(size, 1)})
    context = get_context("spawn")
    with place.server(choices, settings) as server:
        talkers, carriers = choices.people, 2 * choices.transfers
        everybody = populate(
            server.database,
            talkers + carriers,
            [range(talkers), range(talkers, talkers + carriers)],
        )
        server.start()
        server.pin(mine)
        people = _Process(
            context,
            stand_by,
            (server.port, everybody.names[:talkers], everybody.rooms[0], choices.rate, others),
        )
        files = _Process(
            context,
            carry,
            (server.port, everybody.names[talkers:], everybody.rooms[1], size, others),
        )
        with people, files:
            report = _measure(server, people, files, choices)
        print(report[0], place.described(server), sep="\n\n")
        server.stop()
    return report[1]


def _measure(
    server: Server, people: "_Process", files: "_Process", choices: argparse.Namespace
) -> tuple[str, int]:
    for each in (people, files):
        each.hear()
    time.sleep(_SETTLE_SECONDS)
    people.ask()
    time.sleep(choices.seconds)
    alone: Seen = people.ask()
    cpu = server.cpu()
    carried: Carried = files.ask()
    cpu = server.cpu() - cpu
    beside: Seen = people.ask()
    rows = [
        ["alone", *_times(alone)],
        [f"beside {2 * choices.transfers} files", *_times(beside)],
    ]
    heads = ["messages", "deliveries", "p50", "p99", "latest"]
    megabytes = (carried.sent + carried.had) / 1e6
    said = [
        table(heads, rows),
        f"{carried.sent / 1e6:.0f} MB were sent and {carried.had / 1e6:.0f} MB had in "
        f"{carried.seconds:.1f} s: {megabytes / carried.seconds:.0f} MB/s together, "
        f"{cpu / carried.seconds:.0%} of a processor; {carried.failed} failed",
    ]
    is_good = percentile(beside.delays, 99) <= _MOST_SECONDS and not carried.failed
    return "\n\n".join(said), 0 if is_good else 1


def _times(seen: Seen) -> list[object]:
    late = [percentile(seen.delays, percent) for percent in (50, 99, 100)]
    return [len(seen.delays), *map(milliseconds, late)]


class _Process:
    """
    A process of the load, which says when it is ready and answers when it is asked.
    """

    def __init__(self, context: Any, work: Any, arguments: tuple[Any, ...]) -> None:
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def hear(self) -> Any:
        """
        @return: what it says next.
        @raise Trouble: if it has ended.
        """
        try:
            return self._pipe.recv()
        except EOFError as error:
            raise Trouble("benchmarks: a process of the load has ended") from error

    def ask(self) -> Any:
        """
        @return: what it answers.
        """
        self._pipe.send("ask")
        return self.hear()

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
