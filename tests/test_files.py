"""
Files, as the wire has them.
"""

from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from chatroom.chat.sending import MOST_UPLOADS
from chatroom.chat.uploads import CHUNK_BYTES, WINDOW
from chatroom.server.transfers import MOST_DOWNLOADS
from tests.files import DATA, FileTestCase, chunk, chunks, have_file, on_disk, send_file, wanted
from tests.lanes import SteppingLane
from tests.log_lines import watch
from tests.peers import Message, Peer, login, post, request

#: Names that are no files' names.
HOSTILE = [
    "",
    " ",
    ".",
    "..",
    "...",
    "../etc/passwd",
    "..\\windows\\win.ini",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:\\autoexec.bat",
    "\\\\server\\share",
    "a/",
    "/",
    "\\",
    "name.",
    "name ",
    " name",
    "name. ",
    "\u3000name",
    "name\u00a0",
    "a\nb",
    "a\rb",
    "a\tb",
    "\x1b[2Jname",
    "a\x7fb",
    "a\x85b",
    "a\x9bb",
    "\x01",
    "gpj\u202eexe.txt",
    "\u202dname",
    "\u202aname",
    "\u2066name",
    "\u2067name\u2069",
    "na\u200eme",
    "na\u200fme",
    "na\u061cme",
    "na\u200bme",
    "na\u2060me",
    "\ufeffname",
    "na\u00adme",
    "na\u2028me",
    "na\u2029me",
    "na\ue000me",
    "na\ufdd0me",
    "na\uffffme",
    "na\U000e0041me",
    "CON",
    "con",
    "nul.txt",
    "NUL .txt",
    "aux.c",
    "PRN",
    "com1",
    "COM9.log",
    "lpt1.txt",
    "com¹",
    "conin$",
    "C:evil.exe",
    "report.txt:hidden.exe",
    "x.txt::$DATA",
    "PRN:",
    "x" * 256,
    "é" * 128,
    "名" * 86,
    "x" * 4096,
]

#: And some that are, however odd.
FINE = [
    "tea.txt",
    "Q3 report, final? <v2>.pdf",
    ".profile",
    "a..b",
    "console",
    "名前　表.txt",
    "Screenshot at 5.04\u202fPM.png",
    "👨\u200d👩\u200d👧.png",
    "می\u200cخواهم.txt",
    "x" * 255,
    "名" * 85,
    "-rf",
    "$(rm -rf ~)",
    "'; DROP TABLE files; --",
    "%2e%2e%2fetc%2fpasswd",
    "e\u0301.txt",
]


class SendingTests(FileTestCase):
    """
    Files on their way to the server.
    """

    def test_after_a_logout(self) -> None:
        """
        Who logs out and in again on one connection sends and has files as before.
        """
        sent = self.sent()
        for peer, name in ((self.alice, "alice"), (self.bob, "bob")):
            self.done(have_file(peer, sent["file_id"]))
            peer.send(request("logout_request"), login(name))
            self.server.pass_time(1)
            peer.heard.clear()
        again = self.sent()
        self.assertTrue(again["success"])
        self.assertEqual(self.done(have_file(self.bob, again["file_id"])), DATA)

    def test_send_and_have(self) -> None:
        """
        What is sent is had, byte by byte, and its name is shown as it was given.
        """
        answer = self.sent(filename="My tea.bin", sha256=sha256(DATA).hexdigest().upper())
        self.assertEqual((answer["success"], answer["duplicate"]), (True, False))
        self.assertEqual(self.done(have_file(self.bob, answer["file_id"])), DATA)
        listed = self.ask(self.bob, request("file_list_request"))
        [file] = listed["files"]
        self.assertEqual((file["filename"], file["file_size"]), ("My tea.bin", len(DATA)))
        self.assertEqual(file["sha256"], sha256(DATA).hexdigest())

    def test_empty(self) -> None:
        """
        A file may have no bytes: it is announced at once.
        """
        answer = self.sent(b"")
        self.assertTrue(answer["success"])
        self.assertEqual(self.done(have_file(self.bob, answer["file_id"])), b"")

    def test_chunks_of_any_size(self) -> None:
        """
        Chunks may be as small as one byte.
        """
        answer = self.ask(self.alice, wanted(b"tea"))
        for offset, byte in enumerate(b"tea"):
            self.alice.send(chunk(answer["upload_id"], offset, bytes([byte])))
        self.server.pass_time(0.1)
        end = [each for each in self.alice.heard if "success" in each]
        self.assertEqual(self.done(have_file(self.bob, end[0]["file_id"])), b"tea")

    def test_resume(self) -> None:
        """
        After a lost connection it goes on where it was, by either name.
        """
        for key in ("client_file_id", "upload_id"):
            name = {"client_file_id": "mine"} if key == "client_file_id" else {}
            answer = self.ask(self.alice, wanted(DATA, **name))
            first, *_ = chunks(answer, DATA)
            self.ask(self.alice, first)
            self.alice.wire.abort()
            self.alice = self.come("alice")
            again = (
                wanted(DATA, **name)
                if name
                else request("file_upload_request", upload_id=answer["upload_id"])
            )
            there = self.ask(self.alice, again)
            self.assertEqual(there["next_offset"], CHUNK_BYTES)
            for each in chunks(there, DATA):
                self.alice.send(each)
            self.server.pass_time(0.1)
            [end] = [each for each in self.alice.heard if each.get("success")]
            self.alice.heard.clear()
            self.assertEqual(self.done(have_file(self.alice, end["file_id"])), DATA)
            asked = request("file_upload_request", upload_id=answer["upload_id"])
            known = self.ask(self.alice, asked)
            self.assertEqual((known["file_id"], known["duplicate"]), (end["file_id"], True))

    def test_resume_after_a_restart(self) -> None:
        """
        A server that was stopped and started goes on, too.
        """
        answer = self.ask(self.alice, wanted(DATA, client_file_id="mine"))
        first, *_ = chunks(answer, DATA)
        self.ask(self.alice, first)
        self.start_again()
        there = self.ask(self.alice, wanted(DATA, client_file_id="mine"))
        self.assertEqual(there["next_offset"], CHUNK_BYTES)
        answer = self.sent(client_file_id="mine", sha256=sha256(DATA).hexdigest())
        self.assertEqual(self.done(have_file(self.bob, answer["file_id"])), DATA)

    def test_once(self) -> None:
        """
        The same C{client_file_id} is announced once, deleted or not; another file under it
        is refused.
        """
        first = self.sent(client_file_id="mine")
        again = self.sent(client_file_id="mine")
        self.assertEqual((again["file_id"], again["duplicate"]), (first["file_id"], True))
        deleted = request("delete_message_request", message_id=first["file_id"])
        self.ask(self.alice, deleted)
        self.server.pass_time(1)
        self.assertEqual(self.sent(client_file_id="mine")["file_id"], first["file_id"])
        for other in (
            wanted(DATA[1:], client_file_id="mine"),
            wanted(DATA, client_file_id="mine", filename="other"),
            wanted(DATA, client_file_id="mine", sha256="0" * 64),
        ):
            self.assertEqual(self.refusal(self.alice, other), (1008, "client_file_id_reused"))
        self.assertFalse(self.done(send_file(self.bob, DATA, client_file_id="mine"))["duplicate"])

    def test_the_last_session(self) -> None:
        """
        Only the session that has asked last goes on with an upload.
        """
        answer = self.ask(self.alice, wanted(DATA, client_file_id="mine"))
        other = self.come("alice")
        there = self.ask(other, wanted(DATA, client_file_id="mine"))
        self.assertEqual(there["upload_id"], answer["upload_id"])
        first, *_ = chunks(answer, DATA)
        self.assertEqual(self.refusal(self.alice, first), (1006, "upload_not_found"))
        self.assertEqual(self.ask(other, first)["next_offset"], CHUNK_BYTES)

    def test_names(self) -> None:
        """
        A name that might lead elsewhere is refused, and leaves nothing.
        """
        self.assertGreaterEqual(len(HOSTILE), 60)
        for name in HOSTILE:
            refused = self.refusal(self.alice, wanted(b"tea", filename=name))
            self.assertEqual(refused, (1008, "bad_filename"), ascii(name))
        self.assertEqual(
            self.refusal(self.alice, wanted(b"", filename="a\0b")), (1008, "bad_field")
        )
        line = '{"message_type":"file_upload_request","filename":"\\ud800","file_size":1}'
        self.assertEqual(self.done(self.alice.ask(line))["error_code"], 1008)
        self.assertEqual(on_disk(self.server), [])

    def test_good_names(self) -> None:
        """
        Any other name is shown as it was given, and is no name on the disk.
        """
        for name in FINE:
            self.sent(b"tea", filename=name)
        listed = self.ask(self.bob, request("file_list_request", limit=100))
        self.assertEqual([each["filename"] for each in listed["files"]], FINE[::-1])
        self.assertEqual(len(on_disk(self.server)), len(FINE))
        for name in on_disk(self.server):
            self.assertRegex(name, r"\A[0-9a-f]{32}\Z")

    def test_modes(self) -> None:
        """
        Nobody else can read what is kept.
        """
        self.sent()
        folder = Path(f"{self.path}.files")
        modes = {each.stat().st_mode & 0o777 for each in folder.rglob("*") if each.is_file()}
        self.assertEqual(modes, {0o600})
        places = {each.stat().st_mode & 0o777 for each in (folder, *folder.iterdir())}
        self.assertEqual(places, {0o700})

    def test_bad_requests(self) -> None:
        """
        A request that can't be is refused, each for its reason.
        """
        for more, refused in (
            ({"file_size": -1}, (1008, "bad_field")),
            ({"file_size": 2**60}, (1008, "bad_field")),
            ({"file_size": 1.5}, (1008, "bad_field")),
            ({"file_size": None}, (1008, "bad_field")),
            ({"filename": None}, (1008, "bad_field")),
            ({"file_size": 10**9}, (1007, "file_too_large")),
            ({"sha256": "tea"}, (1008, "bad_field")),
            ({"sha256": "g" * 64}, (1008, "bad_field")),
            ({"client_file_id": ""}, (1008, "bad_field")),
            ({"chat_group_id": 99}, (1004, "chat_not_found")),
            ({"upload_id": "nobody's"}, (1006, "upload_not_found")),
        ):
            self.assertEqual(self.refusal(self.alice, wanted(b"tea", **more)), refused, more)

    def test_bad_chunks(self) -> None:
        """
        A chunk that does not fit is refused, and the upload is as it was.
        """
        answer = self.ask(self.alice, wanted(DATA))
        upload_id = answer["upload_id"]
        self.ask(self.alice, chunk(upload_id, 0, DATA[:10]))
        bad = (1008, "bad_chunk")
        for message, refused in (
            (chunk(upload_id, 11, DATA[11:20]), (1008, "bad_offset")),
            (chunk(upload_id, 9, DATA[9:20]), (1008, "bad_offset")),
            (chunk(upload_id, 0, DATA[:10]), (1008, "bad_offset")),
            (chunk(upload_id, 10, b""), bad),
            (chunk(upload_id, 10, DATA[: CHUNK_BYTES + 1]), bad),
            ({**chunk(upload_id, 10, b""), "data": "dGVh!"}, bad),
            ({**chunk(upload_id, 10, b""), "data": "dGV"}, bad),
            ({**chunk(upload_id, 10, b""), "data": "dGVh\n"}, bad),
            ({**chunk(upload_id, 10, b""), "data": "töö="}, bad),
            ({**chunk(upload_id, 10, b""), "data": None}, (1008, "bad_field")),
            (chunk(upload_id, -1, b"x"), (1008, "bad_field")),
            (chunk("", 10, b"x"), (1006, "upload_not_found")),
        ):
            self.assertEqual(self.refusal(self.alice, message), refused, message)
        there = {**answer, "next_offset": 10}
        for each in chunks(there, DATA):
            self.alice.send(each)
        self.server.pass_time(0.1)
        [end] = [each for each in self.alice.heard if each.get("success")]
        self.assertEqual(self.done(have_file(self.bob, end["file_id"])), DATA)

    def test_beyond_the_end(self) -> None:
        """
        More than was said is refused; so is what comes when all is there.
        """
        answer = self.ask(self.alice, wanted(b"tea"))
        more = chunk(answer["upload_id"], 0, b"teas")
        self.assertEqual(self.refusal(self.alice, more), (1008, "bad_chunk"))
        self.alice.send(chunk(answer["upload_id"], 0, b"tea"))
        self.server.pass_time(0.1)
        self.alice.heard.clear()
        late = chunk(answer["upload_id"], 3, b"s")
        self.assertEqual(self.refusal(self.alice, late), (1006, "upload_not_found"))

    def test_wrong_hash(self) -> None:
        """
        What is not what it was said to be is not announced, and nothing is left of it; it
        can be sent again.
        """
        wrong = sha256(b"coffee").hexdigest()
        answer = self.done(send_file(self.alice, b"tea", sha256=wrong, client_file_id="t"))
        self.assertEqual((answer["success"], answer["reason"]), (False, "wrong_hash"))
        self.assertEqual(on_disk(self.server), [])
        self.assertEqual(self.bob.heard, [])
        right = sha256(b"tea").hexdigest()
        answer = self.done(send_file(self.alice, b"tea", sha256=right, client_file_id="t"))
        self.assertEqual((answer["success"], answer["seq"]), (True, 1))

    def test_somebody_else_s(self) -> None:
        """
        An upload of somebody else's is answered as one that is none, to the byte.
        """
        answer = self.ask(self.alice, wanted(b"tea"))
        for make in (
            lambda name: chunk(name, 0, b"t"),
            lambda name: request("file_upload_request", upload_id=name),
        ):
            theirs = self.ask(self.bob, make(answer["upload_id"]))
            nobodys = self.ask(self.bob, make("x" * 24))
            theirs.pop("timestamp")
            nobodys.pop("timestamp")
            self.assertEqual(theirs, nobodys)

    def test_too_many(self) -> None:
        """
        A user sends so many files at once, and no more.
        """
        for _ in range(MOST_UPLOADS):
            self.ask(self.alice, wanted(b"tea"))
        self.assertEqual(self.refusal(self.alice, wanted(b"tea")), (1005, "too_many_transfers"))
        self.assertTrue(self.done(send_file(self.bob, b"tea"))["success"])

    def test_too_fast(self) -> None:
        """
        Ten thousand tiny files are as many messages.
        """
        self.start(post_burst=2, post_rate=1.0)
        for _ in range(2):
            self.sent(b"")
        self.assertEqual(self.refusal(self.alice, wanted(b"")), (1005, "too_fast"))

    def test_quotas(self) -> None:
        """
        A user's files come to so much, and all to so much, those on their way included and
        each with something for itself; what is deleted counts no more.
        """
        self.start(user_files_bytes=20_000, all_files_bytes=25_000)
        first = self.sent(bytes(5_000))
        self.ask(self.alice, wanted(bytes(5_000)))
        refused = self.refusal(self.alice, wanted(bytes(5_000)))
        self.assertEqual(refused, (1007, "quota_exceeded"))
        self.assertEqual(self.refusal(self.bob, wanted(bytes(5_000))), (1007, "files_full"))
        deleted = request("delete_message_request", message_id=first["file_id"])
        self.ask(self.alice, deleted)
        self.assertTrue(self.sent(bytes(5_000))["success"])

    def test_window(self) -> None:
        """
        More chunks than may be unacknowledged are refused; those before them are taken.
        """
        lanes: list[SteppingLane] = []
        answer = self.ask(self.alice, wanted(DATA))
        self.hold_files(lanes)
        for offset in range(WINDOW + 1):
            self.alice.send(chunk(answer["upload_id"], offset, DATA[offset : offset + 1]))
        self.server.pass_time(0.1)
        self.assertEqual(self.alice.heard[-1]["error_code"], 1008)
        lanes[0].step_all()
        self.server.pass_time(0.1)
        acks = [each["next_offset"] for each in self.alice.heard if "next_offset" in each]
        self.assertEqual(acks, list(range(1, WINDOW + 1)))

    def test_chat_does_not_wait(self) -> None:
        """
        While the disk does not answer, the same session talks on.
        """
        lanes: list[SteppingLane] = []
        answer = self.ask(self.alice, wanted(b"tea"))
        self.hold_files(lanes)
        self.alice.send(chunk(answer["upload_id"], 0, b"tea", request_id="c"))
        self.assertEqual(self.ask(self.alice, post("Hello!"))["seq"], 1)
        lanes[0].step_all()
        self.server.pass_time(0.1)
        [end] = [each for each in self.alice.heard if each.get("request_id") == "c"]
        self.assertTrue(end["success"])

    def hold_files(self, lanes: list[SteppingLane]) -> None:
        """
        Have the disk do nothing until a test says so.
        """
        lane = SteppingLane()
        self.server.chat.files._disk._lane = lane
        lanes.append(lane)

    def test_hang_up(self) -> None:
        """
        Who sends no more gets the answers to all it has sent, as C{nc -N} does.
        """
        answer = self.ask(self.alice, wanted(DATA[:3000]))
        upload_id = answer["upload_id"]
        for offset in range(0, 3000, 1000):
            self.alice.send(chunk(upload_id, offset, DATA[offset : offset + 1000]))
        lines = self.done(self.alice.finish())
        self.assertEqual([each["success"] for each in lines if "success" in each], [True])

    def test_off(self) -> None:
        """
        A server without a folder takes no files, and says so.
        """
        self.start(files="none")
        self.assertEqual(self.refusal(self.alice, wanted(b"tea")), (1005, "files_off"))
        hello = self.done(self.server.connect().ask(request("hello_request", protocol=1)))
        limits = hello["limits"]
        self.assertEqual((limits["file_bytes"], limits["chunk_bytes"]), (0, 0))


class HavingTests(FileTestCase):
    """
    Files on their way to people.
    """

    def ask_for(self, peer: Peer, file_id: int, **keys: object) -> None:
        """
        Ask for a file, and let come what comes.
        """
        peer.send(request("file_download_request", file_id=file_id, **keys))
        self.server.pass_time(0.5)

    def test_credit(self) -> None:
        """
        No more comes than there is credit for, and the rest when there is more.
        """
        file_id = self.sent()["file_id"]
        self.ask_for(self.bob, file_id, credit=100)
        self.assertEqual(data_of(self.bob), DATA[:100])
        self.bob.send(request("file_credit", file_id=file_id, bytes=2**50))
        self.bob.send(request("file_credit", file_id=file_id, bytes=2**50))
        self.server.pass_time(0.5)
        self.assertEqual(data_of(self.bob), DATA)
        self.assertEqual(self.bob.heard[-1]["message_type"], "file_end")

    def test_bad_credit(self) -> None:
        """
        A credit that can't be is refused; one for nothing means nothing.
        """
        for count in (0, -1, 2**51, 1.5, "1"):
            message = request("file_credit", file_id=1, bytes=count)
            self.assertEqual(self.refusal(self.bob, message), (1008, "bad_field"))
        self.bob.send(request("file_credit", file_id=1, bytes=1))
        self.assertEqual(self.done(self.bob.settle()), [])

    def test_offset(self) -> None:
        """
        A file is had from any place on, its end included, and not from beyond.
        """
        file_id = self.sent()["file_id"]
        self.assertEqual(self.done(have_file(self.bob, file_id, 1000)), DATA[1000:])
        self.assertEqual(self.done(have_file(self.bob, file_id, len(DATA))), b"")
        beyond = request("file_download_request", file_id=file_id, offset=len(DATA) + 1)
        self.assertEqual(self.refusal(self.bob, beyond), (1008, "bad_offset"))

    def test_too_many(self) -> None:
        """
        A connection is sent so many files at once.
        """
        ids = [self.sent(b"tea")["file_id"] for _ in range(MOST_DOWNLOADS + 1)]
        for file_id in ids[:-1]:
            self.ask_for(self.bob, file_id)
        last = request("file_download_request", file_id=ids[-1])
        self.assertEqual(self.refusal(self.bob, last), (1005, "too_many_transfers"))

    def test_members_only(self) -> None:
        """
        To who is no member there is no such file, to the byte; nor to who has left.
        """
        made = request("create_chat_request", chat_name="tea", member_usernames=["bob"])
        room_id = self.ask(self.alice, made)["chat_group_id"]
        self.server.pass_time(0.1)
        carol = self.come("carol")
        self.alice.heard.clear()
        file_id = self.sent(chat_group_id=room_id)["file_id"]
        for peer in (carol, self.bob):
            if peer is self.bob:
                self.done(have_file(peer, file_id))
                leave = request("leave_chat_request", chat_group_id=room_id)
                self.done(peer.ask(leave))
            theirs, nobodys = (
                self.done(peer.ask(request("file_download_request", file_id=each)))
                for each in (file_id, 999)
            )
            theirs.pop("timestamp")
            nobodys.pop("timestamp")
            self.assertEqual(theirs, nobodys)
            self.assertEqual(theirs["error_code"], 1006)
            listing = request("file_list_request", chat_group_id=room_id)
            self.assertEqual(self.refusal(peer, listing), (1005, "not_a_member"))
            sending = wanted(b"tea", chat_group_id=room_id)
            self.assertEqual(self.refusal(peer, sending), (1005, "not_a_member"))

    def test_left_in_the_middle(self) -> None:
        """
        Who leaves the room is sent no more of its files.
        """
        made = request("create_chat_request", chat_name="tea", member_usernames=["bob"])
        room_id = self.ask(self.alice, made)["chat_group_id"]
        self.server.pass_time(0.1)
        self.bob.heard.clear()
        file_id = self.sent(chat_group_id=room_id)["file_id"]
        self.ask_for(self.bob, file_id, credit=10)
        self.done(self.bob.settle())
        self.bob.send(request("leave_chat_request", chat_group_id=room_id))
        self.bob.send(request("file_credit", file_id=file_id, bytes=10))
        self.server.pass_time(0.5)
        end = self.bob.heard[-1]
        self.assertEqual((end["sha256"], end["reason"]), (None, "file_not_found"))

    def test_no_longer_a_member(self) -> None:
        """
        Who leaves before all of a file has come has not sent it.
        """
        made = request("create_chat_request", chat_name="tea", member_usernames=["bob"])
        room_id = self.ask(self.alice, made)["chat_group_id"]
        answer = self.ask(self.alice, wanted(b"tea", chat_group_id=room_id))
        self.ask(self.alice, request("leave_chat_request", chat_group_id=room_id))
        self.alice.send(chunk(answer["upload_id"], 0, b"tea"))
        self.server.pass_time(0.1)
        end = self.alice.heard[-1]
        self.assertEqual((end["success"], end["reason"]), (False, "not_a_member"))
        self.assertEqual(on_disk(self.server), [])

    def test_gone(self) -> None:
        """
        A file that the disk has lost, or some of it, is told of to the peer and to the
        operator.
        """
        for spoil in (Path.unlink, lambda path: path.write_bytes(DATA[:-1])):
            noted = watch(self)
            file_id = self.sent()["file_id"]
            newest = max(
                (each for each in Path(f"{self.path}.files").rglob("*") if each.is_file()),
                key=lambda each: each.stat().st_mtime_ns,
            )
            spoil(newest)
            self.ask_for(self.bob, file_id, credit=10**9)
            end = self.bob.heard[-1]
            self.assertEqual((end["error_code"], end["reason"]), (1009, "file_damaged"))
            self.assertIn("file_damaged", noted.names())
            self.bob.heard.clear()

    def test_deleted_in_the_middle(self) -> None:
        """
        A file that is deleted while somebody has it is broken off.
        """
        file_id = self.sent()["file_id"]
        self.ask_for(self.bob, file_id, credit=10)
        self.ask(self.alice, request("delete_message_request", message_id=file_id))
        self.server.pass_time(1)
        self.assertEqual(on_disk(self.server), [])
        self.bob.send(request("file_credit", file_id=file_id, bytes=10))
        self.server.pass_time(0.5)
        self.assertEqual(self.bob.heard[-1]["reason"], "file_not_found")

    def test_kicked(self) -> None:
        """
        Who is put out of a room has no more of its files, whatever was read already.
        """
        made = self.ask(
            self.alice,
            request("create_chat_request", chat_name="den", member_usernames=["bob"]),
        )
        room_id = made["chat_group_id"]
        file_id = self.sent(chat_group_id=room_id)["file_id"]
        transport = self.bob.wire.transport  # type: ignore[attr-defined]
        transport.is_reading = False
        for _ in range(40):
            self.alice.send(post("x" * 3900))
        self.server.pass_time(0.5)
        self.ask_for(self.bob, file_id, credit=10**9)
        self.server.pass_time(0.5)
        kick = request("kick_request", chat_group_id=room_id, username="bob")
        self.ask(self.alice, kick)
        transport.is_reading = True
        self.server.pass_time(2)
        kinds = [each["message_type"] for each in self.bob.heard]
        self.assertNotIn("file_data", kinds)
        [end] = [each for each in self.bob.heard if each["message_type"] == "file_end"]
        self.assertEqual(end["reason"], "file_not_found")

    def test_chat_first(self) -> None:
        """
        While anything else waits for a peer, nothing of a file is sent to it.
        """
        file_id = self.sent()["file_id"]
        transport = self.bob.wire.transport  # type: ignore[attr-defined]
        transport.is_reading = False
        for number in range(40):
            self.alice.send(post(f"{number} {'x' * 3900}"))
        self.server.pass_time(0.5)
        self.ask_for(self.bob, file_id, credit=10**9)
        self.alice.send(post("Hello!"))
        self.server.pass_time(0.5)
        transport.is_reading = True
        self.server.pass_time(2)
        kinds = [each["message_type"] for each in self.bob.heard]
        first = kinds.index("file_data")
        last = max(number for number, kind in enumerate(kinds) if kind == "chat_message")
        self.assertGreater(first, last)
        self.assertEqual(data_of(self.bob), DATA)

    def test_in_turn(self) -> None:
        """
        Several files come in turn, and another request begins one anew.
        """
        ids = [self.sent()["file_id"] for _ in range(2)]
        kind = "file_download_request"
        self.bob.send(*[request(kind, file_id=each, credit=10**9) for each in ids])
        self.server.pass_time(1)
        came = [each["file_id"] for each in self.bob.heard if "offset" in each]
        last = max(place for place, file_id in enumerate(came) if file_id == ids[0])
        self.assertIn(ids[1], came[:last])
        self.bob.heard.clear()
        self.ask_for(self.bob, ids[0], credit=10)
        self.ask_for(self.bob, ids[0], credit=20)
        self.assertEqual(data_of(self.bob), DATA[:10] + DATA[:20])

    def test_hang_up(self) -> None:
        """
        Who sends no more gets what it has credit for.
        """
        file_id = self.sent()["file_id"]
        self.bob.send(request("file_download_request", file_id=file_id, credit=10**9))
        lines = self.done(self.bob.finish())
        self.assertEqual(lines[-1]["message_type"], "file_end")
        other = self.come("bob")
        other.send(request("file_download_request", file_id=file_id, credit=10))
        lines = self.done(other.finish())
        self.assertEqual(len(b64decode(lines[-1]["data"])), 10)


class MessageTests(FileTestCase):
    """
    A file is a message.
    """

    def test_seed(self) -> None:
        """
        Clients of the seed are told in words, and see it in the history.
        """
        self.sent(b"tea", filename="tea.txt")
        [told] = self.bob.heard
        self.assertEqual(told["message_type"], "system_message")
        self.assertEqual(told["content"], "alice shared the file tea.txt in public (3 bytes)")
        self.bob.send(request("enter_chat_request", chat_name="public"))
        lines = self.done(self.bob.until("chat_history_complete"))
        contents = [each["content"] for each in lines if "content" in each]
        self.assertEqual(contents[-1], "[file] tea.txt")

    def test_followed(self) -> None:
        """
        Who follows the log is told of it with its place, later too, and then whether it is
        deleted.
        """
        file_id = self.sent(b"tea", filename="tea.txt")["file_id"]
        for is_deleted in (False, True):
            told = self.replayed()
            self.assertEqual(told["file_id"], file_id)
            self.assertEqual(told["filename"], "" if is_deleted else "tea.txt")
            self.assertEqual(told.get("deleted", False), is_deleted)
            deleted = request("delete_message_request", message_id=file_id)
            self.ask(self.alice, deleted)

    def replayed(self) -> Message:
        """
        @return: the notification, as it is replayed.
        """
        epoch = self.server.chat.epoch
        places = [{"chat_group_id": 1, "after_seq": 0}]
        asked = request("resume_request", epoch=epoch, positions=places, request_id="r")
        self.bob.send(asked)
        lines = self.done(self.bob.until("resume_response"))
        [told] = [each for each in lines if each["message_type"] == "file_notification"]
        return dict(told)

    def test_answered(self) -> None:
        """
        It is answered and reacted to as any message, and is not edited.
        """
        file_id = self.sent(b"tea")["file_id"]
        answer = post("Thanks.", reply_to=file_id, request_id="a")
        self.bob.send(answer)
        [line] = self.done(self.bob.until_named("a"))
        self.assertEqual(line["seq"], 2)
        reacted = request("react_request", message_id=file_id, reaction="👍", request_id="r")
        self.bob.send(reacted)
        [line] = self.done(self.bob.until_named("r"))
        self.assertEqual((line["message_id"], line["duplicate"]), (file_id, False))

    def test_not_edited(self) -> None:
        """
        A file has no text that could be another.
        """
        file_id = self.sent(b"tea")["file_id"]
        edited = request("edit_message_request", message_id=file_id, content="Coffee")
        self.assertEqual(self.refusal(self.alice, edited), (1005, "is_a_file"))

    def test_unread(self) -> None:
        """
        It is one more that is not read.
        """
        self.sent(b"tea")
        marked = request("mark_read_request", seq=0)
        self.bob.heard.clear()
        self.assertEqual(self.ask(self.bob, marked)["unread"], 1)

    def test_listed(self) -> None:
        """
        A room's files are listed newest first, in pages, without deleted ones.
        """
        ids = [self.sent(b"tea")["file_id"] for _ in range(5)]
        self.ask(self.alice, request("delete_message_request", message_id=ids[1]))
        self.bob.heard.clear()
        found: list[int] = []
        before = None
        while True:
            asked = request("file_list_request", limit=2, before_seq=before)
            page = self.ask(self.bob, asked)
            found += [each["file_id"] for each in page["files"]]
            if not page["more_before"]:
                break
            before = page["files"][-1]["seq"]
        self.assertEqual(found, [each for each in ids[::-1] if each != ids[1]])


def data_of(peer: Peer) -> bytes:
    """
    @return: what has come of a file.
    """
    return b"".join(b64decode(each["data"]) for each in peer.heard if "data" in each)
