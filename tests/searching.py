"""
What searches do, whatever lies between the server and its peers.
"""

from twisted.trial.unittest import TestCase

from tests.behaviour import Behaviour, named
from tests.peers import Message, Peer, post, request


def search(query: str, **keys: object) -> Message:
    """
    @return: a request to look for something.
    """
    return request("search_request", query=query, **keys)


def said(answer: Message) -> list[str]:
    """
    @return: what was found.
    """
    return [each["content"] for each in answer["hits"]]


class SearchBehaviour(Behaviour, TestCase):
    """
    What was said, found again.
    """

    async def say(self, peer: Peer, *contents: str, **keys: object) -> list[Message]:
        """
        @return: the acknowledgements.
        """
        acks = []
        for content in contents:
            peer.send(post(content, request_id="said", **keys))
            acks.append((await peer.until("chat_message_ack"))[-1])
            await peer.until("chat_message")
        return acks

    async def test_search(self) -> None:
        """
        One finds what was said in one's rooms, newest first.
        """
        alice = await self.user("alice")
        (first, _, _) = await self.say(
            alice, "我家在上海东边", "qwen3.6 is in foo.png", "上海 and C++20"
        )
        answer = await alice.ask(search("上海"))
        self.assertEqual(said(answer), ["上海 and C++20", "我家在上海东边"])
        self.assertIsNone(answer["next_cursor"])
        self.assertEqual(
            answer["hits"][1],
            {
                "message_id": first["message_id"],
                "seq": first["seq"],
                "sender_id": 1,
                "sender_username": "alice",
                "chat_group_id": 1,
                "chat_group_name": "public",
                "server_time": first["server_time"],
                "content": "我家在上海东边",
                "snippet": "我家在上海东边",
            },
        )
        for query in ("QWEN", "foo.png 3.6", "qwen3.6"):
            self.assertEqual(said(await alice.ask(search(query))), ["qwen3.6 is in foo.png"])

    async def test_pages(self) -> None:
        """
        The next page goes on where the one before ended.
        """
        alice = await self.user("alice")
        await self.say(alice, "word 1", "word 2", "word 3")
        page = await alice.ask(search("word", limit=2))
        self.assertEqual(said(page), ["word 3", "word 2"])
        await self.say(alice, "word 4")
        page = await alice.ask(search("word", limit=2, cursor=page["next_cursor"]))
        self.assertEqual((said(page), page["next_cursor"]), (["word 1"], None))

    async def test_rooms(self) -> None:
        """
        Nobody finds what they may not read.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        room = (await alice.ask(named("create_chat_request", "dev")))["chat_group_id"]
        await self.say(alice, "secret", chat_group_id=room)
        self.assertEqual(said(await alice.ask(search("secret"))), ["secret"])
        self.assertEqual(said(await alice.ask(search("secret", chat_group_id=1))), [])
        self.assertEqual(said(await bob.ask(search("secret"))), [])
        refusal = await bob.ask(search("secret", chat_group_id=room))
        self.assertEqual(refusal["error_code"], 1005)
        refusal = await bob.ask(search("secret", chat_group_id=99))
        self.assertEqual(refusal["error_code"], 1004)

    async def test_changes(self) -> None:
        """
        What is edited is found by its new words, what is deleted by none.
        """
        alice = await self.user("alice")
        first, second = await self.say(alice, "one word", "two words")
        await alice.ask(
            request("edit_message_request", message_id=first["message_id"], content="three")
        )
        await alice.ask(request("delete_message_request", message_id=second["message_id"]))
        for query, found in (("one", []), ("three", ["three"]), ("two", [])):
            self.assertEqual(said(await alice.ask(search(query))), found)

    async def test_sender_and_time(self) -> None:
        """
        One may look for what somebody said, and for what was said before a time.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        await self.say(alice, "hello")
        await self.say(bob, "hello, too")
        await alice.until("chat_message")
        found = await alice.ask(search("hello", from_username="BOB"))
        self.assertEqual(said(found), ["hello, too"])
        for before, count in ((0, 0), (-1e300, 0), (1e300, 2), (9e9, 2)):
            found = await alice.ask(search("hello", before=before))
            self.assertEqual(len(said(found)), count)

    async def test_refusals(self) -> None:
        """
        A question that can't be answered is refused, and says why.
        """
        alice = await self.user("alice")
        for keys, reason, field in (
            ({"query": "* ( )"}, "bad_query", "query"),
            ({"query": ""}, "bad_field", "query"),
            ({"query": "x" * 257}, "bad_field", "query"),
            ({"query": "x", "limit": 0}, "bad_field", "limit"),
            ({"query": "x", "limit": 101}, "bad_field", "limit"),
            ({"query": "x", "cursor": "!"}, "bad_cursor", "cursor"),
            ({"query": "x", "from_username": "nobody"}, "user_not_found", "from_username"),
        ):
            refusal = await alice.ask(request("search_request", request_id="1", **keys))
            self.assertEqual((refusal["reason"], refusal["field"]), (reason, field))
        refusal = await (await self.connect()).ask(search("x"))
        self.assertEqual(refusal["error_code"], 1001)
