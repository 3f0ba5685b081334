"""
What a program may refuse, and what it is told.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from attrs import frozen

from chatroom.chat.seams import Intent
from chatroom.client import ChatClient, Refusal, Room
from chatroom.errors import ChatError, Declined, InternalError
from chatroom.store.models import Event, EventKind, User
from chatroom.wire.details import Details
from chatroom.wire.messages import (
    CreateChatRequest,
    DeleteChatRequest,
    UpdateChatRequest,
)
from tests.peers import post
from tests.test_bots import BotCase

Deed = Coroutine[Any, Any, Any]


@frozen(kw_only=True)
class Scene:
    """
    A room of alice's, with bob and a message in it; carol is elsewhere.
    """

    alice: ChatClient
    bob: ChatClient
    carol: ChatClient
    room: Room
    message_id: int

    def of(self, client: ChatClient) -> Room:
        """
        @return: the room, to somebody else.
        """
        return client.room(self.room.id)


#: How people cause each kind of event, and what a guard is asked besides who and where.
def _empty_file() -> Path:
    path = Path("tea.txt").absolute()
    path.write_bytes(b"")
    return path


DEEDS: dict[EventKind, tuple[Callable[[Scene], Deed], dict[str, Any]]] = {
    EventKind.MESSAGE: (
        lambda it: it.of(it.bob).send("hi", client_message_id="b1", reply_to=it.message_id),
        {"content": "hi", "client_message_id": "b1", "reply_to": "message"},
    ),
    EventKind.JOIN: (lambda it: it.carol.join("DEN"), {"subject": "carol"}),
    EventKind.LEAVE: (lambda it: it.of(it.bob).leave(), {"subject": "bob"}),
    EventKind.FILE: (lambda it: it.room.send_file(_empty_file()), {"content": "tea.txt"}),
    EventKind.EDIT: (
        lambda it: it.room.edit(it.message_id, "welcome, all"),
        {"target_id": "message", "content": "welcome, all"},
    ),
    EventKind.DELETE: (lambda it: it.room.delete(it.message_id), {"target_id": "message"}),
    EventKind.REACT: (
        lambda it: it.of(it.bob).react(it.message_id, "👍"),
        {"target_id": "message", "content": "👍"},
    ),
    EventKind.UNREACT: (
        lambda it: it.room.react(it.message_id, "🎉", add=False),
        {"target_id": "message", "content": "🎉"},
    ),
    EventKind.INVITE: (lambda it: it.room.invite("carol"), {"subject": "carol"}),
    EventKind.KICK: (
        lambda it: it.room.kick("bob", reason="Enough."),
        {"subject": "bob", "details": Details(reason="Enough.")},
    ),
    EventKind.MUTE: (
        lambda it: it.room.mute("bob", until=1.7e9),
        {"subject": "bob", "details": Details(until=1_700_000_000_000)},
    ),
    EventKind.BAN: (lambda it: it.room.ban("bob"), {"subject": "bob"}),
    EventKind.LIFT: (lambda it: it.room.lift("dave"), {"subject": "dave"}),
    EventKind.ROLE: (
        lambda it: it.room.set_role("bob", "moderator"),
        {"subject": "bob", "details": Details(role="moderator")},
    ),
    EventKind.UPDATE: (
        lambda it: it.alice.request(UpdateChatRequest(chat_group_id=it.room.id, topic="Tea")),
        {"details": Details(topic="Tea")},
    ),
    EventKind.END: (
        lambda it: it.alice.request(DeleteChatRequest(chat_group_id=it.room.id)),
        {},
    ),
}

#: Who does it, if not the owner of the room.
DOERS = {
    EventKind.MESSAGE: "bob",
    EventKind.JOIN: "carol",
    EventKind.LEAVE: "bob",
    EventKind.REACT: "bob",
}


class SeamCase(BotCase):
    """
    A server with guards and observers.
    """

    def setUp(self) -> None:
        """
        Have nobody guard anything yet.
        """
        super().setUp()
        self.asked: list[Intent] = []
        self.told: list[Event] = []

    def allow(self, intent: Intent) -> None:
        """
        Guard nothing.
        """
        self.asked.append(intent)

    def decline(self, intent: Intent) -> None:
        """
        Refuse all.
        """
        self.asked.append(intent)
        raise Declined(f"No {intent.kind.value} here.")

    def client(self, name: str) -> ChatClient:
        """
        @return: somebody who is logged in.
        """
        client, _ = self.start(name, language="en")
        self.do(client.ready())
        return client

    def user(self, name: str) -> User:
        """
        @return: who has a name.
        """
        return self.do(self.server.chat.accounts.vouched_for(name))

    def scene(self) -> Scene:
        """
        @return: a room with somebody in it.
        """
        alice, bob, carol, _ = map(self.client, ("alice", "bob", "carol", "dave"))
        room = self.do(alice.create("den", ["bob", "dave"]))
        message_id = self.do(room.send("welcome")).message_id
        self.do(room.react(message_id, "🎉"))
        self.do(room.mute("dave"))
        return Scene(alice=alice, bob=bob, carol=carol, room=room, message_id=message_id)


class EveryKindTests(SeamCase):
    """
    All that people can cause.
    """

    def test_whole(self) -> None:
        """
        There is a deed for each kind of event.
        """
        self.assertEqual(set(DEEDS), set(EventKind))

    def check(self, kind: EventKind) -> None:
        """
        See that a deed can be refused and then is not done, and is told when it is done.
        """
        scene = self.scene()
        deed, expected = DEEDS[kind]
        chat = self.server.chat
        for each in EventKind:
            chat.observe(each, self.told.append)
        stop = chat.guard(kind, self.decline)
        refused = self.fails(deed(scene), Declined)
        self.assertEqual((refused.code, refused.reason), (1005, "declined"))
        self.assertEqual(str(refused.text("en")), f"No {kind.value} here.")
        self.assertEqual(self.told, [])

        values = dict(expected)
        for key in ("target_id", "reply_to"):
            if key in values:
                values[key] = scene.message_id
        if "subject" in values:
            values["subject"] = self.user(values["subject"])
        sender = self.user(DOERS.get(kind, "alice"))
        intent = Intent(kind=kind, sender=sender, room_id=scene.room.id, **values)
        self.assertEqual(self.asked, [intent])

        stop()
        self.do(deed(scene))
        self.assertEqual(self.asked, [intent])
        [event] = self.told
        self.assertEqual((event.kind, event.sender, event.room_id), (kind, sender, scene.room.id))


def _test(kind: EventKind) -> Callable[[EveryKindTests], None]:
    def test(self: EveryKindTests) -> None:
        self.check(kind)

    test.__doc__ = f"A {kind.value} can be refused, and is told."
    return test


for _kind in EventKind:
    setattr(EveryKindTests, f"test_{_kind.value}", _test(_kind))


class GuardTests(SeamCase):
    """
    Who is asked before something happens.
    """

    def test_room_that_is_made(self) -> None:
        """
        Where a room is made, it is asked about each who would be in it.
        """
        alice, _ = self.client("alice"), self.client("bob")
        self.server.chat.guard(EventKind.JOIN, self.allow)
        request = CreateChatRequest(
            chat_name="Den", member_usernames=["bob", "BOB", "nobody"], visibility="invite"
        )
        self.fails(alice.request(request), ChatError)
        details = Details(name="Den", visibility="invite")
        self.assertEqual({each.details for each in self.asked}, {details})
        subjects = [self.user("alice"), self.user("bob"), None]
        self.assertEqual([each.subject for each in self.asked], subjects)

    def test_room_of_two(self) -> None:
        """
        It is asked about both of a private chat, unless there is one already.
        """
        alice, _ = self.client("alice"), self.client("bob")
        stop = self.server.chat.guard(EventKind.JOIN, self.decline)
        self.fails(alice.private_chat("bob"), Declined)
        self.assertEqual(self.asked[0].room_id, None)
        stop()
        room = self.do(alice.private_chat("bob"))
        self.server.chat.guard(EventKind.JOIN, self.decline)
        self.assertEqual(self.do(alice.private_chat("bob")), room)

    def test_what_is_not_there(self) -> None:
        """
        It is asked about what the server itself would refuse.
        """
        alice = self.client("alice")
        for kind in (EventKind.JOIN, EventKind.EDIT, EventKind.KICK):
            self.server.chat.guard(kind, self.allow)
        self.fails(alice.join("nowhere"), Refusal)
        self.fails(alice.room(1).edit(77, "what?"), Refusal)
        self.fails(alice.room(9).kick("nobody"), Refusal)
        places = [(each.kind, each.room_id, each.subject) for each in self.asked]
        self.assertEqual(
            places,
            [
                (EventKind.JOIN, None, self.user("alice")),
                (EventKind.EDIT, None, None),
                (EventKind.KICK, 9, None),
            ],
        )

    def test_order(self) -> None:
        """
        Of a session's posts those that are let through are stored in their order.
        """

        def no_odd_ones(intent: Intent) -> None:
            if int(intent.content or 0) % 2:
                raise Declined("Odd.")

        alice = self.person()
        self.server.chat.guard(EventKind.MESSAGE, no_odd_ones)
        self.server.chat.observe(EventKind.MESSAGE, self.told.append)
        alice.send(*[post(str(n), client_message_id=str(n)) for n in range(40)])
        self.flow()
        self.assertEqual([each.content for each in self.told], [str(n) for n in range(0, 40, 2)])
        answers = [each for each in alice.heard if each["message_type"] != "chat_message"]
        self.assertEqual([each["client_message_id"] for each in answers], [*map(str, range(40))])

    def test_several(self) -> None:
        """
        Guards are asked in the order in which they came, until one refuses; the same one
        may come twice, and goes as often.
        """
        chat, alice = self.server.chat, self.client("alice")
        first = chat.guard(EventKind.MESSAGE, self.allow)
        second = chat.guard(EventKind.MESSAGE, self.allow)
        third = chat.guard(EventKind.MESSAGE, self.decline)
        last = chat.guard(EventKind.MESSAGE, self.allow)
        counts = []
        for stop in (first, third, second, second, last):
            self.asked.clear()
            sending = self.begin(alice.room(1).send("hi"))
            sending.addErrback(lambda failure: failure.trap(Declined) and None)
            counts.append(len(self.asked))
            stop()
        self.assertEqual(counts, [3, 2, 2, 1, 1])
        self.assertEqual(chat.guards._by_kind, {})

    def test_retry_after(self) -> None:
        """
        A guard may say when to try again.
        """

        def later(intent: Intent) -> None:
            raise Declined("Not before noon.", retry_after=60)

        alice = self.client("alice")
        self.server.chat.guard(EventKind.REACT, later)
        refused = self.fails(alice.room(1).react(1, "👍"), Declined)
        self.assertEqual((refused.retry_after, refused.temporary), (60, False))

    def test_nonsense(self) -> None:
        """
        What a guard does besides is its fault: nothing happens, and the operator is told.
        """

        async def nobody_waits() -> None:
            raise AssertionError

        def fail(error: BaseException) -> Callable[[Intent], Any]:
            def guard(intent: Intent) -> None:
                raise error

            return guard

        class Misnamed(ChatError):
            reason = "muted"

        nonsense: list[Callable[[Intent], Any]] = [
            fail(ZeroDivisionError("with the content in it")),
            fail(Misnamed()),
            fail(InternalError()),
            lambda intent: intent.nothing,  # type: ignore[attr-defined]
            lambda _: False,
            lambda _: True,
            lambda _: nobody_waits(),
            lambda: None,  # type: ignore[misc, list-item]
        ]
        alice = self.client("alice")
        for kind, deed in (
            (EventKind.MESSAGE, lambda: alice.room(1).send("hi")),
            (EventKind.LEAVE, lambda: alice.room(1).leave()),
        ):
            for guard in nonsense:
                stop = self.server.chat.guard(kind, guard)
                begun = self.begin(deed())
                stop()
                if kind is EventKind.MESSAGE:
                    # The client tries again, for the server may be mended.
                    begun.addErrback(lambda failure: failure.trap(InternalError) and None)
                    self.flow(30)
                else:
                    self.failureResultOf(begun, InternalError)
                self.assertEqual(len(self.flushLoggedErrors()), 1, guard)

    def test_coroutine_function(self) -> None:
        """
        Nobody would wait for a coroutine.
        """

        async def guard(intent: object) -> None:
            raise AssertionError

        for add in (self.server.chat.guard, self.server.chat.observe):
            self.assertRaises(TypeError, add, EventKind.JOIN, guard)
            self.assertRaises(ValueError, add, "sneeze", self.allow)

    def test_the_program_itself(self) -> None:
        """
        What the program does is not guarded, and is told.
        """
        chat = self.server.chat
        self.client("alice")
        for kind in EventKind:
            chat.guard(kind, self.decline)
            chat.observe(kind, self.told.append)
        self.do(chat.rooms.create(self.user("alice"), "den", []))
        self.assertEqual(self.asked, [])
        self.assertEqual([each.kind for each in self.told], [EventKind.JOIN])


class ObserverTests(SeamCase):
    """
    Who is told afterwards.
    """

    def test_order(self) -> None:
        """
        Observers are told everything in the order of the log.
        """
        for kind in EventKind:
            self.server.chat.observe(kind, self.told.append)
        scene = self.scene()
        for number in range(15):
            self.begin(scene.of(scene.bob).send(str(number)))
            self.begin(scene.room.react(scene.message_id, str(number)))
        self.flow()
        there = [each for each in self.told if each.room_id == scene.room.id]
        self.assertEqual([each.seq for each in there], [*range(1, len(there) + 1)])
        self.assertEqual([each.id for each in self.told], sorted(each.id for each in self.told))
        self.assertEqual(len(there), 36)

    def test_failure(self) -> None:
        """
        One that fails harms nobody, and is told the next time again.
        """

        def fail(event: Event) -> None:
            self.told.append(event)
            raise ZeroDivisionError

        chat, alice = self.server.chat, self.client("alice")
        chat.observe(EventKind.MESSAGE, fail)
        chat.observe(EventKind.MESSAGE, self.told.append)
        for number in (1, 2):
            self.assertEqual(self.do(alice.room(1).send("hi")).seq, number)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual([each.seq for each in self.told], [1, 1, 2, 2])

    def test_going_away(self) -> None:
        """
        One may take itself away while it is told.
        """
        chat, alice = self.server.chat, self.client("alice")

        def once(event: Event) -> None:
            self.told.append(event)
            stop()

        stop = chat.observe(EventKind.MESSAGE, once)
        chat.observe(EventKind.MESSAGE, self.told.append)
        for _ in range(2):
            self.do(alice.room(1).send("hi"))
        self.assertEqual([each.seq for each in self.told], [1, 1, 2])

    def test_answering(self) -> None:
        """
        An observer may have more be said.
        """
        alice = self.client("alice")

        def answer(event: Event) -> None:
            self.told.append(event)
            if len(self.told) < 3:
                self.begin(alice.room(1).send("and another thing"))

        self.server.chat.observe(EventKind.MESSAGE, answer)
        self.do(alice.room(1).send("one thing"))
        self.assertEqual([each.seq for each in self.told], [1, 2, 3])
