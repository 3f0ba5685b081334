"""
C{rooms}, C{bans} and C{audit}: rooms, who may not be in them, and what was done.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator, Mapping

from attrs import asdict

from chatroom.admin.desk import Desk
from chatroom.admin.exits import REFUSED, Failed
from chatroom.admin.shown import table, visible
from chatroom.admin.tasks import Lines, Task, tell
from chatroom.chat.names import room_key
from chatroom.wire.messages import (
    ChatInfoRequest,
    ChatInfoResponse,
    DeleteChatRequest,
    DeleteChatResponse,
    LiftRequest,
    LiftResponse,
    ListAuditRequest,
    ListAuditResponse,
    ListBansRequest,
    ListBansResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    RoomState,
    TransferChatRequest,
    TransferChatResponse,
)

#: The reason that the people in a room are told where the operator gives none.
NO_REASON = "By the operator."

#: How many entries one answer has.
_PAGE = 100

#: The greatest id.
_MOST_ID = 2**53 - 1


def _nothing(_: ArgumentParser) -> None:
    """
    Needs no argument.
    """


def _room(parser: ArgumentParser) -> None:
    parser.add_argument("room", metavar="ROOM", help="its name, or its id")


def _perhaps_room(parser: ArgumentParser) -> None:
    parser.add_argument("room", metavar="ROOM", nargs="?", help="its name, or its id [all]")


def _room_and_reason(parser: ArgumentParser) -> None:
    _room(parser)
    _reason(parser)


def _room_and_name(parser: ArgumentParser) -> None:
    _room(parser)
    parser.add_argument("name", metavar="NAME", help="of a user")
    _reason(parser)


def _reason(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        metavar="TEXT",
        default=NO_REASON,
        help=f"why, for the people in the room and the audit [{NO_REASON}]",
    )


def _about_audit(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--limit", type=_count, default=_PAGE, metavar="N", help=f"how many [{_PAGE}]; 0 is all"
    )
    parser.add_argument("--room", metavar="ROOM", help="where: its name, or its id [anywhere]")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"must be a whole number, not {text!r}")
    return int(text)


async def _rooms(desk: Desk) -> AsyncIterator[RoomState]:
    last: int | None = 0
    while last is not None:
        page = await desk.ask(ListRoomsRequest(after_id=last), ListRoomsResponse)
        for each in page.rooms:
            yield each
        last = page.rooms[-1].chat_group_id if page.rooms else None


async def _id_of(desk: Desk, room: str) -> int:
    """
    @return: the id of a room that is named, by whatever reads as its name; a number is an
        id.
    """
    if room.isdecimal() and 0 < int(room) <= _MOST_ID:
        return int(room)
    key = room_key(room)
    async for each in _rooms(desk):
        if key is not None and room_key(each.chat_name) == key:
            return each.chat_group_id
    raise Failed(REFUSED, f"there is no room {room}; a private chat has no name here")


async def _list(desk: Desk, chosen: Namespace) -> None:
    lines = Lines(desk, chosen, "ID", "NAME", "VISIBILITY", "MEMBERS", "OWNERS", "CREATED")
    async for each in _rooms(desk):
        lines.add(
            each,
            each.chat_group_id,
            each.chat_name,
            each.visibility,
            each.member_count,
            ", ".join(each.owners),
            each.created_at,
        )
    lines.end()


async def _info(desk: Desk, chosen: Namespace) -> None:
    request = ChatInfoRequest(chat_group_id=await _id_of(desk, chosen.room))
    info = await desk.ask(request, ChatInfoResponse)
    said = {
        "chat_group_id": info.chat_group_id,
        "chat_name": info.chat_name,
        "visibility": info.visibility,
        "topic": info.topic,
        "created_at": info.created_at,
        "members": [asdict(each) for each in info.members],
        "bans": [asdict(each) for each in info.bans or ()],
    }
    people: list[tuple[object, ...]] = [
        (each.user_id, each.username, each.role, _muted(each.is_muted, each.muted_until))
        for each in info.members
    ]
    people += [
        (each.user_id, each.username, "banned", f"until {each.banned_until or 'lifted'}")
        for each in info.bans or ()
    ]
    heads = [
        f"{visible(info.chat_name)}, room {info.chat_group_id}, {info.visibility}",
        f"topic: {visible(info.topic)}",
        f"created: {info.created_at}",
    ]
    lines = heads + table(["ID", "NAME", "ROLE", "MUTED OR BANNED"], people)
    tell(desk, chosen, said, "\n".join(lines))


def _muted(is_muted: bool, until: str | None) -> str | None:
    return f"until {until or 'lifted'}" if is_muted else None


async def _delete(desk: Desk, chosen: Namespace) -> None:
    room_id = await _id_of(desk, chosen.room)
    request = DeleteChatRequest(chat_group_id=room_id, reason=chosen.reason)
    done = await desk.ask(request, DeleteChatResponse)
    said = {"chat_group_id": done.chat_group_id, "chat_name": done.chat_name}
    tell(desk, chosen, said, f"deleted {visible(done.chat_name)}, room {done.chat_group_id}")


async def _transfer(desk: Desk, chosen: Namespace) -> None:
    request = TransferChatRequest(
        chat_group_id=await _id_of(desk, chosen.room),
        username=chosen.name,
        reason=chosen.reason,
    )
    done = await desk.ask(request, TransferChatResponse)
    what = "is the owner already of" if done.duplicate else "is the owner now of"
    _tell_of_member(desk, chosen, done, what)


async def _list_bans(desk: Desk, chosen: Namespace) -> None:
    room_id = None if chosen.room is None else await _id_of(desk, chosen.room)
    lines = Lines(desk, chosen, "ROOM", "NAME OF THE ROOM", "USER", "NAME", "UNTIL")
    last: tuple[int, int] | None = (0, 0)
    while last is not None:
        request = ListBansRequest(
            chat_group_id=room_id, after_chat_group_id=last[0], after_user_id=last[1]
        )
        page = await desk.ask(request, ListBansResponse)
        for each in page.bans:
            lines.add(
                each,
                each.chat_group_id,
                each.chat_name,
                each.user_id,
                each.username,
                each.banned_until or "lifted",
            )
        ends = [(each.chat_group_id, each.user_id) for each in page.bans]
        last = ends[-1] if ends else None
    lines.end()


async def _lift(desk: Desk, chosen: Namespace) -> None:
    request = LiftRequest(
        chat_group_id=await _id_of(desk, chosen.room),
        username=chosen.name,
        reason=chosen.reason,
    )
    done = await desk.ask(request, LiftResponse)
    what = "was neither muted nor banned in" if done.duplicate else "is free again in"
    _tell_of_member(desk, chosen, done, what)


def _tell_of_member(
    desk: Desk, chosen: Namespace, done: TransferChatResponse | LiftResponse, what: str
) -> None:
    keys = ("chat_group_id", "user_id", "username", "duplicate")
    said = {key: getattr(done, key) for key in keys}
    tell(desk, chosen, said, f"{visible(done.username)} {what} room {done.chat_group_id}")


async def list_audit(desk: Desk, chosen: Namespace) -> None:
    """
    List what was done, newest first.
    """
    room_id = None if chosen.room is None else await _id_of(desk, chosen.room)
    lines = Lines(desk, chosen, "ID", "AT", "BY", "ACTION", "USER", "ROOM", "DETAIL", "REASON")
    left = chosen.limit or _MOST_ID
    before: int | None = None
    while left:
        request = ListAuditRequest(chat_group_id=room_id, before_id=before, limit=min(left, _PAGE))
        page = await desk.ask(request, ListAuditResponse)
        for each in page.entries:
            room = None if each.chat_group_id is None else f"{each.chat_group_id}"
            lines.add(
                each,
                each.entry_id,
                each.at,
                each.by or "the operator",
                each.action.removesuffix("_request"),
                each.username,
                f"{each.chat_name} ({room})" if room else None,
                each.detail,
                each.reason,
            )
        if not page.entries:
            break
        left, before = left - len(page.entries), page.entries[-1].entry_id
    lines.end()


ROOMS: Mapping[str, Task] = {
    "list": Task("list the rooms, but private chats", _nothing, _list),
    "info": Task("tell what a room is, and who is in it", _room, _info),
    "delete": Task(
        "delete a room with all that was said in it",
        _room_and_reason,
        _delete,
        question="Delete the room {room} with all that was said in it?",
    ),
    "transfer": Task("have a member be the one owner of a room", _room_and_name, _transfer),
}

BANS: Mapping[str, Task] = {
    "list": Task("list who may be no member of what", _perhaps_room, _list_bans),
    "lift": Task("have somebody be muted and banned no longer", _room_and_name, _lift),
}

AUDIT = Task("list what was done, newest first", _about_audit, list_audit)
