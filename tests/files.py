"""
People who send and have files, and a disk that fails when a test says so.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from tests.peers import Message, Peer, request
from tests.servers import MemoryServer, memory_server

#: Some bytes that are no text, and more than one chunk.
DATA = bytes(range(256)) * 300


def wanted(data: bytes, **keys: object) -> Message:
    """
    @return: a request to send a file.
    """
    more = {"filename": "tea.bin", "file_size": len(data), **keys}
    return request("file_upload_request", **more)


def chunk(upload_id: str, offset: int, data: bytes, **keys: object) -> Message:
    """
    @return: a request that has some of it.
    """
    text = b64encode(data).decode()
    return request("file_chunk", upload_id=upload_id, offset=offset, data=text, **keys)


def chunks(answer: Message, data: bytes) -> Iterator[Message]:
    """
    @param answer: to a request to send a file.
    @return: all that is to follow.
    """
    size = answer["chunk_bytes"]
    for offset in range(answer["next_offset"], len(data), size):
        yield chunk(answer["upload_id"], offset, data[offset : offset + size])


async def send_file(peer: Peer, data: bytes, **keys: object) -> Message:
    """
    Send a file, or go on with one.

    @return: what became of it.
    """
    answer = await _answer(peer, wanted(data, **keys))
    for each in chunks(answer, data):
        answer = await _answer(peer, each)
    return answer


async def _answer(peer: Peer, message: Message) -> Message:
    peer.send(message)
    kinds = {"file_upload_response", "file_chunk_ack", "error_message"}
    line = await peer.receive()
    while line["message_type"] not in kinds:
        line = await peer.receive()
    return line


async def have_file(peer: Peer, file_id: int, offset: int = 0) -> bytes:
    """
    @return: a file, from a place on; what does not come to its hash is an error.
    """
    peer.send(request("file_download_request", file_id=file_id, offset=offset, credit=10**9))
    lines = await peer.until("file_end")
    said = [each for each in lines if each["message_type"] == "file_data"]
    end = lines[-1]
    assert end["sha256"] is not None, end
    data = b"".join(b64decode(each["data"]) for each in said)
    if not offset:
        assert sha256(data).hexdigest() == end["sha256"]
    return data


def on_disk(server: MemoryServer) -> list[str]:
    """
    @return: the names of all files that a server keeps.
    """
    folder = Path(f"{server.chat._database.name.removeprefix('sqlite:///')}.files")
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


@define(eq=False)
class FaultySystem:
    """
    As L{os}, but that some of it can fail.

    @ivar faults: the number of the error that a function fails with, by its name.
    @ivar called: called before a function is, with its name.
    """

    faults: dict[str, int] = field(factory=dict)
    called: Callable[[str], None] = lambda _: None

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if not callable(real):
            return real

        def call(*args: Any, **keys: Any) -> Any:
            self.called(name)
            number = self.faults.get(name)
            if number is not None:
                raise OSError(number, os.strerror(number))
            return real(*args, **keys)

        return call


class FileTestCase(SynchronousTestCase):
    """
    Tests with a server in memory, whose disk can fail, and two people.
    """

    def setUp(self) -> None:
        """
        Have alice and bob be there.
        """
        self.system = FaultySystem()
        self.start()

    def start(self, path: str | None = None, **options: Any) -> None:
        """
        Start a server, of which the database may be there already.
        """
        self.server = memory_server(self, path=path, language="en", system=self.system, **options)
        self.alice, self.bob = (self.come(name) for name in ("alice", "bob"))

    def come(self, name: str) -> Peer:
        """
        @return: somebody who is logged in, and past the quiet after that.
        """
        peer = self.server.connect()
        peer.send(request("register_request", username=name, password="secret123"))
        peer.send(request("login_request", username=name, password="secret123"))
        self.done(peer.until("login_response"))
        self.server.pass_time(1)
        peer.heard.clear()
        return peer

    def start_again(self) -> None:
        """
        Stop the server, and start another one with its database.
        """
        self.done_with(self.server.stop())
        self.start(self.path)

    @property
    def path(self) -> str:
        """
        Where the database is.
        """
        return self.server.chat._database.name.removeprefix("sqlite:///")

    def done(self, coroutine: Any) -> Any:
        """
        @return: what comes of what somebody does.
        """
        return self.successResultOf(coroutine)

    def done_with(self, deferred: Any) -> Any:
        """
        @return: the result that there is.
        """
        return self.successResultOf(deferred)

    def sent(self, data: bytes = DATA, **keys: object) -> Message:
        """
        Have alice send a file.
        """
        answer: Message = self.done(send_file(self.alice, data, **keys))
        self.server.pass_time(0.1)
        return answer

    def refusal(self, peer: Peer, message: Message) -> tuple[int, str]:
        """
        @return: the code and the reason with which a request is refused.
        """
        answer = self.ask(peer, message)
        return answer["error_code"], answer["reason"]

    def ask(self, peer: Peer, message: Message) -> Message:
        """
        @return: the last line of an answer, whatever else comes before it.
        """
        peer.send({**message, "request_id": "?"})
        answer: Message = self.done(peer.until_named("?"))[-1]
        return answer
