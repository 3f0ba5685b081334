"""
How a message becomes a line, and a line a message.
"""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatroom.errors import (
    BadField,
    ChatError,
    NotAnObject,
    NotJSON,
    UnknownType,
)
from chatroom.wire.codec import (
    Direction,
    Refused,
    Request,
    decode_message,
    decode_request,
    encode,
    message_classes,
)
from chatroom.wire.messages import (
    ChatMessage,
    CreateChatRequest,
    ErrorMessage,
    ListUsersResponse,
    LoginRequest,
    LoginResponse,
    PostRequest,
    SystemMessage,
    UserInfo,
    parse_message,
)

BIG = 2**53 - 1


def post(**keys: object) -> bytes:
    """
    @return: a line that posts, with some keys of its own.
    """
    return json.dumps({"message_type": "chat_message", "content": "hi", **keys}).encode()


class ReadingTests(SynchronousTestCase):
    """
    L{decode_request} is strict where it reads.
    """

    def refused(self, line: bytes, error: type[ChatError], field: str | None = None) -> Refused:
        """
        Assert that a line is no request.
        """
        found = decode_request(line)
        assert isinstance(found, Refused), found
        self.assertIs(type(found.error), error, line[:80])
        self.assertEqual(found.error.code, 1008)
        self.assertEqual(found.error.field, field)
        return found

    def read(self, line: bytes) -> Request:
        """
        Assert that a line is a request.
        """
        found = decode_request(line)
        assert isinstance(found, Request), found.error
        return found

    def test_request(self) -> None:
        """
        A request is read as its class.
        """
        line = '{"message_type":"login_request","username":"爱丽丝","password":"p"}'.encode()
        self.assertEqual(self.read(line), LoginRequest(username="爱丽丝", password="p"))

    def test_unknown_keys(self) -> None:
        """
        Unknown keys are ignored, whatever JSON they hold.
        """
        values: list[Any] = [None, 1, 1.5, "x", [[]], {"a": {}}, 10**30]
        for value in values:
            self.assertEqual(self.read(post(sender_id=value, x=value)), PostRequest(content="hi"))

    def test_ignored_keys_are_not_validated(self) -> None:
        """
        A timestamp of any kind is as good as any other.
        """
        values: list[Any] = ["yesterday", None, {}, -1, True]
        for value in values:
            found = self.read(post(timestamp=value))
            assert isinstance(found, PostRequest)
            self.assertEqual(found.content, "hi")

    def test_last_duplicate_counts(self) -> None:
        """
        Of duplicate keys the last one counts.
        """
        line = b'{"message_type":"x","content":"a","message_type":"chat_message","content":"b"}'
        self.assertEqual(self.read(line), PostRequest(content="b"))

    def test_only_the_last_duplicate_counts(self) -> None:
        """
        What an earlier one of duplicate keys holds does not matter.
        """
        line = b'{"message_type":"chat_message","content":5,"content":"b"}'
        self.assertEqual(self.read(line), PostRequest(content="b"))
        line = b'{"message_type":"chat_message","content":"b","content":5}'
        self.refused(line, BadField, "content")

    def test_numbers_that_are_ignored(self) -> None:
        """
        A number too large for any computer is JSON all the same.
        """
        for key in ("timestamp", "sender_id"):
            for number in ("9" * 5000, "1e999", "-" + "9" * 400):
                line = f'{{"message_type":"chat_message","content":"a","{key}":{number}}}'
                found = self.read(line.encode())
                assert isinstance(found, PostRequest)
                self.assertEqual(found.content, "a")

    def test_names_that_are_numbers(self) -> None:
        """
        A name too large for any computer is a bad field of a known type.
        """
        for number in ("9" * 5000, "1e999"):
            line = f'{{"message_type":"login_request","request_id":{number}}}'
            found = decode_request(line.encode())
            assert isinstance(found, Refused)
            self.assertIs(found.meant, LoginRequest)

    def test_exact_types(self) -> None:
        """
        A value of another type is not converted.
        """
        not_ids: list[Any] = [True, "1", 1.0, [1], {}]
        for value in not_ids:
            self.refused(post(chat_group_id=value), BadField, "chat_group_id")
        not_texts: list[Any] = [1, None, True, ["a"]]
        for value in not_texts:
            self.refused(post(content=value), BadField, "content")

    def test_bounds_of_ids(self) -> None:
        """
        An id is from 0, for none, to 2^53 - 1.
        """
        for good in (0, 1, BIG):
            found = self.read(post(chat_group_id=good))
            assert isinstance(found, PostRequest)
            self.assertEqual(found.chat_group_id, good)
        for bad in (-1, BIG + 1, 2**63, 2**64, int("9" * 4000)):
            self.refused(post(chat_group_id=bad), BadField, "chat_group_id")

    def test_integer_of_5000_digits(self) -> None:
        """
        An integer that Python itself would not convert is refused, not a crash.
        """
        digits = b"9" * 5000
        line = b'{"message_type":"chat_message","content":"a","chat_group_id":' + digits + b"}"
        self.refused(line, BadField, "chat_group_id")

    def test_missing_key(self) -> None:
        """
        The field that is missing is named.
        """
        found = self.refused(
            b'{"message_type":"login_request","username":"a"}', BadField, "password"
        )
        self.assertIs(found.meant, LoginRequest)

    def test_not_json(self) -> None:
        """
        What is not strict JSON in strict UTF-8 is refused.
        """
        for line in (
            b"",
            b"{",
            b"hello",
            b"{}{}",
            b"{'a':1}",
            b'{"message_type":NaN}',
            b'{"x":NaN,"message_type":"chat_message","content":"a"}',
            b'{"x":Infinity}',
            b'{"x":01}',
            b'{"x":1,}',
            b'{"x":"\t"}',
            b'{"x":"\xff"}',
            b'{"x":"\xed\xa0\x80"}',
            b"\xef\xbb\xbf{}",
            '{"message_type":"chat_message"}'.encode("utf-16"),
            '{"message_type":"chat_message"}'.encode("utf-16-le"),
            '{"message_type":"chat_message"}'.encode("utf-32"),
        ):
            self.refused(line, NotJSON)

    def test_lone_surrogates(self) -> None:
        """
        Half a character is refused wherever it stands.
        """
        for escape in (rb"\ud800", rb"\udc00", rb"\udfff x", rb"\ud83d\ud83d"):
            self.refused(b'{"message_type":"chat_message","content":"' + escape + b'"}', NotJSON)

    def test_escaped_pair(self) -> None:
        """
        A whole character may be escaped as a pair.
        """
        line = rb'{"message_type":"chat_message","content":"\ud83d\ude00"}'
        self.assertEqual(self.read(line), PostRequest(content="😀"))

    def test_depth_bombs(self) -> None:
        """
        Depth without end is refused, in keys that are read and in others.
        """
        for deep in (b"[" * 30000, b"[" * 30000 + b"]" * 30000, b'{"a":' * 10000):
            self.refused(b'{"x":' + deep, NotJSON)
            self.refused(
                b'{"message_type":"chat_message","content":"a","x":' + deep + b"}", NotJSON
            )

    def test_nul(self) -> None:
        """
        NUL is refused in what is read, and in a list too.
        """
        self.refused(post(content="a\0b"), BadField, "content")
        line = json.dumps(
            {"message_type": "create_chat_request", "chat_name": "a", "member_usernames": ["\0"]}
        )
        self.refused(line.encode(), BadField, "member_usernames")

    def test_nul_elsewhere(self) -> None:
        r"""
        What only looks like NUL is not: an escaped backslash, or a key that is ignored.
        """
        line = rb'{"message_type":"chat_message","content":"\\u0000"}'
        self.assertEqual(self.read(line), PostRequest(content="\\u0000"))
        self.assertEqual(self.read(post(x="\0")), PostRequest(content="hi"))

    def test_not_an_object(self) -> None:
        """
        JSON that is no object is refused as that.
        """
        for line in (b"[]", b"1", b'"chat_message"', b"null", b"true", b" [{}]"):
            self.refused(line, NotAnObject)

    def test_unknown_type(self) -> None:
        """
        A type that is missing, no string, unknown or the server's own is refused.
        """
        for line in (
            b"{}",
            b'{"message_type":null}',
            b'{"message_type":1}',
            b'{"message_type":["chat_message"]}',
            b'{"message_type":"howdy_request","protocol":1}',
            b'{"message_type":"login_response","success":true}',
            b'{"message_type":"Chat_Message","content":"a"}',
        ):
            self.refused(line, UnknownType, "message_type")

    def test_name_of_the_request(self) -> None:
        """
        A line that is no request keeps the name it has, if that is a valid one.
        """
        self.assertEqual(
            self.refused(b'{"request_id":"r"}', UnknownType, "message_type").request_id, "r"
        )
        for bad in (1, None, "x" * 65, ["r"], "\0"):
            line = json.dumps({"request_id": bad, "message_type": "chat_message"}).encode()
            found = decode_request(line)
            assert isinstance(found, Refused)
            self.assertIs(found.request_id, None)

    def test_bad_name_of_the_request(self) -> None:
        """
        A request with a bad name is refused for it.
        """
        not_names: list[Any] = [1, "x" * 65, "\0", {}]
        for bad in not_names:
            self.refused(post(request_id=bad), BadField, "request_id")
        for good in ("", "x" * 64, "请求"):
            self.assertEqual(self.read(post(request_id=good)).request_id, good)

    def test_client_message_id(self) -> None:
        """
        The name of a message has 1 to 64 characters.
        """
        for bad in (1, "", "x" * 65, "\0"):
            self.refused(post(client_message_id=bad), BadField, "client_message_id")
        self.assertEqual(self.read(post(client_message_id=None)), PostRequest(content="hi"))

    def test_choices(self) -> None:
        """
        Where there are some choices only, no other is taken.
        """
        self.refused(
            b'{"message_type":"list_users_request","list_type":"x"}', BadField, "list_type"
        )
        self.read(b'{"message_type":"list_users_request","list_type":null}')

    def test_name_of_a_member(self) -> None:
        """
        A bad value deep in a key names the key.
        """
        line = b'{"message_type":"create_chat_request","chat_name":"a","member_usernames":["b",1]}'
        self.refused(line, BadField, "member_usernames")

    @given(st.binary(max_size=200))
    def test_any_bytes(self, line: bytes) -> None:
        """
        Any bytes are a request or are refused with 1008.
        """
        found = decode_request(line)
        self.assertTrue(isinstance(found, Request) or found.error.code == 1008)

    @given(
        st.dictionaries(
            st.sampled_from(
                ["content", "chat_group_id", "request_id", "client_message_id", "timestamp", "x"]
            ),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            ),
        ),
        st.sampled_from([cls.message_type.value for cls in message_classes(Direction.TO_SERVER)]),
    )
    @settings(deadline=None)
    def test_any_json(self, keys: dict[str, Any], kind: str) -> None:
        """
        Any JSON is a request or is refused with 1008.
        """
        found = decode_request(json.dumps({"message_type": kind, **keys}).encode())
        self.assertTrue(isinstance(found, Request) or found.error.code == 1008)


class WritingTests(SynchronousTestCase):
    """
    L{encode} writes what strict clients read.
    """

    def test_line(self) -> None:
        """
        A line is one object in UTF-8, its type first, with a newline.
        """
        line = encode(SystemMessage(content="你好\n"), now=5.0)
        self.assertEqual(
            line,
            '{"message_type":"system_message","timestamp":5.0,"content":"你好\\n",'
            '"level":"info"}\n'.encode(),
        )

    def test_null(self) -> None:
        """
        What does not apply is null; what the seed does not know is left out.
        """
        line = json.loads(encode(LoginResponse(success=False, error_message="no"), now=5.0))
        self.assertEqual(
            line,
            {
                "message_type": "login_response",
                "timestamp": 5.0,
                "success": False,
                "user_id": None,
                "username": None,
                "error_message": "no",
            },
        )

    def test_name_of_the_request(self) -> None:
        """
        An answer repeats the request's name, be it empty.
        """
        for name in ("r", ""):
            line = json.loads(encode(SystemMessage(content=""), now=5.0, request_id=name))
            self.assertEqual(line["request_id"], name)

    def test_own_time(self) -> None:
        """
        A message that has a time keeps it.
        """
        line = json.loads(encode(SystemMessage(content="", timestamp=1.5), now=5.0))
        self.assertEqual(line["timestamp"], 1.5)

    def test_parts(self) -> None:
        """
        A part's keys keep their order.
        """
        users = [UserInfo(user_id=1, username="a", is_online=True)]
        line = encode(ListUsersResponse(users=users), now=5.0)
        self.assertIn(b'"users":[{"user_id":1,"username":"a","is_online":true}]', line)

    def test_password_is_not_shown(self) -> None:
        """
        A password does not get into a log by way of a request's repr.
        """
        self.assertNotIn("hunter2", repr(LoginRequest(username="a", password="hunter2")))

    @given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    def test_round_trip(self, content: str) -> None:
        """
        What was said comes back exactly.
        """
        written = PostRequest(content=content, timestamp=1.0)
        self.assertEqual(decode_request(encode(written, now=0)), written)


class ParsingTests(SynchronousTestCase):
    """
    L{parse_message} and C{to_json} are all that a client needs.
    """

    def test_both_ways(self) -> None:
        """
        A message comes back as what it was.
        """
        for message in (
            LoginRequest(username="a", password="b", timestamp=1.0),
            LoginResponse(success=True, user_id=1, username="a", timestamp=1.0),
            CreateChatRequest(chat_name="a", member_usernames=["b"], timestamp=1.0),
            ListUsersResponse(
                users=[UserInfo(user_id=1, username="a", is_online=False)], timestamp=1.0
            ),
        ):
            self.assertEqual(parse_message(message.to_json()), message)
            self.assertEqual(parse_message(message.to_json().encode() + b"\n"), message)

    def test_the_server_is_heard_first(self) -> None:
        """
        Of a type that both sides send, the server's form is read.
        """
        self.assertEqual(
            parse_message('{"message_type":"chat_message","content":"a"}'),
            ChatMessage(content="a"),
        )

    def test_what_is_none(self) -> None:
        """
        What is no message becomes an error message with code 1008.
        """
        for text in ("", "{", "[]", "{}", '{"message_type":"login_response"}', "\ud800"):
            found = parse_message(text)
            assert isinstance(found, ErrorMessage)
            self.assertEqual(found.error_code, 1008)
            self.assertTrue(found.error_message)

    def test_time_of_writing(self) -> None:
        """
        A message without a time gets that of its writing.
        """
        written = json.loads(LoginRequest(username="a", password="b").to_json())
        self.assertIsInstance(written["timestamp"], float)

    def test_strict_with_the_server_too(self) -> None:
        """
        What the server itself says is read in all its keys.
        """
        for keys in ('"timestamp":"now"', '"timestamp":1.0,"level":"loud"'):
            found = parse_message(f'{{"message_type":"system_message","content":"a",{keys}}}')
            self.assertIsInstance(found, ErrorMessage, keys)

    def test_keys_of_the_future(self) -> None:
        """
        A client of today ignores keys that a server of tomorrow sends.
        """
        text = '{"message_type":"chat_message","content":"a","colour":7,"shapes":[1]}'
        self.assertEqual(decode_message(text), ChatMessage(content="a"))


class VocabularyTests(SynchronousTestCase):
    """
    A class is registered by being defined.
    """

    def test_duplicate(self) -> None:
        """
        A second class for a type in the same direction can't be defined.
        """
        from attrs import frozen

        from chatroom.wire.codec import Reply
        from chatroom.wire.constants import MessageType

        with self.assertRaises(TypeError) as caught:

            @frozen(kw_only=True)
            class _Another(Reply):
                message_type = MessageType.LOGIN_RESPONSE

        self.assertIn("LoginResponse", str(caught.exception))
