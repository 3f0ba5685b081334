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
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort

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
    _port: IListeningPort | None = field(default=None, init=False)
    _made: tuple[str, tuple[int, int]] | None = field(default=None, init=False)

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
        made, self._made = self._made, None
        port, self._port = self._port, None
        if made is not None and _identity(made[0]) == made[1]:
            with suppress(FileNotFoundError):
                os.unlink(made[0])
        stopped: Deferred[None] = maybeDeferred(lambda: port and port.stopListening())
        return stopped

    def _listen(self, path: str) -> None:
        try:
            _clear(path)
            listening = bind(path)
        except OSError as error:
            why = error.strerror or str(error)
            raise StartError(f"cannot make the admin socket {path}: {why}") from error
        identity = _identity(path)
        with listening:
            # The reactor has a copy of its own.
            self._port = self._reactor.adoptStreamPort(
                listening.fileno(), socket.AF_UNIX, ChatFactory(self._chat, is_operator=True)
            )
        self._made = None if identity is None else (path, identity)


def bind(path: str) -> socket.socket:
    """
    @return: a socket that listens, and that nobody but its owner could ever connect to.
    @raise OSError: if there can be none.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        # The mode is there from the beginning; a chmod would come too late for some.
        before = os.umask(0o177)
        try:
            listening.bind(path)
        finally:
            os.umask(before)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


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


def _identity(path: str) -> tuple[int, int] | None:
    """
    @return: which file it is; C{None} if it is not there.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
