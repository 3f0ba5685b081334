"""
Files that were sent: who may see them, and what they consist of.
"""

from collections.abc import Sequence

from attrs import define, frozen

from chatroom.chat.access import Action, Thing, permit
from chatroom.chat.disk import Disk
from chatroom.chat.names import check_filename
from chatroom.chat.sending import Wanted
from chatroom.chat.tidying import Tidying
from chatroom.chat.uploads import Uploads
from chatroom.errors import (
    FileDamaged,
    FileNotFound,
    FilesOff,
    FileTooLarge,
    MessageNotFound,
)
from chatroom.logs.journal import Journal
from chatroom.store.database import Database
from chatroom.store.filed import File
from chatroom.store.folder import Folder
from chatroom.store.models import Event, Room, User
from chatroom.store.repository import Repository


@frozen(kw_only=True)
class Listing:
    """
    Some files of a room, newest first.

    @ivar has_more: whether there are older ones.
    """

    room: Room
    files: Sequence[Event]
    has_more: bool


@define(eq=False)
class Files:
    """
    The files of the server.

    @ivar uploads: those that are on their way here.
    @ivar tidying: sees to what is to go.
    @ivar most_bytes: of a file.
    """

    _log = Journal()

    _disk: Disk
    _database: Database
    uploads: Uploads
    tidying: Tidying
    most_bytes: int

    @property
    def is_on(self) -> bool:
        """
        Whether files are kept at all.
        """
        return self._disk.is_on

    def start(self, epoch: str) -> None:
        """
        Be ready. Blocks.

        @param epoch: of the database.
        @raise chatroom.errors.StartError: if the folder can't be had.
        """
        self._disk.open(epoch)

    def refuse(self) -> None:
        """
        Begin nothing more.
        """
        self._disk.refuse()

    def close(self) -> None:
        """
        Finish what was begun. Blocks.
        """
        self._disk.close()

    def check(self, wanted: Wanted) -> None:
        """
        See whether a file may be sent, as far as that can be told at once.

        @raise FilesOff: if none may.
        @raise BadFilename: if it can't have this name.
        @raise FileTooLarge: if it has too many bytes.
        """
        if not self.is_on:
            raise FilesOff()
        check_filename(wanted.filename)
        if wanted.size > self.most_bytes:
            raise FileTooLarge(field="file_size", limit=self.most_bytes)

    async def find(self, user: User, file_id: int) -> File:
        """
        Find a file that a user may have.

        @raise FileNotFound: if there is none, or C{user} may not know of it.
        """
        return await self._database.read(lambda store: _find(store, user, file_id))

    async def list(
        self, user: User, room_id: int, limit: int, *, before: int | None = None
    ) -> Listing:
        """
        Look at the files of a room.

        @param before: only those before this place of its log.
        @raise RoomNotFound: if there is no such room, or C{user} may not know of it.
        @raise NotAMember: if C{user} is no member.
        """

        def read(store: Repository) -> Listing:
            room = permit(Action.LIST_FILES, store.standing(user.id, room_id=room_id)).room
            found = store.files_in(room.id, limit + 1, before)
            return Listing(room=room, files=found[:limit], has_more=len(found) > limit)

        return await self._database.read(read)

    async def read(self, user: User, file: File, offset: int, length: int) -> bytes:
        """
        Read some of a file.

        @param length: within the file.
        @raise FileNotFound: if it was deleted, or C{user} may not have it any more.
        @raise FileDamaged: if the disk does not have what it should.
        @raise FilesUnavailable: if it fails.
        """
        name = file.name

        def read(folder: Folder) -> bytes | None:
            try:
                return None if name is None else folder.read(name, offset, length)
            except FileNotFoundError:
                return None

        data = await self._disk.do(read)
        if data is not None and len(data) == length:
            return data
        await self.find(user, file.id)
        self._log.note("file_damaged", file=name or "", reason="gone" if data is None else "cut")
        raise FileDamaged()


def _find(store: Repository, user: User, file_id: int) -> File:
    file = store.file(file_id)
    if file is None or file.is_dropped:
        raise FileNotFound(field="file_id")
    try:
        standing = store.standing(user.id, room_id=file.room_id)
        permit(Action.READ_FILE, standing, thing=Thing.FILE)
    except MessageNotFound:
        raise FileNotFound(field="file_id") from None
    return file
