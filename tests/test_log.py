"""
The log: one way to write, and what the promise needs of it.

The database is real; its threads are lanes that a test steps through.
"""

from collections.abc import Callable
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom.chat import log as log_module
from chatroom.chat.log import ENOUGH, PACE_SECONDS, Log
from chatroom.chat.transaction import Post, Stored, Transaction
from chatroom.errors import (
    Busy,
    ClientMessageIdReused,
    InternalError,
    NotAMember,
    RoomNotFound,
    ShuttingDown,
    StoreUnavailable,
)
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain, StoreRejected
from chatroom.store.models import (
    PUBLIC_ROOM_ID,
    Event,
    EventKind,
    NewEvent,
    Role,
    Room,
    RoomKind,
    User,
)
from chatroom.store.repository import Repository
from tests.lanes import InlineLane, SteppingLane
from tests.stores import OnSQLite, joining

NOW = 1640995200


@define(eq=False)
class Watched:
    """
    What became of something, and the order in which it did.
    """

    order: list[object]
    result: Any = None

    def of(self, deferred: "Deferred[Any]", name: object = None) -> "Watched":
        """
        Watch a deferred.
        """

        def settled(result: Any) -> None:
            self.result = getattr(result, "value", result)
            self.order.append(name)

        deferred.addBoth(settled)
        return self


class LogTestCase(OnSQLite):
    """
    A test with a log in a room.
    """

    def setUp(self) -> None:
        """
        Make a database with two users, and a log that is stepped through.
        """
        self.url = self.new_url()
        self.clock = Clock()
        self.clock.rightNow = NOW
        self.writing, self.reading = SteppingLane(), SteppingLane()
        self.database = Database(self.url, self.writing, self.reading)
        self.database.open(now=NOW * 1000)
        self.addCleanup(self.database.close)
        self.published: list[Event] = []
        self.order: list[object] = []
        self.log = Log(self.database, self.clock, self.clock.seconds, self.publish)
        self.alice, self.bob = self.write(self.add_users)
        self.room = self.write(self.add_room)

    def add_users(self, store: Repository) -> list[User]:
        """
        Make two accounts.
        """
        return [
            store.add_user(name=name, key=name, password_hash="", now=0)
            for name in ("alice", "bob")
        ]

    def add_room(self, store: Repository) -> Room:
        """
        Make a room of one.
        """
        room = store.add_room(name="dev", key="dev", kind=RoomKind.GROUP, now=0)
        store.add_members(room.id, joining(self.alice, role=Role.OWNER))
        return room

    def publish(self, events: "Any") -> None:
        """
        Take what the log publishes.
        """
        self.published += events
        self.order += [("push", event.content) for event in events]

    def write(self, work: Callable[[Repository], Any]) -> Any:
        """
        Write without the log.
        """
        done = self.database.write(work)
        self.writing.step()
        return self.successResultOf(done)

    def post(
        self,
        content: str,
        *,
        sender: User | None = None,
        room_id: int = PUBLIC_ROOM_ID,
        name: str | None = None,
    ) -> Watched:
        """
        Post, and watch.
        """
        post = Post(
            sender=sender or self.alice, room_id=room_id, content=content, client_message_id=name
        )
        return Watched(self.order).of(self.log.post(post), content)

    def turn(self) -> None:
        """
        End a turn of the reactor.
        """
        self.clock.advance(0)

    def settle(self) -> None:
        """
        Let the log finish what it has.
        """
        for _ in range(100):
            self.clock.advance(0.1)
            self.writing.step_all()
            self.reading.step_all()

    def stored(self) -> list[tuple[int, int, str | None]]:
        """
        @return: the room, seq and content of everything stored.
        """
        done = self.database.read(
            lambda store: store._connection.exec_driver_sql(
                "SELECT room_id, seq, content FROM events ORDER BY id"
            ).fetchall()
        )
        self.reading.step_all()
        return [tuple(row) for row in self.successResultOf(done)]


class CommitTests(LogTestCase):
    """
    When it commits, and what belongs together.
    """

    def test_not_inside_the_call(self) -> None:
        """
        A commit begins at the end of the turn, so that the turn's posts share it.
        """
        posts = [self.post("a"), self.post("b")]
        self.assertEqual(len(self.writing.queue), 0)
        self.turn()
        self.assertEqual(len(self.writing.queue), 1)
        self.writing.step()
        self.assertEqual([each.result.event.seq for each in posts], [1, 2])
        self.assertEqual(self.stored(), [(1, 1, "a"), (1, 2, "b")])

    def test_group_commit(self) -> None:
        """
        What comes while a commit is in flight shares the next one.
        """
        self.post("a")
        self.turn()
        tell = self.writing.do()
        late = [self.post(text) for text in "bcd"]
        self.turn()
        self.assertEqual(len(self.writing.queue), 0)
        self.clock.advance(PACE_SECONDS)
        tell()
        self.assertEqual(len(self.writing.queue), 1)
        self.writing.step()
        self.assertEqual([each.result.event.seq for each in late], [2, 3, 4])

    def test_pace(self) -> None:
        """
        Behind a quick commit the next one waits a little, for more to share it; not if
        there are enough, and not if nothing was in flight.
        """
        self.post("a")
        self.turn()
        tell = self.writing.do()
        self.post("b")
        tell()
        self.assertEqual(len(self.writing.queue), 0)
        self.clock.advance(PACE_SECONDS / 2)
        self.post("c")
        self.assertEqual(len(self.writing.queue), 0)
        self.clock.advance(PACE_SECONDS)
        tell = self.writing.do()
        self.post("d")
        tell()
        self.assertEqual(len(self.writing.queue), 0)
        for number in range(ENOUGH - 1):
            self.post(f"{number}")
        self.assertEqual(len(self.writing.queue), 1)
        self.writing.step()
        self.post("alone")
        self.turn()
        self.assertEqual(len(self.writing.queue), 1)
        self.writing.step()
        self.assertEqual(len(self.stored()), 4 + ENOUGH)

    def test_acknowledged_after_commit(self) -> None:
        """
        Nothing is acknowledged or pushed before it is stored.
        """
        post = self.post("a")
        self.turn()
        self.assertEqual((post.result, self.published), (None, []))
        tell = self.writing.do()
        self.assertEqual((post.result, self.published), (None, []))
        tell()
        self.assertIsNotNone(post.result)
        self.assertEqual(len(self.published), 1)

    def test_acknowledgement_before_push(self) -> None:
        """
        Within a commit outcomes of posts come first, pushes next, the results
        of other changes last.
        """
        self.post("a")
        Watched(self.order).of(self.log.commit(lambda _: None), "change")
        self.post("b")
        self.settle()
        self.assertEqual(self.order, ["a", "b", ("push", "a"), ("push", "b"), "change"])

    def test_a_room_each(self) -> None:
        """
        Each room counts for itself, ids are everybody's.
        """
        posts = [self.post("a"), self.post("b", room_id=self.room.id), self.post("c")]
        self.settle()
        events = [each.result.event for each in posts]
        self.assertEqual([event.seq for event in events], [1, 1, 2])
        self.assertEqual([event.id for event in events], [1, 2, 3])
        self.assertEqual([event.room_name for event in events], ["public", "dev", "public"])

    def test_the_time(self) -> None:
        """
        An event's time is that of its commit's begin.
        """
        self.clock.advance(1.5)
        post = self.post("a")
        self.turn()
        self.writing.step()
        self.assertEqual(post.result.event.created_at, NOW * 1000 + 1500)

    def test_a_clock_that_jumps(self) -> None:
        """
        Only seq orders: a clock that goes back changes no order.
        """
        self.post("a")
        self.settle()
        self.clock.rightNow -= 3600
        post = self.post("b")
        self.settle()
        self.assertEqual(post.result.event.seq, 2)

    def test_large_batches(self) -> None:
        """
        A batch has an end, and order does not.
        """
        count = log_module.MOST_A_COMMIT * 2 + 10
        posts = [self.post(str(number)) for number in range(count)]
        self.turn()
        self.writing.step()
        self.assertLessEqual(len(self.published), log_module.MOST_A_COMMIT)
        self.settle()
        self.assertEqual([each.result.event.seq for each in posts], list(range(1, count + 1)))

    def test_long_posts(self) -> None:
        """
        Long posts fill a batch sooner.
        """
        posts = [self.post("x" * 4000) for _ in range(100)]
        self.turn()
        self.writing.step()
        self.assertLess(len(self.published), 20)
        self.settle()
        self.assertEqual([each.result.event.seq for each in posts], list(range(1, 101)))

    def test_order_with_other_changes(self) -> None:
        """
        A post after a join of the same batch is a member's; one before is not.
        """

        def join(transaction: Transaction) -> None:
            transaction.store.add_members(self.room.id, joining(self.bob))
            transaction.record(
                NewEvent(
                    room=self.room,
                    kind=EventKind.JOIN,
                    sender=self.bob,
                    subject=self.bob,
                )
            )

        before = self.post("before", sender=self.bob, room_id=self.room.id)
        self.log.commit(join)
        after = self.post("after", sender=self.bob, room_id=self.room.id)
        self.settle()
        self.assertIsInstance(before.result, NotAMember)
        self.assertEqual(after.result.event.seq, 2)
        self.assertEqual([event.kind.value for event in self.published], ["join", "message"])


class OutcomeTests(LogTestCase):
    """
    Each change has an outcome of its own.
    """

    def test_each_its_own(self) -> None:
        """
        What is refused takes nothing from the others, not even a seq.
        """
        posts = [
            self.post("a"),
            self.post("no room", room_id=99),
            self.post("no member", sender=self.bob, room_id=self.room.id),
            self.post("b"),
        ]
        self.settle()
        first, second, third, last = (each.result for each in posts)
        self.assertIsInstance(second, RoomNotFound)
        self.assertIsInstance(third, NotAMember)
        self.assertEqual((first.event.seq, last.event.seq), (1, 2))
        self.assertEqual(self.stored(), [(1, 1, "a"), (1, 2, "b")])

    def test_refusal_of_another_change(self) -> None:
        """
        A change that refuses is undone, with all that it had recorded.
        """

        def work(transaction: Transaction) -> None:
            transaction.store.set_password_hash(self.alice.id, "changed")
            transaction.record(
                NewEvent(room=self.room, kind=EventKind.MESSAGE, sender=self.alice, content="x")
            )
            raise NotAMember()

        refused = Watched(self.order).of(self.log.commit(work))
        post = self.post("a", room_id=self.room.id)
        self.settle()
        self.assertIsInstance(refused.result, NotAMember)
        self.assertEqual((post.result.event.seq, post.result.event.id), (1, 1))
        account = self.database.read(lambda store: store.account("alice"))
        self.reading.step()
        self.assertEqual(self.successResultOf(account).password_hash, "")  # type: ignore[union-attr]

    def test_only_duplicates(self) -> None:
        """
        A batch in which nothing is new publishes nothing.
        """
        self.post("a", name="c")
        self.settle()
        published = len(self.published)
        again = self.post("a", name="c")
        self.settle()
        self.assertTrue(again.result.is_duplicate)
        self.assertEqual(len(self.published), published)


class OnceTests(LogTestCase):
    """
    Sending twice is sending once.
    """

    def test_later(self) -> None:
        """
        A repeat gets the first one's outcome, and is stored and pushed once.
        """
        first = self.post("a", name="c")
        self.settle()
        second = self.post("a", name="c")
        self.settle()
        self.assertEqual(second.result.event, first.result.event)
        self.assertEqual((first.result.is_duplicate, second.result.is_duplicate), (False, True))
        self.assertEqual(self.stored(), [(1, 1, "a")])
        self.assertEqual(len(self.published), 1)

    def test_within_a_batch(self) -> None:
        """
        Repeats in one commit are found too.
        """
        posts = [self.post("a", name="c"), self.post("b"), self.post("a", name="c")]
        self.settle()
        self.assertEqual([each.result.is_duplicate for each in posts], [False, False, True])
        self.assertEqual([each.result.event.seq for each in posts], [1, 2, 1])

    def test_while_in_flight(self) -> None:
        """
        A repeat of what is being stored waits for it.
        """
        self.post("a", name="c")
        self.turn()
        tell = self.writing.do()
        again = self.post("a", name="c")
        tell()
        self.settle()
        self.assertTrue(again.result.is_duplicate)

    def test_another_message(self) -> None:
        """
        The same name for other content or another room is refused.
        """
        self.post("a", name="c")
        posts = [self.post("b", name="c"), self.post("a", name="c", room_id=self.room.id)]
        self.settle()
        posts += [self.post("b", name="c")]
        self.settle()
        for post in posts:
            self.assertIsInstance(post.result, ClientMessageIdReused)

    def test_another_sender(self) -> None:
        """
        A name is its sender's own.
        """
        posts = [self.post("a", name="c"), self.post("a", name="c", sender=self.bob)]
        self.settle()
        self.assertEqual([each.result.is_duplicate for each in posts], [False, False])

    def test_name_of_a_refused_post(self) -> None:
        """
        What was refused was not sent: its name is free.
        """
        refused = self.post("a", name="c", room_id=99)
        self.settle()
        again = self.post("a", name="c")
        self.settle()
        self.assertIsInstance(refused.result, RoomNotFound)
        self.assertFalse(again.result.is_duplicate)

    def test_of_a_member_that_was(self) -> None:
        """
        A repeat is answered even when the sender may no longer post.
        """
        self.post("a", name="c", room_id=self.room.id)
        self.settle()
        self.write(
            lambda store: store._connection.exec_driver_sql(
                "DELETE FROM members WHERE room_id = 2"
            )
        )
        again = self.post("a", name="c", room_id=self.room.id)
        self.settle()
        self.assertTrue(again.result.is_duplicate)


class FaultTests(LogTestCase):
    """
    When the database fails.
    """

    def test_unavailable(self) -> None:
        """
        All of a batch are told, and the log goes on.
        """
        posts = [self.post("a"), self.post("b")]
        self.turn()
        self.writing.fail(StoreUnavailable())
        for post in posts:
            self.assertIsInstance(post.result, StoreUnavailable)
        self.assertEqual(self.published, [])
        again = self.post("c")
        self.settle()
        self.assertEqual(again.result.event.seq, 1)

    def test_busy_log(self) -> None:
        """
        What waits behind a batch that fails is tried all the same.
        """
        self.post("a")
        self.turn()
        waiting = self.post("b")
        self.writing.fail(StoreUnavailable())
        self.settle()
        self.assertIsInstance(waiting.result, Stored)

    def test_poison(self) -> None:
        """
        A change that the database rejects takes no other with it.
        """

        def poison(transaction: Transaction) -> None:
            transaction.store.add_members(1, joining(self.alice))

        first = self.post("a")
        bad = Watched(self.order).of(self.log.commit(poison))
        last = self.post("b")
        self.settle()
        self.assertIsInstance(bad.result, InternalError)
        self.assertEqual((first.result.event.seq, last.result.event.seq), (1, 2))
        self.assertEqual(len(self.flushLoggedErrors(StoreRejected)), 1)

    def test_bug(self) -> None:
        """
        A change with a bug in it takes no other with it either.
        """

        def bug(transaction: Transaction) -> None:
            raise ZeroDivisionError

        first = self.post("a")
        bad = Watched(self.order).of(self.log.commit(bug))
        self.settle()
        self.assertIsInstance(bad.result, InternalError)
        self.assertIsInstance(first.result, Stored)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def uncertain(self, *, is_stored: bool) -> list[Watched]:
        """
        Have a commit of which nobody knows whether it happened.
        """
        posts = [self.post("a", name="c"), self.post("no", room_id=99)]
        self.turn()
        if is_stored:
            work, done = self.writing.queue.popleft()
            work()
            done.errback(CommitUncertain())
        else:
            batch = self.writing.queue[0][0]
            try:
                self.run_without_commit(batch)
            finally:
                self.writing.fail(CommitUncertain())
        return posts

    def run_without_commit(self, work: Callable[[], object]) -> None:
        """
        Do what a batch does, all but the last statement.
        """
        assert self.database._writer is not None
        from sqlalchemy import event

        def refuse(_: object) -> None:
            raise ZeroDivisionError

        event.listen(self.database._writer, "commit", refuse)
        self.assertRaises(ZeroDivisionError, work)
        event.remove(self.database._writer, "commit", refuse)

    def test_uncertain_but_stored(self) -> None:
        """
        If a commit of unknown outcome did happen, it is told and published.
        """
        posts = self.uncertain(is_stored=True)
        self.assertEqual((posts[0].result, self.published), (None, []))
        self.writing.step()
        self.assertIsInstance(posts[0].result, Stored)
        self.assertIsInstance(posts[1].result, RoomNotFound)
        self.assertEqual(len(self.published), 1)

    def test_uncertain_and_not_stored(self) -> None:
        """
        If it did not happen, nothing is acknowledged, and a repeat stores it.
        """
        posts = self.uncertain(is_stored=False)
        self.writing.step()
        self.assertIsInstance(posts[0].result, StoreUnavailable)
        self.assertEqual(self.published, [])
        again = self.post("a", name="c")
        self.settle()
        self.assertFalse(again.result.is_duplicate)

    def test_uncertain_for_a_while(self) -> None:
        """
        Until it is known what a commit has left, nothing else is written.
        """
        posts = self.uncertain(is_stored=True)
        waiting = self.post("b")
        for _ in range(5):
            # The look, and nothing else.
            self.assertEqual(len(self.writing.queue), 1)
            self.writing.fail(StoreUnavailable())
            self.assertEqual(len(self.writing.queue), 0)
            self.clock.advance(2)
        self.assertEqual((posts[0].result, waiting.result), (None, None))
        self.writing.step()
        self.settle()
        self.assertEqual([posts[0].result.event.seq, waiting.result.event.seq], [1, 2])
        self.assertEqual([event.seq for event in self.published], [1, 2])

    def test_uncertain_for_another_reason(self) -> None:
        """
        Whatever keeps us from looking, we look again.
        """
        posts = self.uncertain(is_stored=True)
        self.writing.fail(StoreRejected())
        self.assertIsNone(posts[0].result)
        self.clock.advance(1)
        self.writing.step()
        self.assertIsInstance(posts[0].result, Stored)

    def test_publishing_fails(self) -> None:
        """
        What is stored is acknowledged, even if telling the others fails.
        """

        def fail(events: object) -> None:
            raise ZeroDivisionError

        self.log = Log(self.database, self.clock, self.clock.seconds, fail)
        post = self.post("a")
        self.settle()
        self.assertIsInstance(post.result, Stored)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class EndTests(LogTestCase):
    """
    Bounds, and the end.
    """

    def test_busy(self) -> None:
        """
        Past its bound the log refuses, and keeps what it has.
        """
        posts = [self.post("a") for _ in range(log_module.MOST_WAITING + 1)]
        self.assertIsInstance(posts[-1].result, Busy)
        self.assertIsNone(posts[-2].result)
        self.settle()
        self.assertIsInstance(posts[-2].result, Stored)

    def test_stop(self) -> None:
        """
        A log that stops finishes what it has, and takes no more.
        """
        self.post("a")
        stopped = self.log.stop()
        refused = self.post("b")
        self.assertNoResult(stopped)
        self.settle()
        self.successResultOf(stopped)
        self.assertIsInstance(refused.result, ShuttingDown)
        self.assertEqual(self.stored(), [(1, 1, "a")])

    def test_give_up(self) -> None:
        """
        A log that is given up acknowledges nothing more, and waits for nothing.
        """
        post = self.post("a")
        self.turn()
        stopped = self.log.stop()
        work, done = self.writing.queue.popleft()
        work()
        done.errback(CommitUncertain())
        self.writing.fail(StoreUnavailable())
        self.assertNoResult(stopped)
        self.log.give_up()
        self.successResultOf(stopped)
        self.assertIsInstance(post.result, ShuttingDown)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused_by_the_threads(self) -> None:
        """
        What the threads no longer begin is refused as what it is.
        """
        posts = [self.post("a"), self.post("b")]
        self.turn()
        self.writing.fail(ShuttingDown())
        for post in posts:
            self.assertIsInstance(post.result, ShuttingDown)

    def test_give_up_what_waits(self) -> None:
        """
        What waits behind a commit that is given up is refused.
        """
        self.post("a")
        self.turn()
        waiting = self.post("b")
        self.log.stop()
        self.log.give_up()
        self.assertIsInstance(waiting.result, ShuttingDown)
        self.settle()

    def test_stop_when_idle(self) -> None:
        """
        A log that has nothing stops at once, and can start again.
        """
        self.successResultOf(self.log.stop())
        self.log.start()
        post = self.post("a")
        self.settle()
        self.assertIsInstance(post.result, Stored)


class KilledTests(LogTestCase):
    """
    A process that is killed between two instructions.
    """

    def test_before_the_answer(self) -> None:
        """
        What was stored but not acknowledged is not stored again by a repeat.
        """
        self.post("a", name="c")
        self.turn()
        self.writing.do()
        self.database.close()
        database = Database(self.url, InlineLane(), InlineLane())
        database.open(now=0)
        self.addCleanup(database.close)
        self.log = Log(database, self.clock, self.clock.seconds, self.publish)
        again = self.post("a", name="c")
        self.turn()
        self.assertTrue(again.result.is_duplicate)
        self.assertEqual(again.result.event.seq, 1)
