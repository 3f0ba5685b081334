"""
Who may be connected: how many from where, and for how long without a name.

Whoever has not logged in costs little, but there may be many of them. When there
are too many, the oldest goes of whom no password is being checked: who means well
logs in at once, and is among the youngest.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chatroom.clock import cancel
from chatroom.settings import Settings

#: How long a password may still be checked when the time to log in is over.
_A_MOMENT = 5.0


def plain_address(host: str) -> str:
    """
    @return: an address as it is known: an IPv4 one is itself, also where it comes
        to a socket of IPv6.
    """
    return host.removeprefix("::ffff:") if "." in host else host


def limited_as(host: str) -> str | None:
    """
    What a peer's address counts as: itself, or for IPv6 the network of a site,
    all of whose addresses one peer may have.

    @return: C{None} for this machine, whose peers are not limited together.
    """
    try:
        address = ip_address(plain_address(host))
    except ValueError:
        return None
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
    def is_proving(self) -> bool:
        """
        Whether a password of its is being checked, one of the first few.
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
    _by_address: dict[str, dict[Guest, None]] = field(factory=dict, init=False)
    #: Each in the order of age, with what ends its time.
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
            self._by_address.setdefault(address, {})[guest] = None
        self.forget_name(guest)

    def leave(self, guest: Guest) -> None:
        """
        Somebody is gone, who may not have been let in.
        """
        self._strike_off(guest)
        _discard(self._by_address, guest)

    def name(self, guest: Guest) -> None:
        """
        Somebody has logged in.
        """
        self._strike_off(guest)

    def forget_name(self, guest: Guest) -> None:
        """
        Somebody has not logged in, or no longer is.
        """
        self._give_time(guest, self._settings.login_seconds)
        if guest.address is not None:
            some = self._anonymous_by_address.setdefault(guest.address, {})
            some[guest] = None
            if len(some) > self._settings.anonymous_per_address > 0:
                self._send_away(self._victim(some, guest), "crowded_out")
        if len(self._anonymous) > self._settings.anonymous_connections > 0:
            self._send_away(self._victim(self._anonymous, guest), "crowded_out")

    def _strike_off(self, guest: Guest) -> None:
        """
        Somebody is not among those without a name.
        """
        cancel(self._anonymous.pop(guest, None))
        _discard(self._anonymous_by_address, guest)

    def _victim(self, guests: Iterable[Guest], newest: Guest) -> Guest:
        """
        @return: who goes: the oldest who proves nothing; if all do, the oldest of the
            address that most of them are from.
        """
        for guest in guests:
            if guest is not newest and not guest.is_proving:
                return guest
        crowd = max(self._anonymous_by_address.values(), key=len, default={})
        return next(iter(crowd)) if len(crowd) > 1 else newest

    def _send_away(self, guest: Guest, slug: str) -> None:
        self._strike_off(guest)
        guest.turn_away(slug)

    def _give_time(self, guest: Guest, seconds: float) -> None:
        timer = self._clock.callLater(seconds, self._is_overdue, guest) if seconds else None
        self._anonymous[guest] = timer

    def _is_overdue(self, guest: Guest) -> None:
        if guest.is_proving:
            # The peer has asked in time, and waits for us.
            self._give_time(guest, _A_MOMENT)
        else:
            self._send_away(guest, "login_overdue")


def _discard(guests: dict[str, dict[Guest, None]], guest: Guest) -> None:
    """
    Take somebody out of a table by address, and an address that nobody is left of.
    """
    address = guest.address
    if address is not None and guest in guests.get(address, ()):
        del guests[address][guest]
        if not guests[address]:
            del guests[address]
