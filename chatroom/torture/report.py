"""
What has come out, for people and for programs.
"""

import json
from collections.abc import Sequence

from chatroom.torture.ordeal import Outcome
from chatroom.torture.plan import Fault
from chatroom.torture.verdict import Findings

#: How many examples of each violation are shown.
_EXAMPLES = 3

#: What each fault counts.
_FAULTS = {
    Fault.KILL: "SIGKILLs of the server",
    Fault.STOP: "SIGSTOPs of the server",
    Fault.CUT: "connections cut",
    Fault.TEAR: "connections cut inside a line",
    Fault.STALL: "connections stalled",
    Fault.HALF_OPEN: "connections made half-open",
    Fault.DELAY: "connections delayed",
    Fault.LOCK: "foreign locks on the database",
    Fault.FULL_DISK: "full disks",
    Fault.CRASH: "crashes of clients",
}

#: What else is shown, in this order.
_COUNTS = (
    "half-open connections given up",
    "complaints of the server about its database",
    "starts of the server",
    "starts that a foreign lock prevented",
    "connections",
    "logins",
    "posts",
    "posts sent",
    "acknowledgements",
    "of these duplicates",
    "changes",
    "changes refused or lost",
    "asked again for a room",
)


def happened(outcome: Outcome, findings: Findings) -> dict[str, int]:
    """
    @return: how often what has happened.
    """
    counts = {name: outcome.faults[fault] for fault, name in _FAULTS.items()}
    counts |= {name: outcome.counts[name] for name in _COUNTS}
    return {
        **counts,
        "events stored": findings.stored,
        "times somebody was told one": findings.checked,
        "seconds": outcome.counts["seconds"],
    }


def for_people(outcome: Outcome, findings: Findings) -> str:
    """
    @return: two tables, and examples of what is wrong.
    """
    plan = outcome.plan
    wrong = {name: len(found) for name, found in findings.wrong.items()}
    examples = [
        "\n".join([f"{name}, for example:", *(f"  {each}" for each in found[:_EXAMPLES])])
        for name, found in findings.wrong.items()
        if found
    ]
    return "\n\n".join(
        [
            f"seed {plan.seed}: {plan.clients} clients, {plan.rooms} rooms and public, "
            f"{plan.rate:g} posts a second each, {plan.seconds:g} s of faults",
            _table("what happened", list(happened(outcome, findings).items())),
            _table("what must not happen", list(wrong.items())),
            *examples,
            "Everything that was promised is so." if findings.is_clean else "A PROMISE IS BROKEN.",
        ]
    )


def for_programs(outcome: Outcome, findings: Findings) -> str:
    """
    @return: the same as one JSON object.
    """
    return json.dumps(
        {
            "seed": outcome.plan.seed,
            "clean": findings.is_clean,
            "happened": happened(outcome, findings),
            "wrong": {name: len(found) for name, found in findings.wrong.items()},
            "examples": {
                name: found[:_EXAMPLES] for name, found in findings.wrong.items() if found
            },
        }
    )


def _table(head: str, rows: Sequence[tuple[str, int]]) -> str:
    widest = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(widest)}  {count:>9}" for name, count in rows]
    return "\n".join([head, "-" * (widest + 11), *lines])
