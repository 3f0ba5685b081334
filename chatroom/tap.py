"""
The command line: C{twistd chatroom}.

Whatever keeps the server from starting is one line on the terminal and exit
status 1, in the foreground and as a daemon; twistd by itself would print its
whole usage, or a traceback.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from types import TracebackType
from typing import Any, TextIO

from attrs import Attribute
from twisted.application import strports
from twisted.application.service import IService, MultiService
from twisted.internet.error import CannotListenError
from twisted.logger import ILogObserver
from twisted.python.components import Componentized
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from chatroom import __version__
from chatroom.assembly import assemble
from chatroom.clock import keep_steady
from chatroom.errors import StartError
from chatroom.logs.daemon import FORMATS, daemon_log
from chatroom.logs.journal import Journal
from chatroom.memory import collect_seldom
from chatroom.server.line import ChatFactory
from chatroom.server.reached import AdminSocket
from chatroom.server.service import ChatService
from chatroom.settings import Settings, options
from chatroom.store.backends import backend_for

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
    ] + [["log-format", None, None, f"how the log is written: {' or '.join(FORMATS)} [text]"]]

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
        Work out L{settings}, L{ports} and L{log_format}.
        """
        if not self.ports:
            self.ports = self._environment.get(f"{_PREFIX}PORT", "").split() or [DEFAULT_PORT]
        self.ports = [_endpoint(port) for port in self.ports]
        self.log_format = self._log_format()
        given = {}
        for each in options():
            value = self._given(each)
            if value is not None:
                given[each.name] = value
        try:
            self.settings = Settings(**given)
            backend_for(self.settings.database)
        except ValueError as error:
            raise UsageError(_in_options(str(error))) from error
        except StartError as error:
            raise UsageError(f"database: {error}") from error

    def _log_format(self) -> str:
        chosen: str = self["log-format"] or self._environment.get(f"{_PREFIX}LOG_FORMAT") or "text"
        if chosen not in FORMATS:
            raise UsageError(f"--log-format must be one of {', '.join(FORMATS)}, not {chosen!r}")
        return chosen

    def _given(self, option: "Attribute[Any]") -> Any:
        """
        @return: what was chosen, in the option's own type; else C{None}.
        """
        name = option.name.replace("_", "-")
        text, source = self[name], f"--{name}"
        if text is None:
            source = _PREFIX + option.name.upper()
            text = self._environment.get(source) or None
        if text is None:
            return None
        assert option.type is not None
        try:
            return option.type(text)
        except ValueError as error:
            kind = "a whole number" if option.type is int else "a number"
            raise UsageError(f"{source} must be {kind}, not {text!r}") from error


def _in_options(explanation: str) -> str:
    """
    @return: what is wrong with the settings, in the names of the options.
    """
    for each in options():
        option = "--" + each.name.replace("_", "-")
        explanation = re.sub(rf"\b{each.name}\b", option, explanation)
    return explanation


def _endpoint(port: str) -> str:
    """
    @return: the endpoint that is meant; a number alone is for this machine alone.
    """
    return f"tcp:{port}:interface=127.0.0.1" if port.isdecimal() else port


class Operated(MultiService):
    """
    A service that tells the operator in one line why it can't start.

    The line goes to the terminal that C{twistd} was called from, which a daemon
    has let go of by the time it starts, and to the log.

    @param terminal: a file descriptor, closed when it isn't needed any more, or
        C{None} if there is no terminal.
    @param observer: makes what the program logs with; it is made when the program
        takes this service, before C{twistd} begins to log and goes elsewhere.
    """

    _log = Journal()

    def __init__(
        self, terminal: int | None, observer: Callable[[], ILogObserver | None] | None = None
    ) -> None:
        super().__init__()
        self._terminal = terminal
        self._observer = observer

    def setServiceParent(self, parent: Any) -> None:
        """
        Become a part of a program, and have it log as the operator chose.
        """
        super().setServiceParent(parent)
        if self._observer is not None and isinstance(parent, Componentized):
            observer = self._observer()
            if observer is not None:
                parent.setComponent(ILogObserver, observer)

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
        self._let_go()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            why = _explanation(error)
            self._log.note("cannot_start", why=why)
            self._tell(f"chatroom: {why}\n")
            self._let_go()
            if isinstance(error, _EXPECTED):
                raise StartError(why) from None
            raise

    def _tell(self, last_words: str) -> None:
        if self._terminal is not None:
            # If nobody reads there any more, the log has it.
            with suppress(OSError):
                os.write(self._terminal, last_words.encode("utf-8", "backslashreplace"))

    def _let_go(self) -> None:
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            os.close(terminal)


#: What the operator can change, so that a traceback would say nothing more; an
#: C{OverflowError} is a port beyond 65535.
_EXPECTED = (StartError, CannotListenError, OSError, OverflowError)


def _explanation(error: Exception) -> str:
    if isinstance(error, CannotListenError):
        port = os.fsdecode(error.port) if isinstance(error.port, bytes) else f"port {error.port}"
        where = f"{port} of {error.interface}" if error.interface else port
        why = getattr(error.socketError, "strerror", None) or error.socketError
        return f"cannot listen on {where}: {why}; --port chooses another"
    if isinstance(error, OverflowError):
        return f"cannot listen: {error}"
    return str(error) if isinstance(error, _EXPECTED) else repr(error)


class Launcher:
    """
    Stands in for the terminal where C{twistd} waits for its daemon to start.

    When the daemon has said itself why it can't, C{twistd} would say it again in
    two lines, the first of them cut off.
    """

    def __init__(self, terminal: "TextIO | None") -> None:
        self._terminal = terminal

    def write(self, text: str) -> None:
        """
        Write what has not been told.
        """
        if StartError.__name__ not in text and self._terminal is not None:
            self._terminal.write(text)


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

    _allow_many_files()
    keep_steady(reactor)
    collect_seldom(reactor)
    chat = assemble(options.settings, reactor)
    for port in options.ports:
        _listen(chat, port, reactor)
    AdminSocket(chat, options.settings, reactor).setServiceParent(chat)
    # Where standard error is closed, its descriptor is something else by now.
    terminal = None if sys.__stderr__ is None else os.dup(sys.__stderr__.fileno())
    operated = Operated(terminal, _observer(options, reactor))
    chat.setServiceParent(operated)
    sys.excepthook = _quietly
    sys.__stderr__ = Launcher(sys.__stderr__)  # type: ignore[assignment,misc]
    return operated


def _allow_many_files() -> None:
    """
    Have as many connections as the system allows, not as few as it begins with.
    """
    _, hard = getrlimit(RLIMIT_NOFILE)
    # Where "no limit" is not to be had, what there is stays.
    with suppress(ValueError, OSError):
        setrlimit(RLIMIT_NOFILE, (hard, hard))


def _observer(options: Options, reactor: Any) -> Callable[[], ILogObserver | None] | None:
    """
    @return: what makes the observer; C{None} if it is not C{twistd} that asks.
    """
    twistd = getattr(options, "parent", None)
    if twistd is None:
        return None
    return lambda: daemon_log(twistd, options.log_format, reactor)


def _with_backlog(port: str) -> str:
    """
    Have as many wait to be accepted as come at once when all connect again. Beyond
    Twisted's own 50 the kernel lets them wait for seconds.
    """
    is_tcp = port.removeprefix("haproxy:").startswith(("tcp:", "tcp6:", "ssl:"))
    return f"{port}:backlog=1024" if is_tcp and "backlog=" not in port else port


def _listen(chat: ChatService, port: str, reactor: Any) -> None:
    try:
        listening = strports.service(_with_backlog(port), ChatFactory(chat), reactor)
    except (TypeError, ValueError) as error:
        raise SystemExit(
            f"chatroom: --port {port!r} is no endpoint; one is {DEFAULT_PORT}"
        ) from error
    except Exception as error:
        # Of a TLS key, for one: a file that is not there, or is no key.
        raise SystemExit(f"chatroom: --port {port!r} cannot be used: {error}") from error
    listening.setServiceParent(chat)
