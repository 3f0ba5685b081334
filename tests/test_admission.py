"""
Who may be connected.
"""

from typing import Any

from attrs import define, field
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatroom.server.admission import Admission, Guest, limited_as
from chatroom.settings import Settings


@define(eq=False)
class FakeGuest:
    """
    Somebody.

    @ivar told: why they were turned away.
    """

    address: str | None = "192.0.2.1"
    is_proving: bool = False
    told: list[str] = field(factory=list)

    def turn_away(self, slug: str) -> None:
        """Be told."""
        self.told.append(slug)


_: type[Guest] = FakeGuest


class AddressTests(SynchronousTestCase):
    """
    What counts as one address.
    """

    def test_itself(self) -> None:
        """
        An IPv4 address is one, in whatever way it comes.
        """
        self.assertEqual(limited_as("192.0.2.1"), "192.0.2.1")
        self.assertEqual(limited_as("::ffff:192.0.2.1"), "192.0.2.1")

    def test_site(self) -> None:
        """
        All addresses of an IPv6 site are one.
        """
        one, same, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"
        self.assertEqual(limited_as(one), limited_as(same))
        self.assertNotEqual(limited_as(one), limited_as(other))
        self.assertEqual(limited_as("fe80::1%eth0"), limited_as("fe80::2%eth0"))

    def test_this_machine(self) -> None:
        """
        Who is on this machine is not limited by address.
        """
        for host in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "local", ""):
            self.assertIsNone(limited_as(host), host)


class AdmissionTests(SynchronousTestCase):
    """
    Three from an address, two of them without a name, and four without one in all.
    """

    def setUp(self) -> None:
        """
        Let nobody in yet.
        """
        self.clock = Clock()
        self.admit(connections_per_address=3, anonymous_per_address=2, anonymous_connections=4)

    def admit(self, **settings: Any) -> None:
        """
        Choose the limits.
        """
        self.admission = Admission(Settings(**settings), self.clock)

    def enter(self, address: str | None = "192.0.2.1", *, is_proving: bool = False) -> FakeGuest:
        """
        @return: somebody new.
        """
        guest = FakeGuest(address, is_proving)
        self.admission.enter(guest)
        return guest

    def test_from_an_address(self) -> None:
        """
        One more than may be from an address is turned away, until one is gone.
        """
        guests = [self.enter() for _ in range(3)]
        for guest in guests:
            self.admission.name(guest)
        self.assertEqual(self.enter().told, ["too_many_connections"])
        self.assertEqual(self.enter("192.0.2.2").told, [])
        self.admission.leave(guests[0])
        self.assertEqual(self.enter().told, [])

    def test_turned_away_and_gone(self) -> None:
        """
        Who was turned away makes no room by leaving.
        """
        for guest in [self.enter() for _ in range(3)]:
            self.admission.name(guest)
        self.admission.leave(self.enter())
        self.assertEqual(self.enter().told, ["too_many_connections"])

    def test_without_a_name_from_an_address(self) -> None:
        """
        The oldest without a name goes when a third comes from its address.
        """
        one, two, three = self.enter(), self.enter(), self.enter()
        self.assertEqual([each.told for each in (one, two, three)], [["crowded_out"], [], []])

    def test_without_a_name_in_all(self) -> None:
        """
        The oldest without a name goes when a fifth comes from anywhere.
        """
        guests = [self.enter(f"192.0.2.{number}") for number in range(5)]
        self.assertEqual([each.told for each in guests], [["crowded_out"], [], [], [], []])

    def test_named(self) -> None:
        """
        Who has a name stays, and is nobody's rival.
        """
        one = self.enter()
        self.admission.name(one)
        two, three = self.enter(), self.enter()
        self.assertEqual([each.told for each in (one, two, three)], [[], [], []])

    def test_checked(self) -> None:
        """
        Whose password is being checked stays, and the next oldest goes.
        """
        one, two, three = self.enter(is_proving=True), self.enter(), self.enter()
        self.assertEqual([each.told for each in (one, two, three)], [[], ["crowded_out"], []])

    def test_all_checked(self) -> None:
        """
        When all passwords of an address are being checked, whoever comes there has to go.
        """
        guests = [self.enter(is_proving=True) for _ in range(3)]
        self.assertEqual([each.told for each in guests], [[], [], ["crowded_out"]])

    def test_alone(self) -> None:
        """
        Who is alone at an address is not crowded out by those who come in numbers, though
        they prove who they are and this one does not yet.
        """
        self.admit(anonymous_connections=4)
        alone = self.enter("192.0.2.2")
        guests = [self.enter(is_proving=number != 2) for number in range(6)]
        self.assertEqual(alone.told, [])
        told = [bool(each.told) for each in guests]
        self.assertEqual(told, [True, True, True, False, False, False])

    def test_all_checked_on_this_machine(self) -> None:
        """
        Where all are of this machine, and are being checked, whoever comes has to go.
        """
        self.admit(anonymous_connections=2)
        guests = [self.enter(None, is_proving=True) for _ in range(3)]
        self.assertEqual([each.told for each in guests], [[], [], ["crowded_out"]])

    def test_name_lost(self) -> None:
        """
        Who logs out counts again, and is the youngest.
        """
        one = self.enter()
        self.admission.name(one)
        two, three = self.enter(), self.enter()
        self.admission.forget_name(one)
        self.assertEqual([each.told for each in (one, two, three)], [[], ["crowded_out"], []])

    def test_this_machine(self) -> None:
        """
        Who is on this machine counts in all, but not by address.
        """
        guests = [self.enter(None) for _ in range(5)]
        self.assertEqual([each.told for each in guests], [["crowded_out"], [], [], [], []])

    def test_off(self) -> None:
        """
        Without limits anybody may come.
        """
        self.admit(
            connections_per_address=0,
            anonymous_per_address=0,
            anonymous_connections=0,
            login_seconds=0,
        )
        guests = [self.enter() for _ in range(5000)]
        self.clock.advance(100_000)
        self.assertEqual({len(each.told) for each in guests}, {0})

    def test_overdue(self) -> None:
        """
        Who has no name in time has to go; a password that is being checked then has a moment.
        """
        silent, busy, named = self.enter(), self.enter("192.0.2.2", is_proving=True), self.enter()
        self.admission.name(named)
        self.clock.advance(30)
        busy.is_proving = False
        self.clock.advance(4)
        told = [each.told for each in (silent, busy, named)]
        self.assertEqual(told, [["login_overdue"], [], []])
        self.clock.advance(1)
        self.assertEqual(busy.told, ["login_overdue"])

    def test_nothing_stays(self) -> None:
        """
        When all are gone there is nothing left of them.
        """
        for address in ("192.0.2.1", None):
            guests = [self.enter(address) for _ in range(20)]
            self.admission.name(guests[-1])
            for guest in guests:
                self.admission.leave(guest)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        kept = self.admission
        self.assertEqual(kept._by_address, {})
        self.assertEqual(kept._anonymous, {})
        self.assertEqual(kept._anonymous_by_address, {})
