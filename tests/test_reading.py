"""
How far people have read.
"""

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from chatroom.chat import reading
from chatroom.chat.mentions import MOST_NAMES
from chatroom.chat.reading import PAUSE_SECONDS, Read
from chatroom.errors import Busy, NotAMember, SeqInFuture, ShuttingDown, StoreUnavailable
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import MOST_UNREAD, Mark
from chatroom.store.repository import Repository
from tests.lanes import SteppingLane
from tests.moments import HelloTestCase, flow, keys, mark
from tests.peers import Message, Peer, post, request
from tests.servers import log_in, memory_server
from tests.stores import OnPostgreSQL, OnSQLite, StoreTestCase, message

#: What a marker says.
SAYS = ("seq", "unread", "mentions")


class MarkTests(OnSQLite, HelloTestCase):
    """
    Marks, and what is unread behind them.
    """

    def setUp(self) -> None:
        """
        Have alice and bob.
        """
        self.server = memory_server(self, url=self.new_url())
        self.alice, self.bob = self.user("alice"), self.user("bob")

    def say(self, peer: Peer, *contents: str, **more: object) -> list[Message]:
        """
        @return: the acknowledgements.
        """
        peer.send(*(post(each, client_message_id=f"{each} {more}", **more) for each in contents))
        self.pass_time(1)
        said = self.shown(peer, "chat_message_ack")
        flow(self.alice), flow(self.bob)
        return said

    def mark(self, seq: int, peer: Peer | None = None, **more: object) -> tuple[Any, ...]:
        """
        Have bob read up to a place.

        @return: what his marker says.
        """
        marker = self.ask(peer or self.bob, mark(seq, **more))
        self.assertEqual(marker["message_type"], "read_marker")
        return keys([marker], *SAYS)[0]

    def test_unread(self) -> None:
        """
        What comes behind the mark is counted.
        """
        self.say(self.alice, "1", "2", "3")
        self.assertEqual(self.mark(1), (1, 2, 0))
        self.assertEqual(self.mark(3), (3, 0, 0))

    def test_monotone(self) -> None:
        """
        A mark before the last one changes nothing.
        """
        self.say(self.alice, "1", "2", "3")
        self.mark(2)
        self.assertEqual(self.mark(1), (2, 1, 0))
        self.assertEqual(self.mark(0), (2, 1, 0))

    def test_own(self) -> None:
        """
        One's own messages are not unread.
        """
        self.say(self.alice, "1")
        self.say(self.bob, "2")
        self.assertEqual(self.mark(0), (0, 1, 0))

    def test_deleted(self) -> None:
        """
        Nor are messages that were taken back.
        """
        first, _ = self.say(self.alice, "@bob 1", "2")
        self.assertEqual(self.mark(0), (0, 2, 1))
        self.ask(self.alice, request("delete_message_request", message_id=first["message_id"]))
        flow(self.bob)
        self.assertEqual(self.mark(0), (0, 1, 0))

    def test_mentions(self) -> None:
        """
        Mentions are counted by themselves, and go by what a message says by now.
        """
        second = self.say(self.alice, "@bob 1", "2")[-1]
        self.assertEqual(self.mark(0), (0, 2, 1))
        self.assertEqual(self.mark(1), (1, 1, 0))
        edit = request(
            "edit_message_request", message_id=second["message_id"], content="@bob, @alice"
        )
        self.ask(self.alice, edit)
        flow(self.bob)
        self.assertEqual(self.mark(1), (1, 1, 1))
        self.assertEqual(self.mark(2), (2, 0, 0))

    def test_many_names(self) -> None:
        """
        Of a message that names everybody only the beginning is looked through.
        """
        names = ("@a " * (MOST_NAMES - 1) + "@bob", "@a " * MOST_NAMES + "@bob")
        self.alice.send(*map(post, names))
        self.pass_time(1)
        flow(self.bob)
        self.assertEqual(self.mark(0), (0, 2, 1))

    def test_other_changes(self) -> None:
        """
        Edits, reactions and who comes are no messages, but places.
        """
        (said,) = self.say(self.alice, "1")
        react = request("react_request", message_id=said["message_id"], reaction="+1", add=True)
        self.ask(self.alice, react)
        flow(self.bob)
        self.assertEqual(self.mark(1), (1, 0, 0))
        self.assertEqual(self.mark(2), (2, 0, 0))

    def test_heads(self) -> None:
        """
        Who comes back is told the same.
        """
        self.say(self.alice, "@bob 1", "2", "@bob 3")
        self.mark(1)
        bob = self.server.connect()
        bob.send(
            request("hello_request", protocol=1),
            request("login_request", username="bob", password="secret123"),
        )
        lines = self.successResultOf(Deferred.fromCoroutine(bob.until("chat_heads")))
        (chat,) = lines[-1]["chats"]
        self.assertEqual(
            (chat["last_seq"], chat["read_seq"], chat["unread"], chat["mentions"]), (3, 1, 2, 1)
        )

    def test_new_member(self) -> None:
        """
        To a new member nothing is unread that was said before.
        """
        room = self.ask(self.alice, request("create_chat_request", chat_name="dev"))
        room_id = room["chat_group_id"]
        self.say(self.alice, "1", "2", chat_group_id=room_id)
        self.bob.send(request("join_chat_request", chat_name="dev"))
        self.pass_time(1)
        flow(self.bob)
        self.assertEqual(self.mark(0, chat_group_id=room_id), (4, 0, 0))
        self.say(self.alice, "3", chat_group_id=room_id)
        self.assertEqual(self.mark(0, chat_group_id=room_id), (4, 1, 0))

    def test_current_room(self) -> None:
        """
        Without a room it is the current one.
        """
        self.ask(self.bob, request("create_chat_request", chat_name="dev"))
        self.bob.send(request("enter_chat_request", chat_name="dev"))
        self.pass_time(1)
        flow(self.bob)
        marker = self.ask(self.bob, mark(1, chat_group_id=0))
        self.assertEqual(keys([marker], "chat_group_id", *SAYS), [(2, 1, 0, 0)])

    def test_future(self) -> None:
        """
        Nobody can have read what is not there; other marks do not suffer for it.
        """
        self.say(self.alice, "1")
        self.bob.send(mark(1), mark(2, request_id="2"), mark(1))
        self.pass_time(1)
        first, refused, last = flow(self.bob)
        self.assertEqual(keys([first, last], *SAYS), [(1, 0, 0)] * 2)
        self.assertEqual(
            keys([refused], "error_code", "reason", "field", "request_id"),
            [(1008, "seq_in_future", "seq", "2")],
        )

    def test_strangers(self) -> None:
        """
        Only members mark a room, and nobody learns more by trying than by joining.
        """
        room = self.ask(self.alice, request("create_chat_request", chat_name="dev"))
        refusals = [
            self.ask(self.bob, mark(0, chat_group_id=room_id))
            for room_id in (room["chat_group_id"], 99)
        ]
        self.assertEqual(
            keys(refusals, "error_code", "reason"),
            [(1005, "not_a_member"), (1004, "chat_not_found")],
        )

    def test_other_sessions(self) -> None:
        """
        One's other sessions are told, once, and only of what is new.
        """
        self.say(self.alice, "1", "2")
        other = self.user("bob", is_new=False)
        self.ask(self.bob, mark(2, request_id="a"))
        self.ask(self.bob, mark(1, request_id="b"))
        (told,) = flow(other)
        self.assertNotIn("request_id", told)
        self.assertEqual(keys([told], "message_type", *SAYS), [("read_marker", 2, 0, 0)])
        self.assertEqual(flow(self.alice), [])

    def test_seed(self) -> None:
        """
        A client of the seed may mark, and is told nothing unasked.
        """
        self.say(self.alice, "1", "2")
        seed = self.server.connect()
        seed.send(request("login_request", username="bob", password="secret123"))
        self.pass_time(1)
        flow(seed)
        self.assertEqual(self.mark(1), (1, 1, 0))
        self.assertEqual(flow(seed), [])
        self.assertEqual(self.mark(2, seed), (2, 0, 0))
        self.assertEqual(keys(flow(self.bob), *SAYS), [(2, 0, 0)])

    def test_restart(self) -> None:
        """
        A mark is stored.
        """
        self.say(self.alice, "1", "2")
        self.mark(1)
        url = self.server.chat.settings.database
        self.successResultOf(self.server.stop())
        self.server = memory_server(self, url=url)
        self.assertEqual(self.mark(0, self.user("bob", is_new=False)), (1, 1, 0))


class MarkOnPostgreSQLTests(OnPostgreSQL, MarkTests):
    """
    The same with PostgreSQL.
    """


class QueryTests(StoreTestCase):
    """
    What the store tells of many places at once.
    """

    def test_most_unread(self) -> None:
        """
        Messages are not counted without end; mentions are.
        """
        alice, bob = self.add_user("alice"), self.add_user("bob")
        room = self.add_room("dev", alice, bob)
        seqs = range(1, MOST_UNREAD + 21)
        new = [message(alice, room, seq, seq) for seq in seqs]

        def say(store: Any) -> None:
            store.append(new, {}, last_seqs={room.id: len(new)})

        self.done(self.database.write(say))
        for seq, unread in ((0, MOST_UNREAD), (10, MOST_UNREAD), (30, MOST_UNREAD - 10)):
            marks = [Mark(user_id=bob.id, room_id=room.id, seq=seq)]
            self.done(self.database.write(partial(Repository.mark_read, marks=marks)))
            head = self.done(self.database.read(lambda store: store.head(bob.id, room.id)))
            assert head is not None
            self.assertEqual((head.read_seq, head.unread), (seq, unread))

    def test_many(self) -> None:
        """
        Places are looked up together, however many they are; a room that is not there
        is left out, and a stranger is told from a member.
        """
        users = [self.add_user(f"user{number}") for number in range(3)]
        room = self.add_room("dev", *users[:2])
        places = [(room.id, user.id) for user in users]
        nowhere = [(1000 + number, users[0].id) for number in range(500)]
        found = self.done(self.database.read(lambda store: store.progress([*places, *nowhere])))
        self.assertEqual(set(found), set(places))
        roles = [found[place].standing.role is not None for place in places]
        self.assertEqual(roles, [True, True, False])
        heads = self.done(self.database.read(lambda store: store.heads_at([*nowhere, *places])))
        self.assertEqual(set(heads), set(places[:2]))


class QueryOnPostgreSQLTests(OnPostgreSQL, QueryTests):
    """
    The same with PostgreSQL.
    """


class BatchTests(HelloTestCase):
    """
    Marks that share a transaction.
    """

    def setUp(self) -> None:
        """
        Have somebody who has said something, and a server that works when it is told.
        """
        first = memory_server(self)
        alice, bob = first.connect(), first.connect()
        for peer, name in ((alice, "alice"), (bob, "bob")):
            self.successResultOf(Deferred.fromCoroutine(log_in(peer, name)))
        alice.send(*(post(str(number)) for number in range(10)))
        first.pass_time(1)
        self.successResultOf(first.stop())
        self.server = memory_server(self, SteppingLane, url=first.chat.settings.database)
        self.marks = self.server.chat.marks
        # The upkeep has nothing to do, and comes to its end.
        for _ in range(3):
            self.server.pass_time(11)
            self.lane("read").step_all()
            self.lane("write").step_all()

    def lane(self, name: str) -> SteppingLane:
        """
        @return: what waits to be done there.
        """
        lane = self.server.lanes[f"chatroom-{name}"]
        assert isinstance(lane, SteppingLane)
        return lane

    def work(self, seconds: float = 1.0) -> int:
        """
        Let time go by, and do what there is to do then.

        @return: how many transactions have written something.
        """
        self.server.clock.advance(seconds)
        reading, writing = self.lane("read"), self.lane("write")
        count = 0
        while reading.queue or writing.queue:
            reading.step_all()
            count += len(writing.queue)
            writing.step_all()
        return count

    def mark(self, user_id: int, *seqs: int) -> "list[Deferred[Read]]":
        """
        Have somebody mark the public room.
        """
        return [self.marks.mark(user_id, 1, seq) for seq in seqs]

    def test_lone_mark(self) -> None:
        """
        A lone mark waits for nothing; the next waits until some time has passed since.
        """
        (done,) = self.mark(1, 10)
        self.assertEqual(self.work(0), 1)
        self.assertEqual(self.successResultOf(done).seq, 10)
        self.mark(2, 10)
        self.assertEqual(self.work(PAUSE_SECONDS * 0.9), 0)
        self.assertEqual(self.work(PAUSE_SECONDS * 0.2), 1)
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def test_together(self) -> None:
        """
        What comes while one is written shares the next one; of one user and room only
        the highest is written, all are answered, and one is told to have moved it.
        """
        self.mark(1, 1)
        self.server.clock.advance(1)
        waiting = [*self.mark(2, 3, 5, 4, 5, 99), *self.mark(1, 2)]
        self.server.clock.advance(1)
        self.assertEqual(self.work(0), 1)
        self.assertEqual(self.work(), 1)
        self.failureResultOf(waiting.pop(4), SeqInFuture)
        reads = [self.successResultOf(each) for each in waiting]
        self.assertEqual([each.seq for each in reads], [5, 5, 5, 5, 2])
        self.assertEqual([each.has_moved for each in reads], [False, True, False, False, True])
        self.assertEqual([each.unread for each in reads], [5, 5, 5, 5, 0])
        self.assertEqual(self.work(), 0)

    def test_nothing_new(self) -> None:
        """
        What moves nobody writes nothing.
        """
        self.mark(2, 5)
        self.work()
        (done,) = self.mark(2, 4)
        self.assertEqual(self.work(), 0)
        self.assertEqual(self.successResultOf(done).seq, 5)

    def test_many(self) -> None:
        """
        Not everything is written at once.
        """
        self.patch(reading, "MOST_A_BATCH", 1)
        waiting = [*self.mark(1, 10), *self.mark(2, 10)]
        self.assertEqual(self.work(0), 1)
        self.assertEqual([each.called for each in waiting], [True, False])
        self.assertEqual(self.work(PAUSE_SECONDS), 1)
        self.assertEqual([each.called for each in waiting], [True, True])

    def test_left(self) -> None:
        """
        Who leaves before it is written is no member by it, and does no harm to others.
        """
        waiting = [*self.mark(1, 10), *self.mark(2, 10)]
        self.server.clock.advance(0)
        self.lane("read").step()
        self.server.chat._database.write(lambda store: store.remove_member(1, 2))
        self.lane("write").queue.rotate(1)
        self.work()
        self.assertEqual([self.successResultOf(each).seq for each in waiting], [10, 10])
        self.failureResultOf(self.stranger(2), NotAMember)

    def stranger(self, user_id: int) -> "Deferred[Read]":
        """
        Have somebody mark the public room who is no member any more.
        """
        (done,) = self.mark(user_id, 1)
        self.work()
        return done

    def test_failure(self) -> None:
        """
        Where the database fails, each is told so, and the next mark is tried.
        """
        for error in (StoreUnavailable(), CommitUncertain()):
            waiting = [*self.mark(1, 10), *self.mark(2, 10)]
            self.server.clock.advance(1)
            self.lane("read").step()
            self.lane("write").fail(error)
            refusals = [self.failureResultOf(each, StoreUnavailable).value for each in waiting]
            self.assertIsNot(*refusals)
        (done,) = self.mark(1, 10)
        self.work()
        self.assertTrue(self.successResultOf(done).has_moved)

    def test_uncounted(self) -> None:
        """
        Who can't be told what is unread is told that; others are told.
        """
        whole, part = [*self.mark(1, 10), *self.mark(2, 1)]
        self.server.clock.advance(0)
        self.lane("read").step()
        self.lane("write").step()
        self.successResultOf(whole)
        self.lane("read").fail(StoreUnavailable())
        self.failureResultOf(part, StoreUnavailable)

    def test_bound(self) -> None:
        """
        When too many wait, the next is refused.
        """
        self.patch(reading, "MOST_WAITING", 2)
        waiting = self.mark(1, 10, 10)
        self.failureResultOf(*self.mark(1, 10), Busy)
        self.server.clock.advance(0)
        waiting += self.mark(1, 10)
        self.work(), self.work()
        self.assertEqual([self.successResultOf(each).seq for each in waiting], [10] * 3)

    def test_stop(self) -> None:
        """
        What waits when the server stops is refused, and what comes after.
        """
        (under_way,) = self.mark(1, 10)
        self.server.clock.advance(0)
        (waiting,) = self.mark(2, 10)
        self.marks.stop()
        self.failureResultOf(waiting, ShuttingDown)
        self.failureResultOf(*self.mark(1, 1), ShuttingDown)
        self.work()
        self.assertEqual(self.successResultOf(under_way).seq, 10)
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
