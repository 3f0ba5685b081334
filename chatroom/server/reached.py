"""
Where the operator's commands reach a server that runs: a socket that its own user alone
can connect to, and never the network.
"""

import os
import socket
import stat
from contextlib import suppress
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.tcp import Port as TCPPort
from twisted.internet.unix import Port
from twisted.python.failure import Failure

from chatroom.errors import StartError
from chatroom.logs.journal import Journal
from chatroom.server.line import ChatFactory
from chatroom.server.service import ChatService
from chatroom.settings import Settings
from chatroom.store.backends import backend_for
from chatroom.store.sqlite import SQLite

#: What is behind the name of the database's file.
SUFFIX = ".admin"

#: The choice that is made where nobody makes one, and the one of no socket.
BESIDE, OFF = "beside", "off"

#: How many may wait to be accepted.
_BACKLOG = 64


def socket_path(settings: Settings) -> str | None:
    """
    @return: where the socket is; C{None} if there is none.
    @raise StartError: if the database is described wrongly.
    """
    if settings.admin_socket == OFF:
        return None
    if settings.admin_socket != BESIDE:
        return os.path.abspath(settings.admin_socket)
    backend = backend_for(settings.database)
    return backend.name + SUFFIX if isinstance(backend, SQLite) else None


@define(eq=False, slots=False)
class AdminSocket(Service):
    """
    The socket, while the server runs. It is made when the database is locked: what is
    there then, beside it, is of a server that is no more.

    One that was chosen has to be; without the one that is made unasked a server runs, too.
    """

    _log = Journal()

    _chat: ChatService
    _settings: Settings
    _reactor: Any
    _port: "PrivatePort | None" = field(default=None, init=False)

    def startService(self) -> None:
        """
        Make it.

        @raise StartError: if one was chosen, and can't be made.
        """
        super().startService()
        path = socket_path(self._settings)
        if path is None:
            return
        try:
            self._listen(path)
        except StartError as error:
            if self._settings.admin_socket != BESIDE:
                raise
            self._log.note("no_admin_socket", why=str(error))

    def stopService(self) -> "Deferred[None]":
        """
        Remove it.
        """
        super().stopService()
        port, self._port = self._port, None
        return succeed(None) if port is None else maybeDeferred(port.stopListening)

    def _listen(self, path: str) -> None:
        try:
            _clear(path)
            port = PrivatePort(path, ChatFactory(self._chat, is_operator=True), self._reactor)
            port.startListening()
        except CannotListenError as error:
            raise _cannot(path, error.socketError) from error
        except OSError as error:
            raise _cannot(path, error) from error
        self._port = port


class PrivatePort(Port):
    """
    A socket that nobody but its owner could ever connect to.

    (Twisted's own gives it a mode when it is there already, and removes what is there in
    the end, whosever that is.)
    """

    def __init__(self, path: str, factory: IProtocolFactory, reactor: Any) -> None:
        super().__init__(os.fsencode(path), factory, _BACKLOG, 0o600, reactor)
        self._identity: tuple[int, int] | None = None

    def startListening(self) -> None:
        """
        Make it, with its mode from the beginning.

        @raise CannotListenError: if it can't be made.
        """
        before = os.umask(0o177)
        try:
            super().startListening()
        finally:
            os.umask(before)
        self._identity = _identity(self._bindPath)

    def connectionLost(self, reason: Failure) -> None:
        """
        Remove it, if it is still there.
        """
        if self._identity is not None and _identity(self._bindPath) == self._identity:
            with suppress(FileNotFoundError):
                os.unlink(self._bindPath)
        TCPPort.connectionLost(self, reason)


def _clear(path: str) -> None:
    """
    Remove a socket that nobody listens to any more.

    @raise StartError: if something else is there, or somebody does listen.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise StartError(f"cannot make the admin socket {path}: there is a file that is none")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            # Where too many wait, somebody does listen.
            with suppress(BlockingIOError):
                probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(FileNotFoundError):
                os.unlink(path)
            return
    raise StartError(f"another server listens at the admin socket {path}")


def _cannot(path: str, error: OSError) -> StartError:
    return StartError(f"cannot make the admin socket {path}: {error.strerror or error}")


def _identity(path: str | bytes) -> tuple[int, int] | None:
    """
    @return: which file it is; C{None} if it is not there.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
