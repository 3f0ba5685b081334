"""
The operator, who needs no account: whoever can reach a socket that nobody else can, or
runs the service in a program of theirs.
"""

from typing import ClassVar

from attrs import define

from chatroom.chat.access import Who
from chatroom.server.order import LINES_A_TURN
from chatroom.server.session import Session
from chatroom.store.models import User

#: How the log calls the operator; no user has a name with spaces.
NAME = "the operator"


@define(eq=False, repr=False)
class OperatorSession(Session):
    """
    A conversation with the operator: no limit of those who have no name is theirs.
    """

    nobody: ClassVar[Who] = Who.OPERATOR

    def begin(self) -> None:
        """
        The connection is there, however many there are.
        """
        self.outgoing.start(self.go_on)

    @property
    def lines_a_turn(self) -> int:
        """
        As many as of somebody with a name.
        """
        return LINES_A_TURN

    def _most_bytes(self) -> int:
        return self._chat.settings.line_bytes


def is_operator(session: Session) -> bool:
    """
    Whether a session is the operator's.
    """
    return session.nobody is Who.OPERATOR


def actor(session: Session) -> User | None:
    """
    @return: who does something; C{None} is the operator.
    @raise NotLoggedIn: if it is nobody.
    """
    return None if is_operator(session) else session.speaker


def actor_name(session: Session) -> str:
    """
    @return: the same, for the log.
    """
    return NAME if is_operator(session) else session.speaker.name
