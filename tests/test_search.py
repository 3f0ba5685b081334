"""
What was said, found by those who may read it, in real databases of each kind.
"""

from collections.abc import Sequence

from attrs import evolve
from twisted.internet.defer import Deferred

from chatroom.chat.search import MOST_CHARS, PORTION, PORTIONS, Found, Question, Search
from chatroom.errors import BadCursor, BadQuery, NotAMember, RoomNotFound, UserNotFound
from chatroom.store.models import PUBLIC_ROOM_ID, Event, Room, RoomKind, User
from chatroom.store.repository import Repository
from tests.stores import NOW, OnPostgreSQL, StoreTestCase, message

PUBLIC = Room(id=PUBLIC_ROOM_ID, name="public", kind=RoomKind.GROUP, created_at=NOW)


class SearchTests(StoreTestCase):
    """
    Searches.
    """

    def setUp(self) -> None:
        """
        Have two users.
        """
        super().setUp()
        self.alice, self.bob = self.add_user("alice"), self.add_user("bob")
        self.search = Search(self.database)
        self.said: list[Event] = []

    def say(self, *contents: str, by: User | None = None, room: Room = PUBLIC) -> None:
        """
        Store messages; each is said a second after the one before.
        """
        count = len(self.said)
        seq = sum(each.room_id == room.id for each in self.said)
        new = [
            evolve(
                message(by or self.alice, room, count + number, seq + number),
                content=content,
                created_at=NOW + (count + number) * 1000,
            )
            for number, content in enumerate(contents, 1)
        ]
        last_seqs = {room.id: seq + len(new)}
        self.done(self.database.write(lambda store: store.append(new, {}, last_seqs=last_seqs)))
        self.said += new

    def ask(
        self,
        text: str,
        limit: int = 50,
        cursor: str | None = None,
        *,
        by: User | None = None,
        room_id: int | None = None,
        username: str | None = None,
        before: int | None = None,
    ) -> "Deferred[Found]":
        """
        Look for something, by default in all of alice's rooms.
        """
        question = Question(
            asker=by or self.alice, text=text, room_id=room_id, username=username, before=before
        )
        return Deferred.fromCoroutine(self.search.find(question, limit, cursor))

    def find(self, text: str, by: User | None = None, room_id: int | None = None) -> list[str]:
        """
        @return: what is found, newest first.
        """
        return contents(self.done(self.ask(text, by=by, room_id=room_id)))

    def test_words(self) -> None:
        """
        Words and names of all kinds are found, and only those.
        """
        self.say(
            "我家在上海东边",
            "Try qwen3.6!",
            "see foo.png",
            "in C++20",
            "C# it is",
            "write to Alice@example.com",
            "https://example.org/a?b=c",
            "un café",
            "ＦＵＬＬ　ｗｉｄｔｈ",
            "#tag",
        )
        for query, found in (
            ("上", [0]),
            ("上海", [0]),
            ("在上海东", [0]),
            ("海上", []),
            ("qwen", [1]),
            ("QWEN3.6", [1]),
            ("foo.png", [2]),
            ("png", [2]),
            ("C++20", [3]),
            ("C", [6, 4, 3]),
            ("C#", [4]),
            ("alice@example.com", [5]),
            ("example", [6, 5]),
            ("https://example.org/a?b=c", [6]),
            ("cafe\u0301", [7]),
            ("cafe", []),
            ("full", [8]),
            ("ｆｏｏ", [2]),
            ("#tag", [9]),
            ("tag", [9]),
            ("ag", []),
        ):
            self.assertEqual(self.find(query), [self.said[n].content for n in found], query)

    def test_operators(self) -> None:
        """
        What is an operator to a database, or ends a text for it, is text.
        """
        self.say("foo bar", "foo AND bar", "foo OR NOT bar", "NEAR(foo bar, 5)", 'say "foo"')
        self.say("words:foo", "foo*", "^foo", "-foo", "foo'; --", "{foo}", "100%", "foo \\ :x")
        every = [str(each.content) for each in reversed(self.said)]
        for query, mark in (
            ("foo AND bar", "AND"),
            ("bar OR foo", "OR"),
            ("NOT foo", "NOT"),
            ("NEAR(foo", "NEAR("),
            ('"foo"', '"'),
            ("words:foo", ":f"),
            ("foo*", "*"),
            ("^foo", "^"),
            ("-foo", "-f"),
            ("foo';", "';"),
            ("{foo}", "{"),
            ("100%", "%"),
            ("\\ foo", "\\"),
            (":x", ":x"),
        ):
            self.assertEqual(self.find(query), [each for each in every if mark in each], query)

    def test_nothing_to_look_for(self) -> None:
        """
        A question without a word is refused.
        """
        for query in ("*", '"', "( ) : ^ -", " ", "…"):
            refusal = self.failureResultOf(self.ask(query), BadQuery).value
            self.assertEqual((refusal.code, refusal.field), (1008, "query"))

    def test_pages(self) -> None:
        """
        Pages follow one another without doubles and gaps, whatever is said between.
        """
        self.say(*(f"common {n}" for n in range(25)))
        expected = [f"common {n}" for n in reversed(range(25))]
        found: list[str] = []
        cursor = None
        for _ in range(4):
            page = self.done(self.ask("common", 7, cursor))
            found += contents(page)
            cursor = page.cursor
            self.say("common, and new")
        self.assertEqual((found, cursor), (expected, None))

    def test_last_page(self) -> None:
        """
        After the last there is nothing, even if the page is full.
        """
        self.say("word", "word")
        self.assertIsNone(self.done(self.ask("word", 2)).cursor)
        self.assertIsNotNone(self.done(self.ask("word", 1)).cursor)
        self.assertEqual(self.done(self.ask("nothing", 1)), Found(hits=[], cursor=None))

    def test_bounded(self) -> None:
        """
        A search that finds only what it is not looking for stops, and can go on.
        """
        self.say("a+b", *("a-b" for _ in range(PORTION * PORTIONS)))
        first = self.done(self.ask("a+b"))
        self.assertEqual(first.hits, [])
        second = self.done(self.ask("a+b", cursor=first.cursor))
        self.assertEqual((contents(second), second.cursor), (["a+b"], None))

    def test_large(self) -> None:
        """
        An answer has no more than so many characters, and a message more.
        """
        large = "word " * (MOST_CHARS // 10 + 1)
        self.say(large, large, large)
        first = self.done(self.ask("word"))
        self.assertEqual(len(first.hits), 2)
        self.assertEqual(len(self.done(self.ask("word", cursor=first.cursor)).hits), 1)

    def test_cursors(self) -> None:
        """
        A cursor is good for its own question only, and nothing else is one.
        """
        self.say("one two", "one two", "one two")
        cursor = self.done(self.ask("one", 1)).cursor
        assert cursor is not None
        for wrong in ("", "x", "é", "=" * 20, cursor[:-1], cursor + "AAAA", "A" * len(cursor)):
            refusal = self.failureResultOf(self.ask("one", 1, wrong), BadCursor).value
            self.assertEqual((refusal.code, refusal.field), (1008, "cursor"))
        for other in (
            self.ask("two", 1, cursor),
            self.ask("one", 1, cursor, by=self.bob),
            self.ask("one", 1, cursor, room_id=1),
            self.ask("one", 1, cursor, username="alice"),
            self.ask("one", 1, cursor, before=NOW),
        ):
            self.failureResultOf(other, BadCursor)
        self.assertEqual(len(self.done(self.ask("ONE", 9, cursor)).hits), 2)

    def test_change(self) -> None:
        """
        A message is found by what it says now, and one that is deleted not at all.
        """
        self.say("before", "before")
        first, second = self.said

        def change(store: Repository) -> None:
            store.rewrite(first, "afterwards", (), NOW)
            store.blank(second, NOW)

        self.done(self.database.write(change))
        self.assertEqual(self.find("before"), [])
        self.assertEqual(self.find("afterwards"), ["afterwards"])

    def test_may_read(self) -> None:
        """
        Nothing is found in rooms that one is no member of, or no longer.
        """
        both = self.add_room("both", self.alice, self.bob)
        own = self.add_room("own", self.bob)
        self.say("secret of both", by=self.bob, room=both)
        self.say("secret of one", by=self.bob, room=own)
        self.say("no secret")
        self.assertEqual(self.find("secret"), ["no secret", "secret of both"])
        self.assertEqual(self.find("secret", room_id=both.id), ["secret of both"])
        self.assertEqual(len(self.find("secret", by=self.bob)), 3)
        self.failureResultOf(self.ask("secret", room_id=own.id), NotAMember)
        self.failureResultOf(self.ask("secret", room_id=99), RoomNotFound)
        remove = self.database.write(lambda store: store.remove_member(both.id, self.alice.id))
        self.done(remove)
        self.assertEqual(self.find("secret"), ["no secret"])
        self.failureResultOf(self.ask("secret", room_id=both.id), NotAMember)

    def test_sender(self) -> None:
        """
        Of one user only what that user has said is found.
        """
        self.say("hello by alice")
        self.say("hello by bob", by=self.bob)
        self.assertEqual(contents(self.done(self.ask("hello", username="BOB"))), ["hello by bob"])
        for nobody in ("carol", "no such name!"):
            refusal = self.failureResultOf(self.ask("hello", username=nobody), UserNotFound).value
            self.assertEqual((refusal.code, refusal.field), (1003, "from_username"))

    def test_before(self) -> None:
        """
        Of a time on nothing is found.
        """
        self.say(*(f"word {n}" for n in range(1, 11)))
        for before, count in ((0, 0), (1000, 0), (1001, 1), (7000, 6), (99_000, 10)):
            found = self.done(self.ask("word", before=NOW + before))
            self.assertEqual(len(found.hits), count, before)
        page = self.done(self.ask("word", 2, before=NOW + 7000))
        self.assertEqual(contents(page), ["word 6", "word 5"])
        page = self.done(self.ask("word", 2, page.cursor, before=NOW + 7000))
        self.assertEqual(contents(page), ["word 4", "word 3"])

    def test_hit(self) -> None:
        """
        A hit is the message and some of it.
        """
        self.say("x " * 200 + "needle" + " y" * 200)
        (hit,) = self.done(self.ask("needle")).hits
        self.assertEqual(hit.message, self.said[0])
        self.assertIn("x needle y", hit.snippet)

    def test_many_rooms(self) -> None:
        """
        There may be very many rooms to look in.
        """
        self.say("word")

        def candidates(store: Repository) -> Sequence[Event]:
            return store.candidates({"word"}, range(1, 3001), 9)

        self.assertEqual(self.done(self.database.read(candidates)), self.said)
        nowhere = self.database.read(lambda store: store.candidates({"word"}, [], 9))
        self.assertEqual(self.done(nowhere), [])


class SearchPostgreSQLTests(OnPostgreSQL, SearchTests):
    """
    The same with a database of PostgreSQL.
    """


def contents(found: Found) -> list[str]:
    """
    @return: what the messages say.
    """
    return [str(each.message.content) for each in found.hits]
