"""
Whatever a server sends, a client does not fall over, and tells no event twice.
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.client import ChatClient, Credentials, Event
from chatroom.wire.codec import Direction, message_classes
from chatroom.wire.messages import ChatMessage
from tests.clients import PASSWORD
from tests.fake_chat import TIME, FakeChat
from tests.links import MemoryEndpoint

_ODD = [0, -1, 2**53 - 1, 2**64, 1e308, -5.5, None, "1"]
_IDS = st.sampled_from([*range(1, 6)] * 10 + _ODD)
_SECONDS = st.sampled_from([0, 1, 2.5] * 10 + _ODD)

_KEYS = {
    "request_id": st.sampled_from([None, "1", "2", "3", "4", "5"]),
    "chat_group_id": st.sampled_from([1, 2] * 20 + _ODD),
    "seq": _IDS,
    "server_time": st.just(TIME),
    "replay": st.sampled_from([True, None]),
    "message_id": st.just(1),
    "sender_id": st.sampled_from([1, 2]),
    "user_id": st.sampled_from([1, 2]),
    "username": st.just("bob"),
    "chat_group_name": st.just("public"),
    "content": st.just("hi"),
    "error_code": st.sampled_from([0, 1001, 1008, 1009, 4711]),
    "error_message": st.just("no"),
    "reason": st.sampled_from([None, "busy", "not_logged_in", "made_up"]),
    "temporary": st.sampled_from([True, False, None]),
    "retry_after": _SECONDS,
    "reconnect": st.booleans(),
    "reconnect_after": _SECONDS,
    "text": st.just("bye"),
    "success": st.booleans(),
    "unread": st.just(0),
    "mentions": st.sampled_from([0, [1]]),
    "reaction": st.just("x"),
    "add": st.booleans(),
    "active": st.booleans(),
    "is_online": st.booleans(),
    "chats": st.lists(
        st.fixed_dictionaries(
            {
                "chat_group_id": st.integers(1, 2),
                "from_seq": st.integers(1, 5),
                "to_seq": st.integers(0, 5),
                "complete": st.booleans(),
            }
        ),
        max_size=2,
    ),
    "duplicate": st.booleans(),
}
_TYPES = [cls.message_type.value for cls in message_classes(Direction.TO_CLIENT)]
_LINES = st.one_of(
    st.fixed_dictionaries(
        {
            "message_type": st.sampled_from(
                [*_TYPES, *["chat_message", "member_joined", "made_up"] * 5]
            ),
            **_KEYS,
        }
    ),
    st.sampled_from([b"", b"{}", b"null", b"\xff", b'"\\ud800"']),
)


class FuzzTests(SynchronousTestCase):
    """
    A server that says anything at any time.
    """

    @given(st.lists(_LINES, max_size=8))
    def test_any_lines(self, lines: list[Any]) -> None:
        """
        No line makes a client fail; after all of them it can still be stopped.
        """
        clock, chat, told = Clock(), FakeChat(), list[Event]()
        chat.add_user("alice")
        endpoint = MemoryEndpoint(clock, chat.accept)
        credentials = Credentials(username="alice", password=PASSWORD)
        client = ChatClient(clock, endpoint, credentials, on_event=told.append)
        client.startService()
        endpoint.flow()
        for line in lines:
            data = line if isinstance(line, bytes) else json.dumps(line).encode()
            chat.ends[-1].write_raw(data + b"\n")
            endpoint.flow()
        endpoint.run(5)
        stopping = client.stopService()
        endpoint.run(3)
        self.successResultOf(stopping)
        self.assertEqual(self.flushLoggedErrors(), [])
        seqs = [each.seq for each in told if isinstance(each, ChatMessage) and each.seq]
        self.assertEqual(len(seqs), len(set(zip(seqs, _rooms(told), strict=True))))
        self.assertEqual(clock.getDelayedCalls(), [])


def _rooms(told: list[Event]) -> list[int | None]:
    said = [each for each in told if isinstance(each, ChatMessage) and each.seq]
    return [each.chat_group_id for each in said]
