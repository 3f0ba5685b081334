"""
Whether a guess tells a stranger what there is: hidden rooms against such as are not there.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Mapping

from attrs import frozen

from benchmarks import place
from benchmarks.checkout import OURS
from benchmarks.figures import middle, milliseconds, percentile, table
from benchmarks.people import PASSWORD, populate
from benchmarks.server import cores
from benchmarks.wire import Peer, login, request

#: How far the medians may be apart.
_TOLERANCE = 0.05

_WARM_UP = 20

_TIMESTAMP = re.compile(rb'"timestamp":[0-9.e+-]+,')


@frozen
class _Guess:
    """
    What a stranger may try.

    @ivar name: of a room.
    @ivar room_id: of a room.
    @ivar message_id: of a message.
    """

    name: str
    room_id: int
    message_id: int


_QUESTIONS: Mapping[str, Callable[[_Guess], bytes]] = {
    "join by name": lambda it: request("join_chat_request", chat_name=it.name),
    "enter by name": lambda it: request("enter_chat_request", chat_name=it.name),
    "history": lambda it: request("history_request", chat_group_id=it.room_id),
    "post": lambda it: request("chat_message", chat_group_id=it.room_id, content="Hello."),
    "ban in it": lambda it: request(
        "ban_request", chat_group_id=it.room_id, username="member00000"
    ),
    "react": lambda it: request("react_request", message_id=it.message_id, reaction="+"),
    "edit": lambda it: request("edit_message_request", message_id=it.message_id, content="Hello."),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare what can be chosen.
    """
    place.add_arguments(parser)
    parser.add_argument(
        "--tries", type=int, default=1000, help="tries of each question [%(default)s]"
    )
    parser.add_argument("--seed", type=int, default=1, help="of their order [%(default)s]")


def run(choices: argparse.Namespace) -> int:
    """
    Try, and print what can be told from the answers.

    @return: the exit status: 1 if something can.
    """
    pairs = max(1, choices.tries // 2)
    chance = random.Random(choices.seed)
    results = []
    with place.server(choices, OURS.no_limits()) as server:
        owner, stranger = populate(server.database, 2, []).names
        server.start()
        server.pin(cores()[0])
        with Peer.connect(server.port) as peer:
            peer.ask(login(owner, PASSWORD))
            hidden = _hide(peer)
        # As long, and next to it.
        nothing = _Guess("Not here", hidden.room_id + 1, hidden.message_id + 1)
        with Peer.connect(server.port) as peer:
            peer.ask(login(stranger, PASSWORD))
            for name, question in _QUESTIONS.items():
                lines = question(hidden), question(nothing)
                results.append(_Result(name, *_try(peer, lines, pairs, chance)))
        server.stop()
    return _report(results)


def _hide(peer: Peer) -> _Guess:
    """
    Make a room that nobody else may know of, with a message in it.
    """
    made = peer.ask(
        request("create_chat_request", chat_name="Is there", visibility="invite", request_id="c")
    )
    room_id = json.loads(made)["chat_group_id"]
    said = request("chat_message", chat_group_id=room_id, content="Hush.", request_id="m")
    return _Guess("Is there", room_id, json.loads(peer.ask(said).split(b"\n")[0])["message_id"])


Answers = tuple[list[float], set[bytes]]


@frozen
class _Result:
    """
    What came of one question, about what is hidden and about what is not there.
    """

    question: str
    hidden: Answers
    nothing: Answers

    @property
    def ratio(self) -> float:
        return middle(self.hidden[0]) / middle(self.nothing[0])

    @property
    def is_told(self) -> bool:
        is_same = len(self.hidden[1] | self.nothing[1]) == 1
        return not is_same or abs(self.ratio - 1) > _TOLERANCE


def _try(
    peer: Peer, lines: tuple[bytes, bytes], pairs: int, chance: random.Random
) -> tuple[Answers, Answers]:
    """
    Ask both in turn, each pair in a random order, so that what disturbs the machine for
    a while disturbs both alike.
    """
    found: tuple[Answers, Answers] = ([], set()), ([], set())
    for number in range(_WARM_UP + pairs):
        order = [0, 1]
        chance.shuffle(order)
        for which in order:
            begun = time.perf_counter()
            answer = peer.ask(lines[which])
            taken = time.perf_counter() - begun
            if number >= _WARM_UP:
                found[which][0].append(taken)
                found[which][1].add(_TIMESTAMP.sub(b"", answer))
    return found


def _report(results: list[_Result]) -> int:
    heads = ["question", "tries", "hidden: median", "p75", "not there: median", "p75", "ratio"]
    rows = [
        [
            each.question,
            2 * len(each.hidden[0]),
            *(milliseconds(percentile(each.hidden[0], percent)) for percent in (50, 75)),
            *(milliseconds(percentile(each.nothing[0], percent)) for percent in (50, 75)),
            f"{each.ratio:.4f}",
        ]
        for each in results
    ]
    print(table(heads, rows))
    told = [each.question for each in results if each.is_told]
    same = all(len(each.hidden[1] | each.nothing[1]) == 1 for each in results)
    print(f"\nThe bytes without the time: {'equal' if same else 'different'}")
    print(f"The medians' ratios: {'beyond' if told else 'within'} {_TOLERANCE:.0%}", *told)
    return 1 if told else 0
