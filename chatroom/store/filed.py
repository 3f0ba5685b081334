"""
What is known of files: those that are on their way here, and those that were sent.
"""

from hashlib import sha256

from attrs import frozen

from chatroom.store.models import FileFacts, User


@frozen(kw_only=True)
class Upload:
    """
    A file that is on its way here.

    @ivar id: what the client knows it by; it can't be guessed.
    @ivar sha256: what it should come to, if the client has said that.
    @ivar name: what the bytes are called where they are.
    @ivar synced: how many bytes are on the disk for certain.
    @ivar touched_at: when something came of it, about.
    """

    id: str
    user_id: int
    room_id: int
    filename: str
    size: int
    sha256: str | None
    name: str
    client_file_id: str | None
    synced: int
    touched_at: int

    def digest(self) -> bytes:
        """
        What a repeat must have in common with the first one.
        """
        return sha256(f"{self.room_id}\n{self.size}\n{self.filename}".encode()).digest()


@frozen(kw_only=True)
class File:
    """
    A file that was sent.

    @ivar id: that of its event, or 0 when nothing is kept of that.
    @ivar name: what the bytes are called where they are; C{None} if they are gone.
    @ivar upload_id: what it was called while it was sent.
    @ivar digest: what a repeat must have in common with it.
    @ivar is_dropped: whether it was deleted.
    """

    id: int
    room_id: int
    seq: int
    sender: User
    filename: str
    facts: FileFacts
    name: str | None
    upload_id: str
    digest: bytes
    is_dropped: bool


@frozen(kw_only=True)
class Dropped:
    """
    Bytes that are to go.

    @ivar row: of the table, for L{chatroom.store.queries.files}.
    """

    row: int
    name: str | None
