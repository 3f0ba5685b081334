"""
The file of an outbox: what it says survives the process.

The file is lines of the protocol: a C{login_response} says whose it is, a C{chat_message}
is to be sent, an C{error_message} with its C{client_message_id} says that it is not any
more, a C{resume_request} is where the client is. It only grows at its end, and is written anew
when most of it is void; so a crash costs the last line at the most, which was not yet
acted upon. After a write that has failed the file is written anew as well, as soon as that
goes.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress

from attrs import define, field
from twisted.logger import Logger

from chatroom.client.errors import OutboxError
from chatroom.errors import ErrorCode, InvalidMessage
from chatroom.wire.codec import Message, decode_message, decode_request, encode
from chatroom.wire.messages import ErrorMessage, LoginResponse, PostRequest, ResumeRequest

#: Below this size, in bytes, the file is left as it is.
SMALL = 2**20

_BEGINNING = b'{"message_type":"'


@define(eq=False)
class Journal:
    """
    Keeps posts and positions in a file.

    @ivar path: of the file. Beside it is another one with C{.lock} at its end, which
        keeps two clients from using it at the same time.
    @ivar owner: the name of the user whose it is; nobody else is to say what waits in it.
    @ivar position: where the client was when it last said so.
    """

    path: str
    owner: str = ""
    position: ResumeRequest | None = None
    log = Logger()
    _posts: dict[str, PostRequest] = field(factory=dict)
    _lock: int | None = None
    _file: int | None = None
    _size: int = 0
    _live: int = 0
    _is_stale: bool = False
    _pending: bytearray = field(factory=bytearray)

    def open(self) -> list[PostRequest]:
        """
        @return: what is still to be sent, oldest first.
        @raise OutboxError: if the file can't be used, or is none of an outbox, or another
            client uses it.
        """
        self._acquire()
        try:
            self._read()
            self._write_anew()
        except OutboxError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise self._unusable(error) from error
        return list(self._posts.values())

    def close(self) -> None:
        """
        Let others have the file.
        """
        for descriptor in (self._file, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._file = self._lock = None

    def add(self, post: PostRequest) -> None:
        """
        Have something to send. It is on the disk after L{sync}.
        """
        assert post.client_message_id is not None
        self._posts[post.client_message_id] = post
        self._append(post)

    def settle(self, client_message_id: str) -> None:
        """
        Have it no more.
        """
        if self._posts.pop(client_message_id, None) is not None:
            self._append(_settled(client_message_id))

    def move(self, position: ResumeRequest) -> None:
        """
        Be somewhere else.
        """
        self.position = position
        self._append(position)

    def write(self) -> None:
        """
        Hand to the system what was added; it survives the process, but not the machine.

        @raise OSError: if the disk is full or broken. What was to be written is not there.
        """
        data, self._pending = self._pending, bytearray()
        if self._file is None:
            return
        if self._is_stale:
            self._write_anew()
        elif data:
            self._add_to(self._file, data)
        if self._size > SMALL + 4 * self._live:
            self._shrink()

    def sync(self) -> None:
        """
        Have on the disk what was added.

        @raise OSError: likewise.
        """
        self.write()
        if self._file is not None:
            self._is_stale = True
            os.fsync(self._file)
            self._is_stale = False

    def _add_to(self, file: int, data: bytearray) -> None:
        self._is_stale = True
        try:
            _write_all(file, data)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, self._size)
            raise
        self._size += len(data)
        self._is_stale = False

    def _append(self, message: Message) -> None:
        self._pending += encode(message, now=0.0)

    def _acquire(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            lock = os.open(f"{self.path}.lock", flags, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # What was open before stays so: it may be this client that uses the file.
            os.close(lock)
            if not isinstance(error, BlockingIOError):
                raise self._unusable(error) from error
            raise OutboxError(f"another client is using the outbox {self.path}") from error
        self._lock = lock

    def _unusable(self, error: OSError) -> OutboxError:
        return OutboxError(f"cannot use the outbox {self.path}: {error.strerror}")

    def _read(self) -> None:
        self._posts.clear()
        self._pending.clear()
        try:
            with open(self.path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return
        # What follows the last newline was torn off: nobody was told that it is there.
        *lines, torn = data.split(b"\n")
        are_own = [self._replay(line) for line in lines]
        if not any(are_own) and (lines or torn[: len(_BEGINNING)] != _BEGINNING[: len(torn)]):
            # It would be written anew, and what it is be gone.
            raise OutboxError(f"{self.path} is no outbox")

    def _replay(self, line: bytes) -> bool:
        """
        @return: whether it is a line of an outbox.
        """
        message = _parse(line)
        if isinstance(message, PostRequest) and message.client_message_id is not None:
            self._posts[message.client_message_id] = message
        elif isinstance(message, ErrorMessage) and message.client_message_id is not None:
            self._posts.pop(message.client_message_id, None)
        elif isinstance(message, ResumeRequest):
            self.position = message
        elif isinstance(message, LoginResponse) and message.username is not None:
            self._check_owner(message.username)
        else:
            self.log.warn("the outbox {path} has a line that is not its own", path=self.path)
            return False
        return True

    def _check_owner(self, name: str) -> None:
        if self.owner and name.casefold() != self.owner.casefold():
            raise OutboxError(f"the outbox {self.path} is {name}'s, not {self.owner}'s")

    def _messages(self) -> Iterator[Message]:
        if self.owner:
            yield LoginResponse(success=True, username=self.owner)
        if self.position is not None:
            yield self.position
        yield from self._posts.values()

    def _shrink(self) -> None:
        try:
            self._write_anew()
        except OSError as error:
            self.log.warn(
                "the outbox {path} stays as long as it is: {why}",
                path=self.path,
                why=error.strerror,
            )

    def _write_anew(self) -> None:
        data = b"".join(encode(each, now=0.0) for each in self._messages())
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_APPEND
        new = os.open(f"{self.path}.new", flags, 0o600)
        try:
            _write_all(new, data)
            os.fsync(new)
            os.rename(f"{self.path}.new", self.path)
        except OSError:
            os.close(new)
            raise
        old, self._file = self._file, new
        self._size = self._live = len(data)
        self._is_stale = False
        if old is not None:
            os.close(old)
        _sync_directory(self.path)


def _parse(line: bytes) -> object:
    request = decode_request(line)
    if isinstance(request, PostRequest | ResumeRequest):
        return request
    try:
        return decode_message(line)
    except InvalidMessage:
        return None


def _settled(client_message_id: str) -> ErrorMessage:
    return ErrorMessage(
        error_code=int(ErrorCode.OK), error_message="", client_message_id=client_message_id
    )


def _write_all(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_directory(path: str) -> None:
    directory = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
