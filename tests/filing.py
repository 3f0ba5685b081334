"""
What the server does with files, whatever lies between it and its peers, and whatever
database it has: a suite that each transport runs.
"""

from twisted.trial.unittest import TestCase

from tests.behaviour import Behaviour
from tests.files import DATA, chunks, have_file, send_file, wanted
from tests.peers import post, request


class FileBehaviour(Behaviour, TestCase):
    """
    Files.
    """

    async def test_file(self) -> None:
        """
        A file is sent, listed, had by another, and gone when it is deleted.
        """
        alice, bob = await self.user("alice"), await self.user("bob")
        sent = await send_file(alice, DATA * 9, client_file_id="mine")
        self.assertTrue(sent["success"])
        again = await send_file(alice, DATA * 9, client_file_id="mine")
        self.assertEqual((again["file_id"], again["duplicate"]), (sent["file_id"], True))
        self.assertEqual(await have_file(bob, sent["file_id"]), DATA * 9)
        bob.send(request("file_list_request", request_id="l"))
        [listed] = (await bob.until_named("l"))[0]["files"]
        self.assertEqual(
            (listed["file_id"], listed["file_size"]), (sent["file_id"], len(DATA) * 9)
        )
        deleted = request("delete_message_request", message_id=sent["file_id"], request_id="d")
        alice.send(deleted)
        await alice.until_named("d")
        bob.send(request("file_download_request", file_id=sent["file_id"], request_id="h"))
        [refused] = await bob.until_named("h")
        self.assertEqual(refused["error_code"], 1006)

    async def test_beside_talk(self) -> None:
        """
        Who sends a file talks meanwhile, and goes on with it on another connection.
        """
        alice = await self.user("alice")
        begun = await alice.ask(wanted(DATA, client_file_id="mine"))
        first, *_ = chunks(begun, DATA)
        alice.send(first, post("Hello!", request_id="p"))
        [said] = await alice.until_named("p")
        self.assertEqual(said["seq"], 1)
        other = await self.connect()
        await other.ask(request("login_request", username="alice", password="secret123"))
        sent = await send_file(other, DATA, client_file_id="mine")
        self.assertEqual((sent["success"], sent["seq"]), (True, 2))
