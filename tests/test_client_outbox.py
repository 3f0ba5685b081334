"""
What a client sends is stored once and in order, whatever happens in between.
"""

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from chatroom.client import ChatClient, NetworkError, OutboxError, Refusal, Stored, Unsent
from chatroom.client import journal as journals
from chatroom.client.journal import Journal
from chatroom.client.outbox import FAULT_WAIT
from chatroom.errors import LineTooLong, NotAMember, TooFast
from chatroom.wire.messages import ChatMessage, PostRequest
from tests.clients import ClientCase, Told

_write = os.write

_TOO_FAST = {"code": 1005, "reason": "too_fast", "temporary": True, "retry_after": 3.0}
_NOT_A_MEMBER = {"code": 1005, "reason": "not_a_member", "temporary": False}


class SendingTests(ClientCase):
    """
    Messages on their way.
    """

    def test_a_lost_acknowledgement(self) -> None:
        """
        A message whose acknowledgement is lost is sent again, and stored once.
        """
        self.chat.lost_answers = 1
        client = self.start()
        sending = self.begin(client.room(1).send("hello"))
        self.assertNoResult(sending)
        self.endpoint.run(2)
        stored = self.successResultOf(sending)
        self.assertTrue(stored.duplicate)
        self.assertEqual(self.contents(), ["hello"])
        self.assertEqual(self.told.contents, ["hello"])
        names = {each["client_message_id"] for each in self.chat.asked("chat_message")}
        self.assertEqual(names, {stored.client_message_id})

    def test_without_a_connection(self) -> None:
        """
        What is sent while there is no connection waits for one.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        sending = [self.begin(client.room(1).send(each)) for each in "abc"]
        self.endpoint.run(5)
        self.endpoint.is_refusing = False
        self.endpoint.run(10)
        self.assertEqual([self.successResultOf(each).seq for each in sending], [1, 2, 3])

    def test_order(self) -> None:
        """
        The messages of a room keep their order, however often the connection is lost.
        """
        self.chat.lost_answers = 5
        client = self.start()
        sending = [self.begin(client.room(1).send(str(each))) for each in range(20)]
        self.endpoint.run(60)
        self.assertEqual([self.successResultOf(each).seq for each in sending], [*range(1, 21)])
        self.assertEqual(self.contents(), [str(each) for each in range(20)])
        self.assertEqual(self.told.contents, self.contents())

    def test_too_fast(self) -> None:
        """
        A message that is refused for now is sent again in time, and keeps its place.
        """
        self.chat.post_refusals.append(_TOO_FAST)
        client = self.start()
        sending = [self.begin(client.room(1).send(each)) for each in ("one", "two")]
        self.endpoint.run(2.9)
        self.assertEqual(self.contents(), [])
        self.endpoint.run(0.2)
        self.assertEqual(self.contents(), ["one", "two"])
        self.assertEqual([self.successResultOf(each).seq for each in sending], [1, 2])

    def test_a_fault_of_the_servers(self) -> None:
        """
        A message that the server could not take for a fault of its own is sent again.
        """
        self.chat.post_refusals.append(
            {"code": 1009, "reason": "internal_error", "temporary": False}
        )
        client = self.start()
        sending = self.begin(client.room(1).send("one"))
        self.endpoint.run(FAULT_WAIT - 0.1)
        self.assertNoResult(sending)
        self.endpoint.run(0.2)
        self.assertEqual(self.successResultOf(sending).seq, 1)

    def test_a_wait_of_no_time(self) -> None:
        """
        A server cannot have a client do nothing but send.
        """
        no_time = {**_TOO_FAST, "retry_after": 1e-7}
        self.chat.post_refusals += [no_time] * 50
        client = self.start()
        self.begin(client.room(1).send("one")).addErrback(lambda _: None)
        self.endpoint.run(1)
        self.assertLess(len(self.chat.asked("chat_message")), 15)

    def test_rooms_do_not_wait(self) -> None:
        """
        A room that has to wait holds up no other.
        """
        client = self.start()
        self.do(client.create("dev"))
        self.chat.post_refusals.append(_TOO_FAST)
        waiting = self.begin(client.room(1).send("slow"))
        self.do(client.room(2).send("fast"))
        self.assertNoResult(waiting)
        self.endpoint.run(4)
        self.successResultOf(waiting)

    def test_refused_for_good(self) -> None:
        """
        A message that is refused for good fails, and those behind it go on.
        """
        self.chat.post_refusals.append({**_NOT_A_MEMBER, "content": "two"})
        client = self.start()
        sending = [self.begin(client.room(1).send(each)) for each in ("one", "two", "three")]
        self.successResultOf(sending[0])
        self.failureResultOf(sending[1], NotAMember)
        self.successResultOf(sending[2])
        self.assertEqual(self.contents(), ["one", "three"])

    def test_a_wait_and_a_lost_connection(self) -> None:
        """
        While a room waits, losing the connection changes nothing.
        """
        self.chat.post_refusals.extend([_TOO_FAST, _TOO_FAST])
        client = self.start()
        sending = self.begin(client.room(1).send("one"))
        self.endpoint.link.cut()
        self.endpoint.run(10)
        self.successResultOf(sending)
        self.assertEqual(self.contents(), ["one"])
        with self.assertRaises(TooFast):
            raise _too_fast()

    def test_a_login_that_is_lost(self) -> None:
        """
        Where the server has forgotten who speaks, the client says it again.
        """
        self.chat.post_refusals.append({"code": 1001, "reason": "not_logged_in"})
        client = self.start()
        sending = self.begin(client.room(1).send("one"))
        self.endpoint.run(2)
        self.successResultOf(sending)
        self.assertEqual(len(self.endpoint.tried), 2)

    def test_nobody_waits(self) -> None:
        """
        A message is sent even if its sender waits no longer.
        """
        self.chat.post_refusals.append(_TOO_FAST)
        client = self.start()
        sending = self.begin(client.room(1).send("one"))
        sending.addErrback(lambda _: None)
        sending.cancel()
        self.endpoint.run(4)
        self.assertEqual(self.contents(), ["one"])


def _too_fast() -> TooFast:
    return TooFast(retry_after=1.0)


class FileTests(ClientCase):
    """
    An outbox in a file.
    """

    def setUp(self) -> None:
        """
        Have a place for it.
        """
        super().setUp()
        self.path = Path(self.mktemp()).absolute()

    def start(self, username: str = "alice", **options: Any) -> ChatClient:
        """
        @return: a client with the outbox.
        """
        return super().start(username, outbox=str(self.path), **options)

    def lines(self) -> list[bytes]:
        """
        @return: what the file has.
        """
        return self.path.read_bytes().splitlines()

    def test_survives(self) -> None:
        """
        What one process could not send, the next one sends, in order.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        sending = [self.begin(client.room(1).send(each)) for each in ("one", "two")]
        self.stop(client)
        for each in sending:
            self.failureResultOf(each, NetworkError)
        self.endpoint.is_refusing = False
        self.start()
        self.assertEqual(self.contents(), ["one", "two"])

    def test_stored_once(self) -> None:
        """
        What was stored without the first process knowing is not stored again.
        """
        self.chat.lost_answers = 1
        client = self.start()
        self.begin(client.room(1).send("one")).addErrback(lambda _: None)
        self.stop(client)
        self.assertEqual(self.contents(), ["one"])
        self.start()
        self.endpoint.run(5)
        self.assertEqual(self.contents(), ["one"])
        self.assertEqual(len(self.chat.asked("chat_message")), 2)

    def test_nothing_is_left(self) -> None:
        """
        What is acknowledged is not sent again.
        """
        client = self.start()
        self.do(client.room(1).send("one"))
        self.stop(client)
        self.start()
        self.assertEqual(len(self.chat.asked("chat_message")), 1)

    def test_durable_first(self) -> None:
        """
        Nothing is sent before it is in the file.
        """
        client = self.start()
        Deferred.fromCoroutine(client.room(1).send("one")).addErrback(lambda _: None)
        [link] = self.endpoint.links
        link.flow()
        self.assertEqual(self.contents(), [])
        self.clock.advance(0)
        self.assertIn(b'"content":"one"', self.lines()[-1])
        link.flow()
        self.assertEqual(self.contents(), ["one"])

    def test_torn(self) -> None:
        """
        A last line that was not written to its end is as if it had never been begun.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        self.begin(client.room(1).send("one")).addErrback(lambda _: None)
        self.stop(client)
        whole = self.path.read_bytes()
        line = whole.splitlines(keepends=True)[-1]
        for cut in range(len(line)):
            self.path.write_bytes(whole + line.replace(b"one", b"two")[:cut])
            [post] = self.read()
            self.assertEqual(post.content, "one")

    def read(self) -> list[PostRequest]:
        """
        @return: what is to be sent.
        """
        journal = Journal(str(self.path))
        posts = journal.open()
        journal.close()
        return posts

    def test_somebody_elses(self) -> None:
        """
        What waits to be said by one user is not said by another.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        self.begin(client.room(1).send("one")).addErrback(lambda _: None)
        self.stop(client)
        before = self.path.read_bytes()
        other = Journal(str(self.path), "somebody else")
        error = self.assertRaises(OutboxError, other.open)
        self.assertIn("not somebody else's", str(error))
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual([each.content for each in self.read()], ["one"])

    def test_rubbish(self) -> None:
        """
        A line that is none of its own costs nothing but itself.
        """
        self.path.write_bytes(
            b'\xff\n{"message_type":"typing"}\n{}\n{"message_type":"chat_message",'
            b'"content":"one","chat_group_id":1,"client_message_id":"a"}\n'
        )
        self.assertEqual([each.content for each in self.read()], ["one"])

    def test_a_file_of_something_else(self) -> None:
        """
        A file that is none of an outbox stays as it is.
        """
        for data in (b"A letter.\n", b"A letter", b"\xff\x00", b"\n", b"[]\n[]\n"):
            self.path.write_bytes(data)
            error = self.assertRaises(OutboxError, self.make(outbox=str(self.path)).startService)
            self.assertIn("is no outbox", str(error))
            self.assertEqual(self.path.read_bytes(), data)

    def test_a_first_line_that_is_torn(self) -> None:
        """
        A file whose first line was not written to its end is an empty one.
        """
        for data in (b"", b'{"mess', b'{"message_type":"chat_message","cont'):
            self.path.write_bytes(data)
            self.assertEqual(self.read(), [])

    def test_started_twice(self) -> None:
        """
        A client that is started where it runs already says so, and keeps its file.
        """
        client = self.start()
        self.assertRaises(OutboxError, client.startService)
        self.do(client.room(1).send("one"))
        self.assertIn(b'"content":"one"', self.path.read_bytes())
        self.stop(client)
        self.assertEqual(self.read(), [])

    def test_another_process(self) -> None:
        """
        Two clients can't have the same file.
        """
        self.start()
        client = self.make(outbox=str(self.path))
        error = self.assertRaises(OutboxError, client.startService)
        self.assertIn("another client", str(error))
        self.assertFalse(client.running)

    def test_no_file(self) -> None:
        """
        A file that can't be had is told in one line.
        """
        client = self.make(outbox=str(self.path / "not" / "there"))
        error = self.assertRaises(OutboxError, client.startService)
        self.assertIn("No such file", str(error))

    def test_not_for_others(self) -> None:
        """
        Nobody else on the machine can read it.
        """
        self.start()
        self.assertEqual(self.path.stat().st_mode & 0o077, 0)

    def test_a_full_disk(self) -> None:
        """
        What can't be kept is not sent, and whoever sends it hears why.
        """
        client = self.start()
        self.patch(os, "fsync", _full)
        self.fails(client.room(1).send("one"), OSError)
        self.patch(os, "fsync", _fine)
        self.do(client.room(1).send("two"))
        self.assertEqual(self.contents(), ["two"])

    def test_refused_in_another_run(self) -> None:
        """
        Where nobody waits for a message any more, its refusal is an event.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        self.begin(client.room(1).send("one")).addErrback(lambda _: None)
        self.stop(client)
        self.endpoint.is_refusing = False
        self.chat.post_refusals.append(_NOT_A_MEMBER)
        self.start()
        [unsent] = self.told.of(Unsent)
        self.assertEqual(unsent.post.content, "one")
        self.assertIsInstance(unsent.error, Refusal)
        self.assertEqual(self.read_after_stop(), [])

    def test_too_long_in_another_run(self) -> None:
        """
        What the server would not take for its length is told in the same way.
        """
        self.endpoint.is_refusing = True
        client = self.start()
        self.begin(client.room(1).send("x" * 70000)).addErrback(lambda _: None)
        self.stop(client)
        self.endpoint.is_refusing = False
        self.start()
        [unsent] = self.told.of(Unsent)
        self.assertIsInstance(unsent.error, LineTooLong)
        self.assertEqual(self.read_after_stop(), [])

    def read_after_stop(self) -> list[PostRequest]:
        """
        @return: what is still to be sent, as a copy of the file has it.
        """
        self.endpoint.run(2)
        copy = Path(self.mktemp())
        copy.write_bytes(self.path.read_bytes())
        return Journal(str(copy)).open()

    def test_positions(self) -> None:
        """
        The next process goes on where this one was.
        """
        client = self.start()
        self.chat.say(1, "bob", "one")
        self.endpoint.flow()
        self.stop(client)
        self.chat.say(1, "bob", "two")
        client = self.start()
        self.assertEqual(self.told.contents, ["one", "two"])
        self.assertEqual(client.positions, {1: 2})

    def test_positions_after_a_crash(self) -> None:
        """
        Where a process was is written while it runs.
        """
        self.start()
        self.chat.say(1, "bob", "one")
        self.endpoint.run(2)
        copy = Path(self.mktemp()).absolute()
        copy.write_bytes(self.path.read_bytes())
        self.chat.say(1, "bob", "two")
        self.told.events.clear()
        ClientCase.start(self, outbox=str(copy))
        self.assertEqual(self.told.of(ChatMessage)[-1].content, "two")
        self.assertEqual(self.told.contents.count("one"), 0)

    def test_a_crash_at_once(self) -> None:
        """
        A process that ends as soon as it follows a room leaves where the room was.
        """
        client = self.start()
        self.do(client.create("dev"))
        copy = Path(self.mktemp()).absolute()
        copy.write_bytes(self.path.read_bytes())
        self.chat.say(1, "bob", "in public")
        self.chat.join(self.chat.rooms[2], "bob")
        self.chat.say(2, "bob", "in dev")
        told = Told()
        ClientCase.start(self, outbox=str(copy), on_event=told.events.append)
        self.assertEqual(told.contents, ["in public", "in dev"])

    def test_what_was_not_read(self) -> None:
        """
        What the program had not read when it stopped, it is told the next time.
        """
        client = self.start()
        stream = client.events()
        for each in ("one", "two", "three"):
            self.chat.say(1, "bob", each)
        self.endpoint.flow()
        self.do(stream.__anext__())
        self.do(stream.__anext__())
        self.assertEqual(client.positions, {1: 1})
        self.stop(client)
        self.told.events.clear()
        self.start()
        self.assertEqual(self.told.contents, ["two", "three"])

    def test_a_full_disk_later(self) -> None:
        """
        Where the client is is written again when that can be.
        """
        client = self.start()
        write = os.write
        self.patch(os, "write", _full)
        self.chat.say(1, "bob", "one")
        self.endpoint.run(2)
        self.patch(os, "write", write)
        self.do(client.room(1).send("two"))
        self.stop(client)
        self.chat.say(1, "bob", "three")
        self.start()
        self.assertEqual(self.told.contents, ["one", "two", "three"])

    def test_what_was_not_written(self) -> None:
        """
        What could not be written is written later, and nothing that was refused.
        """
        journal = Journal(str(self.path))
        journal.open()
        write = os.write
        self.patch(os, "write", _half)
        journal.add(_post("one"))
        self.assertRaises(OSError, journal.sync)
        journal.settle("one")
        self.patch(os, "write", write)
        journal.add(_post("two"))
        journal.sync()
        journal.close()
        self.assertEqual([each.content for each in self.read()], ["two"])

    def test_a_file_that_cannot_shrink(self) -> None:
        """
        Where the file can't be written anew it grows on, and nothing fails.
        """
        self.patch(journals, "SMALL", 100)
        client = self.start()
        self.patch(os, "rename", _no_rename)
        for each in range(10):
            self.do(client.room(1).send(str(each)))
        self.assertEqual(len(self.contents()), 10)

    def test_shrinks(self) -> None:
        """
        The file does not grow for ever.
        """
        self.patch(journals, "SMALL", 2000)
        client = self.start()
        for each in range(100):
            self.do(client.room(1).send(str(each)))
        self.assertLess(self.path.stat().st_size, 3000)

    def test_a_large_backlog(self) -> None:
        """
        What waits is not lost when the file is written anew.
        """
        self.patch(journals, "SMALL", 500)
        self.endpoint.is_refusing = True
        client = self.start()
        sending = [self.begin(client.room(1).send(str(each))) for each in range(50)]
        self.stop(client)
        for each in sending:
            self.failureResultOf(each, NetworkError)
        self.assertEqual([each.content for each in self.read()], [str(x) for x in range(50)])

    def test_stored_is_a_value(self) -> None:
        """
        What send returns has all that the acknowledgement had.
        """
        stored = self.do(self.start().room(1).send("one"))
        self.assertIsInstance(stored, Stored)
        self.assertEqual(len(stored.client_message_id), 32)


def _fine(descriptor: int) -> None:
    pass


def _post(name: str) -> PostRequest:
    return PostRequest(content=name, chat_group_id=1, client_message_id=name)


def _half(descriptor: int, data: bytes) -> int:
    if len(data) < 20:
        raise OSError(28, "No space left on device")
    return _write(descriptor, data[: len(data) // 2])


def _no_rename(old: str, new: str) -> None:
    raise OSError(1, "Operation not permitted")


def _full(descriptor: int, data: bytes = b"") -> int:
    raise OSError(28, "No space left on device")
