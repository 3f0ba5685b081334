"""
Who may be connected: how many from where, and for how long without a name.

Whoever has not logged in costs little, but there may be many of them. When there
are too many, the oldest one goes for whom nothing is being done: who means well
logs in at once, and is among the youngest.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chatroom.settings import Settings


def limited_as(host: str) -> str | None:
    """
    What a peer's address counts as: itself, or for IPv6 the network of a site,
    all of whose addresses one peer may have.

    @return: C{None} for this machine, whose peers are not limited together.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


class Guest(Protocol):
    """
    One session, as it concerns who may be here.
    """

    @property
    def address(self) -> str | None:
        """
        Where from, as L{limited_as} has it.
        """

    @property
    def is_busy(self) -> bool:
        """
        Whether a request is being worked on.
        """

    def turn_away(self, slug: str) -> None:
        """
        Say why, and close.
        """


@define(eq=False)
class Admission:
    """
    Who is here, and who of them has no name.
    """

    _settings: Settings
    _clock: IReactorTime
    _by_address: dict[str, set[Guest]] = field(factory=dict, init=False)
    #: Each in the order of age, with when it has to go.
    _anonymous: dict[Guest, IDelayedCall | None] = field(factory=dict, init=False)
    _anonymous_by_address: dict[str, dict[Guest, None]] = field(factory=dict, init=False)

    def enter(self, guest: Guest) -> None:
        """
        Somebody comes, without a name yet.
        """
        limit = self._settings.connections_per_address
        address = guest.address
        if address is not None:
            if len(self._by_address.get(address, ())) >= limit > 0:
                guest.turn_away("too_many_connections")
                return
            self._by_address.setdefault(address, set()).add(guest)
        self.forget_name(guest)

    def leave(self, guest: Guest) -> None:
        """
        Somebody is gone, who may not have been let in.
        """
        self.name(guest)
        address = guest.address
        if address is not None and guest in self._by_address.get(address, ()):
            self._by_address[address].remove(guest)
            if not self._by_address[address]:
                del self._by_address[address]

    def name(self, guest: Guest) -> None:
        """
        Somebody has logged in.
        """
        timer = self._anonymous.pop(guest, None)
        if timer is not None and timer.active():
            timer.cancel()
        address = guest.address
        if address is not None and guest in self._anonymous_by_address.get(address, ()):
            del self._anonymous_by_address[address][guest]
            if not self._anonymous_by_address[address]:
                del self._anonymous_by_address[address]

    def forget_name(self, guest: Guest) -> None:
        """
        Somebody has not logged in, or no longer is.
        """
        self._anonymous[guest] = None
        self._wait_for_name(guest)
        address = guest.address
        if address is not None:
            some = self._anonymous_by_address.setdefault(address, {})
            some[guest] = None
            self._bound(some, self._settings.anonymous_per_address, guest)
        self._bound(self._anonymous, self._settings.anonymous_connections, guest)

    def _bound(
        self,
        guests: "dict[Guest, None] | dict[Guest, IDelayedCall | None]",
        limit: int,
        newest: Guest,
    ) -> None:
        if len(guests) > limit > 0:
            self._send_away(_oldest_idle(guests, newest), "crowded_out")

    def _send_away(self, guest: Guest, slug: str) -> None:
        self.name(guest)
        guest.turn_away(slug)

    def _wait_for_name(self, guest: Guest) -> None:
        seconds = self._settings.login_seconds
        if seconds:
            self._anonymous[guest] = self._clock.callLater(seconds, self._is_overdue, guest)

    def _is_overdue(self, guest: Guest) -> None:
        if guest.is_busy:
            # The peer has asked, and waits for us.
            self._wait_for_name(guest)
        else:
            self._send_away(guest, "login_overdue")


def _oldest_idle(guests: Iterable[Guest], newest: Guest) -> Guest:
    """
    @return: who goes; C{newest} if something is being done for all others.
    """
    return next((each for each in guests if each is newest or not each.is_busy), newest)
