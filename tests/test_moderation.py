"""
Private chats, invitations, and what is done to rooms and to who is in them.
"""

from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.names import TOPIC_CHARS
from chatroom.store.models import PUBLIC_ROOM_ID
from tests.peers import PASSWORD, Message, Peer, login, post, register, request
from tests.servers import START, MemoryServer, memory_server
from tests.stores import OnPostgreSQL, OnSQLite


@define(eq=False)
class Person:
    """
    Somebody who asks for one thing after the other.
    """

    test: SynchronousTestCase
    server: MemoryServer
    name: str
    peer: Peer
    _count: int = 0

    def ask(self, kind: str, **keys: object) -> Message:
        """
        @return: what answers a request; what was pushed meanwhile stays to be heard.
        """
        self._count += 1
        self.peer.send(request(kind, request_id=str(self._count), **keys))
        pushed: list[Message] = []
        while True:
            heard: Message = self.test.successResultOf(self.peer.receive())
            if heard.get("request_id") == str(self._count):
                self.peer.heard[:0] = pushed
                return heard
            pushed.append(heard)

    def refused(self, kind: str, **keys: object) -> tuple[int, str, str | None]:
        """
        @return: how a request is refused: code, reason, and the key at fault.
        """
        answer = self.ask(kind, **keys)
        return answer["error_code"], answer["reason"], answer.get("field")

    def heard(self) -> list[Message]:
        """
        @return: what was pushed and not looked at yet.
        """
        self.server.pass_time(0.5)
        some = [each for each in self.peer.heard if "request_id" not in each]
        self.peer.heard.clear()
        return some

    def told(self) -> list[str]:
        """
        @return: what was said in words meanwhile.
        """
        return [each["content"] for each in self.heard()]


class Moderating(OnSQLite):
    """
    A server with some people.
    """

    server: MemoryServer

    def serve(self, **options: Any) -> None:
        """
        Start a server that says what it says in English.
        """
        self.server = memory_server(self, url=self.new_url(), language="en", **options)

    def person(self, name: str, *, follows: bool = False) -> Person:
        """
        @param follows: whether they speak the hello dialect.
        @return: a new user, who is logged in.
        """
        person = Person(self, self.server, name, self.server.connect())
        if follows:
            person.peer.send(request("hello_request", protocol=1))
        person.peer.send(register(name), login(name))
        if follows:
            person.peer.send(request("resume_request"))
        self.server.pass_time(1)
        person.peer.heard.clear()
        return person

    def make_administrator(self, person: Person) -> None:
        """
        Have somebody look after the server.
        """
        done = self.server.chat.administration.set_administrator(None, person.name, is_one=True)
        waiting = Deferred.fromCoroutine(done)
        self.server.pass_time(1)
        self.successResultOf(waiting)


class PrivateChatTests(Moderating):
    """
    Rooms of two.
    """

    def setUp(self) -> Any:
        """
        Have three people.
        """
        self.serve()
        self.alice, self.bob, self.carol = map(self.person, ("alice", "bob", "carol"))

    def test_made_and_found(self) -> None:
        """
        Whoever of the two asks gets the one room, which is called after both.
        """
        made = self.alice.ask("private_chat_request", username="BOB")
        self.assertEqual(
            (made["message_type"], made["chat_name"]), ("create_chat_response", "@alice, @bob")
        )
        self.assertEqual(self.bob.told(), ["alice added you to @alice, @bob"])
        found = self.bob.ask("private_chat_request", username="alice")
        self.assertEqual(found["chat_group_id"], made["chat_group_id"])
        for person in (self.alice, self.bob):
            info = person.ask("user_info_request")
            self.assertEqual((info["private_chats_count"], info["group_chats_count"]), (1, 1))

    def test_by_name(self) -> None:
        """
        Clients of the seed enter it by its name, or by that of the other.
        """
        room_id = self.alice.ask("private_chat_request", username="bob")["chat_group_id"]
        for name in ("@alice, @bob", "@bob, @alice", "@Bob"):
            entered = self.alice.ask("enter_chat_request", chat_name=name)
            self.assertEqual(entered["chat_group_id"], room_id, name)
        self.assertEqual(
            self.alice.refused("enter_chat_request", chat_name="@carol"),
            (1004, "chat_not_found", None),
        )

    def test_hidden(self) -> None:
        """
        To anybody else it is not there: neither in lists nor in numbers, nor by its name.
        """
        before = self.carol.ask("user_info_request")["total_chats_count"]
        room_id = self.alice.ask("private_chat_request", username="bob")["chat_group_id"]
        self.alice.ask("chat_message", chat_group_id=room_id, content="Secret.")
        chats = self.carol.ask("list_chats_request", list_type="all")["chats"]
        self.assertEqual([each["group_id"] for each in chats], [PUBLIC_ROOM_ID])
        after = self.carol.ask("user_info_request")["total_chats_count"]
        self.assertEqual((before, after), (1, 1))
        for kind in ("enter_chat_request", "join_chat_request"):
            self.assertEqual(
                self.carol.refused(kind, chat_name="@alice, @bob"),
                (1004, "chat_not_found", None),
            )
        self.assertEqual(self.carol.ask("search_request", query="secret")["hits"], [])

    def test_names_apart(self) -> None:
        """
        No group room can be called as a private chat, so nobody learns by that whether
        there is one.
        """
        for name in ("@alice, @bob", "＠bob"):
            self.assertEqual(
                self.carol.refused("create_chat_request", chat_name=name),
                (1008, "bad_chat_name", "chat_name"),
            )

    def test_with_oneself(self) -> None:
        """
        Nobody has one with themselves, nor with nobody.
        """
        self.assertEqual(
            self.alice.refused("private_chat_request", username="Alice"),
            (1008, "not_yourself", "username"),
        )
        for name in ("nobody", "not a name"):
            self.assertEqual(
                self.alice.refused("private_chat_request", username=name),
                (1003, "user_not_found", "username"),
            )

    def test_race(self) -> None:
        """
        Of both who ask at the same time each gets the same room.
        """
        for person, other in ((self.alice, "bob"), (self.bob, "alice")):
            person.peer.send(request("private_chat_request", username=other, request_id="r"))
        self.server.pass_time(1)
        made = [
            each["chat_group_id"]
            for person in (self.alice, self.bob)
            for each in person.peer.heard
            if each["message_type"] == "create_chat_response"
        ]
        self.assertEqual(len(made), 2)
        self.assertEqual(len(set(made)), 1)


class InvitationTests(Moderating):
    """
    Rooms that are for those who are invited.
    """

    def setUp(self) -> Any:
        """
        Have such a room.
        """
        self.serve()
        self.alice, self.bob, self.carol = map(self.person, ("alice", "bob", "carol"))
        made = self.alice.ask("create_chat_request", chat_name="Den", visibility="invite")
        self.room_id = made["chat_group_id"]

    def test_invited(self) -> None:
        """
        Who is invited is told, finds the room, and may join once.
        """
        self.assertEqual(
            self.bob.refused("join_chat_request", chat_name="Den"),
            (1004, "chat_not_found", None),
        )
        done = self.alice.ask("invite_request", chat_group_id=self.room_id, username="bob")
        self.assertEqual((done["seq"], done["username"]), (2, "bob"))
        self.assertEqual(self.bob.told(), ["alice invites you to Den"])
        chats = self.bob.ask("list_chats_request", list_type="all")["chats"]
        self.assertIn("Den", [each["group_name"] for each in chats])
        self.assertTrue(self.bob.ask("join_chat_request", chat_name="den")["success"])
        self.bob.ask("leave_chat_request", chat_group_id=self.room_id)
        self.assertEqual(
            self.bob.refused("join_chat_request", chat_name="Den"),
            (1004, "chat_not_found", None),
        )

    def test_again(self) -> None:
        """
        To invite somebody again, or a member, changes nothing.
        """
        keys = {"chat_group_id": self.room_id, "username": "bob"}
        self.alice.ask("invite_request", **keys)
        self.assertIs(self.alice.ask("invite_request", **keys)["duplicate"], True)
        self.bob.ask("join_chat_request", chat_name="Den")
        self.assertIs(self.alice.ask("invite_request", **keys)["duplicate"], True)

    def test_badly(self) -> None:
        """
        Nobody, oneself, and who is banned can't be invited; nor more than may be members.
        """
        self.alice.ask("ban_request", chat_group_id=self.room_id, username="carol")
        for name, refusal in (
            ("nobody", (1003, "user_not_found", "username")),
            ("alice", (1008, "not_yourself", "username")),
            ("carol", (1005, "user_is_banned", "username")),
        ):
            keys = {"chat_group_id": self.room_id, "username": name}
            self.assertEqual(self.alice.refused("invite_request", **keys), refusal)

    def test_full(self) -> None:
        """
        There are no more invitations than members may be.
        """
        self.serve(room_members=2)
        alice, _, _ = map(self.person, ("alice", "bob", "carol"))
        room = alice.ask("create_chat_request", chat_name="Den", visibility="invite")
        keys = {"chat_group_id": room["chat_group_id"]}
        alice.ask("invite_request", username="bob", **keys)
        self.assertEqual(
            alice.refused("invite_request", username="carol", **keys), (1005, "chat_full", None)
        )

    def test_followed(self) -> None:
        """
        In the hello dialect the invitation is a message of its own, and an event of the
        room for its members.
        """
        dave, erin = self.person("dave", follows=True), self.person("erin", follows=True)
        made = dave.ask("create_chat_request", chat_name="Attic", visibility="invite")
        dave.heard()
        dave.ask("invite_request", chat_group_id=made["chat_group_id"], username="erin")
        [invitation] = erin.heard()
        self.assertEqual(
            (invitation["message_type"], invitation["chat_group_name"], invitation["username"]),
            ("chat_invitation", "Attic", "dave"),
        )
        [event] = dave.heard()
        self.assertEqual(
            (event["message_type"], event["change"], event["username"]),
            ("member_changed", "invited", "erin"),
        )

    def test_name_taken(self) -> None:
        """
        That a hidden room has a name is told in the words that tell it of any room.
        """
        self.alice.ask("create_chat_request", chat_name="Open")
        refusals = {
            self.bob.refused("create_chat_request", chat_name=name) for name in ("Den", "Open")
        }
        self.assertEqual(refusals, {(1002, "chat_name_taken", "chat_name")})


class ModerationTests(Moderating):
    """
    A room with an owner, a moderator and members.
    """

    def setUp(self) -> Any:
        """
        Have one.
        """
        self.serve()
        names = ("olga", "mo", "ann", "ben")
        self.olga, self.mo, self.ann, self.ben = map(self.person, names)
        made = self.olga.ask("create_chat_request", chat_name="Tea", member_usernames=names)
        self.room = {"chat_group_id": made["chat_group_id"]}
        self.olga.ask("set_role_request", username="mo", role="moderator", **self.room)
        for person in self.everybody():
            person.heard()

    def everybody(self) -> tuple[Person, ...]:
        """
        @return: all of them.
        """
        return self.olga, self.mo, self.ann, self.ben

    def test_kick(self) -> None:
        """
        Who is removed is told, as all others, and hears nothing more; they may come back.
        """
        self.ann.ask("enter_chat_request", chat_name="Tea")
        self.mo.ask("kick_request", username="ann", reason="Loud.", **self.room)
        for person in (self.olga, self.ann, self.ben):
            self.assertEqual(person.told(), ["ann was removed from Tea by mo"])
        self.ben.ask("chat_message", content="Gone?", **self.room)
        self.assertEqual(self.ann.heard(), [])
        self.assertEqual(self.ann.ask("chat_message", content="hi")["chat_group_id"], 1)
        self.assertTrue(self.ann.ask("join_chat_request", chat_name="Tea")["success"])

    def test_mute(self) -> None:
        """
        Who is muted reads, and does nothing else until the time has come.
        """
        said = self.ann.ask("chat_message", content="Before.", **self.room)["message_id"]
        until = START + 1000
        done = self.mo.ask("mute_request", username="ann", until=until, **self.room)
        self.assertEqual(done["duplicate"], False)
        self.ann.heard()
        for kind, keys in (
            ("chat_message", {"content": "x", **self.room}),
            ("edit_message_request", {"content": "x", "message_id": said}),
            ("react_request", {"reaction": "+", "message_id": said}),
            ("typing", {"active": True, **self.room}),
            ("invite_request", {"username": "olga", **self.room}),
        ):
            self.assertEqual(self.ann.refused(kind, **keys)[:2], (1005, "muted"), kind)
        refusal = self.ann.ask("chat_message", content="x", **self.room)
        self.assertAlmostEqual(refusal["retry_after"], until - self.server.clock.seconds(), 0)
        self.assertEqual(
            self.ann.ask("history_request", **self.room)["message_type"], "chat_history"
        )
        self.server.pass_time(1000)
        self.assertIn("message_id", self.ann.ask("chat_message", content="x", **self.room))

    def test_lift(self) -> None:
        """
        A mute without end is lifted, and so is a ban; with nothing to lift, nothing is.
        """
        self.mo.ask("mute_request", username="ann", **self.room)
        self.assertNotIn("retry_after", self.ann.ask("chat_message", content="x", **self.room))
        self.assertIs(self.mo.ask("lift_request", username="ann", **self.room)["duplicate"], False)
        self.assertIn("seq", self.ann.ask("chat_message", content="x", **self.room))
        self.mo.ask("ban_request", username="ann", **self.room)
        self.assertEqual(
            self.ann.refused("join_chat_request", chat_name="Tea")[:2], (1005, "banned")
        )
        self.mo.ask("lift_request", username="ann", **self.room)
        self.assertTrue(self.ann.ask("join_chat_request", chat_name="Tea")["success"])
        self.assertIs(self.mo.ask("lift_request", username="ann", **self.room)["duplicate"], True)

    def test_ban(self) -> None:
        """
        Who is banned is out, and can't be invited or join until the time has come.
        """
        until = START + 500
        self.mo.ask("ban_request", username="ann", until=until, **self.room)
        self.assertEqual(self.ann.told(), ["ann was banned from Tea by mo"])
        refusal = self.ann.ask("join_chat_request", chat_name="Tea")
        self.assertEqual(refusal["reason"], "banned")
        self.assertGreater(refusal["retry_after"], 400)
        info = self.mo.ask("chat_info_request", **self.room)
        self.assertEqual([each["username"] for each in info["bans"]], ["ann"])
        self.assertIsNone(self.ben.ask("chat_info_request", **self.room)["bans"])
        self.server.pass_time(500)
        self.assertTrue(self.ann.ask("join_chat_request", chat_name="Tea")["success"])

    def test_same_commit(self) -> None:
        """
        What who is muted or removed says right behind that, in the same commit, is
        refused; what they said right before it stays.
        """
        for kind, reason in (
            ("mute_request", "muted"),
            ("kick_request", "not_a_member"),
            ("ban_request", "not_a_member"),
        ):
            self.ann.peer.heard.clear()
            # All three wait for the same commit, in this order.
            self.ann.peer.send(post("Before.", request_id="before", **self.room))
            self.mo.peer.send(request(kind, username="ann", request_id=kind, **self.room))
            self.ann.peer.send(post("Behind.", request_id="behind", **self.room))
            self.server.pass_time(1)
            answers = {each.get("request_id"): each for each in self.ann.peer.heard}
            [done] = [each for each in self.mo.peer.heard if each.get("request_id") == kind]
            self.assertEqual(answers["behind"]["reason"], reason)
            self.assertEqual(answers["before"]["seq"], done["seq"] - 1)
            self.assertEqual(answers["before"]["server_time"], done["server_time"])
            self.mo.ask("lift_request", username="ann", **self.room)
            self.ann.ask("join_chat_request", chat_name="Tea")

    def test_badly(self) -> None:
        """
        What can't be has a reason of its own.
        """
        self.person("stranger")
        past = START - 1
        for person, kind, keys, refusal in (
            (
                self.olga,
                "set_role_request",
                {"username": "stranger", "role": "moderator"},
                (1003, "member_not_found", "username"),
            ),
            (
                self.olga,
                "kick_request",
                {"username": "stranger"},
                (1003, "member_not_found", "username"),
            ),
            (
                self.olga,
                "mute_request",
                {"username": "stranger"},
                (1003, "member_not_found", "username"),
            ),
            (
                self.olga,
                "ban_request",
                {"username": "nobody"},
                (1003, "user_not_found", "username"),
            ),
            (self.olga, "ban_request", {"username": "olga"}, (1008, "not_yourself", "username")),
            (self.olga, "kick_request", {"username": "olga"}, (1008, "not_yourself", "username")),
            (self.mo, "ban_request", {"username": "olga"}, (1005, "outranked", "username")),
            (self.mo, "kick_request", {"username": "olga"}, (1005, "outranked", "username")),
            (
                self.olga,
                "mute_request",
                {"username": "ann", "until": past},
                (1008, "until_in_past", "until"),
            ),
            (
                self.olga,
                "ban_request",
                {"username": "ann", "until": past},
                (1008, "until_in_past", "until"),
            ),
            (
                self.olga,
                "ban_request",
                {"username": "ann", "until": 1e18},
                (1008, "bad_field", "until"),
            ),
            (
                self.olga,
                "update_chat_request",
                {"name": "PUBLIC"},
                (1002, "chat_name_taken", "name"),
            ),
            (self.olga, "update_chat_request", {"name": " x"}, (1008, "bad_chat_name", "name")),
            (
                self.olga,
                "update_chat_request",
                {"topic": "x" * (TOPIC_CHARS + 1)},
                (1008, "bad_topic", "topic"),
            ),
            (
                self.olga,
                "update_chat_request",
                {"visibility": "nobody"},
                (1008, "bad_field", "visibility"),
            ),
            (
                self.olga,
                "set_role_request",
                {"username": "ann", "role": "king"},
                (1008, "bad_field", "role"),
            ),
            (
                self.olga,
                "set_role_request",
                {"username": "olga", "role": "member"},
                (1005, "last_owner", None),
            ),
            (self.ann, "kick_request", {"username": "ben"}, (1005, "not_allowed", None)),
            (self.ann, "update_chat_request", {"topic": "x"}, (1005, "not_allowed", None)),
            (self.mo, "update_chat_request", {"name": "x"}, (1005, "not_allowed", None)),
            (self.mo, "delete_chat_request", {}, (1005, "not_allowed", None)),
        ):
            refused = person.refused(kind, **keys, **self.room)
            self.assertEqual(refused, refusal, (kind, keys))

    def test_equal_rank(self) -> None:
        """
        Nobody does anything to those who are as much as they are.
        """
        self.olga.ask("set_role_request", username="ann", role="moderator", **self.room)
        for kind in ("kick_request", "mute_request", "ban_request"):
            self.assertEqual(
                self.mo.refused(kind, username="ann", **self.room)[:2], (1005, "outranked")
            )
        self.olga.ask("set_role_request", username="ann", role="owner", **self.room)
        self.assertEqual(
            self.olga.refused("set_role_request", username="ann", role="member", **self.room)[:2],
            (1005, "outranked"),
        )
        done = self.olga.ask("set_role_request", username="olga", role="member", **self.room)
        self.assertEqual(done["role"], "member")

    def test_others_messages(self) -> None:
        """
        A moderator takes back what members have said, and not what the owner has.
        """
        of_ann = self.ann.ask("chat_message", content="Rude.", **self.room)["message_id"]
        of_olga = self.olga.ask("chat_message", content="Rules.", **self.room)["message_id"]
        self.assertIs(self.mo.ask("delete_message_request", message_id=of_ann)["duplicate"], False)
        self.assertEqual(
            self.mo.refused("delete_message_request", message_id=of_olga)[:2],
            (1005, "outranked"),
        )
        self.make_administrator(self.ben)
        entries = self.ben.ask("list_audit_request", **self.room)["entries"]
        self.assertEqual(
            (entries[0]["by"], entries[0]["action"], entries[0]["username"]),
            ("mo", "delete_message_request", "ann"),
        )

    def test_update(self) -> None:
        """
        A room has another topic and name at once, and is hidden from who is no member.
        """
        stranger = self.person("stranger")
        done = self.olga.ask(
            "update_chat_request", topic="Green", name="Tea!", visibility="invite", **self.room
        )
        self.assertEqual(
            (done["chat_name"], done["topic"], done["visibility"]), ("Tea!", "Green", "invite")
        )
        self.assertEqual(self.ann.told(), ["olga changed Tea!"])
        info = self.ann.ask("chat_info_request", **self.room)
        self.assertEqual((info["chat_name"], info["topic"]), ("Tea!", "Green"))
        chats = stranger.ask("list_chats_request", list_type="all")["chats"]
        self.assertEqual([each["group_id"] for each in chats], [PUBLIC_ROOM_ID])
        self.assertEqual(
            self.ann.ask("chat_message", content="x", **self.room)["chat_group_id"],
            self.room["chat_group_id"],
        )
        same = self.olga.ask("update_chat_request", topic="Green", **self.room)
        self.assertIs(same["duplicate"], True)

    def test_heirs(self) -> None:
        """
        When the last owner goes, who has been there for longest owns the room.
        """
        self.olga.ask("leave_chat_request", **self.room)
        members = self.mo.ask("chat_info_request", **self.room)["members"]
        self.assertEqual([each["username"] for each in members if each["role"] == "owner"], ["mo"])
        self.assertIn("mo owns Tea now", self.ben.told())

    def test_audit(self) -> None:
        """
        What was done is kept, with who did it and why.
        """
        self.mo.ask("kick_request", username="ann", reason="Loud.", **self.room)
        self.make_administrator(self.ben)
        entries = self.ben.ask("list_audit_request")["entries"]
        found = [
            (each["by"], each["action"], each["username"], each["reason"]) for each in entries
        ]
        self.assertEqual(
            found,
            [
                (None, "set_administrator_request", "ben", None),
                ("mo", "kick_request", "ann", "Loud."),
                ("olga", "set_role_request", "mo", None),
            ],
        )
        here = self.ben.ask("list_audit_request", **self.room, limit=1)["entries"]
        self.assertEqual([each["action"] for each in here], ["kick_request"])
        last = entries[-2]["entry_id"]
        before = self.ben.ask("list_audit_request", before_id=last)["entries"]
        self.assertEqual([each["action"] for each in before], ["set_role_request"])

    def test_rate(self) -> None:
        """
        It counts as messages.
        """
        self.serve(post_burst=2, post_rate=1.0)
        olga = self.person("olga")
        olga.ask("create_chat_request", chat_name="Tea")
        olga.ask("update_chat_request", chat_group_id=2, topic="x")
        self.assertEqual(
            olga.refused("update_chat_request", chat_group_id=2, topic="y")[:2],
            (1005, "too_fast"),
        )


class DeletedRoomTests(Moderating):
    """
    Rooms that are no more.
    """

    def setUp(self) -> Any:
        """
        Have a room in which much has happened.
        """
        self.serve(stall_seconds=0, heartbeat_seconds=0)
        self.alice, self.bob = self.person("alice"), self.person("bob", follows=True)
        made = self.alice.ask("create_chat_request", chat_name="Tea", member_usernames=["bob"])
        self.room = {"chat_group_id": made["chat_group_id"]}
        for number in range(450):
            self.alice.peer.send(post(f"Word{number}, @bob", **self.room))
        self.server.pass_time(1)
        self.bob.ask("react_request", message_id=5, reaction="+")
        for person in (self.alice, self.bob):
            person.heard()

    def stored(self) -> dict[str, int]:
        """
        @return: how many rows there are of what.
        """
        database = self.server.chat._database

        def count(store: Any) -> dict[str, int]:
            tables = ("events", "members", "mentions", "reactions", "bans", "search", "rooms")
            connection = store._connection
            return {
                each: connection.exec_driver_sql(f"SELECT COUNT(*) FROM {each}").scalar_one()
                for each in tables
            }

        return self.successResultOf(database.read(count))

    def test_told(self) -> None:
        """
        Its members are told, and it is nobody's at once; the name is free.
        """
        done = self.alice.ask("delete_chat_request", reason="Cold.", **self.room)
        self.assertEqual(done["chat_name"], "Tea")
        self.assertEqual(self.alice.told(), ["alice deleted Tea"])
        [event] = self.bob.heard()
        self.assertEqual(
            (event["message_type"], event["seq"], event["deleted_by"], event["reason"]),
            ("chat_deleted", done["seq"], 1, "Cold."),
        )
        for person in (self.alice, self.bob):
            self.assertEqual(
                person.refused("chat_message", content="x", **self.room),
                (1004, "chat_not_found", None),
            )
        again = self.alice.ask("create_chat_request", chat_name="tea")
        self.assertGreater(again["chat_group_id"], self.room["chat_group_id"])

    def test_erased(self) -> None:
        """
        Nothing is left of it, a while later; a little of it goes at a time.
        """
        self.assertGreater(self.stored()["events"], 450)
        self.alice.ask("delete_chat_request", **self.room)
        self.server.pass_time(60)
        self.assertEqual(
            self.stored(),
            {
                "events": 0,
                "members": 2,
                "mentions": 0,
                "reactions": 0,
                "bans": 0,
                "search": 0,
                "rooms": 1,
            },
        )

    def test_soon(self) -> None:
        """
        It is erased soon also where something waits to be purged much later, and its words
        are purged with that.
        """
        said = self.alice.ask("chat_message", content="Helo.", chat_group_id=PUBLIC_ROOM_ID)
        self.server.pass_time(60)
        self.alice.ask("edit_message_request", message_id=said["message_id"], content="Hello.")
        self.server.pass_time(1)
        self.alice.ask("delete_chat_request", **self.room)
        self.server.pass_time(60)
        self.assertEqual(self.stored()["rooms"], 1)
        self.server.pass_time(1)
        self.alice.ask("create_chat_request", chat_name="Another")
        self.alice.ask("delete_chat_request", chat_group_id=3)
        for _ in range(12):
            self.server.pass_time(60)
        self.assertEqual(self.stored()["rooms"], 1)
        database = self.server.chat._database
        left = self.successResultOf(database.read(lambda store: store.forgotten_count()))
        self.assertEqual(left, 0)

    def test_behind(self) -> None:
        """
        Who is behind in it is told of its end, and of nothing that is gone.
        """
        self.bob.peer.wire.transport.is_reading = False  # type: ignore[attr-defined]
        for number in range(300):
            self.alice.peer.send(post("x" * 3000 + str(number), **self.room))
        self.server.pass_time(1)
        self.alice.ask("delete_chat_request", **self.room)
        self.server.pass_time(60)
        self.bob.peer.wire.transport.is_reading = True  # type: ignore[attr-defined]
        heard = self.bob.heard() + self.bob.heard()
        self.assertEqual(heard[-1]["message_type"], "chat_deleted")
        self.assertEqual(self.bob.ask("chat_message", content="hi")["chat_group_id"], 1)


class AdministrationTests(Moderating):
    """
    What those do who look after the server.
    """

    def setUp(self) -> Any:
        """
        Have one.
        """
        self.serve()
        self.root, self.alice, self.bob = map(self.person, ("root", "alice", "bob"))
        self.make_administrator(self.root)
        made = self.alice.ask("create_chat_request", chat_name="Tea", member_usernames=["bob"])
        self.room = {"chat_group_id": made["chat_group_id"]}

    def answer_to_login(self, name: str, password: str = PASSWORD) -> Message:
        """
        @return: what answers somebody who logs in.
        """
        peer = self.server.connect()
        return self.successResultOf(peer.ask(login(name, password, request_id="l")))

    def test_disable(self) -> None:
        """
        Who is disabled is sent away with a reason and does not come back, by password or
        token; what they owned has another owner; enabled, all is as it was.
        """
        modern = self.server.connect()
        modern.send(request("hello_request", protocol=1), login("alice"))
        _, logged_in, _ = self.successResultOf(modern.receive_some(3))
        done = self.root.ask("disable_user_request", username="alice", reason="Away.")
        self.assertEqual((done["is_disabled"], done["ended_count"]), (True, 1))
        self.server.pass_time(3)
        self.assertEqual(modern.heard[-1]["reason"], "account_disabled")
        self.assertEqual(modern.heard[-1]["reconnect"], False)
        self.assertTrue(modern.wire.is_closed and self.alice.peer.wire.is_closed)
        self.assertEqual(self.answer_to_login("alice")["reason"], "wrong_credentials")
        peer = self.server.connect()
        token = request("token_login_request", session_token=logged_in["session_token"])
        self.assertFalse(self.successResultOf(peer.ask(token))["success"])
        members = self.bob.ask("chat_info_request", **self.room)["members"]
        self.assertEqual([each["role"] for each in members], ["owner", "owner"])
        taken = self.successResultOf(peer.ask(register("alice", request_id="r")))
        self.assertEqual(taken["reason"], "username_taken")
        self.root.ask("enable_user_request", username="alice")
        self.assertTrue(self.answer_to_login("alice")["success"])

    def test_same_commit(self) -> None:
        """
        What somebody says right behind being disabled, in the same commit, is not stored.
        """
        self.root.peer.send(request("disable_user_request", username="alice"))
        self.alice.peer.send(post("Behind.", **self.room))
        self.server.pass_time(3)
        self.assertEqual(
            [each for each in self.bob.heard() if each["message_type"] == "chat_message"], []
        )
        said = self.bob.ask("history_request", **self.room)
        self.assertEqual(said["message_count"], 0)

    def test_delete(self) -> None:
        """
        Who is deleted is a member of nothing and in no list; the name stays taken, and
        what they said stays.
        """
        self.alice.ask("chat_message", content="Remember me.", **self.room)
        self.root.ask("delete_user_request", username="alice")
        self.server.pass_time(3)
        self.assertTrue(self.alice.peer.wire.is_closed)
        self.assertEqual(self.answer_to_login("alice")["reason"], "wrong_credentials")
        users = self.bob.ask("list_users_request")["users"]
        self.assertEqual([each["username"] for each in users], ["root", "bob"])
        info = self.bob.ask("chat_info_request", **self.room)
        self.assertEqual(
            [(each["username"], each["role"]) for each in info["members"]], [("bob", "owner")]
        )
        said = self.bob.ask("history_request", **self.room)
        self.assertEqual(said["sender_username"], "alice")
        peer = self.server.connect()
        taken = self.successResultOf(peer.ask(register("alice", request_id="r")))
        self.assertEqual(taken["reason"], "username_taken")
        for kind in ("enable_user_request", "private_chat_request"):
            self.assertEqual(
                self.root.refused(kind, username="alice"), (1003, "user_not_found", "username")
            )

    def test_password(self) -> None:
        """
        A password that was reset is the only one, and who was here is sent away.
        """
        self.root.ask("reset_password_request", username="alice", new_password="different")
        self.server.pass_time(3)
        self.assertTrue(self.alice.peer.wire.is_closed)
        self.assertFalse(self.answer_to_login("alice")["success"])
        self.assertTrue(self.answer_to_login("alice", "different")["success"])
        self.assertEqual(
            self.root.refused("reset_password_request", username="bob", new_password="x"),
            (1008, "bad_password", "new_password"),
        )

    def test_sessions(self) -> None:
        """
        Sessions are ended, and may begin again.
        """
        self.root.ask("end_sessions_request", username="alice")
        self.server.pass_time(3)
        self.assertTrue(self.alice.peer.wire.is_closed)
        self.assertTrue(self.answer_to_login("alice")["success"])

    def test_oneself(self) -> None:
        """
        An administrator stays one, lest there be none.
        """
        for kind, keys in (
            ("disable_user_request", {}),
            ("delete_user_request", {}),
            ("set_administrator_request", {"administrator": False}),
        ):
            self.assertEqual(
                self.root.refused(kind, username="root", **keys),
                (1008, "not_yourself", "username"),
            )

    def test_lists(self) -> None:
        """
        Accounts and rooms are listed by id, some at a time; private chats are not.
        """
        self.alice.ask("private_chat_request", username="bob")
        self.alice.ask("create_chat_request", chat_name="Den", visibility="invite")
        rooms = self.root.ask("list_rooms_request")["rooms"]
        self.assertEqual(
            [(each["chat_name"], each["visibility"], each["owners"]) for each in rooms],
            [("public", "public", []), ("Tea", "public", ["alice"]), ("Den", "invite", ["alice"])],
        )
        some = self.root.ask("list_accounts_request", after_id=1, limit=1)["accounts"]
        self.assertEqual(
            [(each["username"], each["is_administrator"]) for each in some], [("alice", False)]
        )

    def test_no_more(self) -> None:
        """
        Who looks after the server no longer may do nothing of it.
        """
        self.root.ask("set_administrator_request", username="bob", administrator=True)
        self.bob.ask("set_administrator_request", username="root", administrator=False)
        self.assertEqual(self.root.refused("list_audit_request"), (1005, "not_allowed", None))

    def test_rooms(self) -> None:
        """
        An administrator moderates a room without being in it, and gives it to another.
        """
        done = self.root.ask("set_role_request", username="bob", role="owner", **self.room)
        self.assertEqual(done["role"], "owner")
        self.root.ask("kick_request", username="alice", **self.room)
        self.assertEqual(
            self.root.refused("history_request", **self.room)[:2], (1005, "not_a_member")
        )
        self.root.ask("delete_chat_request", **self.room)
        self.assertEqual(
            self.bob.refused("history_request", **self.room)[:2], (1004, "chat_not_found")
        )


class PrivateChatOnPostgreSQLTests(OnPostgreSQL, PrivateChatTests):
    """
    The same with PostgreSQL.
    """


class InvitationOnPostgreSQLTests(OnPostgreSQL, InvitationTests):
    """
    The same with PostgreSQL.
    """


class ModerationOnPostgreSQLTests(OnPostgreSQL, ModerationTests):
    """
    The same with PostgreSQL.
    """


class DeletedRoomOnPostgreSQLTests(OnPostgreSQL, DeletedRoomTests):
    """
    The same with PostgreSQL.
    """


class AdministrationOnPostgreSQLTests(OnPostgreSQL, AdministrationTests):
    """
    The same with PostgreSQL.
    """
