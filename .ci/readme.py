"""
Run pages: every command in them, in order, as a reader would, in one copy of the
project. What a fenced block is, the line that opens it says:

    sh                  commands, which must succeed
    sh fresh            the same, in a copy where nothing has been done yet
    sh server PORT      a command that stays; it has started when PORT answers
    sh NAME             a command that stays, in a terminal of its own
    sh as root          commands for a real machine: not run, only parsed
    json NAME types     lines typed into that terminal
    json NAME sees      the next lines that it shows
    json, text          all that the commands before it have written
    LANGUAGE FILE       a file to save (it has a dot in its name), which a later
                        command of the page has to use

What stays is ended at the next level-two heading; a terminal must have shown
nothing but what the page says. Times in JSON are not compared. Any other block
is a mistake, and so is one that fails: the rest is run, the exit status is 1.
The pages are done in the order in which they are given, the README first, for
it installs what the others use.

Usage: python3 .ci/readme.py [PAGE ...], in the project's directory
"""

import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

START_SECONDS = 600
STOP_SECONDS = 12
SEE_SECONDS = 10
TIMES = {"timestamp", "server_time", "created_at"}
PAGES = (
    "README.md",
    "docs/operating.md",
    "docs/embedding.md",
    "docs/client.md",
    "docs/scripting.md",
)


class Wrong(Exception):
    """A page says what is not so."""


class Block(NamedTuple):
    """A fenced block; a level-two heading is one with the language C{##}."""

    number: int
    language: str
    words: list[str]
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Find what there is to do."""
    pattern = re.compile(r"^(?:(##) .*|```(\S*) ?(.*)\n((?:.*\n)*?)```)$", re.MULTILINE)
    for found in pattern.finditer(page):
        heading, language, words, text = found.groups()
        number = page.count("\n", 0, found.start()) + 1
        yield Block(number, heading or language, (words or "").split(), text or "")


def copy_of(project: Path) -> Path:
    """Copy what git knows, and what it would."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=project, capture_output=True, check=True, text=True).stdout
    copy = Path(tempfile.mkdtemp(prefix="readme-"))
    for name in filter(None, names.split("\0")):
        if (project / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, copy / name)
    return copy


def bash(text: str, place: Path, **more: Any) -> "subprocess.Popen[str]":
    """Start commands, in a process group of their own."""
    command = ["bash", "-euo", "pipefail", "-c", text]
    return subprocess.Popen(command, cwd=place, text=True, start_new_session=True, **more)


def end(process: "subprocess.Popen[str]") -> None:
    """End what was started here, by its process group."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_SECONDS)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        raise Wrong(f"it did not stop in {STOP_SECONDS} seconds") from error


def answers(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(port: int, process: "subprocess.Popen[str]") -> None:
    """Wait until a server is there."""
    deadline = time.monotonic() + START_SECONDS
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Wrong(f"nothing listens on port {port}; exit status {process.poll()}")
        time.sleep(0.2)


def compare(shown: list[str], expected: str, *, is_json: bool) -> None:
    """Insist that lines are those of a block."""
    wanted = expected.splitlines()
    same = [json.loads(x) for x in shown] if is_json else shown
    meant = [json.loads(x) for x in wanted] if is_json else wanted
    if [timeless(each) for each in same] != [timeless(each) for each in meant]:
        raise Wrong("\n".join(["expected", *wanted, "but saw", *shown]))


def timeless(value: Any) -> Any:
    """Forget when it was."""
    if isinstance(value, dict):
        return {k: type(v) if k in TIMES else timeless(v) for k, v in value.items()}
    return [timeless(each) for each in value] if isinstance(value, list) else value


class Terminal:
    """Where somebody types, and sees what comes."""

    def __init__(self, text: str, place: Path) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = bash(text, place, **pipes)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def types(self, text: str) -> None:
        """Type lines."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def sees(self, expected: str) -> None:
        """Wait for lines."""
        shown: list[str] = []
        try:
            for _ in expected.splitlines():
                shown.append(self._lines.get(timeout=SEE_SECONDS))
        except queue.Empty:
            shown.append("(and nothing more)")
        compare(shown, expected, is_json=not shown[-1].startswith("("))

    def close(self) -> None:
        """Leave; nothing may have been shown that the page is silent about."""
        end(self.process)
        self._reading.join()
        if not self._lines.empty():
            raise Wrong(f"it has also shown {list(self._lines.queue)}")


class Reader:
    """Does what pages say."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._place = copy_of(project)
        self._places = [self._place]
        self._staying: list[subprocess.Popen[str]] = []
        self._terminals: dict[str, Terminal] = {}
        self._written: list[str] = []
        self._unused: set[str] = set()

    def do(self, block: Block) -> None:
        """Do a block; raise if it can't be done, or says what is not so."""
        match block.language, block.words:
            case "##", _:
                self.end_scene()
            case "sh", []:
                self._run(block.text, self._place)
            case "sh", ["as", "root"]:
                subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
            case "sh", ["fresh"]:
                self._places.append(copy_of(self._project))
                self._run(block.text, self._places[-1])
            case "sh", ["server", port]:
                self._serve(block.text, int(port))
            case "sh", [name]:
                self._terminals[name] = Terminal(block.text, self._place)
            case "json", [name, "types"]:
                self._terminals[name].types(block.text)
            case "json", [name, "sees"]:
                self._terminals[name].sees(block.text)
            case _, [name] if "." in name:
                (self._place / name).write_text(block.text)
                self._unused.add(name)
            case ("json" | "text") as language, []:
                written, self._written = self._written, []
                compare(written, block.text, is_json=language == "json")
            case _:
                raise Wrong("nobody knows how to run this block")
        if block.language == "sh":
            used = {name for name in self._unused if name.removesuffix(".py") in block.text}
            self._unused -= used

    def _run(self, text: str, place: Path) -> None:
        self._written = []
        process = bash(text, place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for line in process.stdout:
            self._written.append(line.rstrip("\n"))
            print("   ", line, end="", flush=True)
        if process.wait():
            raise Wrong(f"exit status {process.returncode}")

    def _serve(self, text: str, port: int) -> None:
        if answers(port):
            raise Wrong(f"port {port} is taken by something else")
        log = (self._place / f"server-{port}.out").open("w")
        process = bash(text, self._place, stdin=subprocess.DEVNULL, stdout=log)
        self._staying.append(process)
        wait_for(port, process)

    def end_scene(self) -> None:
        """End what stays."""
        wrong = []
        closing: list[Callable[[], None]] = [each.close for each in self._terminals.values()]
        closing += [partial(end, each) for each in self._staying]
        self._terminals, self._staying = {}, []
        for close in closing:
            try:
                close()
            except Wrong as error:
                wrong.append(str(error))
        if wrong:
            raise Wrong("\n".join(wrong))

    def unused_files(self) -> list[str]:
        """The files that were saved and not used since this was asked last."""
        unused, self._unused = sorted(self._unused), set()
        return unused

    def leave(self) -> None:
        """End a daemon that should have been ended, and clear away."""
        for place in self._places:
            for file in place.glob("*.pid"):
                os.kill(int(file.read_text()), signal.SIGTERM)
            shutil.rmtree(place, ignore_errors=True)


def read(page: Path, reader: Reader) -> tuple[int, int]:
    """Do all that a page says, and tell what is wrong; how much went well, and how much not."""
    passed = failed = 0
    for block in blocks(page.read_text("utf-8") + "\n## end\n"):
        title = " ".join([f"{page}:{block.number}", block.language, *block.words])
        try:
            if block.text:
                print(f"--- {title}", flush=True)
            reader.do(block)
            passed += bool(block.text)
        except Exception as error:
            print(f"FAILED {title}: {error or repr(error)}", flush=True)
            failed += 1
    for name in reader.unused_files():
        print(f"FAILED {page}: no command uses {name}")
        failed += 1
    print(f"{page}: {passed} passed, {failed} failed", flush=True)
    return passed, failed


def main(pages: Sequence[str]) -> int:
    """Do all pages, and count."""
    reader = Reader(Path.cwd())
    try:
        counts = [read(Path(page), reader) for page in pages]
    finally:
        reader.leave()
    passed, failed = (sum(each) for each in zip(*counts, strict=True))
    print(f"{len(pages)} pages: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or PAGES))
