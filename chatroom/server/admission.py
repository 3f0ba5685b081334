"""
Who may be connected: how many from where, and for how long without a name.

Whoever has not logged in costs little, but there may be many of them. When there
are too many, one goes who is from where most are, and the oldest there of whom no
password is being checked: who means well logs in at once, and is among the youngest.
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
    _by_address: "dict[str | None, dict[Guest, None]]" = field(factory=dict, init=False)
    #: Each in the order of age, with what ends its time.
    _anonymous: dict[Guest, IDelayedCall | None] = field(factory=dict, init=False)
    _anonymous_by_address: "dict[str | None, dict[Guest, None]]" = field(factory=dict, init=False)

    def enter(self, guest: Guest) -> None:
        """
        Somebody comes, without a name yet.
        """
        limit = self._settings.connections_per_address
        here = len(self._by_address.get(guest.address, ()))
        if guest.address is not None and here >= limit > 0:
            guest.turn_away("too_many_connections")
        else:
            self._by_address.setdefault(guest.address, {})[guest] = None
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
        here = self._anonymous_by_address.setdefault(guest.address, {})
        here[guest] = None
        if guest.address is not None and len(here) > self._settings.anonymous_per_address > 0:
            self._send_away(_oldest_silent(here, but=guest) or guest, "crowded_out")
        if len(self._anonymous) > self._settings.anonymous_connections > 0:
            self._send_away(self._one_too_many(guest), "crowded_out")

    def _strike_off(self, guest: Guest) -> None:
        """
        Somebody is not among those without a name.
        """
        cancel(self._anonymous.pop(guest, None))
        _discard(self._anonymous_by_address, guest)

    def _one_too_many(self, newest: Guest) -> Guest:
        """
        @return: who goes: the oldest silent one of the address that most are from. Who
            is alone at an address goes only if nobody else is left.
        """
        crowds = sorted(self._anonymous_by_address.values(), key=len, reverse=True)
        for crowd in crowds:
            if len(crowd) == 1:
                break
            silent = _oldest_silent(crowd, but=newest)
            if silent is not None:
                return silent
        largest = crowds[0]
        if len(largest) == 1:
            return _oldest_silent(self._anonymous, but=newest) or newest
        # All of them prove who they are, too many of them from one place; but this
        # machine is no place, for others may be behind it.
        oldest = next(iter(largest))
        return newest if oldest.address is None else oldest

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


def _oldest_silent(guests: Iterable[Guest], *, but: Guest) -> Guest | None:
    """
    @param guests: from the oldest on.
    """
    return next((each for each in guests if each is not but and not each.is_proving), None)


def _discard(guests: "dict[str | None, dict[Guest, None]]", guest: Guest) -> None:
    """
    Take somebody out of a table by address, and an address that nobody is left of.
    """
    here = guests.get(guest.address, {})
    if guest in here:
        del here[guest]
        if not here:
            del guests[guest.address]
