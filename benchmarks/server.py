"""
A server as an operator starts it, watched from outside.
"""

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import define, field

from benchmarks.checkout import OURS, Checkout
from benchmarks.trouble import Trouble
from benchmarks.wire import Peer, request

#: Below the ports that the system gives out by itself: who tries to connect to one
#: of those while nobody listens there may end up connected to itself.
_PORTS = range(20_000, 32_000)

_TICKS = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[set[int], set[int]]:
    """
    @return: the processor for the server, and those for the load; with only one
        there is nothing to divide, and both are that.
    """
    mine = sorted(os.sched_getaffinity(0))
    return {mine[0]}, set(mine[1:]) or {mine[0]}


def allow_files(count: int) -> None:
    """
    Let this process, and what it starts, have so many files open.

    @raise Trouble: if the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
    except (ValueError, OSError) as error:
        raise Trouble(
            f"benchmarks: {count} open files are needed and {hard} allowed; "
            "ulimit -n raises that, as root"
        ) from error


def free_port() -> int:
    """
    @return: a port that nobody listens on.
    """
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Trouble("benchmarks: no port is free")


@define(eq=False)
class Server:
    """
    One server, which may be started several times on the same database.

    @ivar directory: where it works; its log is C{server.log} there.
    @ivar database: its URL.
    @ivar settings: what differs from the defaults.
    @ivar checkout: of which it is.
    @ivar certificate: the files of a key and a certificate, if it is to speak TLS.
    """

    directory: Path
    database: str
    settings: Mapping[str, object]
    checkout: Checkout = OURS
    certificate: "tuple[Path, Path] | None" = None
    port: int = field(factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self, *, seconds: float = 30) -> float:
        """
        Start it, and wait until it answers.

        @return: how many seconds that took.
        @raise Trouble: if it does not within C{seconds}.
        """
        begun = time.monotonic()
        with open(self.directory / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.directory,
                env=self.checkout.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._answers():
            if self._process.poll() is not None:
                raise Trouble(f"benchmarks: the server ended: {self._last_line()}")
            if time.monotonic() - begun > seconds:
                self.kill()
                raise Trouble(f"benchmarks: the server did not answer within {seconds:g} s")
            time.sleep(0.02)
        return time.monotonic() - begun

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "chatroom", "--database", self.database]
        command += ["--port", self._endpoint()]
        for name, value in self.settings.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        return command

    def _endpoint(self) -> str:
        where = f"{self.port}:interface=127.0.0.1"
        if self.certificate is None:
            return f"tcp:{where}"
        key, certificate = self.certificate
        return f"ssl:{where}:privateKey={key}:certKey={certificate}"

    @property
    def is_secure(self) -> bool:
        """
        Whether it speaks TLS.
        """
        return self.certificate is not None

    def _answers(self) -> bool:
        # It listens before it serves, and closes what comes too early.
        try:
            with Peer.connect(self.port, seconds=1, secure=self.is_secure) as peer:
                return bool(peer.ask(request("list_users_request")))
        except OSError:
            return False

    def _last_line(self) -> str:
        lines = (self.directory / "server.log").read_text("utf-8", "replace").splitlines()
        return lines[-1] if lines else "its log is empty"

    @property
    def pid(self) -> int:
        """
        The number of its process.
        """
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """
        Whether it was started, and has not ended.
        """
        return self._process is not None and self._process.poll() is None

    def stop(self, *, seconds: float = 20) -> None:
        """
        End it as an operator does.

        @raise Trouble: if it does not end.
        """
        if self._process is not None and self.is_running:
            os.kill(self.pid, signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired as error:
                self.kill()
                raise Trouble(f"benchmarks: the server did not end in {seconds:g} s") from error

    def kill(self) -> None:
        """
        End it with C{SIGKILL}.
        """
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pin(self, processors: Iterable[int]) -> None:
        """
        Keep all of its threads, and those to come, on some processors.
        """
        for task in os.listdir(f"/proc/{self.pid}/task"):
            os.sched_setaffinity(int(task), set(processors))

    def cpu(self) -> float:
        """
        @return: the CPU seconds of all its threads, so far.
        """
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        # The second field is the name, in parentheses, and may hold anything.
        fields = stat[stat.rindex(")") + 2 :].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident(self) -> int:
        """
        @return: its resident memory, in KiB.
        """
        return self._memory("VmRSS:")

    def forget_peak(self) -> None:
        """
        Begin anew with what L{peak} tells.
        """
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """
        @return: the most that its resident memory was, in KiB.
        """
        return self._memory("VmHWM:")

    def _memory(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
        raise Trouble("benchmarks: the server's memory can't be read")
