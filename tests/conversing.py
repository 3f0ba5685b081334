"""
What clients of the hello dialect are told, whatever lies between them and the server: a
suite that each transport and each database runs.
"""

from typing import Any

from twisted.trial.unittest import TestCase

from tests.behaviour import Behaviour
from tests.followers import FollowingClient
from tests.peers import Message, Peer, login, post, request
from tests.servers import log_in


class FollowingBehaviour(Behaviour, TestCase):
    """
    Following the log, and what becomes of messages.
    """

    async def follow(self: Any, name: str, client: FollowingClient | None = None) -> Any:
        """
        @return: somebody who has logged in, for the first time or again, and has all
            that they missed.
        """
        peer = await self.connect()
        if client is None:
            await log_in(peer, name)
            await peer.finish()
            peer = await self.connect()
        follower = client or FollowingClient(name)
        follower.connect(peer)
        while not follower.is_resumed:
            await self.hear(follower)
        return follower

    async def hear(self, follower: FollowingClient) -> Message:
        """
        @return: the next line that somebody hears.
        """
        assert follower.peer is not None
        line = await follower.peer.receive()
        follower.peer.heard.insert(0, line)
        follower.hear()
        return line

    async def reach(self, follower: FollowingClient, seq: int) -> None:
        """
        Hear all up to a place of the public room.
        """
        while follower.rooms[1].seq < seq:
            await self.hear(follower)

    async def ask(self, peer: Peer, *messages: Message) -> list[Message]:
        """
        Ask for several things, each with a name.

        @return: the last line of each answer.
        """
        answers = []
        for number, message in enumerate(messages):
            peer.send({**message, "request_id": f"r{number}"})
            lines = await peer.until_named(f"r{number}")
            answers.append(lines[-1])
        return answers

    async def test_conversation(self) -> None:
        """
        Who follows, and who comes back, know the same of what was said, edited, deleted
        and reacted to.
        """
        alice = await self.follow("alice")
        away = await self.follow("away")
        away.peer.wire.abort()
        bob = await self.user("bob")
        acks = await self.ask(
            bob,
            post("one, @alice"),
            post("two", client_message_id="b-2"),
            post("three"),
        )
        one, two, three = (each["message_id"] for each in acks)
        changes = await self.ask(
            bob,
            post("four", reply_to=one),
            request("edit_message_request", message_id=one, content="one!"),
            request("delete_message_request", message_id=two),
            request("react_request", message_id=three, reaction="👍"),
            request("react_request", message_id=three, reaction="👎"),
            request("react_request", message_id=three, reaction="👎", add=False),
        )
        last = changes[-1]["seq"]
        self.assertEqual(last, 9)
        await self.reach(alice, last)
        await self.follow("away", away)
        for follower in (alice, away):
            room = follower.rooms[1]
            self.assertEqual(list(room.messages.values()), ["one!", None, "three", "four"])
            self.assertEqual({each[2] for each in room.reactions}, {"👍"})
            self.assertEqual(sorted(room.kinds), list(range(1, last + 1)))

    async def test_repeats(self) -> None:
        """
        A message that is sent again after an edit, and after its deletion, is the same.
        """
        bob = await self.user("bob")
        named = post("hello", client_message_id="b-1")
        first = await bob.ask(named)
        await bob.receive()
        edit = request("edit_message_request", message_id=first["message_id"], content="bye")
        delete = request("delete_message_request", message_id=first["message_id"])
        for change in (edit, delete):
            [answer] = await self.ask(bob, change)
            self.assertFalse(answer["duplicate"])
            [answer] = await self.ask(bob, change if change is delete else edit)
            self.assertTrue(answer["duplicate"])
            again = await bob.ask(named)
            self.assertEqual((again["duplicate"], again["seq"]), (True, first["seq"]))

    async def test_history(self) -> None:
        """
        Pages of the history join without a gap, each way.
        """
        bob = await self.user("bob")
        await self.ask(bob, *[post(str(number)) for number in range(7)])
        whole = [str(number) for number in range(7)]
        for places, expected, more in (
            ({}, whole[-3:], (True, False)),
            ({"before_seq": 5}, whole[1:4], (True, True)),
            ({"after_seq": 5}, whole[5:], (True, False)),
            ({"around_seq": 4}, whole[2:5], (True, True)),
            ({"before_seq": 1}, [], (False, True)),
        ):
            bob.send(request("history_request", limit=3, request_id="h", **places))
            *said, complete = await bob.until_named("h", "chat_history_complete")
            self.assertEqual([each["content"] for each in said], expected, places)
            self.assertEqual((complete["more_before"], complete["more_after"]), more, places)

    async def test_long_absence(self) -> None:
        """
        More than goes into a page of the log is read, too, and what happens meanwhile.
        """
        away = await self.follow("away")
        away.peer.wire.abort()
        bob = await self.user("bob")
        bob.send(*[post(str(number), client_message_id=str(number)) for number in range(450)])
        while len(bob.heard) < 900:
            await bob.wire.wait()
        await self.follow("away", away)
        await self.reach(away, 450)
        said = list(away.rooms[1].messages.values())
        self.assertEqual(said, [str(number) for number in range(450)])

    async def test_token(self) -> None:
        """
        A token is as good as the password, until its login is ended.
        """
        await self.user("alice")
        first = await self.connect()
        first.send(request("hello_request", protocol=1), login("alice"))
        token = (await first.until("chat_heads"))[1]["session_token"]
        by_token = request("token_login_request", session_token=token)
        second = await self.connect()
        self.assertTrue((await second.ask(by_token))["success"])
        logout = await second.ask(request("logout_request"))
        self.assertEqual(logout["message_type"], "system_message")
        third = await self.connect()
        self.assertFalse((await third.ask(by_token))["success"])
