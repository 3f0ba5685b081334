"""
The index of words, a little behind the log, in real databases of each kind and a time of
the test's own.
"""

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom.chat.indexing import (
    DELAY_SECONDS,
    INDEXED,
    MOST_WAITING,
    PAUSE_SECONDS,
    RETRY_SECONDS,
    Indexing,
)
from chatroom.chat.search import Question, Search
from chatroom.errors import StoreUnavailable
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Event
from chatroom.store.repository import Repository
from tests.lanes import SteppingLane
from tests.stores import NOW, OnPostgreSQL, StoreTestCase, message


class IndexingTests(StoreTestCase):
    """
    Indexing.
    """

    def setUp(self) -> None:
        """
        Have a room of alice's.
        """
        super().setUp()
        self.alice = self.add_user("alice")
        self.room = self.add_room("dev", self.alice)
        self.clock = Clock()
        self.last_id = 0

    def say(self, count: int) -> list[Event]:
        """
        Store messages, each with a word of its own.
        """
        first = self.last_id + 1
        new = [
            evolve(
                message(self.alice, self.room, number, number),
                content=f"message word{'x' * number}",
            )
            for number in range(first, first + count)
        ]
        self.last_id += count
        last_seqs = {self.room.id: self.last_id}
        self.done(self.database.write(lambda store: store.append(new, {}, last_seqs=last_seqs)))
        return new

    def begin(self) -> Indexing:
        """
        Start it.
        """
        indexing = Indexing(self.database, self.clock)
        indexing.start()
        self.addCleanup(lambda: self.successResultOf(indexing.stop()))
        return indexing

    def pass_time(self, seconds: float) -> None:
        """
        Let time go by, a little at a time.
        """
        self.clock.pump([PAUSE_SECONDS] * round(seconds / PAUSE_SECONDS))

    def found(self, text: str = "message") -> int:
        """
        @return: how many messages have these words.
        """
        question = Question(asker=self.alice, text=text)
        found = Deferred.fromCoroutine(Search(self.database).find(question, 1000))
        return len(self.successResultOf(found).hits)

    def indexed(self) -> int:
        """
        @return: how many messages are in the index.
        """
        return int(self.another_program(self.url).ask("SELECT COUNT(*) FROM search")[0][0])

    def unindex(self) -> None:
        """
        Leave the database as a migration does that has made the index.
        """
        self.done(self.database.write(lambda store: store.forget(range(1, self.last_id + 1))))
        program = self.another_program(self.url)
        for name in ("search.unindexed", "search.indexed"):
            program.do(f"UPDATE counters SET value = {self.last_id} WHERE name = '{name}'")

    def test_behind(self) -> None:
        """
        What was said is found at once, and is in the index a while later.
        """
        self.say(INDEXED + 10)
        indexing = self.begin()
        self.assertEqual((self.indexed(), self.found()), (0, INDEXED + 10))
        self.clock.advance(DELAY_SECONDS)
        self.assertEqual((self.indexed(), self.found()), (INDEXED, INDEXED + 10))
        self.clock.advance(PAUSE_SECONDS)
        self.assertEqual((self.indexed(), self.found()), (INDEXED + 10, INDEXED + 10))
        self.pass_time(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        indexing.learn(self.say(3))
        self.assertEqual((self.indexed(), self.found()), (INDEXED + 10, INDEXED + 13))
        self.pass_time(DELAY_SECONDS + PAUSE_SECONDS)
        self.assertEqual((self.indexed(), self.found()), (INDEXED + 13, INDEXED + 13))

    def test_newest_first(self) -> None:
        """
        A page of hits may have some from the index and some that are not in it yet, in
        their order, each once.
        """
        said = self.say(10)
        self.done(self.database.write(lambda store: store.index_newer(6)))
        search, question = Search(self.database), Question(asker=self.alice, text="message")
        seen: list[int] = []
        cursor = None
        while True:
            page = Deferred.fromCoroutine(search.find(question, 3, cursor))
            found = self.successResultOf(page)
            seen += [each.message.id for each in found.hits]
            cursor = found.cursor
            if cursor is None:
                break
        self.assertEqual(seen, [each.id for each in reversed(said)])

    def test_change_before(self) -> None:
        """
        What is edited or deleted before it is in the index is in it as it is by then,
        and is found so before, too; what was deleted is never in it.
        """
        first, second, *_ = self.say(5)

        def change(store: Repository) -> None:
            store.rewrite(first, "edited", (), NOW)
            store.blank(second, NOW)

        self.done(self.database.write(change))
        self.assertEqual((self.found("message"), self.found("edited")), (3, 1))
        self.begin()
        self.pass_time(DELAY_SECONDS + 1)
        self.assertEqual((self.found("message"), self.found("edited")), (3, 1))
        self.assertEqual(self.indexed(), 4)
        self.assertEqual(self.done(self.database.look(lambda store: store.forgotten_count())), 0)

    def test_others_rooms(self) -> None:
        """
        What is not in the index yet is found by nobody who may not read it.
        """
        self.say(3)
        bob = self.add_user("bob")
        self.add_room("other", bob)
        question = Question(asker=bob, text="message")
        found = Deferred.fromCoroutine(Search(self.database).find(question))
        self.assertEqual(self.successResultOf(found).hits, [])

    def test_older(self) -> None:
        """
        What was there before the index comes into it, the newest first, in steps, when
        all that is newer is in it.
        """
        self.say(2 * INDEXED + 10)
        self.unindex()
        self.begin()
        self.assertEqual(self.found(), 0)
        self.clock.advance(DELAY_SECONDS)
        self.assertEqual((self.found(), self.found("word" + "x" * self.last_id)), (INDEXED, 1))
        self.pass_time(1)
        self.assertEqual(self.found(), 2 * INDEXED + 10)

    def test_older_changed(self) -> None:
        """
        What is edited, deleted or said before the index is whole is in it once, as it
        is by then.
        """
        first, second, *_ = self.say(5)
        self.unindex()
        self.say(1)

        def change(store: Repository) -> None:
            store.rewrite(first, "edited", (), NOW)
            store.blank(second, NOW)

        self.done(self.database.write(change))
        self.begin()
        self.pass_time(DELAY_SECONDS + 1)
        self.assertEqual((self.found("message"), self.found("edited")), (4, 1))

    def test_far_behind(self) -> None:
        """
        With too much waiting there are no pauses between the steps.
        """
        self.say(INDEXED + 1)
        program = self.another_program(self.url)
        waiting = self.last_id + MOST_WAITING
        program.do(f"UPDATE counters SET value = {waiting} WHERE name = 'events.id'")
        self.begin()
        self.clock.advance(DELAY_SECONDS)
        self.assertEqual(self.indexed(), INDEXED + 1)

    def test_trouble(self) -> None:
        """
        When the database fails, there is another time.
        """
        self.say(10)
        lane = SteppingLane()
        self.database.close()
        self.database = Database(self.url, lane, lane)
        self.database.open(now=NOW)
        self.addCleanup(self.database.close)
        indexing = self.begin()
        self.clock.advance(DELAY_SECONDS)
        for error in (StoreUnavailable(), CommitUncertain(), ValueError("a bug")):
            lane.fail(error)
            self.assertEqual(len(lane.queue), 0)
            self.clock.advance(RETRY_SECONDS)
            self.assertEqual(len(lane.queue), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        stopped = indexing.stop()
        self.assertNoResult(stopped)
        lane.step_all()
        self.successResultOf(stopped)
        self.assertEqual((self.clock.getDelayedCalls(), self.indexed()), ([], 10))


class IndexingPostgreSQLTests(OnPostgreSQL, IndexingTests):
    """
    The same with a database of PostgreSQL.
    """
