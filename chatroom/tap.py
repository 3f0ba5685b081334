"""
The command line: C{twistd chatroom}.

Whatever keeps the server from starting is one line on the terminal and exit
status 1, in the foreground and as a daemon; twistd by itself would print its
whole usage, or a traceback.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from attrs import Attribute
from twisted.application import strports
from twisted.application.service import IService, MultiService
from twisted.internet.error import CannotListenError
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from chatroom import __version__
from chatroom.assembly import assemble
from chatroom.errors import StartError
from chatroom.server.line import ChatFactory
from chatroom.settings import Settings, options
from chatroom.store.database import parse_url

DEFAULT_PORT = "tcp:8888:interface=127.0.0.1"

_PREFIX = "CHATROOM_"


class Options(UsageOptions):
    """
    The options, each of which is a variable of the environment too.
    """

    synopsis = "[options]"
    longdesc = (
        "A chat server: JSON lines on a port, everything stored in one file. Each "
        "option can be given in the environment too, as CHATROOM_ and its name in "
        "capitals with _ for -; several ports are then separated by spaces."
    )
    optParameters = [
        [each.name.replace("_", "-"), None, None, f"{each.metadata['help']} [{each.default}]"]
        for each in options()
    ]

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self._environment = environment
        self.ports: list[str] = []

    def opt_port(self, endpoint: str) -> None:
        """
        where to listen, as a Twisted endpoint; may be given several times
        [tcp:8888:interface=127.0.0.1]
        """
        self.ports.append(endpoint)

    def opt_version(self) -> None:
        """
        show the version and exit
        """
        sys.stdout.write(f"chatroom {__version__}\n")
        sys.exit(0)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Read the command line, then what it leaves open from the environment.

        @raise SystemExit: for a bad option, with one line that says which.
        """
        try:
            super().parseOptions(options)
        except UsageError as error:
            raise SystemExit(f"chatroom: {error}") from error

    def parseArgs(self, *extra: str) -> None:
        """
        There are no arguments but options.
        """
        if extra:
            raise UsageError(f"unexpected argument: {extra[0]}")

    def postOptions(self) -> None:
        """
        Work out L{settings} and L{ports}.
        """
        if not self.ports:
            self.ports = self._environment.get(f"{_PREFIX}PORT", "").split() or [DEFAULT_PORT]
        given = {}
        for each in options():
            value = self._given(each)
            if value is not None:
                given[each.name] = value
        try:
            self.settings = Settings(**given)
            parse_url(self.settings.database)
        except (ValueError, StartError) as error:
            raise UsageError(str(error)) from error

    def _given(self, option: "Attribute[Any]") -> Any:
        """
        @return: what was chosen, in the option's own type; else C{None}.
        """
        name, source = option.name.replace("_", "-"), f"--{option.name.replace('_', '-')}"
        text = self[name]
        if text is None:
            source = _PREFIX + option.name.upper()
            text = self._environment.get(source)
        if text is None:
            return None
        assert option.type is not None
        try:
            return option.type(text)
        except ValueError as error:
            kind = "a whole number" if option.type is int else "a number"
            raise UsageError(f"{source} must be {kind}, not {text!r}") from error


class _Operated(MultiService):
    """
    A service that tells the operator in one line why it can't start.

    The line goes to the terminal that C{twistd} was called from, which a daemon
    has let go of by the time it starts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._terminal: int | None = os.dup(2)

    def privilegedStartService(self) -> None:
        """
        Open the ports.
        """
        with self._explaining():
            super().privilegedStartService()

    def startService(self) -> None:
        """
        Start all that there is; from now on problems are the log's.
        """
        with self._explaining():
            super().startService()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (StartError, CannotListenError, OSError) as error:
            line = f"chatroom: {_explanation(error)}\n"
            if self._terminal is not None:
                os.write(self._terminal, line.encode("utf-8", "backslashreplace"))
            raise StartError(_explanation(error)) from None


def _explanation(error: Exception) -> str:
    if isinstance(error, CannotListenError):
        where = f"{error.interface or 'any interface'}, port {error.port}"
        return f"cannot listen on {where}: {error.socketError.strerror}"
    return str(error)


def _quietly(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """
    A hook for what ends the process: L{StartError} has been told already.
    """
    if not issubclass(kind, StartError):
        sys.__excepthook__(kind, error, traceback)


def makeService(options: Options) -> IService:
    """
    Make the server that the options describe.

    @raise SystemExit: if a port is described wrongly, with one line that says so.
    """
    from twisted.internet import reactor

    sys.excepthook = _quietly
    chat = assemble(options.settings, reactor)
    for port in options.ports:
        endpoint = f"tcp:{port}:interface=127.0.0.1" if port.isdecimal() else port
        try:
            listening = strports.service(endpoint, ChatFactory(chat), reactor)
        except Exception as error:
            raise SystemExit(f"chatroom: --port {port} cannot be used: {error}") from error
        listening.setServiceParent(chat)
    operated = _Operated()
    chat.setServiceParent(operated)
    return operated
