"""
Histories for tests of the verdict: one in which everything is as it was promised, in
pieces that a test can change.
"""

from attrs import evolve

from chatroom.torture.histories import (
    Acknowledged,
    Changed,
    Entry,
    Event,
    Evidence,
    Place,
    Row,
    Session,
    Testimony,
)
from chatroom.torture.state import state_after

ROOM = 7

#: The ids of the two clients.
ALICE, BOB = 11, 12

JOINED = Event(ROOM, 1, "member_joined", ALICE)
JOINED_TOO = Event(ROOM, 2, "member_joined", BOB)
ONE = Event(ROOM, 3, "chat_message", ALICE, 103, text="0-0 one")
TWO = Event(ROOM, 4, "chat_message", BOB, 104, text="1-0 two")
EDITED = Event(ROOM, 5, "message_edited", ALICE, 103, text="0-0 One.")
LIKED = Event(ROOM, 6, "reaction_changed", BOB, 103, "+eyes")
OOPS = Event(ROOM, 7, "chat_message", BOB, 107, text="1-1 oops")
DELETED = Event(ROOM, 8, "message_deleted", BOB, 107)

#: As everybody was told it who was there.
LIVE = [JOINED, JOINED_TOO, ONE, TWO, EDITED, LIKED, OOPS, DELETED]


def replayed(event: Event) -> Event:
    """
    @return: the event, as it is told once all is over.
    """
    if event.message == 107 and event.kind == "chat_message":
        return evolve(event, text="", is_deleted=True)
    return evolve(event, text="0-0 One.") if event.message == 103 and event.text else event


#: As somebody is told it who comes when all is over.
LOG = [replayed(each) for each in LIVE]


def acknowledged(event: Event, name: str) -> Acknowledged:
    """
    @return: what its sender is told of a message.
    """
    assert event.message is not None
    return Acknowledged(name=name, room=event.room, seq=event.seq, message=event.message)


def alice() -> Testimony:
    """
    @return: what the first client has seen, who has crashed once.
    """
    return Testimony(
        client=0,
        user=ALICE,
        rooms=frozenset({ROOM}),
        said={"0-0": (ROOM, "0-0 one"), "0-1": (ROOM, "0-1 lost before it was kept")},
        edits={"0-0": {"0-0 One."}},
        acknowledged={"0-0": acknowledged(ONE, "0-0")},
        changed=[Changed(kind="message_edited", room=ROOM, seq=5, message=103, text="0-0 One.")],
        abandoned={"0-1"},
        runs=[LIVE[:5], LOG[3:]],
    )


def bob() -> Testimony:
    """
    @return: what the second one has seen.
    """
    return Testimony(
        client=1,
        user=BOB,
        rooms=frozenset({ROOM}),
        said={"1-0": (ROOM, "1-0 two"), "1-1": (ROOM, "1-1 oops")},
        acknowledged={"1-0": acknowledged(TWO, "1-0"), "1-1": acknowledged(OOPS, "1-1")},
        runs=[LIVE],
    )


def sessions() -> list[Session]:
    """
    @return: what went over the connections: one of alice's, two of bob's.
    """
    return [
        Session(client=0, heard=[*LIVE[:5]], acknowledged=[acknowledged(ONE, "0-0")]),
        Session(client=1, heard=[*LIVE[1:4]], acknowledged=[acknowledged(TWO, "1-0")]),
        Session(client=1, heard=[Place(ROOM, 4), *LIVE[4:]]),
    ]


def rows() -> list[Row]:
    """
    @return: the file.
    """
    names = {103: "0-0", 104: "1-0", 107: "1-1"}
    return [
        Row(
            room=ROOM,
            seq=each.seq,
            id=100 + each.seq,
            user=each.user,
            name=names.get(100 + each.seq),
        )
        for each in LOG
    ]


def evidence() -> Evidence:
    """
    @return: all of it.
    """
    pages: dict[int, dict[int, Entry]] = {ROOM: state_after(LOG)}
    return Evidence(
        log={ROOM: LOG},
        starts={ROOM: 2},
        testimonies=[alice(), bob()],
        sessions=sessions(),
        pages=pages,
        rows=rows(),
    )
