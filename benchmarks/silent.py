"""
Whether people get in while thousands of connections say nothing.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from attrs import frozen

from benchmarks import place
from benchmarks.checkout import OURS
from benchmarks.crowd import Standing, stand_around
from benchmarks.figures import milliseconds, percentile, table
from benchmarks.server import Server, allow_files, cores
from benchmarks.wire import Peer, is_success, login, request

#: How long a login may take.
_MOST_SECONDS = 1.0

_PASSWORD = "correct horse battery"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    parser.add_argument(
        "--connections", type=int, default=10_000, help="how many say nothing [%(default)s]"
    )
    parser.add_argument(
        "--people", type=int, default=100, help="how many register and log in [%(default)s]"
    )
    parser.add_argument(
        "--again",
        type=int,
        default=200,
        help="how many that were closed come back each second [%(default)s]",
    )


@frozen(kw_only=True)
class Visit:
    """
    How long one person took to get in, in seconds.

    @ivar login: from connecting to the answer.
    """

    registration: float
    login: float


@frozen(kw_only=True)
class Result:
    """
    What was seen with some limits.

    @ivar standing: the silent connections afterwards.
    """

    visits: list[Visit]
    standing: Standing
    opened_in: float
    before: int
    after: int
    cpu: float


def run(choices: argparse.Namespace) -> int:
    """
    Open silent connections, let people in meanwhile, and print how long it took.

    @return: the exit status: 1 if a login took longer than a second.
    """
    allow_files(choices.connections + 200)
    # They are to stay silent for as long as it takes, which login_seconds would end.
    variants: dict[str, Mapping[str, object]] = {
        "limits off: all stay": {**OURS.no_limits(), "login_seconds": 0}
    }
    if OURS.known({"anonymous_connections": 0}):
        variants["limits as shipped"] = OURS.known({"registrations_per_hour": 0})
    results = {
        name: _measure(choices, settings, f"guest{number}x")
        for number, (name, settings) in enumerate(variants.items())
    }
    print(_report(choices, results))
    worst = max(visit.login for each in results.values() for visit in each.visits)
    return 0 if worst < _MOST_SECONDS else 1


def _measure(choices: argparse.Namespace, settings: Mapping[str, object], names: str) -> Result:
    """
    @param names: what those who register here begin with.
    """
    mine, others = cores()
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with place.server(choices, settings) as server:
        server.start()
        server.pin(mine)
        _visit(server, names)
        before, begun = server.resident(), time.monotonic()
        arguments = (theirs, server.port, choices.connections, choices.again, others)
        crowd: Any = context.Process(target=stand_around, args=arguments, daemon=True)
        crowd.start()
        try:
            _expect(ours)
            opened_in = time.monotonic() - begun
            people = [f"{names}{number:05d}" for number in range(choices.people)]
            return _let_in(server, people, ours, before, opened_in)
        finally:
            crowd.kill()
            crowd.join()
            server.stop()


def _let_in(
    server: Server, people: Sequence[str], crowd: "Connection", before: int, opened_in: float
) -> Result:
    cpu, begun = server.cpu(), time.monotonic()
    visits = [_visit(server, name) for name in people]
    cpu, seconds = server.cpu() - cpu, time.monotonic() - begun
    crowd.send("how many?")
    return Result(
        visits=visits,
        standing=_expect(crowd),
        opened_in=opened_in,
        before=before,
        after=server.resident(),
        cpu=cpu / seconds,
    )


def _expect(crowd: "Connection") -> Standing:
    if not crowd.poll(180):
        raise SystemExit("benchmarks: the silent connections were not open within 180 s")
    standing = crowd.recv()
    assert isinstance(standing, Standing)
    return standing


def _visit(server: Server, name: str) -> Visit:
    begun = time.perf_counter()
    with Peer.connect(server.port) as peer:
        _succeed(peer, request("register_request", username=name, password=_PASSWORD))
        registration = time.perf_counter() - begun
    begun = time.perf_counter()
    with Peer.connect(server.port) as peer:
        _succeed(peer, login(name, _PASSWORD))
        return Visit(registration=registration, login=time.perf_counter() - begun)


def _succeed(peer: Peer, line: bytes) -> None:
    answer = peer.ask(line)
    if not is_success(answer):
        raise SystemExit(f"benchmarks: a person was refused: {answer!r}")


def _report(choices: argparse.Namespace, results: Mapping[str, Result]) -> str:
    heads = ["limits", "opened", "in", "closed by the server", "open at the end"]
    heads += ["login p50", "p99", "max", "registration p50", "max", "RSS before", "after"]
    heads += ["server CPU"]
    rows = [_row(name, result) for name, result in results.items()]
    return (
        f"{choices.connections} connections that say nothing; meanwhile {choices.people} people "
        "connect and register, connect again and log in, one after the other. What the server "
        f"closes is opened again, up to {choices.again} a second.\n\n{table(heads, rows)}"
    )


def _row(name: str, result: Result) -> list[str]:
    logins = [visit.login for visit in result.visits]
    registrations = [visit.registration for visit in result.visits]
    return [
        name,
        f"{result.standing.opened}",
        milliseconds(result.opened_in),
        f"{result.standing.closed}",
        f"{result.standing.open}",
        *(milliseconds(percentile(logins, percent)) for percent in (50, 99, 100)),
        *(milliseconds(percentile(registrations, percent)) for percent in (50, 100)),
        f"{result.before / 1024:.0f} MiB",
        f"{result.after / 1024:.0f} MiB",
        f"{result.cpu:.0%}",
    ]
