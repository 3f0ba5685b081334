"""
When what goes wrong: drawn once, from the seed alone.
"""

from random import Random

from attrs import frozen

from chatroom.torture.plan import OF_FILES, Fault, Plan

#: How many connections a fault is about: one, some, or all.
_CROWDS = ("one", "one", "some", "all")

_OF_THE_SERVER = {Fault.KILL, Fault.STOP, *OF_FILES}


@frozen(kw_only=True)
class Stroke:
    """
    One fault.

    @ivar at: when, in seconds from the beginning.
    @ivar seconds: how long it lasts, if it lasts.
    @ivar victims: whose connections it is about, if it is about any.
    @ivar variant: which of its forms it takes: any number.
    @ivar size: how many bytes get through before a connection is torn.
    """

    at: float
    fault: Fault
    seconds: float = 0.0
    victims: tuple[int, ...] = ()
    variant: int = 0
    size: int = 0


def draw(plan: Plan) -> list[Stroke]:
    """
    @return: what goes wrong, in the order of time: the kills, and so many others as there
        are to be for each; one for each six seconds where nothing is killed.
    """
    chance = plan.chance("schedule")
    kinds = [each for each in Fault if each in plan.faults and each is not Fault.KILL]
    has_kills = plan.kills and Fault.KILL in plan.faults
    rounds = plan.kills if has_kills else plan.seconds / 6
    count = round(rounds * plan.others) if kinds else 0
    # In turn, so that a small run has one of each, as far as it goes.
    chance.shuffle(kinds)
    faults = [kinds[number % len(kinds)] for number in range(count)]
    strokes = [_stroke(chance, plan, each, chance.uniform(0, plan.seconds)) for each in faults]
    strokes += [_stroke(chance, plan, Fault.KILL, at) for at in _kills(chance, plan)]
    return sorted(strokes, key=lambda each: each.at)


def _kills(chance: Random, plan: Plan) -> list[float]:
    """
    @return: a moment in each of so many equal spans: any time may be between two, but there
        is some life between most.
    """
    count = plan.kills if Fault.KILL in plan.faults else 0
    return [plan.seconds / count * chance.uniform(each, each + 1) for each in range(count)]


def _stroke(chance: Random, plan: Plan, fault: Fault, at: float) -> Stroke:
    longest = 8.0 if fault in (Fault.LOCK, Fault.STALL) else 5.0
    return Stroke(
        at=round(at, 3),
        fault=fault,
        seconds=round(chance.uniform(0.3, longest), 3),
        victims=_victims(chance, plan, fault),
        variant=chance.randrange(6),
        size=chance.choice((chance.randrange(1, 40), chance.randrange(1, 4000))),
    )


def _victims(chance: Random, plan: Plan, fault: Fault) -> tuple[int, ...]:
    everybody = range(plan.clients)
    if fault in _OF_THE_SERVER:
        return ()
    if fault is Fault.CRASH:
        everybody_on_disk = [each for each in everybody if plan.is_on_disk(each)]
        return (chance.choice(everybody_on_disk),)
    if fault is not Fault.HALF_OPEN:
        # Onlookers have no heartbeat, and could not notice that.
        everybody = range(plan.onlookers.stop)
    crowd = chance.choice(_CROWDS)
    # Of all connections half-open at once there is no need: each is given up by itself.
    if crowd == "all" and fault is not Fault.HALF_OPEN:
        return tuple(everybody)
    most = 1 if crowd == "one" else max(1, plan.clients // 4)
    return tuple(sorted(chance.sample(everybody, most)))
