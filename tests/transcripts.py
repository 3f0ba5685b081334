"""
Transcripts in the docs: conversations with a server, which tests replay.

A fenced block that is called C{transcript} is one, with a server of its own::

    alice> {"message_type":"list_users_request"}    alice sends a line
    alice< {"message_type":"error_message",…}       alice is sent a line
    * 0.2 seconds pass                              something else happens

Who is named for the first time connects, C{operator} to the operator's socket. Lines that
one peer sends in a row are one write; C{* alice sends no more} may be the end of it. The
server has the options that the block's first line gives, as in C{transcript --language zh}.
What is shown must be all that comes, to the byte, and before the next thing happens; where
several hear something, whoever acts is shown first, then the others as they came. Time
passes only where the transcript says so. What else can happen is at the end of this file.

To write one, put down what is sent and see what comes of it::

    python -m tests.transcripts docs/protocol.md            # print
    python -m tests.transcripts --write docs/protocol.md    # fill in
"""

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.trial.reporter import TestResult
from twisted.trial.unittest import SynchronousTestCase

from chatroom.settings import Settings, options
from tests.peers import PASSWORD, MemoryWire, Peer, login, register, request
from tests.servers import MemoryServer, known_names, known_tokens, memory_server
from tests.strict import dialect_of

_BLOCK = re.compile(r"^```transcript((?: --[a-z-]+ \w+)*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"(\w+)([<>]) (.*)")
_ENDS = re.compile(r"\* (\w+) sends no more")
_CLOSES = re.compile(r"\* the server closes \w+'s connection")

#: What the server is started with, unless the block says otherwise.
OPTIONS: dict[str, Any] = {"language": "en"}

#: How much time passes at once.
_STEP_SECONDS = 5

#: What its database is called.
EPOCH = "9f86d081884c7d659a2feaa0c55ad015"


@frozen(kw_only=True)
class Transcript:
    """
    A conversation as the docs have it.

    @ivar place: where it begins, for whoever has to mend it.
    @ivar span: where its lines are in the file's text.
    @ivar settings: of the server.
    """

    place: str
    span: tuple[int, int]
    settings: Settings
    lines: list[str]


def transcripts(path: Path) -> list[Transcript]:
    """
    @return: every transcript in a file.
    """
    text = path.read_text("utf-8")
    return [
        Transcript(
            place=f"{path.name}:{text.count(chr(10), 0, found.start()) + 1}",
            span=found.span(2),
            settings=_settings(found[1].split()),
            lines=found[2].split("\n")[:-1],
        )
        for found in _BLOCK.finditer(text)
    ]


def _settings(words: list[str]) -> Settings:
    """
    @param words: as on the command line.
    """
    names = {"--" + each.name.replace("_", "-"): each for each in options()}
    given = dict(OPTIONS)
    for option, value in zip(words[::2], words[1::2], strict=True):
        kind = names[option].type
        assert kind is not None
        given[names[option].name] = kind(value)
    return Settings(**given)


def messages(transcript: Transcript, arrow: str) -> list[dict[str, object]]:
    """
    @param arrow: C{<} for what the server sends, C{>} for what clients do.
    @return: the lines of that direction that are JSON objects.
    """
    found = []
    for line in transcript.lines:
        said = _LINE.fullmatch(line)
        if said is not None and said[2] == arrow and said[3].startswith("{"):
            found.append(json.loads(said[3]))
    return found


def replay(
    test: SynchronousTestCase, transcript: Transcript, path: str | None = None
) -> list[str]:
    """
    Do what a transcript says, with a new server.

    @param path: of the database, if not the test's own place.
    @return: the transcript as it really goes.
    """
    # What differs from server to server is the same in all of them.
    settings, tokens, names = transcript.settings, known_tokens(), known_names()
    server = memory_server(test, path=path, settings=settings, new_token=tokens, new_names=names)
    server.chat.epoch = EPOCH
    return _Replay(test, server).run(transcript.lines)


Happening = Callable[["_Replay", re.Match[str]], None]
_HAPPENINGS: list[tuple[re.Pattern[str], Happening]] = []


def _happens(words: str) -> Callable[[Happening], Happening]:
    def register(happening: Happening) -> Happening:
        _HAPPENINGS.append((re.compile(rf"\* {words}"), happening))
        return happening

    return register


@define(eq=False)
class _Replay:
    """
    A transcript under way.

    @ivar shown: how much of what a peer has heard is in the transcript already.
    """

    test: SynchronousTestCase
    server: MemoryServer
    peers: dict[str, Peer] = field(factory=dict, init=False)
    shown: dict[str, int] = field(factory=dict, init=False)
    closed: set[str] = field(factory=set, init=False)

    def run(self, lines: Iterable[str]) -> list[str]:
        result: list[str] = []
        for speaker, some in groupby(filter(_is_done, lines), _speaker):
            for step in [list(some)] if speaker else [[each] for each in some]:
                result += step
                self._do(speaker, step)
                result += self._heard(speaker)
        self.pass_time(1)
        return result + self._heard(None)

    def _do(self, speaker: str | None, step: list[str]) -> None:
        if speaker is not None:
            ends = bool(_ENDS.fullmatch(step[-1]))
            lines = [line.partition("> ")[2] for line in step if not _ENDS.fullmatch(line)]
            self.send(speaker, lines, ends=ends)
        elif step[0].startswith("*"):
            self._happen(step[0])

    def _happen(self, line: str) -> None:
        for words, happening in _HAPPENINGS:
            found = words.fullmatch(line)
            if found is not None:
                happening(self, found)
                return
        raise AssertionError(f"nobody knows how this happens: {line!r}")

    def peer(self, name: str) -> Peer:
        if name not in self.peers:
            is_operator = name == "operator"
            connect = self.server.connect_operator if is_operator else self.server.connect
            self.peers[name] = connect()
            self.shown[name] = 0
        return self.peers[name]

    def send(self, name: str, lines: list[str], *, ends: bool = False) -> None:
        peer = self.peer(name)
        for line in lines:
            with contextlib.suppress(ValueError):
                peer.dialect = dialect_of(json.loads(line), peer.dialect)
        peer.send(*lines)
        if ends:
            peer.wire.end()
        self.settle()

    def settle(self) -> None:
        """
        Let everything happen that takes no time.
        """
        clock = self.server.clock
        while True:
            for peer in self.server.peers:
                assert isinstance(peer.wire, MemoryWire)
                peer.wire.flow()
            if not any(call.getTime() <= clock.seconds() for call in clock.getDelayedCalls()):
                return
            clock.advance(0)

    def pass_time(self, seconds: float) -> None:
        self.server.clock.advance(seconds)
        self.settle()

    def _heard(self, first: str | None) -> list[str]:
        result = []
        for name in sorted(self.peers, key=lambda name: name != first):
            peer = self.peers[name]
            raw = bytes(peer.raw[self.shown[name] :])
            self.shown[name] += len(raw)
            result += [f"{name}< {line}" for line in raw.decode("utf-8").split("\n")[:-1]]
            if peer.wire.is_closed and name not in self.closed:
                self.closed.add(name)
                result.append(f"* the server closes {name}'s connection")
        return result


def _is_done(line: str) -> bool:
    """
    Whether a line is something that is done, and not what comes of it.
    """
    said = _LINE.fullmatch(line)
    is_heard = said is not None and said[2] == "<"
    return not is_heard and not _CLOSES.fullmatch(line)


def _speaker(line: str) -> str | None:
    said = _LINE.fullmatch(line) or _ENDS.fullmatch(line)
    return None if said is None else said[1]


@_happens(r"(\w+(?:(?:, | and )\w+)*) logs? in")
def _log_in(replay: _Replay, found: re.Match[str]) -> None:
    # Each has an account then, and the quiet after the login is over.
    for name in re.split(", | and ", found[1]):
        asked = ("register_request", "login_request")
        lines = [json.dumps(request(kind, username=name, password=PASSWORD)) for kind in asked]
        replay.send(name, lines)
    replay.pass_time(1)
    for name, peer in replay.peers.items():
        replay.shown[name] = len(peer.raw)


@_happens(r"(\w+(?:(?:, | and )\w+)*) follows?")
def _follow(replay: _Replay, found: re.Match[str]) -> None:
    # Likewise, after a hello, and what happens is told from now on.
    for name in re.split(", | and ", found[1]):
        replay.send(name, [json.dumps(request("hello_request", protocol=1))])
        asked = ("register_request", "login_request")
        lines = [json.dumps(request(kind, username=name, password=PASSWORD)) for kind in asked]
        replay.send(name, [*lines, json.dumps(request("resume_request"))])
    replay.pass_time(1)
    for name, peer in replay.peers.items():
        replay.shown[name] = len(peer.raw)


@_happens(r"(\w+(?:(?:, | and )\w+)*) says? hello and logs? in(?: as (\w+))?")
def _say_hello(replay: _Replay, found: re.Match[str]) -> None:
    # Each follows the log then, and wishes to be shown all there is.
    for name in re.split(", | and ", found[1]):
        connection = found[2] or name
        asked = [
            request("hello_request", protocol=1, want=["presence", "typing", "receipts"]),
            *([] if found[2] else [register(name)]),
            login(name),
            request("resume_request"),
        ]
        replay.send(connection, [json.dumps(each) for each in asked])
    replay.pass_time(1)
    for name, peer in replay.peers.items():
        replay.shown[name] = len(peer.raw)


@_happens(r"([\d.]+) seconds? pass(?:es)?")
def _pass(replay: _Replay, found: re.Match[str]) -> None:
    # In steps, for a clock that jumps skips what happens regularly.
    seconds = float(found[1])
    while seconds > _STEP_SECONDS:
        replay.pass_time(_STEP_SECONDS)
        seconds -= _STEP_SECONDS
    replay.pass_time(seconds)


@_happens(r"(\w+) sends a line of (\d+) bytes")
def _send_much(replay: _Replay, found: re.Match[str]) -> None:
    replay.send(found[1], ["x" * int(found[2])])


@_happens(r"(\w+) sends (.+) without a newline, and no more")
def _send_unended(replay: _Replay, found: re.Match[str]) -> None:
    wire = replay.peer(found[1]).wire
    wire.write(found[2].encode())
    wire.end()
    replay.settle()


@_happens(r"(\w+) hangs up")
def _hang_up(replay: _Replay, found: re.Match[str]) -> None:
    replay.closed.add(found[1])
    replay.peer(found[1]).wire.abort()
    replay.settle()


@_happens(r"the operator makes (\w+) an administrator")
def _make_administrator(replay: _Replay, found: re.Match[str]) -> None:
    administration = replay.server.chat.administration
    done = Deferred.fromCoroutine(administration.set_administrator(None, found[1], is_one=True))
    replay.settle()
    replay.test.successResultOf(done)


@_happens(r"the operator stops the server")
def _stop(replay: _Replay, _: re.Match[str]) -> None:
    stopped = replay.server.chat.stopService()
    replay.settle()
    replay.test.successResultOf(stopped)


class _Writing(SynchronousTestCase):
    """
    What the command line does; it is a test only to have a server.
    """

    path: Path
    is_to_write = False

    def runTest(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            found = transcripts(self.path)
            results = [
                replay(self, each, os.path.join(place, f"{number}.db"))
                for number, each in enumerate(found)
            ]
            self.doCleanups()
        for each, lines in zip(found, results, strict=True):
            sys.stdout.write("\n".join([f"{each.place}:", *lines, "", ""]))
        if self.is_to_write:
            self.fill_in(found, results)

    def fill_in(self, found: list[Transcript], results: list[list[str]]) -> None:
        text = self.path.read_text("utf-8")
        for each, lines in reversed(list(zip(found, results, strict=True))):
            start, end = each.span
            text = text[:start] + "".join(f"{line}\n" for line in lines) + text[end:]
        self.path.write_text(text, "utf-8")


def main(arguments: list[str]) -> int:
    """
    Print what really happens in the transcripts of a file.
    """
    writing = _Writing()
    writing.path = Path(arguments[-1])
    writing.is_to_write = "--write" in arguments
    result = TestResult()
    writing.run(result)
    for _, failure in result.errors + result.failures:
        sys.stderr.write(f"{failure}\n")
    return int(not result.wasSuccessful())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
