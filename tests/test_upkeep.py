"""
What the store needs now and then, in real databases of each kind and a time of the
test's own.
"""

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom.chat.search import Question, Search
from chatroom.chat.upkeep import (
    CUT,
    FIRST_SECONDS,
    LOOK_SECONDS,
    PAUSE_SECONDS,
    PURGE_SECONDS,
    Upkeep,
)
from chatroom.errors import StoreUnavailable
from chatroom.settings import Settings
from chatroom.store.database import Database
from chatroom.store.errors import CommitUncertain
from chatroom.store.models import Event, EventKind, Room, Span
from chatroom.store.repository import Repository
from tests.lanes import SteppingLane
from tests.log_lines import watch
from tests.stores import NOW, OnPostgreSQL, StoreTestCase, message

DAY = 86_400_000


class UpkeepTests(StoreTestCase):
    """
    Upkeep.
    """

    def setUp(self) -> None:
        """
        Have a room of alice's, and what has happened to the operator's log.
        """
        super().setUp()
        self.alice = self.add_user("alice")
        self.room = self.add_room("dev", self.alice)
        self.clock = Clock()
        self.last_id = 0
        self.noted = watch(self)

    def say(self, count: int, *, at: int = NOW, room: Room | None = None) -> list[Event]:
        """
        Store messages, each with a word of its own.

        @param at: when, in milliseconds.
        """
        room = room or self.room
        seq = self.span(room).last_seq
        new = [
            evolve(
                message(self.alice, room, self.last_id + n, seq + n),
                content=f"message word{'x' * (seq + n)}",
                created_at=at,
                mentions=(self.alice.id,),
            )
            for n in range(1, count + 1)
        ]
        self.last_id += count

        def work(store: Repository) -> None:
            store.append(new, {}, last_seqs={room.id: seq + count})
            store.index_newer(count)

        self.done(self.database.write(work))
        return new

    def test_purge(self) -> None:
        """
        Nothing is left in the index of a message that was deleted, nor of what it said
        before an edit; other messages are found as before.
        """
        first, *_ = self.say(30)
        changes = (
            lambda store: store.rewrite(first, "secretone", (), NOW),
            lambda store: store.blank(first, NOW),
        )
        for change in changes:
            self.done(self.database.write(change))
        self.assertEqual(self.forgotten(), 2)
        was_held = self.holds(b"secretone")
        self.begin()
        self.pass_time(FIRST_SECONDS + 1)
        self.assertEqual(self.forgotten(), 0)
        self.assertEqual(self.found(), 29)
        self.assertFalse(self.holds(b"secretone"))
        self.assertEqual(was_held, self.url.startswith("sqlite"))

    def test_purge_again(self) -> None:
        """
        A deletion later on is known of, and purged some minutes after it.
        """
        first, second, *_ = self.say(9)
        upkeep = self.begin()
        self.pass_time(FIRST_SECONDS + 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.done(self.database.write(lambda store: store.blank(first, NOW)))
        upkeep.learn([evolve(second, kind=EventKind.DELETE)])
        self.assertEqual(self.forgotten(), 1)
        self.pass_time(PURGE_SECONDS + 1)
        self.assertEqual(self.forgotten(), 0)

    def holds(self, word: bytes) -> bool:
        """
        Whether an index that is a file holds a word, found or not.
        """
        if not self.url.startswith("sqlite"):
            return False
        blocks = self.another_program(self.url).ask("SELECT block FROM search_data")
        return any(word in block for (block,) in blocks)

    def forgotten(self) -> int:
        """
        @return: how many messages are to be purged.
        """
        return self.done(self.database.look(lambda store: store.forgotten_count()))

    def span(self, room: Room | None = None) -> Span:
        """
        @return: what there is of a room's log.
        """
        room_id = (room or self.room).id
        return self.done(self.database.look(lambda store: store.span(room_id)))

    def found(self, text: str = "message") -> int:
        """
        @return: how many messages have these words.
        """
        question = Question(asker=self.alice, text=text)
        found = Deferred.fromCoroutine(Search(self.database).find(question, 1000))
        return len(self.successResultOf(found).hits)

    def begin(self, **options: float) -> Upkeep:
        """
        Start it, with the settings given.
        """
        settings = Settings(**options)  # type: ignore[arg-type]
        upkeep = Upkeep(
            self.database,
            self.clock,
            lambda: NOW / 1000 + self.clock.seconds(),
            settings,
        )
        upkeep.start()
        self.addCleanup(lambda: self.successResultOf(upkeep.stop()))
        return upkeep

    def pass_time(self, seconds: float) -> None:
        """
        Let time go by, a little at a time.
        """
        self.clock.pump([PAUSE_SECONDS] * round(seconds / PAUSE_SECONDS))

    def test_end(self) -> None:
        """
        With the index whole and nothing to cut off there is nothing left to do.
        """
        upkeep = self.begin()
        self.pass_time(FIRST_SECONDS + 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(upkeep.stop())

    def test_nothing_is_cut(self) -> None:
        """
        By default everything is kept.
        """
        self.say(300, at=0)
        self.begin()
        self.pass_time(FIRST_SECONDS + LOOK_SECONDS + 1)
        self.assertEqual(self.span(), Span(first_seq=1, last_seq=300))

    def test_count(self) -> None:
        """
        Of each room so many events are kept, and of those before them nothing.
        """
        said = self.say(CUT + 50)
        other = self.add_room("other", self.alice)
        self.say(20, room=other)
        self.done(
            self.database.write(lambda store: store.add_reaction(said[0].id, self.alice.id, "+"))
        )
        self.begin(retention_events=30)
        self.clock.advance(FIRST_SECONDS)
        self.pass_time(1)
        self.assertEqual(self.span(), Span(first_seq=CUT + 21, last_seq=CUT + 50))
        self.assertEqual(self.span(other), Span(first_seq=1, last_seq=20))
        self.assertEqual(self.found(), 50)

        def check(store: Repository) -> None:
            self.assertEqual(len(store.events_after(self.room.id, 0, 1000)), 30)
            self.assertEqual(store.reaction_count(said[0].id), 0)
            head = store.head(self.alice.id, self.room.id)
            assert head is not None
            self.assertEqual(head.mentions, 30)

        self.done(self.database.read(check))
        self.assertEqual(self.noted.of("log_cut"), [{"count": CUT + 20, "rooms": 1}])

    def test_age(self) -> None:
        """
        What is older than so many days is kept no longer; what becomes so goes later.
        """
        self.say(CUT + 1, at=NOW - 2 * DAY)
        self.say(7, at=NOW - DAY + 30_000)
        self.say(3)
        self.begin(retention_days=1.0)
        self.pass_time(FIRST_SECONDS + 1)
        self.assertEqual(self.span().first_seq, CUT + 2)
        self.pass_time(LOOK_SECONDS)
        self.assertEqual(self.span().first_seq, CUT + 9)
        self.clock.advance(2 * DAY / 1000)
        self.pass_time(LOOK_SECONDS)
        self.assertEqual(self.span(), Span(first_seq=CUT + 12, last_seq=CUT + 11))
        self.say(1, at=NOW + 2 * DAY)
        self.pass_time(LOOK_SECONDS)
        self.assertEqual(self.span(), Span(first_seq=CUT + 12, last_seq=CUT + 12))

    def test_both(self) -> None:
        """
        Where both limits are, that counts which keeps less.
        """
        self.say(10, at=NOW - 2 * DAY)
        self.say(10)
        other = self.add_room("other", self.alice)
        self.say(10, room=other)
        self.begin(retention_days=1.0, retention_events=15)
        self.pass_time(FIRST_SECONDS + 1)
        self.assertEqual((self.span().first_seq, self.span(other).first_seq), (11, 1))

    def test_steps(self) -> None:
        """
        What somebody writes meanwhile waits for one step at the most.
        """
        self.say(3 * CUT)
        lane = self.step_by_step()
        self.begin(retention_events=1)
        self.clock.advance(FIRST_SECONDS)
        lane.step()
        self.assertEqual(len(lane.queue), 1)
        mine = self.database.write(lambda store: store.span(self.room.id))
        lane.step()
        lane.step()
        self.assertEqual(self.successResultOf(mine).first_seq, CUT + 1)
        self.assertEqual(len(lane.queue), 0)

    def test_trouble(self) -> None:
        """
        When the database fails, there is another time.
        """
        self.say(10)
        lane = self.step_by_step()
        self.begin(retention_events=1)
        self.clock.advance(FIRST_SECONDS)
        for error in (StoreUnavailable(), CommitUncertain(), ValueError("a bug")):
            lane.fail(error)
            self.assertEqual(len(lane.queue), 0)
            self.clock.advance(LOOK_SECONDS)
            self.assertEqual(len(lane.queue), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        for _ in range(6):
            lane.step_all()
            self.clock.advance(PAUSE_SECONDS)
        span = self.database.read(lambda store: store.span(self.room.id))
        lane.step_all()
        self.assertEqual(self.successResultOf(span).first_seq, 10)

    def test_stop(self) -> None:
        """
        A stop waits for the step that is under way, and leaves nothing behind.
        """
        self.say(10)
        lane = self.step_by_step()
        upkeep = self.begin(retention_events=1)
        self.clock.advance(FIRST_SECONDS)
        stopped = upkeep.stop()
        self.assertNoResult(stopped)
        lane.step_all()
        self.successResultOf(stopped)
        self.assertEqual((self.clock.getDelayedCalls(), len(lane.queue)), ([], 0))

    def test_stop_between(self) -> None:
        """
        A stop between two steps, or before the first or after it, waits for nothing.
        """
        self.say(2 * CUT)
        upkeep = self.begin(retention_events=1)
        for seconds in (0, FIRST_SECONDS, 2 * PAUSE_SECONDS):
            self.clock.advance(seconds)
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
            self.successResultOf(upkeep.stop())
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.successResultOf(upkeep.stop())
            upkeep.start()
        self.assertLess(self.span().first_seq, 2 * CUT)

    def step_by_step(self) -> SteppingLane:
        """
        From now on, what is to be done to the database waits for the test.
        """
        lane = SteppingLane()
        self.database.close()
        self.database = Database(self.url, lane, lane)
        self.database.open(now=NOW)
        self.addCleanup(self.database.close)
        return lane


class UpkeepPostgreSQLTests(OnPostgreSQL, UpkeepTests):
    """
    The same with a database of PostgreSQL.
    """
