"""
How long it takes when everybody comes back at once, and what others notice of it.
"""

import argparse
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from attrs import frozen

from benchmarks import place
from benchmarks.bystanders import Seen, stand_by
from benchmarks.checkout import OURS
from benchmarks.figures import milliseconds, percentile, table
from benchmarks.people import give_tokens, populate, with_store
from benchmarks.returning import Plan, Return, come_back
from benchmarks.server import Server, allow_files, cores
from chatroom.store.models import Event, EventKind, User
from chatroom.store.repository import Repository

#: How long others may wait for a message meanwhile, in seconds, for one in a hundred.
_MOST_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    numbers = [
        ("--clients", 2000, "how many come back, each by a token"),
        ("--missed", 200, "how many messages each has missed"),
        ("--room", 100, "how many of them are in one room, and have missed the same"),
        ("--others", 100, "how many were there all the time, in a room of their own"),
        ("--rate", 20, "posts a second in that room"),
        ("--settle", 5, "seconds before and after, to compare with"),
    ]
    for name, default, what in numbers:
        parser.add_argument(name, type=int, default=default, help=f"{what} [%(default)s]")


@frozen(kw_only=True)
class Result:
    """
    What was seen.

    @ivar quiet: by the others before and afterwards; C{busy} meanwhile.
    @ivar memory: of the server before, at its most, and afterwards, in KiB.
    """

    returned: Return
    quiet: Seen
    busy: Seen
    memory: tuple[int, int, int]
    cpu: float
    seconds: float


def run(choices: argparse.Namespace) -> int:
    """
    Have everybody come back, and print how long it took.

    @return: the exit status: 1 if anybody missed anything, or the others had to wait.
    """
    allow_files(choices.clients + choices.others + 200)
    with place.server(choices, OURS.no_limits()) as server:
        plan, names, room = _prepare(server, choices)
        server.start()
        server.pin(cores()[0])
        result = _measure(server, choices, plan, names, room)
        server.stop()
        print(_report(choices, result, place.described(server)))
    is_late = percentile(result.busy.delays, 99) > _MOST_SECONDS
    return 1 if result.returned.wrong or is_late else 0


def _prepare(server: Server, choices: argparse.Namespace) -> tuple[Plan, Sequence[str], int]:
    """
    Fill the database.

    @return: who comes back, who was there, and the room of these.
    """
    count, size = choices.clients, choices.room
    rooms = [list(range(start, min(start + size, count))) for start in range(0, count, size)]
    others = list(range(count, count + choices.others))
    everybody = populate(server.database, count + choices.others, [*rooms, others])
    tokens = give_tokens(server.database, everybody)[:count]
    now = int(time.time() * 1000)

    def fill(store: Repository) -> None:
        for room, members in zip(everybody.rooms, rooms, strict=False):
            sender = User(id=everybody.ids[members[0]], name=everybody.names[members[0]])
            _say(store, room, sender, choices.missed, now)

    with_store(server.database, fill)
    plan = Plan(
        port=server.port,
        tokens=tokens,
        rooms=[everybody.rooms[index // size] for index in range(count)],
        missed=choices.missed,
        processors=cores()[1],
    )
    return plan, everybody.names[count:], everybody.rooms[-1]


def _say(store: Repository, room: int, sender: User, count: int, now: int) -> None:
    last_id = store.last_event_id()
    said = [
        Event(
            id=last_id + seq,
            room_id=room,
            room_name="",
            seq=seq,
            kind=EventKind.MESSAGE,
            sender=sender,
            content=f"message {seq}, as long as people write when they have something to say",
            created_at=now,
        )
        for seq in range(1, count + 1)
    ]
    store.append(said, {}, last_seqs={room: count})
    store.index_newer(count)


def _measure(
    server: Server, choices: argparse.Namespace, plan: Plan, names: Sequence[str], room: int
) -> Result:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    mine, yours = context.Pipe()
    crowd: Any = context.Process(target=come_back, args=(theirs, plan), daemon=True)
    arguments = (yours, server.port, names, room, choices.rate, plan.processors)
    others: Any = context.Process(target=stand_by, args=arguments, daemon=True)
    try:
        crowd.start()
        others.start()
        _expect(ours)
        _expect(mine)
        time.sleep(choices.settle)
        quiet = _ask(mine)
        memory, cpu, begun = server.resident(), server.cpu(), time.monotonic()
        ours.send("come back")
        most = memory
        while not ours.poll(0.05):
            most = max(most, server.resident())
        returned = ours.recv()
        seconds, cpu = time.monotonic() - begun, server.cpu() - cpu
        busy = _ask(mine)
        time.sleep(choices.settle)
        after = server.resident()
        return Result(
            returned=returned,
            quiet=quiet,
            busy=busy,
            memory=(memory, max(most, after), after),
            cpu=cpu,
            seconds=seconds,
        )
    finally:
        for process in (crowd, others):
            if process.is_alive():
                process.kill()
                process.join()


def _expect(pipe: "Connection") -> Any:
    if not pipe.poll(180):
        raise SystemExit("benchmarks: those who take part were not ready within 180 s")
    return pipe.recv()


def _ask(pipe: "Connection") -> Seen:
    pipe.send("what did you see?")
    seen = _expect(pipe)
    assert isinstance(seen, Seen)
    return seen


def _report(choices: argparse.Namespace, result: Result, where: str) -> str:
    done = result.returned.seconds
    rows = [
        ("complete, once and in order", f"{len(done)} of {choices.clients}"),
        (
            "first, half, last of them",
            " / ".join(milliseconds(percentile(done, percent)) for percent in (0, 50, 100)),
        ),
        ("messages that were sent to them", f"{len(done) * choices.missed}"),
        ("server CPU", f"{result.cpu:.2f} s in {result.seconds:.2f} s"),
        (
            "server memory before / at most / after",
            " / ".join(f"{kib / 1024:.0f} MiB" for kib in result.memory),
        ),
    ]
    others = [
        (
            name,
            len(seen.delays),
            *(milliseconds(percentile(seen.delays, percent)) for percent in (50, 99, 100)),
        )
        for name, seen in (("before", result.quiet), ("meanwhile", result.busy))
    ]
    parts = [
        f"{choices.clients} clients come back at once by a token, {choices.room} to a room, each "
        f"{choices.missed} messages behind; {choices.others} others talk in a room of their own.",
        where,
        table(["those who come back", "figure"], rows),
        table(["the others", "deliveries", "p50", "p99", "max"], others),
        *(f"wrong: {each}" for each in result.returned.wrong[:3]),
    ]
    return "\n\n".join(parts)
