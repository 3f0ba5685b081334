"""
The processes of the load, told what to do by the one that measures.
"""

import multiprocessing
import os
import traceback
from collections.abc import Iterable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from attrs import define, field

from benchmarks.load import Load
from benchmarks.server import Server
from benchmarks.trouble import Trouble

#: More would not have more to do than these.
MOST_PROCESSES = 4


def _work(
    pipe: Connection, port: int, is_secure: bool, called_off: Any, processors: set[int]
) -> None:
    """
    Be one of the processes: do what the pipe says, until it is closed.
    """
    os.sched_setaffinity(0, processors)
    load = Load(port, is_secure, called_off)
    while True:
        try:
            name, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send((True, getattr(load, name)(*arguments)))
        except Exception:
            pipe.send((False, traceback.format_exc()))


@define(eq=False)
class Team:
    """
    A process for each of some processors.

    @ivar server: whom they talk to.
    """

    server: Server
    processors: set[int]
    _called_off: Any = field(init=False)
    _pipes: "list[Connection]" = field(factory=list, init=False)
    _processes: list[Any] = field(factory=list, init=False)

    def __enter__(self) -> "Team":
        context = multiprocessing.get_context("spawn")
        self._called_off = context.RawValue("b", 0)
        for _ in range(min(len(self.processors), MOST_PROCESSES)):
            ours, theirs = context.Pipe()
            whom = (self.server.port, self.server.is_secure)
            arguments = (theirs, *whom, self._called_off, self.processors)
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(5)
            process.kill()

    def __len__(self) -> int:
        return len(self._pipes)

    def share(self, indices: Iterable[int]) -> list[list[int]]:
        """
        Divide connections among the processes: the one with index C{i} of all is
        the one with index C{i // len(self)} of process C{i % len(self)}.
        """
        shares: list[list[int]] = [[] for _ in self._pipes]
        for index in indices:
            shares[index % len(self)].append(index // len(self))
        return shares

    def tell(self, name: str, arguments: "Sequence[Sequence[object]]") -> None:
        """
        Have every process begin something: a method of L{Load}.

        @param arguments: of each process.
        """
        self._called_off.value = 0
        for pipe, some in zip(self._pipes, arguments, strict=True):
            pipe.send((name, some))

    def call_off(self) -> None:
        """
        Have every process end the run that is under way, before its time.
        """
        self._called_off.value = 1

    def results(self) -> list[Any]:
        """
        Wait until every process has done it.

        @raise Trouble: if one could not.
        """
        answers = [pipe.recv() for pipe in self._pipes]
        for is_done, result in answers:
            if not is_done:
                raise Trouble(f"benchmarks: the load failed\n{result}")
        return [result for _, result in answers]

    def do(self, name: str, arguments: "Sequence[Sequence[object]]") -> list[Any]:
        """
        L{tell} and wait for the L{results}.
        """
        self.tell(name, arguments)
        return self.results()
