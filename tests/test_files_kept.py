"""
Files on the disk: when that fails, when the server is killed, and what goes in time.
"""

from collections.abc import Callable
from errno import EDQUOT, EIO, ENOSPC
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from chatroom.chat.disk import RESERVED_BYTES
from chatroom.chat.tidying import FIRST_SECONDS, LOOK_SECONDS, LOOKS
from chatroom.chat.upkeep import LOOK_SECONDS as UPKEEP_SECONDS
from chatroom.chat.uploads import ABANDONED_SECONDS
from chatroom.errors import StartError, StoreUnavailable
from chatroom.store.errors import CommitUncertain
from chatroom.store.folder import Folder
from chatroom.store.repository import Repository
from tests.files import DATA, FileTestCase, chunk, chunks, have_file, on_disk, send_file, wanted
from tests.lanes import SteppingLane
from tests.log_lines import watch
from tests.peers import Message, request
from tests.servers import MemoryServer
from tests.stores import OnPostgreSQL

#: What a disk may refuse, and as what it is told of.
FULL = (1009, "disk_full")
BROKEN = (1009, "files_unavailable")

T = TypeVar("T")


class FaultTests(FileTestCase):
    """
    A disk that fails.
    """

    def failing(self, name: str, number: int) -> tuple[int, str]:
        """
        Have alice send a file while one function fails.

        @return: the code and the reason that she hears.
        """
        answer = self.ask(self.alice, wanted(DATA, client_file_id=f"{name} {number}"))
        self.system.faults[name] = number
        for each in chunks(answer, DATA):
            self.alice.send({**each, "request_id": "c"})
        self.server.pass_time(0.1)
        self.system.faults.clear()
        [end] = [each for each in self.alice.heard if each.get("success") is False][:1]
        self.alice.heard.clear()
        return end["error_code"], end["reason"]

    def test_faults(self) -> None:
        """
        Whatever fails, the peer hears why, nothing is announced, nothing is left, and the
        operator is told; and then it works again.
        """
        noted = watch(self)
        for name, number, heard in (
            ("pwrite", ENOSPC, FULL),
            ("pwrite", EDQUOT, FULL),
            ("pwrite", EIO, BROKEN),
            ("open", EIO, BROKEN),
            ("fsync", ENOSPC, FULL),
            ("fsync", EIO, BROKEN),
            ("rename", ENOSPC, FULL),
            ("rename", EIO, BROKEN),
        ):
            self.assertEqual(self.failing(name, number), heard, name)
            self.server.pass_time(0.1)
            self.assertEqual(on_disk(self.server), [], name)
            self.assertEqual(self.bob.heard, [], name)
            self.assertIn("file_failed", noted.names())
            noted.events.clear()
        self.assertTrue(self.sent()["success"])

    def test_nothing_is_reserved(self) -> None:
        """
        What failed counts for no quota.
        """
        self.start(user_files_bytes=len(DATA) + 5000)
        for _ in range(3):
            self.assertEqual(self.failing("pwrite", ENOSPC), FULL)

    def test_too_little_is_free(self) -> None:
        """
        A disk that would be full takes no file, before anything is sent.
        """
        free = Folder(f"{self.path}.files")
        free._place = free.path
        noted = watch(self)
        too_much = free.free_bytes() - RESERVED_BYTES + 1
        if too_much > 10**8:
            self.start(file_bytes=0, user_files_bytes=0, all_files_bytes=0)
        refused = self.refusal(self.alice, wanted(b"", file_size=too_much + 10**9))
        self.assertEqual(refused, FULL)
        self.assertIn("file_failed", noted.names())

    def test_gone_on_its_way(self) -> None:
        """
        A file that somebody removes while it comes is told of.
        """
        answer = self.ask(self.alice, wanted(DATA))
        first, second, *_ = chunks(answer, DATA)
        self.ask(self.alice, first)
        [part] = Path(f"{self.path}.files").rglob("*.part")
        part.unlink()
        ended = self.ask(self.alice, second)
        self.assertEqual((ended["success"], ended["reason"]), (False, "files_unavailable"))

    def test_database_fails_at_the_end(self) -> None:
        """
        If the database fails when all is there, asking again finishes it.
        """
        answer = self.ask(self.alice, wanted(b"tea", client_file_id="t"))
        write = self.server.chat._database._writing
        held = SteppingLane()
        self.server.chat.log._database._writing = held
        self.alice.send(chunk(answer["upload_id"], 0, b"tea"))
        self.server.pass_time(0.1)
        held.fail(StoreUnavailable())
        self.server.chat.log._database._writing = write
        self.server.pass_time(0.1)
        [end] = [each for each in self.alice.heard if "success" in each]
        self.assertEqual((end["reason"], end["temporary"]), ("store_unavailable", True))
        self.alice.heard.clear()
        done = self.ask(self.alice, wanted(b"tea", client_file_id="t"))
        self.assertEqual((done["success"], done["duplicate"]), (True, False))
        self.assertEqual(self.done(have_file(self.bob, done["file_id"])), b"tea")

    def test_uncertain_beginning(self) -> None:
        """
        If nobody can say whether an upload was begun, the peer may ask again.
        """
        write = self.server.chat._database._writing
        held = SteppingLane()
        self.server.chat._database._writing = held
        self.alice.send(wanted(b"tea", client_file_id="t", request_id="u"))
        self.server.pass_time(0.1)
        held.fail(CommitUncertain())
        self.server.chat._database._writing = write
        [refused] = self.done(self.alice.until_named("u"))
        self.assertEqual(refused["reason"], "store_unavailable")
        self.assertTrue(self.sent(b"tea", client_file_id="t")["success"])

    def test_no_folder(self) -> None:
        """
        A server that can't have its folder does not start, and says why.
        """
        self.done_with(self.server.stop())
        path = self.path
        place = Path(f"{path}.files")
        place.rename(f"{path}.old")
        place.write_text("in the way")
        error = self.assertRaises(StartError, self.start, path)
        self.assertIn("cannot keep files in", str(error))
        place.unlink()


class Killed(BaseException):
    """
    The process is gone.
    """


class KillTests(FileTestCase):
    """
    A server that is killed while a file comes to its end.
    """

    def killed_at(self, name: str, before: bool) -> None:
        """
        Send a file to a server that is gone when it comes to a function, and start another.
        """
        answer = self.ask(self.alice, wanted(DATA, client_file_id="k"))
        lane = SteppingLane()
        self.server.chat.files._disk._lane = lane
        self.server.chat._database._writing = SteppingLane()

        def kill(called: str) -> None:
            if called == name and before:
                raise Killed()

        self.system.called = kill
        for each in chunks(answer, DATA):
            self.alice.send(each)
        self.server.pass_time(0.1)
        while lane.queue:
            work, done = lane.queue.popleft()
            try:
                result = work()
            except Killed:
                break
            done.callback(result)
            self.server.pass_time(0.1)
        self.system.called = lambda _: None
        path, old = self.path, self.server
        # Nothing of it goes on: not even what would be tidied up.
        old.chat.files._disk._lane = SteppingLane()
        self.done_with(self.stop_hard(old))
        self.start(path)

    def stop_hard(self, server: MemoryServer) -> Any:
        """
        Have a server do nothing more, and let go of its database.
        """
        server.chat._database._writing = SteppingLane()
        return server.stop()

    def check(self) -> None:
        """
        See that nothing was announced that is not whole, and that it can be gone on with.
        """
        self.assertEqual(self.ask(self.bob, request("file_list_request"))["files"], [])
        answer = self.done(send_file(self.alice, DATA, client_file_id="k"))
        self.assertTrue(answer["success"])
        self.assertEqual(self.done(have_file(self.bob, answer["file_id"])), DATA)
        self.assertEqual(len(on_disk(self.server)), 1)

    def test_killed(self) -> None:
        """
        Wherever it is killed, nothing is announced that is not whole.
        """
        for name in ("pwrite", "fsync", "rename"):
            self.killed_at(name, before=True)
            self.check()
            self.start()

    def test_killed_before_the_commit(self) -> None:
        """
        A file that has its name, and is not announced, is finished when its sender asks.
        """
        self.killed_at("", before=False)
        self.assertEqual([each for each in on_disk(self.server) if "part" in each], [])
        self.check()

    def test_killed_for_good(self) -> None:
        """
        And if nobody asks, it goes within the hour.
        """
        self.killed_at("", before=False)
        self.assertEqual(len(on_disk(self.server)), 1)
        self.server.pass_time(ABANDONED_SECONDS + 2 * LOOK_SECONDS)
        self.wait(LOOK_SECONDS * 3)
        self.assertEqual(on_disk(self.server), [])

    def wait(self, seconds: float) -> None:
        """
        Let time go by, in small steps.
        """
        for _ in range(int(seconds)):
            self.server.clock.advance(1)


class TidyingTests(FileTestCase):
    """
    What goes in time.
    """

    def wait(self, seconds: float) -> None:
        """
        Let time go by, in small steps.
        """
        for _ in range(int(seconds)):
            self.server.clock.advance(1)

    def test_deleted(self) -> None:
        """
        The bytes of a file go with the message, and leave others alone.
        """
        first, second = self.sent(b"tea"), self.sent(b"coffee")
        self.ask(self.alice, request("delete_message_request", message_id=first["file_id"]))
        self.wait(2)
        self.assertEqual(len(on_disk(self.server)), 1)
        self.assertEqual(self.done(have_file(self.bob, second["file_id"])), b"coffee")

    def test_abandoned(self) -> None:
        """
        An upload of which nothing comes goes within the hour, and one that is gone on with
        stays.
        """
        dead = self.ask(self.alice, wanted(DATA, client_file_id="dead"))
        first, *_ = chunks(dead, DATA)
        self.ask(self.alice, first)
        live = self.ask(self.alice, wanted(DATA, client_file_id="live"))
        for offset in range(4):
            self.ask(self.alice, chunk(live["upload_id"], offset, DATA[offset : offset + 1]))
            self.wait(ABANDONED_SECONDS / 3)
        self.assertEqual(len(on_disk(self.server)), 1)
        gone = request("file_upload_request", upload_id=dead["upload_id"])
        self.assertEqual(self.refusal(self.alice, gone), (1006, "upload_not_found"))
        self.ask(self.alice, chunk(live["upload_id"], 4, DATA[4:5]))

    def test_gone_on_with_at_last(self) -> None:
        """
        What became a file while those are given up that nobody goes on with is kept: one
        may have looked for them before.
        """
        begun = self.ask(self.alice, wanted(DATA, client_file_id="late"))
        files = self.server.chat.files
        [upload] = self.stored(lambda store: store.stale_uploads(2**53))
        sent = self.done(send_file(self.alice, DATA, client_file_id="late"))
        self.assertTrue(sent["success"])
        for before in (None, 2**53):
            abandoned = Deferred.fromCoroutine(files.uploads.abandon(upload, before))
            self.server.pass_time(1)
            self.successResultOf(abandoned)
        self.assertEqual(begun["upload_id"], upload.id)
        self.assertEqual(self.done(have_file(self.bob, sent["file_id"])), DATA)

    def test_gone_on_with_meanwhile(self) -> None:
        """
        Nor is one given up that somebody has just gone on with.
        """
        self.ask(self.alice, wanted(DATA, client_file_id="late"))
        [upload] = self.stored(lambda store: store.stale_uploads(2**53))
        uploads = self.server.chat.files.uploads
        abandoned = Deferred.fromCoroutine(uploads.abandon(upload, upload.touched_at))
        self.server.pass_time(1)
        self.successResultOf(abandoned)
        sent = self.done(send_file(self.alice, DATA, client_file_id="late"))
        self.assertTrue(sent["success"])

    def stored(self, work: Callable[[Repository], T]) -> T:
        """
        @return: what the database has.
        """
        found = self.server.chat._database.read(work)
        self.server.pass_time(0.1)
        result: T = self.successResultOf(found)
        return result

    def test_room_deleted_meanwhile(self) -> None:
        """
        What is on its way to a room that is deleted is refused, and leaves nothing.
        """
        made = self.ask(self.alice, request("create_chat_request", chat_name="den"))
        room_id = made["chat_group_id"]
        begun = self.ask(self.alice, wanted(DATA, chat_group_id=room_id))
        first, second, *_ = chunks(begun, DATA)
        self.ask(self.alice, first)
        self.ask(self.alice, request("delete_chat_request", chat_group_id=room_id))
        self.wait(2)
        self.assertEqual(self.refusal(self.alice, second), (1006, "upload_not_found"))
        self.assertEqual(on_disk(self.server), [])

    def test_strays(self) -> None:
        """
        Files that the database does not know of go within the hour; what has another kind
        of name is somebody else's, and stays. Those that it alone knows of are told of.
        """
        noted = watch(self)
        lost = self.sent(b"tea")
        self.sent(b"coffee")
        folder = next(Path(f"{self.path}.files").iterdir())
        sorted(folder.iterdir(), key=lambda each: each.stat().st_size)[0].unlink()
        for name in ("0" * 32, "1" * 32 + ".part", "readme.txt"):
            (folder / name).write_bytes(b"stray")
        self.wait(FIRST_SECONDS + LOOKS * LOOK_SECONDS)
        self.assertEqual(len(on_disk(self.server)), 2)
        self.assertIn("readme.txt", on_disk(self.server))
        self.assertEqual(noted.of("strays_removed")[0]["count"], 2)
        self.assertEqual(noted.of("files_lost")[0]["count"], 1)
        self.assertTrue(lost["success"])

    def test_retention(self) -> None:
        """
        What is cut off the log takes its files along.
        """
        self.start(retention_events=2)
        for number in range(4):
            self.sent(str(number).encode())
        self.wait(FIRST_SECONDS + 2 * UPKEEP_SECONDS + LOOK_SECONDS)
        self.assertEqual(len(on_disk(self.server)), 2)

    def test_room(self) -> None:
        """
        All files of a room go together, those on their way too, and their quota with them.
        """
        for number in range(3):
            self.sent(str(number).encode())
        self.ask(self.alice, wanted(b"tea", client_file_id="t"))
        database = self.server.chat._database
        self.done_with(database.write(lambda store: store.forget_room_files(1)))
        self.assertEqual(self.done_with(database.read(lambda store: store.bytes_of_all())), 0)
        self.wait(FIRST_SECONDS + LOOKS * LOOK_SECONDS)
        self.assertEqual(on_disk(self.server), [])
        left = self.done_with(database.read(lambda store: store.dropped_files(10)))
        self.assertEqual(left, [])

    def test_fails(self) -> None:
        """
        What can't be removed now is removed later.
        """
        sent = self.sent(b"tea")
        self.system.faults["unlink"] = EIO
        self.ask(self.alice, request("delete_message_request", message_id=sent["file_id"]))
        self.wait(5)
        self.assertEqual(len(on_disk(self.server)), 1)
        self.system.faults.clear()
        self.wait(2 * LOOK_SECONDS)
        self.assertEqual(on_disk(self.server), [])


class OnPostgreSQLTests(OnPostgreSQL, FileTestCase):
    """
    The same with PostgreSQL, in short.
    """

    def start(self, path: str | None = None, **options: Any) -> None:
        """
        Start a server with PostgreSQL and a folder.
        """
        self.place = self.mktemp()
        self.url = self.new_url()
        more: Message = {"files": self.place, **options}
        super().start(path, url=self.url, **more)

    def test_send_have_and_delete(self) -> None:
        """
        A file is sent, listed, had, counted and deleted.
        """
        self.ask(self.alice, wanted(DATA, client_file_id="t"))
        sent = self.sent(client_file_id="t")
        self.assertTrue(self.sent(client_file_id="t")["duplicate"])
        self.assertEqual(self.done(have_file(self.bob, sent["file_id"])), DATA)
        [file] = self.ask(self.bob, request("file_list_request"))["files"]
        self.assertEqual(file["file_id"], sent["file_id"])
        self.ask(self.alice, request("delete_message_request", message_id=sent["file_id"]))
        for _ in range(5):
            self.server.clock.advance(1)
        self.assertEqual([each for each in Path(self.place).rglob("*") if each.is_file()], [])
        database = self.server.chat._database
        self.assertEqual(self.done_with(database.read(lambda store: store.bytes_of_all())), 0)
