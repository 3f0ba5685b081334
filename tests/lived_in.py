"""
A chat in which all has happened that can, and the operator's commands about what is stored
of it.
"""

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

from chatroom.admin.command import main
from tests.peers import post, request
from tests.test_moderation import Moderating, Person

Line = dict[str, Any]


def lines_of(exported: bytes) -> list[Line]:
    """
    @return: the lines of an export.
    """
    return [json.loads(each) for each in exported.splitlines()]


class LivedIn(Moderating):
    """
    A server where people have edited, deleted, reacted, left, been banned and disabled.
    """

    url: str

    def serve_and_live(self) -> None:
        """
        Start it, and have all that happen.
        """
        self.serve()
        self.url = self.server.chat.settings.database
        self.alice, self.bob, self.carol, self.dave = map(
            self.person, ("alice", "bob", "carol", "dave")
        )
        self.make_administrator(self.dave)
        self.dev = self._make("dev", "bob", "carol")
        self._talk()
        self._moderate()
        self.alice.ask("private_chat_request", username="bob")
        closed = self._make("shut", "bob")
        self.alice.ask("update_chat_request", chat_group_id=closed, visibility="invite")
        self.alice.ask("invite_request", chat_group_id=closed, username="dave")
        gone = self._make("gone")
        self.alice.ask("delete_chat_request", chat_group_id=gone)
        self.server.pass_time(120)
        self.dave.ask("disable_user_request", username="carol")

    def do(self, *arguments: str) -> tuple[int, str, str]:
        """
        Run C{chatroom admin}.

        @return: the exit status, and what it has written, to both.
        """
        out, err = StringIO(), StringIO()
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", err)
        status = main(arguments)
        return status, out.getvalue(), err.getvalue()

    def new_path(self) -> str:
        """
        @return: where there is no file yet.
        """
        path = Path(self.mktemp()).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def exported(self, url: str, *options: str) -> bytes:
        """
        @return: an export of a database.
        """
        path = self.new_path()
        done = self.do("export", "--database", url, "--output", path, *options)
        self.assertEqual(done, (0, "", ""))
        return Path(path).read_bytes()

    def stop(self) -> None:
        """
        Stop the server.
        """
        self.successResultOf(self.server.stop())

    def found(self, url: str, query: str) -> list[str]:
        """
        @return: what a search finds.
        """
        chat = self.server.chat
        self.assertTrue(chat.is_open, url)
        self.server.pass_time(120)
        answer = self.alice.ask("search_request", query=query)
        return [each["content"] for each in answer["hits"]]

    def _make(self, name: str, *others: str) -> int:
        made = self.alice.ask("create_chat_request", chat_name=name, member_usernames=[*others])
        room_id: int = made["chat_group_id"]
        return room_id

    def _say(self, person: Person, content: str, **keys: object) -> int:
        person.peer.send(post(content, chat_group_id=self.dev, request_id="say", **keys))
        self.server.pass_time(0.5)
        (ack,) = [each for each in person.peer.heard if each["message_type"].endswith("_ack")]
        person.peer.heard.clear()
        message_id: int = ack["message_id"]
        return message_id

    def _talk(self) -> None:
        first = self._say(
            self.alice, "上海 \U0001f642 is where I live, @bob", client_message_id="a-1"
        )
        second = self._say(self.bob, "a secret that is taken back", client_message_id="b-1")
        self._say(self.carol, 'back\\slash \\u0000 "quoted"\n@alice', reply_to=first)
        self.alice.ask(
            "edit_message_request", message_id=first, content="I live elsewhere, @carol"
        )
        for person in (self.bob, self.carol):
            person.ask("react_request", message_id=first, reaction="👍", add=True)
        self.bob.ask("react_request", message_id=first, reaction="eyes", add=True)
        self.bob.ask("react_request", message_id=first, reaction="eyes", add=False)
        self.bob.ask("delete_message_request", message_id=second)
        sent = self.alice.ask(
            "file_upload_request",
            chat_group_id=self.dev,
            filename="tea.txt",
            file_size=0,
            client_file_id="f-1",
        )
        if "file_id" in sent:
            # With a database that is no file, none are taken.
            self.alice.ask("delete_message_request", message_id=sent["file_id"])
        self.carol.peer.send(request("mark_read_request", chat_group_id=self.dev, seq=4))
        self.server.pass_time(5)

    def _moderate(self) -> None:
        dev = {"chat_group_id": self.dev}
        until = "2031-01-01T00:00:00Z"
        self.alice.ask("set_role_request", **dev, username="bob", role="moderator")
        self.alice.ask("mute_request", **dev, username="carol", until=until, reason="too loud")
        self.alice.ask("ban_request", **dev, username="dave", reason="a robot")
        self.alice.ask("kick_request", **dev, username="carol")
        self.alice.ask("update_chat_request", **dev, topic="all of it", name="devel")
