"""
Who is connected where, and what they are told.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatroom.chat.hub import Client, Follower, Hub
from chatroom.chat.pushes import Batch, SeedPushes
from chatroom.errors import StoreUnavailable
from chatroom.store.database import Database
from chatroom.store.models import Event, EventKind, Head, Role, RoomKind, User
from chatroom.store.repository import Repository
from tests.lanes import InlineLane, SteppingLane
from tests.stores import joining

ALICE, BOB = User(id=1, name="alice"), User(id=2, name="bob")
DEV = 2


@define(eq=False)
class FakeClient:
    """
    A session that remembers what it was told.
    """

    is_connected: bool = True
    lines: list[bytes] = field(factory=list)
    left: list[int] = field(factory=list)
    follower: Follower | None = None

    def deliver(self, lines: bytes) -> None:
        """Remember."""
        self.lines.append(lines)

    def put_out(self, room_id: int, seq: int) -> None:
        """Remember."""
        self.left.append(room_id)

    def wants(self, what: str) -> bool:
        """See nothing that is for the moment only."""
        return False

    def show(self, lines: bytes) -> None:
        """Never called."""

    def said(self) -> list[str]:
        """
        @return: what was said to it so far, once.
        """
        heard, self.lines = b"".join(self.lines), []
        return [json.loads(line)["content"] for line in heard.splitlines()]


_: type[Client] = FakeClient


@define(eq=False)
class FakeFollower:
    """
    Remembers of what places it was told.
    """

    entered: list[tuple[int, int]] = field(factory=list)
    told: list[tuple[int, int]] = field(factory=list)
    lost: list[tuple[int, int]] = field(factory=list)

    def begin(self, heads: Sequence[Head]) -> None:
        """Know the rooms."""

    def enter(self, room_id: int, seq: int) -> None:
        """Remember."""
        self.entered.append((room_id, seq))

    def follow(self, room_id: int, batch: Batch) -> None:
        """Remember."""
        self.told.append((batch.first_seq, batch.last_seq))

    def lose(self, room_id: int, batch: Batch) -> None:
        """Remember."""
        self.lost.append((room_id, batch.last_seq))


_follower: type[Follower] = FakeFollower


def message(seq: int, room_id: int = DEV, sender: User = ALICE) -> Event:
    """
    @return: something said.
    """
    return Event(
        id=seq,
        room_id=room_id,
        room_name="dev",
        seq=seq,
        kind=EventKind.MESSAGE,
        sender=sender,
        content=f"m{seq}",
        created_at=0,
    )


def join(seq: int, user: User, by: User | None = None, room_id: int = DEV) -> Event:
    """
    @return: somebody joining, or being added.
    """
    return Event(
        id=seq,
        room_id=room_id,
        room_name="dev",
        seq=seq,
        kind=EventKind.JOIN,
        sender=by or user,
        subject=user,
        created_at=0,
    )


class HubTests(SynchronousTestCase):
    """
    A hub with a database of two users, of whom alice is in C{dev}.
    """

    def setUp(self) -> None:
        """
        Make it.
        """
        self.reading = SteppingLane()
        path = Path(self.mktemp()).absolute()
        self.database = Database(f"sqlite:///{path}", InlineLane(), self.reading)
        self.database.open(now=0)
        self.addCleanup(self.database.close)
        self.successResultOf(self.database.write(self.fill))
        self.hub = Hub(self.database, SeedPushes("en"))

    def fill(self, store: Repository) -> None:
        """
        Make users and a room.
        """
        for user in (ALICE, BOB):
            store.add_user(name=user.name, key=user.name, password_hash="", now=0)
        store.add_room(name="dev", key="dev", kind=RoomKind.GROUP, now=0)
        store.add_members(DEV, joining(ALICE, role=Role.OWNER))

    def begin(self, user: User, client: FakeClient) -> "Deferred[Sequence[Head]]":
        """
        Begin to attach a session.
        """
        return Deferred.fromCoroutine(self.hub.attach(client, user))

    def attach(self, user: User) -> FakeClient:
        """
        Attach a session.
        """
        client = FakeClient()
        done = self.begin(user, client)
        self.reading.step_all()
        self.successResultOf(done)
        return client

    def test_members_only(self) -> None:
        """
        What is said in a room is told to all sessions of its members.
        """
        first, second, other = self.attach(ALICE), self.attach(ALICE), self.attach(BOB)
        self.hub.publish([message(1)])
        self.assertEqual((first.said(), second.said(), other.said()), (["m1"], ["m1"], []))

    def test_one_object(self) -> None:
        """
        What a batch says in a room is one object, encoded once for all.
        """
        first, second = self.attach(ALICE), self.attach(ALICE)
        self.hub.publish([message(1), message(1, room_id=1), message(2)])
        self.assertEqual(len(first.lines), 2)
        self.assertIs(first.lines[0], second.lines[0])
        self.assertEqual(first.said(), ["m1", "m2", "m1"])

    def test_join(self) -> None:
        """
        Who joins is told what is said from then on; the others that they joined.
        """
        alice, bob = self.attach(ALICE), self.attach(BOB)
        self.hub.publish([message(1), join(2, BOB), message(3)])
        self.assertEqual(bob.said(), ["m3"])
        self.assertEqual(alice.said(), ["m1", "bob joined dev", "m3"])

    def test_added(self) -> None:
        """
        Who is added is told by whom, and nobody else is.
        """
        alice, bob = self.attach(ALICE), self.attach(BOB)
        self.hub.publish([join(1, BOB, by=ALICE), message(2)])
        self.assertEqual(bob.said(), ["alice added you to dev", "m2"])
        self.assertEqual(alice.said(), ["m2"])

    def test_added_together(self) -> None:
        """
        Whoever joins together with many is told of all who come after them at once.
        """
        follower, other = FakeFollower(), FakeFollower()
        alice, bob = FakeClient(follower=follower), FakeClient(follower=other)
        done = [self.begin(ALICE, alice), self.begin(BOB, bob)]
        self.reading.step_all()
        for each in done:
            self.successResultOf(each)
        others = [User(id=number, name=str(number)) for number in range(10, 20)]
        joins = [join(2 + n, user, by=ALICE) for n, user in enumerate([*others, BOB])]
        self.hub.publish([message(1), *joins, message(13)])
        self.assertEqual(follower.told, [(1, 1), (2, 13)])
        self.assertEqual((other.entered, other.told), ([(DEV, 11)], [(2, 13)]))

    def test_join_while_attaching(self) -> None:
        """
        A join between reading the rooms and being attached is not missed.
        """
        client = FakeClient()
        done = self.begin(BOB, client)
        tell = self.reading.do()
        self.hub.publish([join(1, BOB)])
        tell()
        self.successResultOf(done)
        self.hub.publish([message(2)])
        self.assertEqual(client.said(), ["m2"])

    def test_attached_before_the_join_is_published(self) -> None:
        """
        A session that knows of a join before the hub does is not told what was
        said before the join.
        """
        self.database.write(lambda store: store.add_members(DEV, joining(BOB)))
        bob, alice = self.attach(BOB), self.attach(ALICE)
        self.hub.publish([message(1), join(2, BOB), message(3)])
        self.assertEqual(bob.said(), ["m3"])
        self.assertEqual(alice.said(), ["m1", "bob joined dev", "m3"])

    def test_gone_while_attaching(self) -> None:
        """
        A session that is gone before its rooms are read is never attached.
        """
        client = FakeClient()
        done = self.begin(ALICE, client)
        client.is_connected = False
        self.hub.detach(client)
        self.reading.step()
        self.successResultOf(done)
        self.hub.publish([message(1)])
        self.assertEqual((client.lines, self.hub.online_count), ([], 0))

    def test_attaching_fails(self) -> None:
        """
        Where the rooms can't be read nobody is attached.
        """
        client = FakeClient()
        done = self.begin(ALICE, client)
        self.reading.fail(StoreUnavailable())
        self.failureResultOf(done, StoreUnavailable)
        self.assertFalse(self.hub.is_online(ALICE.id))

    def test_detach(self) -> None:
        """
        A session that leaves is told nothing, and leaves nothing behind.
        """
        first, second = self.attach(ALICE), self.attach(ALICE)
        self.hub.detach(first)
        self.hub.detach(first)
        self.hub.publish([message(1), join(2, ALICE, by=BOB, room_id=1)])
        self.assertEqual(first.lines, [])
        self.assertTrue(self.hub.is_online(ALICE.id))
        self.hub.detach(second)
        self.assertEqual(self.hub.online_count, 0)
        self.assertEqual((self.hub._places, self.hub._by_user), ({}, {}))

    def test_online(self) -> None:
        """
        A user is online with one session or several.
        """
        for _ in range(2):
            self.attach(ALICE)
        self.assertEqual(self.hub.online_count, 1)
        self.assertEqual([self.hub.is_online(n) for n in (1, 2)], [True, False])

    def test_detached_by_a_delivery(self) -> None:
        """
        A session that is cut off by what it is told harms no other.
        """
        hub = self.hub

        class Fragile(FakeClient):
            def deliver(self, lines: bytes) -> None:
                hub.detach(self)

        fragile = Fragile()
        done = self.begin(ALICE, fragile)
        self.reading.step_all()
        self.successResultOf(done)
        alice = self.attach(ALICE)
        self.hub.publish([message(1)])
        self.assertEqual(alice.said(), ["m1"])
