"""
The command line: C{chatroom torture}.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any, NoReturn

from twisted.internet.task import react

from chatroom.torture.files import can_fill_disks
from chatroom.torture.ordeal import Ordeal
from chatroom.torture.plan import OF_FILES, Fault, Plan
from chatroom.torture.report import for_people, for_programs
from chatroom.torture.verdict import judge

_NUMBERS: tuple[tuple[str, Any, Any, str], ...] = (
    ("--clients", int, 50, "how many clients there are"),
    ("--rooms", int, 5, "how many rooms besides public; each client is in two of them"),
    ("--kills", int, 10, "how often the server is killed"),
    ("--seconds", float, None, "in how many seconds [6 for each kill; 60 without]"),
    ("--rate", float, 1.0, "how many posts a second each client has to say"),
    ("--others", float, 4.0, "how many other faults there are for each kill"),
    ("--seed", int, None, "decides what goes wrong when, and who says what [any]"),
    ("--heartbeat-seconds", float, 2.0, "of the server"),
    ("--patience", float, 120.0, "how many seconds it may take until all is well again"),
)


#: The exit status after Ctrl-C.
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """
    Has one line for whoever has mistyped, as the server does.
    """

    def error(self, message: str) -> NoReturn:
        """
        End.
        """
        raise SystemExit(f"{self.prog}: {message}")


def main(arguments: Sequence[str]) -> int:
    """
    Torture a server, and print what has come out.

    @return: the exit status: 1 if anything is not as it was promised.
    """
    choices = _parser().parse_args(arguments)
    plan = _plan(choices)
    _allow_files(plan.clients * 5 + 100)
    statuses: list[int] = []
    try:
        react(_run, (plan, choices, statuses))
    except SystemExit as end:
        if end.code:
            raise
    return statuses[0] if statuses else INTERRUPTED


def plan_of(arguments: Sequence[str]) -> Plan:
    """
    @return: what a command line asks for.
    @raise SystemExit: if that can't be, with one line that says why.
    """
    return _plan(_parser().parse_args(arguments))


def defaults() -> dict[str, str | None]:
    """
    @return: the default of each option, by its name; C{None} where it has none.
    """
    numbers = {
        name: None if default is None else f"{default:g}" for name, _, default, _ in _NUMBERS
    }
    return {**numbers, **dict.fromkeys(("--faults", "--database", "--keep", "--json", "--quiet"))}


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="chatroom torture",
        description="Start a server and clients, let everything go wrong that can, and see "
        "whether what was promised held.",
    )
    for name, kind, default, text in _NUMBERS:
        shown = text if default is None else f"{text} [{default:g}]"
        parser.add_argument(name, type=kind, default=default, help=shown, metavar="N")
    kinds = ",".join(each.value for each in Fault)
    parser.add_argument("--faults", default=kinds, help=f"which kinds there are [{kinds}]")
    parser.add_argument(
        "--database", help="the URL of an empty database [an SQLite file; else no lock, full-disk]"
    )
    parser.add_argument(
        "--keep", help="a new directory for the database, the outboxes and the log"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quiet", action="store_true", help="do not tell what goes on")
    return parser


def _plan(choices: argparse.Namespace) -> Plan:
    for name in ("clients", "rooms", "seconds", "rate", "heartbeat_seconds", "patience"):
        value = getattr(choices, name)
        if value is not None and value <= 0:
            raise SystemExit(f"chatroom torture: --{name.replace('_', '-')} must be more than 0")
    seconds, seed = choices.seconds, choices.seed
    return Plan(
        seed=SystemRandom().randrange(10**6) if seed is None else seed,
        clients=choices.clients,
        rooms=choices.rooms,
        kills=choices.kills,
        seconds=(choices.kills * 6.0 or 60.0) if seconds is None else seconds,
        rate=choices.rate,
        others=choices.others,
        faults=_faults(choices),
        heartbeat=choices.heartbeat_seconds,
        patience=choices.patience,
        database=choices.database,
    )


def _faults(choices: argparse.Namespace) -> frozenset[Fault]:
    known = {each.value: each for each in Fault}
    chosen = [each.strip() for each in choices.faults.split(",") if each.strip()]
    for each in chosen:
        if each not in known:
            raise SystemExit(f"chatroom torture: --faults knows {', '.join(known)}, not {each!r}")
    faults = frozenset(known[each] for each in chosen)
    if choices.database:
        faults -= OF_FILES
    return faults if can_fill_disks() else faults - {Fault.FULL_DISK}


def _allow_files(count: int) -> None:
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if soft >= count:
        return
    try:
        setrlimit(RLIMIT_NOFILE, (count, max(hard, count)))
    except (ValueError, OSError) as error:
        raise SystemExit(
            f"chatroom torture: {count} open files are needed and {hard} allowed; "
            "ulimit -n raises that"
        ) from error


async def _run(reactor: Any, plan: Plan, choices: argparse.Namespace, statuses: list[int]) -> None:
    directory = _directory(choices.keep)
    is_kept = choices.keep is not None

    def progress(text: str) -> None:
        if not choices.quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    progress(f"seed {plan.seed}, in {directory}")
    ordeal = Ordeal(reactor, plan, directory, progress)
    reactor.addSystemEventTrigger("before", "shutdown", ordeal.server.abandon)
    try:
        outcome = await ordeal.run()
        findings = judge(outcome.evidence)
        report = (for_programs if choices.json else for_people)(outcome, findings)
        sys.stdout.write(f"{report}\n")
        is_kept = is_kept or not findings.is_clean
        statuses.append(0 if findings.is_clean else 1)
    except BaseException:
        is_kept = True
        raise
    finally:
        if is_kept:
            sys.stderr.write(f"kept in {directory}\n")
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _directory(keep: str | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="torture-"))
    try:
        Path(keep).mkdir(parents=True)
    except OSError as error:
        raise SystemExit(f"chatroom torture: --keep {keep}: {error.strerror}") from error
    return Path(keep).absolute()
