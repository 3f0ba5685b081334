"""
What the server does, whatever lies between it and its peers: a suite that each
transport runs.
"""

from typing import Any

from twisted.trial.unittest import TestCase

from tests.peers import PASSWORD, Message, Peer, post, request
from tests.servers import log_in


def named(kind: str, chat_name: str, **keys: object) -> Message:
    """
    @return: a request about a room.
    """
    return request(kind, chat_name=chat_name, **keys)


def contents(lines: list[Message], kind: str = "chat_message") -> list[str]:
    """
    @return: what was said.
    """
    return [each["content"] for each in lines if each["message_type"] == kind]


class Behaviour:
    """
    The suite; a class that inherits it says how to connect.
    """

    async def connect(self: Any) -> Peer:
        """
        @return: a new connection to the test's server.
        """
        raise AssertionError("a transport says how")

    async def user(self, name: str) -> Peer:
        """
        @return: a connection on which a new user is logged in.
        """
        peer = await self.connect()
        await log_in(peer, name)
        return peer


class AccountBehaviour(Behaviour, TestCase):
    """
    Who speaks.
    """

    async def test_silence(self) -> None:
        """
        The server never speaks first.
        """
        peer = await self.connect()
        self.assertEqual(await peer.finish(), [])

    async def test_register(self) -> None:
        """
        Registering makes an account, with an id, and does not log in.
        """
        peer = await self.connect()
        answer = await peer.ask(request("register_request", username="Alice", password=PASSWORD))
        self.assertEqual(
            {key: answer[key] for key in ("success", "username", "error_message")},
            {"success": True, "username": "Alice", "error_message": None},
        )
        self.assertGreater(answer["user_id"], 0)
        refused = await peer.ask(post("hi"))
        self.assertEqual((refused["error_code"], refused["error_message"]), (1001, "请先登录"))

    async def test_register_twice(self) -> None:
        """
        A name is taken, in any writing of it.
        """
        peer = await self.connect()
        await log_in(peer, "Alice")
        for name in ("Alice", "alice", "ＡＬＩＣＥ"):
            answer = await peer.ask(
                request("register_request", username=name, password=PASSWORD, request_id="r")
            )
            self.assertEqual(
                (answer["success"], answer["error_code"], answer["reason"], answer["user_id"]),
                (False, 1002, "username_taken", None),
            )

    async def test_register_badly(self) -> None:
        """
        Names and passwords that can't be are refused in the answer's own type.
        """
        peer = await self.connect()
        for username, password, field in (
            ("", PASSWORD, "bad_username"),
            ("a b", PASSWORD, "bad_username"),
            ("alice", "short", "bad_password"),
            ("alice", "x" * 1025, "bad_password"),
        ):
            answer = await peer.ask(
                request("register_request", username=username, password=password, request_id="r")
            )
            self.assertEqual(answer["message_type"], "register_response")
            self.assertEqual(
                (answer["success"], answer["error_code"], answer["reason"]), (False, 1008, field)
            )

    async def test_login(self) -> None:
        """
        Logging in tells who one is, whatever the writing of the name.
        """
        peer = await self.connect()
        user_id = await log_in(peer, "Alice")
        other = await self.connect()
        answer = await other.ask(request("login_request", username="aLICE", password=PASSWORD))
        self.assertEqual(
            (answer["success"], answer["user_id"], answer["username"], answer["error_message"]),
            (True, user_id, "Alice", None),
        )

    async def test_unknown_and_wrong(self) -> None:
        """
        Nobody learns whether it was the name or the password.
        """
        await self.user("alice")
        peer = await self.connect()
        answers: list[Message] = []
        for username, password in (
            ("alice", "wrong password"),
            ("nobody", PASSWORD),
            ("no such name!", PASSWORD),
            ("alice", "x" * 2000),
        ):
            answer = await peer.ask(request("login_request", username=username, password=password))
            answers.append({**answer, "timestamp": 0})
        self.assertEqual(answers[0]["error_message"], "用户名或密码错误")
        self.assertEqual(answers, answers[:1] * 4)

    async def test_login_badly(self) -> None:
        """
        Every refusal of a login is a C{login_response}.
        """
        peer = await self.connect()
        for bad in (
            {"username": "alice"},
            {"username": 1, "password": "x"},
            {"username": "alice", "password": None},
            {"username": "a\0", "password": "x"},
        ):
            answer = await peer.ask(request("login_request", **bad))
            self.assertEqual(
                (answer["message_type"], answer["success"]), ("login_response", False)
            )
            self.assertTrue(answer["error_message"])

    async def test_login_twice(self) -> None:
        """
        Who is logged in does not log in.
        """
        peer = await self.user("alice")
        answer = await peer.ask(request("login_request", username="alice", password=PASSWORD))
        self.assertEqual(answer["success"], False)
        self.assertIsNone(answer["user_id"])
        self.assertEqual((await peer.ask(post("hi")))["content"], "hi")

    async def test_logout(self) -> None:
        """
        Logging out is confirmed, ends the pushes, and leaves the connection.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        self.assertEqual(
            (await alice.ask(request("logout_request")))["message_type"], "system_message"
        )
        await bob.ask(post("are you there?"))
        answer = await alice.ask(request("user_info_request"))
        self.assertEqual(answer["error_code"], 1001)
        answer = await alice.ask(request("login_request", username="bob", password=PASSWORD))
        self.assertTrue(answer["success"])

    async def test_needs_login(self) -> None:
        """
        All but an account and a login needs a login.
        """
        peer = await self.connect()
        for each in (
            post("hi"),
            request("logout_request"),
            request("user_info_request"),
            request("list_users_request"),
            request("list_chats_request"),
            named("create_chat_request", "a"),
            named("join_chat_request", "public"),
            named("enter_chat_request", "public"),
        ):
            answer = await peer.ask(each)
            self.assertEqual(
                (answer["message_type"], answer["error_code"]), ("error_message", 1001)
            )


class RoomBehaviour(Behaviour, TestCase):
    """
    Rooms.
    """

    async def test_create(self) -> None:
        """
        A room is made with its members, and the current room stays.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        answer = await alice.ask(
            named("create_chat_request", "项目讨论", member_usernames=["BOB", "bob", "alice"])
        )
        self.assertEqual(
            (answer["success"], answer["chat_name"], answer["error_message"]),
            (True, "项目讨论", None),
        )
        self.assertIn("项目讨论", (await bob.receive())["content"])
        self.assertEqual((await alice.ask(post("hi")))["chat_group_name"], "public")
        await bob.receive()
        chats = (await bob.ask(request("list_chats_request")))["chats"]
        self.assertEqual(
            [(each["group_name"], each["member_count"]) for each in chats],
            [("public", 2), ("项目讨论", 2)],
        )

    async def test_create_badly(self) -> None:
        """
        A room that can't be is not made.
        """
        alice = await self.user("alice")
        await alice.ask(named("create_chat_request", "Dev"))
        for name, members, code in (
            ("dev", [], 1002),
            ("ＤＥＶ", [], 1002),
            ("public", [], 1002),
            ("new", ["alice", "nobody"], 1003),
            ("new", ["not a name"], 1003),
            (" x", [], 1008),
            ("", [], 1008),
        ):
            answer = await alice.ask(named("create_chat_request", name, member_usernames=members))
            self.assertEqual((name, answer["error_code"]), (name, code))
        listed = await alice.ask(request("list_chats_request", list_type="all"))
        self.assertEqual([each["group_name"] for each in listed["chats"]], ["public", "Dev"])

    async def test_join(self) -> None:
        """
        Who joins is welcomed, the others are told, and both hear what is said next.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        room_id = (await alice.ask(named("create_chat_request", "Dev")))["chat_group_id"]
        bob.send(named("join_chat_request", "dev"))
        joined, welcome = await bob.receive_some(2)
        self.assertEqual(
            (joined["message_type"], joined["success"], joined["chat_group_id"]),
            ("join_chat_response", True, room_id),
        )
        self.assertEqual(
            (welcome["message_type"], welcome["content"], welcome["level"]),
            ("system_message", "欢迎加入聊天室！Dev", "info"),
        )
        self.assertIn("bob", (await alice.receive())["content"])
        bob.send(post("hello", chat_group_id=room_id))
        self.assertEqual((await bob.receive())["content"], "hello")
        self.assertEqual((await alice.receive())["chat_group_name"], "Dev")

    async def test_join_again(self) -> None:
        """
        Joining again changes nothing and is no event, in C{public} too.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        for name in ("public", "public"):
            bob.send(named("join_chat_request", name))
            self.assertTrue((await bob.receive())["success"])
            self.assertEqual((await bob.receive())["content"], f"欢迎加入聊天室！{name}")
        self.assertEqual(await alice.settle(), [])

    async def test_no_such_room(self) -> None:
        """
        What is not there can't be joined, entered or spoken in.
        """
        alice = await self.user("alice")
        for each in (
            named("join_chat_request", "nowhere"),
            named("enter_chat_request", "nowhere"),
            named("join_chat_request", "\u200b"),
            post("hi", chat_group_id=99),
            post("hi", chat_group_id=2**53 - 1),
            request("list_users_request", list_type="current_chat", chat_group_id=99),
        ):
            self.assertEqual((await alice.ask(each))["error_code"], 1004)

    async def test_no_member(self) -> None:
        """
        Who is no member does not enter, speak or look.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        room_id = (await alice.ask(named("create_chat_request", "dev")))["chat_group_id"]
        for each in (
            named("enter_chat_request", "dev"),
            post("hi", chat_group_id=room_id),
            request("list_users_request", list_type="current_chat", chat_group_id=room_id),
        ):
            self.assertEqual((await bob.ask(each))["error_code"], 1005)
        self.assertEqual(await alice.settle(), [])

    async def test_enter(self) -> None:
        """
        Entering shows the newest 50 messages, oldest first, and makes the room
        the current one.
        """
        alice = await self.user("alice")
        room_id = (await alice.ask(named("create_chat_request", "dev")))["chat_group_id"]
        alice.send(*(post(f"m{number}", chat_group_id=room_id) for number in range(60)))
        pushed = await alice.receive_some(60)
        alice.send(named("enter_chat_request", "DEV"))
        entered, *history, complete = await alice.until("chat_history_complete")
        self.assertEqual(
            (entered["message_type"], entered["chat_group_id"], entered["chat_name"]),
            ("enter_chat_response", room_id, "dev"),
        )
        self.assertEqual(contents(history, "chat_history"), [f"m{n}" for n in range(10, 60)])
        self.assertEqual(
            [{**each, "message_type": "chat_message"} for each in history], pushed[10:]
        )
        self.assertEqual((complete["chat_group_id"], complete["message_count"]), (room_id, 50))
        self.assertEqual((await alice.ask(post("here")))["chat_group_id"], room_id)

    async def test_enter_public(self) -> None:
        """
        Everybody may enter C{public}, which may have no history.
        """
        alice = await self.user("alice")
        alice.send(named("enter_chat_request", "public"))
        entered, complete = await alice.receive_some(2)
        self.assertEqual(entered["chat_group_id"], 1)
        self.assertEqual(complete["message_count"], 0)

    async def test_current_room(self) -> None:
        """
        A room that is absent, null or 0 is the current one; a new login is in C{public}.
        """
        alice = await self.user("alice")
        await alice.ask(named("create_chat_request", "dev"))
        alice.send(named("enter_chat_request", "dev"))
        await alice.until("chat_history_complete")
        for keys in ({}, {"chat_group_id": None}, {"chat_group_id": 0}):
            self.assertEqual((await alice.ask(post("a", **keys)))["chat_group_name"], "dev")
        await alice.ask(request("logout_request"))
        await alice.ask(request("login_request", username="alice", password=PASSWORD))
        self.assertEqual((await alice.ask(post("a")))["chat_group_name"], "public")


class TalkingBehaviour(Behaviour, TestCase):
    """
    What is said.
    """

    async def test_push(self) -> None:
        """
        What one says reaches every session of every member, the sender's own too.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        second = await self.connect()
        await second.ask(request("login_request", username="alice", password=PASSWORD))
        alice.send(post("你好 👋\n\ttab", sender_username="mallory", sender_id=77))
        heard = [await peer.receive() for peer in (alice, bob, second)]
        self.assertEqual(heard, heard[:1] * 3)
        self.assertEqual(
            {key: heard[0][key] for key in ("sender_username", "chat_group_name", "content")},
            {"sender_username": "alice", "chat_group_name": "public", "content": "你好 👋\n\ttab"},
        )

    async def test_content(self) -> None:
        """
        Content is kept to the byte, and refused beyond its bounds.
        """
        alice = await self.user("alice")
        for content in (" ", "\n", "x" * 4000, "😀" * 4000, '"\\/\u2028', "e\u0301é", "\ufeff"):
            self.assertEqual((await alice.ask(post(content)))["content"], content)
        for content in ("", "x" * 4001, "a\rb", "\x1b[0m", "\x00"):
            self.assertEqual((await alice.ask(post(content)))["error_code"], 1008)

    async def test_nul(self) -> None:
        """
        No text that is kept has a NUL in it, which not every database can hold.
        """
        alice = await self.user("alice")
        for bad in (
            post("a\0b"),
            post("a", client_message_id="c\0"),
            post("a", client_message_id="\0"),
            named("create_chat_request", "dev\0"),
            named("create_chat_request", "dev", member_usernames=["alice", "bob\0"]),
            named("join_chat_request", "\0"),
            named("enter_chat_request", "public\0"),
            post("a", request_id="\0"),
        ):
            answer = await alice.ask(bad)
            self.assertEqual((bad, answer["error_code"]), (bad, 1008))
        for kind in ("register_request", "login_request"):
            peer = await self.connect()
            answer = await peer.ask(request(kind, username="a\0", password=PASSWORD))
            self.assertFalse(answer["success"])
            answer = await peer.ask(request(kind, username="carol", password=PASSWORD + "\0"))
            self.assertFalse(answer["success"])
        self.assertEqual((await alice.ask(post("still here")))["content"], "still here")

    async def test_acknowledgement(self) -> None:
        """
        A post that has a name is acknowledged, and then pushed.
        """
        alice = await self.user("alice")
        for keys in (
            {"request_id": "r"},
            {"client_message_id": "c"},
            {"request_id": "", "client_message_id": "d"},
        ):
            alice.send(post("hi", **keys))
            ack, push = await alice.receive_some(2)
            self.assertEqual(
                (ack["message_type"], push["message_type"]), ("chat_message_ack", "chat_message")
            )
            self.assertEqual(ack["message_id"], push["message_id"])
            self.assertEqual(ack["client_message_id"], keys.get("client_message_id"))
            self.assertEqual(ack.get("request_id"), keys.get("request_id"))
            self.assertNotIn("request_id", push)
            self.assertEqual(ack["duplicate"], False)

    async def test_once(self) -> None:
        """
        Sending twice is storing and pushing once, over connections too.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        alice.send(post("hi", client_message_id="c"))
        first, _ = await alice.receive_some(2)
        again = await self.connect()
        await again.ask(request("login_request", username="alice", password=PASSWORD))
        second = await again.ask(post("hi", client_message_id="c"))
        self.assertEqual({**second, "timestamp": 0}, {**first, "timestamp": 0, "duplicate": True})
        self.assertEqual(contents(await bob.settle()), ["hi"])
        refused = await again.ask(post("other", client_message_id="c"))
        self.assertEqual(
            (refused["error_code"], refused["reason"], refused["client_message_id"]),
            (1008, "client_message_id_reused", "c"),
        )

    async def test_order_for_all(self) -> None:
        """
        Everybody sees the same order, which is that of the log.
        """
        peers = [await self.user(name) for name in ("alice", "bob", "carol")]
        for number in range(30):
            for peer in peers:
                peer.send(post(f"{number}"))
        heard = [await peer.receive_some(90) for peer in peers]
        self.assertEqual(heard, heard[:1] * 3)
        ids = [each["message_id"] for each in heard[0]]
        self.assertEqual(ids, sorted(ids))
        for name in ("alice", "bob", "carol"):
            theirs = [each["content"] for each in heard[0] if each["sender_username"] == name]
            self.assertEqual(theirs, [str(number) for number in range(30)])

    async def test_order_of_answers(self) -> None:
        """
        Answers come in the order of the requests, refused posts in their places.
        """
        alice = await self.user("alice")
        alice.send(
            post("a", request_id="1"),
            post("", request_id="2"),
            post("b", request_id="3"),
            post("c", request_id="4", chat_group_id=99),
            request("nonsense", request_id="5"),
            post("d", request_id="6"),
            request("list_chats_request", request_id="7"),
            post("e", request_id="8"),
        )
        answers: list[tuple[str, str]] = []
        while len(answers) < 8:
            message = await alice.receive()
            if "request_id" in message:
                answers.append((message["request_id"], message["message_type"]))
        kinds = ["ack", "error", "ack", "error", "error", "ack", "chats", "ack"]
        names = {
            "ack": "chat_message_ack",
            "error": "error_message",
            "chats": "list_chats_response",
        }
        expected = [(str(n), names[kind]) for n, kind in enumerate(kinds, 1)]
        self.assertEqual(answers, expected)

    async def test_order_of_plain_posts(self) -> None:
        """
        For a plain post the push is the answer: what is refused after it comes later.
        """
        alice = await self.user("alice")
        alice.send(
            post("a"),
            post("b"),
            post("\x00"),
            post("c"),
            b"nonsense",
            post("d"),
            post("e", chat_group_id=99),
            post("f", chat_group_id=1),
            request("logout_request"),
        )
        heard = await alice.receive_some(9)
        self.assertEqual(
            [each.get("content") or each["error_code"] for each in heard[:8]],
            ["a", "b", 1008, "c", 1008, "d", 1004, "f"],
        )
        self.assertEqual(heard[8]["message_type"], "system_message")

    async def test_name_on_every_line(self) -> None:
        """
        Every line of an answer has the request's name, a refusal too.
        """
        alice = await self.user("alice")
        await alice.ask(post("a"))
        alice.send(named("enter_chat_request", "public", request_id="e"))
        self.assertEqual([each["request_id"] for each in await alice.receive_some(3)], ["e"] * 3)
        alice.send(named("join_chat_request", "public", request_id="j"))
        self.assertEqual([each["request_id"] for each in await alice.receive_some(2)], ["j"] * 2)
        refused = await alice.ask(named("join_chat_request", "x", request_id="x"))
        self.assertEqual(
            (refused["request_id"], refused["reason"], refused["temporary"]),
            ("x", "chat_not_found", False),
        )

    async def test_half_close(self) -> None:
        """
        A peer that only stops sending gets all its answers, then the end.
        """
        peer = await self.connect()
        account = {"username": "alice", "password": PASSWORD}
        peer.send(
            request("register_request", **account),
            request("login_request", **account),
            *(post(f"{n}", client_message_id=f"c{n}") for n in range(3)),
            *(post(f"{n}") for n in range(3, 6)),
        )
        lines = await peer.finish()
        self.assertEqual(
            [each["message_type"] for each in lines[:5]],
            ["register_response", "login_response", *["chat_message_ack"] * 3],
        )
        self.assertEqual(contents(lines), [f"{n}" for n in range(6)])

    async def test_unfinished_line(self) -> None:
        """
        A line without its end is not handled, and that is said.
        """
        peer = await self.user("alice")
        peer.wire.write(b'{"message_type":"chat_message","content":"a"}')
        lines = await peer.finish()
        self.assertEqual([each["error_code"] for each in lines], [1008])


class LookingBehaviour(Behaviour, TestCase):
    """
    Who and what there is.
    """

    async def test_user_info(self) -> None:
        """
        The counts are true, whoever comes and goes.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        second = await self.connect()
        await second.ask(request("login_request", username="bob", password=PASSWORD))
        await alice.ask(named("create_chat_request", "dev"))
        await bob.ask(named("create_chat_request", "ops"))
        info = await alice.ask(request("user_info_request"))
        self.assertEqual(info["user_info"]["username"], "alice")
        self.assertEqual(info["user_info"]["is_online"], True)
        counts = {key: value for key, value in info.items() if key.endswith("_count")}
        self.assertEqual(
            counts,
            {
                "joined_chats_count": 2,
                "private_chats_count": 0,
                "group_chats_count": 2,
                "total_users_count": 2,
                "online_users_count": 2,
                "total_chats_count": 3,
            },
        )
        await second.finish()
        self.assertEqual(await self.online(alice), {"alice": True, "bob": True})
        await bob.finish()
        self.assertEqual(await self.online(alice), {"alice": True, "bob": False})

    async def online(self, peer: Peer, **keys: object) -> dict[str, bool]:
        """
        @return: whether each user is online.
        """
        users = (await peer.ask(request("list_users_request", **keys)))["users"]
        return {user["username"]: user["is_online"] for user in users}

    async def test_list_users(self) -> None:
        """
        Users are all there are, or the members of a room.
        """
        alice, _ = await self.user("alice"), await self.user("bob")
        room_id = (await alice.ask(named("create_chat_request", "dev")))["chat_group_id"]
        everybody = {"alice": True, "bob": True}
        self.assertEqual(await self.online(alice), everybody)
        self.assertEqual(await self.online(alice, list_type="all"), everybody)
        self.assertEqual(await self.online(alice, list_type="current_chat"), everybody)
        self.assertEqual(
            await self.online(alice, list_type="current_chat", chat_group_id=room_id),
            {"alice": True},
        )
        refused = await alice.ask(request("list_users_request", list_type="some"))
        self.assertEqual(refused["error_code"], 1008)

    async def test_list_chats(self) -> None:
        """
        Rooms are those one has joined, or all.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        await alice.ask(named("create_chat_request", "dev"))
        joined = await bob.ask(request("list_chats_request"))
        self.assertEqual([each["group_name"] for each in joined["chats"]], ["public"])
        visible = await bob.ask(request("list_chats_request", list_type="all"))
        self.assertEqual([each["group_name"] for each in visible["chats"]], ["public", "dev"])
        self.assertRegex(visible["chats"][0]["created_at"], r"^20\d\d-\d\d-\d\dT[\d:]{8}\.\d{3}Z$")
        self.assertEqual(visible["chats"][0]["is_private_chat"], False)


class HostileBehaviour(Behaviour, TestCase):
    """
    What is no request.
    """

    async def test_nonsense(self) -> None:
        """
        Bad lines are answered with 1008, and the connection stays.
        """
        peer = await self.user("alice")
        bad = [
            b"",
            b"hello",
            b"[" * 20000,
            b'{"message_type":"chat_message","content":"a","chat_group_id":' + b"9" * 5000 + b"}",
            b'{"message_type":"chat_message","content":"a","chat_group_id":9223372036854775808}',
            b'{"message_type":"chat_message","content":"\\ud800"}',
            b'{"message_type":"chat_message","content":"\xff"}',
            b'{"message_type":"chat_message","content":"a","chat_group_id":true}',
            "{}".encode("utf-16-le"),
            b'{"message_type":"pinging"}',
            b"GET / HTTP/1.1\r",
        ]
        for each in bad:
            answer = await peer.ask(each)
            self.assertEqual((each[:40], answer["error_code"]), (each[:40], 1008))
        self.assertEqual((await peer.ask(post("still here")))["content"], "still here")

    async def test_carriage_return(self) -> None:
        """
        A carriage return before the newline is tolerated.
        """
        peer = await self.connect()
        answer = await peer.ask(b'{"message_type":"user_info_request"}\r\n')
        self.assertEqual(answer["error_code"], 1001)

    async def test_long_line(self) -> None:
        """
        A line that is too long is refused and skipped, and the connection stays.
        """
        peer = await self.user("alice")
        for size in (64 * 1024 + 1, 200_000, 1_000_000):
            answer = await peer.ask(b"x" * size)
            self.assertEqual(
                (answer["error_code"], "65536" in answer["error_message"]), (1008, True)
            )
        self.assertEqual((await peer.ask(post("still here")))["content"], "still here")

    async def test_long_line_before_login(self) -> None:
        """
        Before login lines are shorter, judged when their turn comes.
        """
        peer = await self.connect()
        self.assertEqual((await peer.ask(b"x" * 8193))["error_code"], 1008)
        account = {"username": "alice", "password": PASSWORD}
        peer.send(
            request("register_request", **account),
            request("login_request", **account),
            post("x" * 4000, padding="y" * 20_000),
        )
        self.assertEqual(
            [m["message_type"] for m in await peer.receive_some(3)][2], "chat_message"
        )

    async def test_split_anywhere(self) -> None:
        """
        Where the bytes are cut does not matter.
        """
        peer = await self.user("alice")
        line = '{"message_type":"chat_message","content":"é你😀"}\n'.encode()
        for byte in line:
            peer.wire.write(bytes([byte]))
        self.assertEqual((await peer.receive())["content"], "é你😀")

    async def test_many_lines(self) -> None:
        """
        As many lines as one likes may come at once.
        """
        peer = await self.user("alice")
        peer.send(*([b"x"] * 5000))
        self.assertEqual({m["error_code"] for m in await peer.receive_some(5000)}, {1008})
        peer.send(*(post(f"{n}") for n in range(1000)))
        self.assertEqual(contents(await peer.receive_some(1000)), [f"{n}" for n in range(1000)])

    async def test_gone(self) -> None:
        """
        A peer that is suddenly gone is offline, and troubles nobody.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        bob.send(*(post("bye") for _ in range(100)))
        bob.wire.abort()
        await bob.closed()
        await alice.ask(post("hello"))
        users = (await alice.settle()) + [await alice.ask(request("list_users_request"))]
        self.assertEqual([u["is_online"] for u in users[-1]["users"]], [True, False])


SUITES = (
    AccountBehaviour,
    RoomBehaviour,
    TalkingBehaviour,
    LookingBehaviour,
    HostileBehaviour,
)
