"""
What happens to files inside a transaction: who may send one, how much there may be, and
which of them is the same as one before.
"""

from collections.abc import Callable
from secrets import token_hex, token_urlsafe

from attrs import evolve, frozen

from chatroom.chat.access import Action, permit
from chatroom.chat.transaction import Transaction
from chatroom.errors import (
    ClientFileIdReused,
    FilesFull,
    QuotaExceeded,
    TooManyTransfers,
    UploadNotFound,
)
from chatroom.store.filed import File, Upload
from chatroom.store.models import Event, EventKind, FileFacts, NewEvent, User
from chatroom.store.queries.files import BYTES_A_FILE
from chatroom.store.repository import Repository

#: How many files a user may be sending.
MOST_UPLOADS = 16

#: Makes what an upload is known by, and what its bytes are called.
NewNames = Callable[[], tuple[str, str]]


def random_names() -> tuple[str, str]:
    """
    @return: what nobody can guess, and what is no other file's.
    """
    return token_urlsafe(18), token_hex(16)


@frozen(kw_only=True)
class Wanted:
    """
    A file that somebody wants to send.

    @ivar sha256: what it comes to, if that was said.
    """

    room_id: int
    filename: str
    size: int
    sha256: str | None
    client_file_id: str | None

    def upload(self, user: User, now: int, names: tuple[str, str]) -> Upload:
        """
        @return: the upload that this begins.
        """
        upload_id, name = names
        return Upload(
            id=upload_id,
            user_id=user.id,
            room_id=self.room_id,
            filename=self.filename,
            size=self.size,
            sha256=self.sha256,
            name=name,
            client_file_id=self.client_file_id,
            synced=0,
            touched_at=now,
        )


@frozen(kw_only=True)
class Quotas:
    """
    How many bytes of files there may be; 0 is no limit.
    """

    of_user: int
    of_all: int


def find(user: User, upload_id: str, now: int, store: Repository) -> Upload | File:
    """
    Find what a user is sending, or has sent already.

    @raise UploadNotFound: if they do not.
    """
    upload = store.upload(user.id, upload_id)
    found = upload or store.file_uploaded(user.id, upload_id)
    if found is None:
        raise UploadNotFound(field="upload_id")
    return _touched(upload, now, store) if upload is not None else found


def begin(user: User, upload: Upload, quotas: Quotas, store: Repository) -> Upload | File:
    """
    Expect a file, unless it is expected already, or here.

    @raise ClientFileIdReused: if the user gave the name to another file.
    @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
    @raise NotAMember: if C{user} is no member.
    @raise TooManyTransfers: if they are sending too many others.
    @raise QuotaExceeded: if theirs would be too much.
    @raise FilesFull: if all would be.
    """
    name = upload.client_file_id
    if name is not None:
        known = store.file_named(user.id, name) or store.upload_named(user.id, name)
        if known is not None:
            _compare(known, upload)
            if isinstance(known, File):
                return known
            return _touched(known, upload.touched_at, store)
    standing = store.standing(user.id, room_id=upload.room_id)
    permit(Action.SEND_FILE, standing, upload.touched_at)
    if store.upload_count(user.id) >= MOST_UPLOADS:
        raise TooManyTransfers(limit=MOST_UPLOADS)
    cost = upload.size + BYTES_A_FILE
    if quotas.of_user and store.bytes_of(user.id) + cost > quotas.of_user:
        raise QuotaExceeded(limit=quotas.of_user)
    if quotas.of_all and store.bytes_of_all() + cost > quotas.of_all:
        raise FilesFull()
    store.add_upload(upload)
    return upload


def send(user: User, upload: Upload, sha256: str, transaction: Transaction) -> Event:
    """
    Announce a file that is all here.

    @raise UploadNotFound: if it is expected no longer.
    @raise RoomNotFound: if there is no such room any more.
    @raise NotAMember: if C{user} is no member any more.
    """
    store = transaction.store
    if store.upload(user.id, upload.id) is None:
        raise UploadNotFound(field="upload_id")
    standing = store.standing(user.id, room_id=upload.room_id)
    room = permit(Action.SEND_FILE, standing, transaction.now).room
    event = transaction.record(
        NewEvent(
            room=room,
            kind=EventKind.FILE,
            sender=user,
            content=upload.filename,
            file=FileFacts(size=upload.size, sha256=sha256),
        )
    )
    store.add_file(event, upload)
    return event


def _compare(known: Upload | File, upload: Upload) -> None:
    if isinstance(known, Upload):
        is_same, sha256 = known.digest() == upload.digest(), known.sha256
    else:
        is_same, sha256 = known.digest == upload.digest(), known.facts.sha256
    if not is_same or (None not in (sha256, upload.sha256) and sha256 != upload.sha256):
        raise ClientFileIdReused(field="client_file_id")


def _touched(upload: Upload, now: int, store: Repository) -> Upload:
    store.touch_upload(upload.id, synced=upload.synced, now=now)
    return evolve(upload, touched_at=now)
