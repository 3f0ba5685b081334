"""
Clients of the seed are never sent what they do not know, whatever others do.
"""

import json

from twisted.trial.unittest import SynchronousTestCase

from chatroom.wire.codec import Direction
from tests.inventory import types
from tests.peers import PASSWORD, Message, Peer, login, post, register, request
from tests.servers import memory_server
from tests.strict import SEED, Dialect, parse

#: What others do beside those who know only the seed, in this order. All of it happens
#: in rooms that these are members of, or is about them.
OTHERS: list[Message] = [
    request("hello_request", protocol=1, want=["presence", "typing", "receipts"]),
    register("modern"),
    login("modern"),
    request("resume_request"),
    request("create_chat_request", chat_name="dev", member_usernames=["plain"]),
    request("create_chat_request", chat_name="ops", member_usernames=["plain"]),
    post("Hello, @plain!", client_message_id="m-1"),
    post("In dev.", chat_group_id=3, request_id="r-2", reply_to=99),
    post("In dev, too.", chat_group_id=3, client_message_id="m-2"),
    request("edit_message_request", message_id=6, content="Hello again, @plain!"),
    request("react_request", message_id=6, reaction="👍"),
    request("react_request", message_id=6, reaction="👍", add=False),
    post("Soon gone.", reply_to=6),
    request("delete_message_request", message_id=11),
    request("typing", chat_group_id=1, active=True),
    request("mark_read_request", chat_group_id=1, seq=1),
    request("history_request", chat_group_id=1, limit=10),
    request("search_request", query="again"),
    request("file_upload_request", filename="empty.txt", file_size=0),
    request("file_upload_request", filename="tea.txt", file_size=3),
    request("file_chunk", upload_id="nobody's", offset=0, data="dGVh"),
    request("file_list_request"),
    request("file_download_request", file_id=13, credit=10),
    request("file_credit", file_id=13, bytes=10),
    request("join_chat_request", chat_name="plain's"),
    request("enter_chat_request", chat_name="public"),
    request("leave_chat_request", chat_group_id=4),
    request("private_chat_request", username="plain"),
    request("chat_info_request", chat_group_id=3),
    request("update_chat_request", chat_group_id=3, topic="Work", visibility="invite"),
    request("set_role_request", chat_group_id=3, username="plain", role="moderator"),
    request("mute_request", chat_group_id=3, username="plain"),
    request("lift_request", chat_group_id=3, username="plain"),
    request("kick_request", chat_group_id=3, username="plain"),
    request("invite_request", chat_group_id=3, username="plain"),
    request("ban_request", chat_group_id=3, username="plain"),
    request("delete_chat_request", chat_group_id=3),
    request("disable_user_request", username="plain"),
    request("enable_user_request", username="plain"),
    request("delete_user_request", username="plain"),
    request("set_administrator_request", username="plain", administrator=True),
    request("reset_password_request", username="plain", new_password="another"),
    request("end_sessions_request", username="plain"),
    request("list_accounts_request"),
    request("list_rooms_request"),
    request("list_audit_request"),
    request("add_user_request", username="added", password=PASSWORD),
    request("list_user_sessions_request"),
    request("list_bans_request"),
    request("transfer_chat_request", chat_group_id=3, username="plain"),
    request("user_info_request"),
    request("list_users_request"),
    request("list_chats_request"),
    request("list_sessions_request"),
    request("revoke_session_request", session_id=99),
    request("change_password_request", old_password=PASSWORD, new_password="another"),
    request("token_login_request", session_token="x"),
    request("ping", nonce="1"),
    request("pong"),
    request("logout_request"),
]


class SeedDialectTests(SynchronousTestCase):
    """
    One who knows the seed alone, among those who know everything.
    """

    def setUp(self) -> None:
        """
        Start a server with somebody who has a room of their own.
        """
        self.server = memory_server(self)
        self.plain = self.server.connect()
        self.plain.send(register("plain"), login("plain"))
        self.plain.send(request("create_chat_request", chat_name="plain's"))
        self.server.pass_time(1)

    def ask(self, peer: Peer, messages: list[Message]) -> None:
        """
        Ask for one thing after the other, so that nothing is refused for another.
        """
        for message in messages:
            peer.send(message)
            self.server.pass_time(0.5)

    def test_whatever_others_do(self) -> None:
        """
        Of everything that can be asked, nothing reaches a client of the seed that such
        a client would refuse.
        """
        asked = {message["message_type"] for message in OTHERS}
        known = {cls.message_type.value for cls in types(Direction.TO_SERVER)}
        self.assertEqual(asked, known)
        modern = self.server.connect()
        self.ask(modern, OTHERS)
        self.server.pass_time(120)
        kinds = {json.loads(line)["message_type"] for line in bytes(modern.raw).splitlines()}
        self.assertLessEqual({"message_edited", "reaction_changed", "member_joined"}, kinds)
        self.assertLessEqual({"file_notification", "file_end"}, kinds)
        # Each line was parsed when it came; once more for who reads this test alone.
        self.assertIs(self.plain.dialect, Dialect.PLAIN)
        lines = [parse(line) for line in bytes(self.plain.raw).splitlines()]
        self.assertLessEqual({line["message_type"] for line in lines}, SEED.keys())
        said = [line["content"] for line in lines if line["message_type"] == "chat_message"]
        self.assertEqual(said, ["Hello, @plain!", "In dev, too.", "Soon gone."])
        notices = [line["content"] for line in lines if line["message_type"] == "system_message"]
        self.assertEqual(len([each for each in notices if "modern" in each]), 11, notices)

    def test_history(self) -> None:
        """
        The history has the newest text, and of a deleted message that it is deleted, in
        the seed's keys.
        """
        modern = self.server.connect()
        self.ask(modern, OTHERS)
        self.plain.heard.clear()
        self.ask(self.plain, [request("enter_chat_request", chat_name="public")])
        said = [e["content"] for e in self.plain.heard if e["message_type"] == "chat_history"]
        self.assertEqual(said, ["Hello again, @plain!", "（消息已删除）", "[文件] empty.txt"])

    def test_the_end(self) -> None:
        """
        A server that stops says so in the seed's words.
        """
        self.plain.heard.clear()
        stopped = self.server.chat.stopService()
        self.server.pass_time(10)
        self.successResultOf(stopped)
        (warning,) = self.plain.heard
        told = (warning["message_type"], warning["level"])
        self.assertEqual(told, ("system_message", "warning"))
