"""
Lines, and a peer that speaks them one at a time and waits.
"""

import json
import socket
from types import TracebackType
from typing import Any

from attrs import define

Message = dict[str, Any]


def line(message: Message) -> bytes:
    """
    @return: a message as it goes over the wire.
    """
    return json.dumps(message, ensure_ascii=False).encode("utf-8") + b"\n"


def request(kind: str, **keys: object) -> bytes:
    """
    @return: the line of a request.
    """
    return line({"message_type": kind, **keys})


def login(name: str, password: str) -> bytes:
    """
    @return: the line that logs in.
    """
    return request("login_request", username=name, password=password)


def is_success(answer: bytes) -> bool:
    """
    Whether an answer says that it was done.
    """
    return bool(answer) and bool(json.loads(answer).get("success"))


def connected(port: int, *, seconds: float = 30, source: str = "127.0.0.1") -> socket.socket:
    """
    @param seconds: how long connecting, and each reading, may take.
    @return: a new connection.
    """
    connection = socket.create_connection(("127.0.0.1", port), seconds, (source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_line(connection: socket.socket) -> bytes:
    """
    Read what answers one request, where nothing else is sent.

    @raise ConnectionError: if the server closes instead.
    """
    received = b""
    while not received.endswith(b"\n"):
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError("the server has closed")
        received += chunk
    return received


@define(eq=False)
class Peer:
    """
    One connection, asked one thing at a time.
    """

    connection: socket.socket

    @classmethod
    def connect(cls, port: int, *, seconds: float = 30) -> "Peer":
        """
        @return: a peer on a new connection.
        """
        return cls(connected(port, seconds=seconds))

    def ask(self, line: bytes) -> bytes:
        """
        @return: the line that answers a line.
        """
        self.connection.sendall(line)
        return read_line(self.connection)

    def read(self) -> bytes:
        """
        @return: the lines that come next.
        """
        return read_line(self.connection)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()
