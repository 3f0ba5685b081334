"""
Lines, and a peer that speaks them one at a time and waits.
"""

import json
import re
import socket
import ssl
from functools import cache
from types import TracebackType
from typing import Any

from attrs import define

Message = dict[str, Any]

#: Parsing all of a line would take longer than the server needs for it.
_PLACE = re.compile(
    rb'"chat_group_id":(\d+),"chat_group_name":"[^"]*","content":"[^"]*","seq":(\d+)'
)


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


def token_login(token: str) -> bytes:
    """
    @return: the line that takes a login up again.
    """
    return request("token_login_request", session_token=token)


def is_success(answer: bytes) -> bool:
    """
    Whether an answer says that it was done.
    """
    return bool(answer) and bool(json.loads(answer).get("success"))


def place_of(line: bytes) -> "tuple[int, int] | None":
    """
    @return: of a post as the hello dialect has it the room and the place there.
    """
    found = _PLACE.search(line)
    return (int(found[1]), int(found[2])) if found is not None else None


def connected(
    port: int, *, seconds: float = 30, source: str = "127.0.0.1", secure: bool = False
) -> socket.socket:
    """
    @param seconds: how long connecting, and each reading, may take.
    @param secure: whether to speak TLS.
    @return: a new connection.
    """
    connection = socket.create_connection(("127.0.0.1", port), seconds, (source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _trusting().wrap_socket(connection) if secure else connection


@cache
def _trusting() -> ssl.SSLContext:
    # Whom one talks to is not in question here, and the certificate is as old as the run.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


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
    def connect(cls, port: int, *, seconds: float = 30, secure: bool = False) -> "Peer":
        """
        @return: a peer on a new connection.
        """
        return cls(connected(port, seconds=seconds, secure=secure))

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
