"""
Where a client is that is in this process, with the server.
"""

from typing import ClassVar

from attrs import frozen
from twisted.internet.interfaces import IAddress
from zope.interface import implementer


@implementer(IAddress)
@frozen(kw_only=True)
class Inside:
    """
    The address of a client in this process, and whom the program vouches for.

    @cvar host: what the operator is told.
    @ivar username: who may log in from there without a password; C{None} is nobody.
    @ivar is_bot: whether the account is to be one without a password, and is made if
        there is none.
    """

    host: ClassVar[str] = "inside"

    username: str | None = None
    is_bot: bool = False
