"""
What users, rooms and messages may be called or contain.

A name is kept as it was written; its key, equal for all names that read the
same, is what is unique.
"""

import re
import unicodedata

from precis_i18n import get_profile

from chatroom.errors import BadContent, BadFilename, BadRoomName, BadTopic, BadUsername

USERNAME_CHARS = 32
ROOM_NAME_CHARS = 64
TOPIC_CHARS = 500

#: What the names of private chats begin with, and those of no other rooms.
_PAIR = "@"

#: The most bytes of a file's name, in UTF-8: so many may a file system have.
FILENAME_BYTES = 255

#: Before normalization a room's name may be longer, but not without bound.
_RAW_ROOM_NAME_CHARS = 4 * ROOM_NAME_CHARS

_PROFILE = get_profile("UsernameCaseMapped")

#: Scripts whose letters pass for one another's, so that a name has one of them
#: at the most. (As the first word of the characters' Unicode names.)
_LOOKALIKES = {"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU"}

#: Control characters, all but tab and newline.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

#: Besides the categories that are never visible: fillers, joiners, variation
#: selectors, blanks, and what is set aside for more of them. They are of other
#: categories, but show nothing.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f"
    "\uffa0\ufff0-\ufff8\U00016fe4\U0001d159\U000e0000-\U000e0fff]"
)

#: What some systems take for a device, whatever the name ends in.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.I)

#: What joins characters to one, in emoji and in some scripts, and is allowed in the names
#: of files. All else that is invisible may turn a name around, or hide its end.
_JOINERS = "\u200c\u200d"


def username_key(name: str) -> str | None:
    """
    What tells a user's name from others.

    @return: C{None} for what can't be anybody's name.
    @see: RFC 8265, UsernameCaseMapped
    """
    if not 1 <= len(name) <= USERNAME_CHARS:
        return None
    try:
        key = str(_PROFILE.enforce(name))
    except UnicodeEncodeError:
        return None
    is_word = not _INVISIBLE.search(key) and all(_is_of_a_name(each) for each in key)
    if not is_word or unicodedata.category(key[0])[0] == "M":
        return None
    return None if len(_lookalike_scripts(key)) > 1 else key


def new_username_key(name: str) -> str:
    """
    @return: the key of a name for a new account.
    @raise BadUsername: if it can't be one.
    """
    key = username_key(name)
    if key is None:
        raise BadUsername(field="username", limit=USERNAME_CHARS)
    return key


def _is_of_a_name(character: str) -> bool:
    category = unicodedata.category(character)
    return character in "_.-" or category[0] in "LM" or category == "Nd"


def _lookalike_scripts(key: str) -> set[str]:
    first_words = {unicodedata.name(character, "").partition(" ")[0] for character in key}
    return first_words & _LOOKALIKES


def room_key(name: str) -> str | None:
    """
    What tells a room's name from others.

    @return: C{None} for what can't be a room's name.
    """
    normal = _normal_room_name(name)
    return None if normal is None else _fold(normal)


def new_room_name(name: str, field: str = "chat_name") -> tuple[str, str]:
    """
    @param field: the key of the request that has it.
    @return: the name in normal form, and its key.
    @raise BadRoomName: if no room can have it.
    """
    normal = _normal_room_name(name)
    if normal is None or normal.startswith(_PAIR):
        raise BadRoomName(field=field, limit=ROOM_NAME_CHARS)
    return normal, _fold(normal)


def pair_name(first: str, second: str) -> str:
    """
    @return: what the private chat of two users is called; no other room can be.
    """
    return f"{_PAIR}{first}, {_PAIR}{second}"


def pair_keys(name: str) -> list[str]:
    """
    @param name: of a private chat, or an C{@} and the name of the other of the two.
    @return: the keys of those who are named; nothing, if it is not the name of one.
    """
    names = name.split(", ", 2) if len(name) <= _RAW_ROOM_NAME_CHARS else []
    keys = [username_key(each[1:]) if each.startswith(_PAIR) else None for each in names]
    known = [each for each in keys if each is not None]
    return known if len(known) == len(keys) <= 2 else []


def check_topic(topic: str) -> None:
    """
    @raise BadTopic: if no room can have this topic.
    """
    if len(topic) > TOPIC_CHARS or _CONTROL.search(topic):
        raise BadTopic(field="topic", limit=TOPIC_CHARS)


def _normal_room_name(name: str) -> str | None:
    if len(name) > _RAW_ROOM_NAME_CHARS:
        return None
    normal = unicodedata.normalize("NFKC", name)
    is_good = (
        1 <= len(normal) <= ROOM_NAME_CHARS
        and normal.strip() == normal
        and not _INVISIBLE.search(normal)
        and all(_is_visible(character) for character in normal)
    )
    return normal if is_good else None


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    if _is_noncharacter(ord(character)):
        return False
    return character == " " or category not in ("Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp")


def _is_noncharacter(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _fold(normal: str) -> str:
    folded = unicodedata.normalize("NFKC", normal.casefold())
    return " ".join(folded.split())


def check_content(content: str, limit: int) -> None:
    """
    @param limit: the most characters.
    @raise BadContent: if no message can have this content.
    """
    if not 1 <= len(content) <= limit or _CONTROL.search(content):
        raise BadContent(field="content", limit=limit)


def check_filename(name: str) -> None:
    """
    See that nobody who saves a file under its name, on whatever system, saves it
    somewhere else or under another name.

    @raise BadFilename: if it can't be the name of a file.
    """
    is_good = (
        1 <= len(name) <= FILENAME_BYTES
        and name.strip() == name
        and not name.endswith(".")
        and not set(name) & {"/", "\\", ":"}
        and all(_is_of_a_filename(each) for each in name)
        and not _DEVICE.fullmatch(name)
        and len(name.encode()) <= FILENAME_BYTES
    )
    if not is_good:
        raise BadFilename(field="filename", limit=FILENAME_BYTES)


def _is_of_a_filename(character: str) -> bool:
    if character in _JOINERS:
        return True
    is_hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    return not is_hidden and not _is_noncharacter(ord(character))
