"""
What users, rooms and messages may be called or contain.
"""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.names import (
    check_content,
    new_room_name,
    new_username_key,
    room_key,
    username_key,
)
from chatroom.errors import BadContent, BadRoomName, BadUsername


class UsernameTests(SynchronousTestCase):
    """
    Names of users.
    """

    def test_one_key(self) -> None:
        """
        Names that read the same have one key.
        """
        for some in (("Admin", "admin", "ＡＤＭＩＮ"), ("é", "e\u0301"), ("ﾊﾛｰ", "ハロー")):
            self.assertEqual(len({username_key(name) for name in some}), 1, some)

    def test_good(self) -> None:
        """
        Letters and digits of any script are good, and so are C{_ . -}.
        """
        for name in (
            "a",
            "_.-",
            "张三",
            "张三Li",
            "हिन्दी",
            "مرحبا",
            "Ян",
            "Ωμέγα",
            "x" * 32,
            "007",
        ):
            self.assertIsNotNone(username_key(name), name)

    def test_bad(self) -> None:
        """
        Nothing else is.
        """
        for name in (
            "",
            "x" * 33,
            "a b",
            " a",
            "a\n",
            "a\0",
            "a\u200db",
            "a\u202eb",
            "😀",
            "a@b",
            "a:b",
            "a/b",
            "\u0301a",
            "ﬁ",
            "Ⅷ",
            "½",
            "\ue000",
            "alice\U00016fe4",
            "a" * 100_000,
        ):
            self.assertIsNone(username_key(name), name[:40])
            self.assertRaises(BadUsername, new_username_key, name)

    def test_lookalikes(self) -> None:
        """
        Scripts that look alike are not mixed.
        """
        for name in ("аdmin", "adminα", "Яα", "paypаl"):
            self.assertIsNone(username_key(name), name)

    @given(st.text())
    def test_any_text(self, name: str) -> None:
        """
        Any text has a key or none, and a key is its own key.
        """
        key = username_key(name)
        if key is not None and len(key) <= 32:
            self.assertEqual(username_key(key), key)


class RoomNameTests(SynchronousTestCase):
    """
    Names of rooms.
    """

    def test_one_key(self) -> None:
        """
        Names that read the same have one key.
        """
        for some in (("Dev", "dev", "ＤＥＶ"), ("Straße", "STRASSE"), ("a b", "a\u3000b", "A  B")):
            self.assertEqual(len({room_key(name) for name in some}), 1, some)

    def test_normal_form(self) -> None:
        """
        The name is kept in normal form, with its capitals.
        """
        self.assertEqual(new_room_name("Ｄev Room"), ("Dev Room", "dev room"))

    def test_good(self) -> None:
        """
        Whatever is visible is good, with spaces inside.
        """
        for name in ("项目讨论", "a b c", "🎉 party!", "#general", "x" * 64, "C++ / Rust"):
            self.assertEqual(new_room_name(name)[0], name)

    def test_bad(self) -> None:
        """
        Nothing invisible is.
        """
        for name in (
            "",
            " ",
            " a",
            "a ",
            "\u3000a",
            "x" * 65,
            "a\tb",
            "a\nb",
            "a\0",
            "a\u200bb",
            "a\u200d",
            "\ufeffa",
            "a\u2028b",
            "a\u3164",
            "❤\ufe0f",
            "\u2800",
            "public\u2065",
            "public\ufff0",
            "public\uffff",
            "public\ufdd0",
            "public\U000e0080",
            "public\U0001d159",
            "public\U00016fe4",
            "a" * 100_000,
            "\ufdfa" * 60,
        ):
            self.assertRaises(BadRoomName, new_room_name, name)
            self.assertIsNone(room_key(name))

    @given(st.text())
    def test_any_text(self, name: str) -> None:
        """
        Any text has a key or none.
        """
        key = room_key(name)
        self.assertTrue(key is None or key)


class ContentTests(SynchronousTestCase):
    """
    What is said.
    """

    def test_good(self) -> None:
        """
        Anything visible is good, with tabs and newlines.
        """
        for content in ("a", " ", "\n", "a\tb\n", "x" * 4000, "👨\u200d👩\u200d👧", "\u202e"):
            check_content(content, 4000)

    def test_bad(self) -> None:
        """
        Nothing at all, too much, and control characters are not.
        """
        for content in ("", "x" * 4001, "\r", "a\x00", "\x1b[2J", "\x7f", "\x85", "\x9b"):
            self.assertRaises(BadContent, check_content, content, 4000)
