"""
docs/protocol.md is true, and whole.
"""

import re
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from attrs import NOTHING, fields
from msgspec import Meta
from twisted.trial.unittest import SynchronousTestCase

import chatroom.wire.messages as vocabulary
from chatroom.chat import (
    ephemera,
    mentions,
    names,
    passwords,
    reading,
    rooms,
    sending,
    uploads,
)
from chatroom.chat import messages as stored_messages
from chatroom.chat.streams import MOST_A_BATCH
from chatroom.errors import ErrorCode
from chatroom.server import arriving, transfers
from chatroom.server.handlers import files as handlers_of_files
from chatroom.server.handlers import talking
from chatroom.server.replies import GOODBYES
from chatroom.settings import Settings
from chatroom.store.models import MOST_UNREAD
from chatroom.store.queries.files import BYTES_A_FILE
from chatroom.wire.codec import (
    Direction,
    Id,
    Message,
    OptionalId,
    Reply,
    Request,
)
from chatroom.wire.constants import MessageType
from chatroom.wire.messages.files import MOST_FILES
from chatroom.wire.messages.talking import PAGE_SIZE
from tests.inventory import reasons, types
from tests.pages import DOCS, Section, anchor, code, sections
from tests.transcripts import messages, replay, transcripts

PAGE = DOCS / "protocol.md"
SECTIONS = sections(PAGE)
TRANSCRIPTS = transcripts(PAGE)

_COMMON = {
    Direction.TO_SERVER: "Keys of every request",
    Direction.TO_CLIENT: "Keys of every message from the server",
}
_VERBS = {Direction.TO_SERVER: "You send ", Direction.TO_CLIENT: "You get "}
_INSIDE: dict[type[Any], str] = {
    vocabulary.UserInfo: "user",
    vocabulary.ChatInfo: "chat",
    vocabulary.Limits: "limits",
    vocabulary.ChatHead: "head",
    vocabulary.Position: "position",
    vocabulary.ResumedChat: "resumed chat",
    vocabulary.Reaction: "reaction",
    vocabulary.SessionInfo: "session",
    vocabulary.SearchHit: "hit",
    vocabulary.MemberInfo: "person",
    vocabulary.BanInfo: "ban",
    vocabulary.AccountInfo: "account",
    vocabulary.RoomState: "room",
    vocabulary.AuditEntry: "entry",
    vocabulary.FileInfo: "file",
    vocabulary.AttachedFile: "attached file",
    vocabulary.UserSession: "login",
    vocabulary.BanEntry: "entry of a ban",
}
_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}

#: What is set as code and is not of the protocol's own vocabulary.
_OTHERS = {
    "true",
    "false",
    "public",
    "warning",
    "current_chat",
    "secret123",
    "printf",
    "recv",
    "admin",
    "owner",
    "member",
    "moderator",
    "inherit",
}

Row = list[str]


def section(heading: str) -> Section:
    """
    @return: the one section of this heading.
    """
    (found,) = (each for each in SECTIONS if each.heading == heading)
    return found


def rows(heading: str) -> dict[str, Row]:
    """
    @return: the rows of a section's first table, by the name that each begins with.
    """
    tables = section(heading).tables
    return {code(row[0]): row for row in tables[0]} if tables else {}


def documented(direction: Direction) -> dict[str, dict[str, Row]]:
    """
    @return: the table of each type that the page describes, by type.
    """
    found: dict[str, dict[str, Row]] = {}
    for each in SECTIONS:
        if each.heading.startswith(_VERBS[direction]):
            for kind in each.heading.removeprefix(_VERBS[direction]).split(", "):
                assert code(kind) not in found, f"{kind} is described twice"
                found[code(kind)] = rows(each.heading)
    return found


def words(form: Any) -> str:
    """
    @return: a key's type as the page calls it.
    """
    if form in (Id, OptionalId):
        return "id" if form == Id else "id or 0"
    origin, arguments = get_origin(form), get_args(form)
    if origin is Annotated:
        return words(arguments[0]) + _bounds(arguments[1], is_text=arguments[0] is str)
    if origin in (Union, UnionType):
        return words(Union[arguments[:-1]]) + " or null"  # noqa: UP007
    if origin is Literal:
        return " or ".join(f'"{each}"' for each in arguments)
    if origin is list:
        return f"list of {words(arguments[0])}"
    return _SCALARS.get(form) or _INSIDE[form]


def _bounds(meta: Meta, *, is_text: bool) -> str:
    if not is_text and meta.ge is not None:
        return f" from {meta.ge} to {meta.le}"
    if not is_text:
        return f", at most {meta.max_length}"
    if meta.min_length is not None:
        return f" of {meta.min_length} to {meta.max_length} characters"
    return f" of at most {meta.max_length} characters"


def keys_of(cls: type[Any]) -> dict[str, tuple[str, str]]:
    """
    @return: the type and the presence of each key of a class, as the page
        calls them.
    """
    hints = get_type_hints(cls, include_extras=True)
    common = ("timestamp", "request_id") if issubclass(cls, Message) else ()
    found = {}
    for each in fields(cls):
        if each.name not in common:
            found[each.name] = _key(cls, each, words(hints[each.name]))
    return found


def _key(cls: type[Any], attribute: Any, form: str) -> tuple[str, str]:
    if issubclass(cls, Request):
        is_required = attribute.default is NOTHING
        return form.removesuffix(" or null"), "required" if is_required else "optional"
    presence = attribute.metadata.get("extension")
    if presence:
        return form.removesuffix(" or null"), presence
    return form, "always"


def narrower(form: str) -> set[str]:
    """
    @return: what the page may say of a type, for it may promise more than the
        class does: what it says of null and 0 is checked by the transcripts.
    """
    plain = form.removesuffix(" or null")
    return {form, plain, plain.removesuffix(" or 0")}


def is_a(value: object, form: str) -> bool:
    """
    Whether a value is of a type as the page calls it.
    """
    if form.endswith(" or null"):
        return value is None or is_a(value, form.removesuffix(" or null"))
    if form.startswith("list of "):
        assert isinstance(value, list)
        return all(is_a(each, form.removeprefix("list of ")) for each in value)
    if form in _INSIDE.values():
        return isinstance(value, dict) and has_keys(value, rows(f"Inside: {form}"))
    if form.startswith('"'):
        return f'"{value}"' in form.split(" or ")
    if form == "number":
        return type(value) in (int, float)
    if form == "id or 0":
        return value == 0 or is_a(value, "id")
    if form == "id":
        return type(value) is int and 1 <= value < 2**53
    return type(value) is {"string": str, "boolean": bool, "integer": int}[form]


def has_keys(value: dict[str, object], table: dict[str, Row]) -> bool:
    """
    Whether an object has the keys of a table, each of its type, and no others.
    """
    always = {key for key, row in table.items() if row[2] == "always"}
    return always <= value.keys() <= table.keys() and all(
        is_a(each, table[key][1]) for key, each in value.items()
    )


class TranscriptTests(SynchronousTestCase):
    """
    What the page shows is what happens.
    """

    def test_replay(self) -> None:
        """
        Each transcript, done again, goes as the page has it, to the byte.
        """
        for each in TRANSCRIPTS:
            happened = replay(self, each)
            self.assertEqual(
                "\n".join([each.place, *each.lines]), "\n".join([each.place, *happened])
            )

    def test_requests(self) -> None:
        """
        Every type that clients send is sent in a transcript.
        """
        sent = {
            message.get("message_type") for each in TRANSCRIPTS for message in messages(each, ">")
        }
        known = {cls.message_type.value for cls in types(Direction.TO_SERVER)}
        self.assertEqual(known - sent, set())

    def test_replies(self) -> None:
        """
        Every type that the server sends comes in a transcript, and no other.
        """
        came = {message["message_type"] for each in TRANSCRIPTS for message in messages(each, "<")}
        known = {cls.message_type.value for cls in types(Direction.TO_CLIENT)}
        self.assertEqual(came, known)

    def test_keys(self) -> None:
        """
        Every line from the server has the keys that the tables promise, each of
        the type that they promise.
        """
        common = rows(_COMMON[Direction.TO_CLIENT])
        tables = documented(Direction.TO_CLIENT)
        for each in TRANSCRIPTS:
            for message in messages(each, "<"):
                table = common | tables[str(message["message_type"])]
                self.assertTrue(has_keys(message, table), message)

    def test_every_transcript_is_found(self) -> None:
        """
        No block escapes the replay by its spelling.
        """
        blocks = [block for each in SECTIONS for block in each.blocks]
        self.assertEqual(len(blocks), len(TRANSCRIPTS))


class VocabularyTests(SynchronousTestCase):
    """
    The page describes all there is, and nothing that there is not.
    """

    def test_types(self) -> None:
        """
        Every type has a section, by direction, and every section has a type.
        """
        for direction in Direction:
            known = {cls.message_type.value for cls in types(direction)}
            self.assertEqual(set(documented(direction)), known)

    def test_keys(self) -> None:
        """
        Every key of every type is described, with its type and its presence.
        """
        for direction in Direction:
            tables = documented(direction)
            for cls in types(direction):
                self._compare(cls, tables[cls.message_type.value])

    def test_inside(self) -> None:
        """
        Every key of the objects inside messages is described too.
        """
        for cls, name in _INSIDE.items():
            self._compare(cls, rows(f"Inside: {name}"))

    def _compare(self, cls: type[Any], table: dict[str, Row]) -> None:
        known = keys_of(cls)
        self.assertEqual(list(table), list(known), cls)
        for name, (form, presence) in known.items():
            self.assertIn(table[name][1], narrower(form), f"{cls.__name__}.{name}")
            self.assertEqual(table[name][2], presence, f"{cls.__name__}.{name}")

    def test_common_keys(self) -> None:
        """
        The keys of every request, and of every reply, are described.
        """
        for direction, base in ((Direction.TO_SERVER, Request), (Direction.TO_CLIENT, Reply)):
            known = {"message_type"} | {each.name for each in fields(base)}
            self.assertEqual(set(rows(_COMMON[direction])), known)

    def test_codes(self) -> None:
        """
        Every code is described, and marked where it is never sent.
        """
        table = {int(row[0]): row[1] for row in section("Errors").tables[0]}
        self.assertEqual(list(table), [int(each) for each in ErrorCode])
        unsent = {each for each, text in table.items() if re.search("not sent|never sent", text)}
        sent = {int(each.code) for each in reasons().values()}
        self.assertEqual(unsent, table.keys() - sent)

    def test_reasons(self) -> None:
        """
        Every reason is described, with its code and whether it is temporary.
        """
        table = {code(row[0]): (int(row[1]), row[2]) for row in section("Errors").tables[1]}
        known = {
            reason: (int(cls.code), "yes" if cls.temporary else "no")
            for reason, cls in reasons().items()
        }
        self.assertEqual(table, known)

    def test_goodbyes(self) -> None:
        """
        Every reason to close a connection is described, and whether to come back.
        """
        told = {code(row[0]): row[1] == "yes" for row in section("You get `goodbye`").tables[1]}
        self.assertEqual(told, GOODBYES)

    def test_nothing_else(self) -> None:
        """
        What the page sets as code, and could be a name, is one that exists.
        """
        known = {each.value for each in MessageType} | reasons().keys() | _OTHERS
        known |= {each.name for each in fields(Settings)} | GOODBYES.keys()
        for cls in _all_classes():
            known |= {each.name for each in fields(cls)} | {"message_type"}
        used = {each for page in SECTIONS for each in page.items()}
        self.assertEqual(
            {each for each in used if re.fullmatch("[a-z_]{4,}", each)} - known, set()
        )

    def test_numbers(self) -> None:
        """
        No code is named that does not exist.
        """
        text = PAGE.read_text("utf-8")
        used = {int(each) for each in re.findall(r"\b10(?:0[1-9]|1\d)\b", text)}
        self.assertEqual(used - {int(each) for each in ErrorCode}, set())

    def test_links(self) -> None:
        """
        Every link within the page leads to a heading.
        """
        targets = set(re.findall(r"\]\(#([^)]+)\)", PAGE.read_text("utf-8")))
        self.assertEqual(targets - {anchor(each.heading) for each in SECTIONS}, set())


def _all_classes() -> Iterable[type[Any]]:
    yield from _INSIDE
    for direction in Direction:
        yield from types(direction)


class LimitTests(SynchronousTestCase):
    """
    The numbers on the page are those of the code.
    """

    def test_options(self) -> None:
        """
        A limit with an option is the option's default.
        """
        for what, number, option in section("Limits").tables[0]:
            if option:
                self.assertEqual(float(number), getattr(Settings(), code(option)), what)

    def test_constants(self) -> None:
        """
        A limit without an option is a constant.
        """
        table = [(what, int(n)) for what, n, option in section("Limits").tables[0] if not option]
        self.assertEqual(
            table,
            [
                ("characters of a password, at most", passwords.PASSWORD_CHARS),
                ("characters of a username, at most", names.USERNAME_CHARS),
                ("characters of a room's name, at most", names.ROOM_NAME_CHARS),
                ("characters of a room's topic, at most", names.TOPIC_CHARS),
                ("messages that entering a room shows, at most", rooms.HISTORY),
                ("messages in one answer, at most", PAGE_SIZE),
                ("messages in one answer, unless you say how many", talking.HISTORY_LIMIT),
                ("bytes of a file's name in UTF-8, at most", names.FILENAME_BYTES),
                ("bytes of a chunk before base64, at most", uploads.CHUNK_BYTES),
                ("chunks that are not acknowledged, at most", uploads.WINDOW),
                ("files that a user is sending, at most", sending.MOST_UPLOADS),
                ("files that a connection is sent at once, at most", transfers.MOST_DOWNLOADS),
                ("bytes that each file counts besides its own", BYTES_A_FILE),
                (
                    "seconds after which an upload is given up of which nothing comes",
                    int(uploads.ABANDONED_SECONDS),
                ),
                ("files in one answer, at most", MOST_FILES),
                ("files in one answer, unless you say how many", handlers_of_files.LISTED),
                ("members that a message mentions, at most", mentions.MOST_MENTIONS),
                ("reactions to a message, at most", stored_messages.MOST_REACTIONS),
                (
                    "reactions of one user to a message, at most",
                    stored_messages.MOST_OWN_REACTIONS,
                ),
                ("unread messages of a room that are counted, at most", MOST_UNREAD),
                (
                    "milliseconds of quiet after a login, at most",
                    int(arriving.QUIET_SECONDS * 1000),
                ),
            ],
        )

    def test_prose(self) -> None:
        """
        Where the text has a limit in it, it is the same.
        """
        text = " ".join(section("Names, passwords and content").prose)
        settings = Settings()
        for number in (
            f"have 1 to {names.USERNAME_CHARS} characters",
            f"have {settings.password_chars} to {passwords.PASSWORD_CHARS} characters",
            f"have 1 to {names.ROOM_NAME_CHARS} visible characters",
            f"has 1 to {settings.content_chars} characters",
        ):
            self.assertIn(number, text)

    def test_moments(self) -> None:
        """
        So it is with what is read and shown.
        """
        prose = [line for each in SECTIONS for line in each.prose]
        text = " ".join(prose)
        for number in (
            f"at most {MOST_A_BATCH} users in a batch",
            f"{MOST_UNREAD} stands for as many or more",
            f"{int(ephemera.TYPING_FADES_SECONDS)} seconds after you were last told",
        ):
            self.assertIn(number, text)
        times = (reading.PAUSE_SECONDS, ephemera.RECEIPTS_SECONDS, ephemera.PRESENCE_SECONDS)
        # A tenth of a second, once a second, a second late; every three seconds.
        self.assertEqual((*times, ephemera.STILL_TYPING_SECONDS), (0.1, 1.0, 1.0, 3.0))
