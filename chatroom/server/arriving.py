"""
How a session comes to have a user.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.logins import Arrival
from chatroom.errors import AlreadyLoggedIn, TooManySessions
from chatroom.server.operator import is_operator
from chatroom.server.session import Session
from chatroom.store.models import PUBLIC_ROOM_ID, Head, Login, User

if TYPE_CHECKING:
    from chatroom.server.service import ChatService

#: How long nothing follows a login unasked, unless the peer goes on earlier.
QUIET_SECONDS = 0.2


def require_anonymous(session: Session) -> None:
    """
    @raise AlreadyLoggedIn: if a session has a user, or is the operator's.
    """
    if session.user is not None or is_operator(session):
        raise AlreadyLoggedIn()


def require_room(chat: "ChatService", user: User) -> None:
    """
    @raise TooManySessions: if a user has as many as a user may have.
    """
    limit = chat.settings.sessions_per_user
    if chat.hub.session_count(user.id) >= limit > 0:
        raise TooManySessions(limit=limit)


async def log_in(
    chat: "ChatService",
    session: Session,
    arrival: Arrival,
    user: User,
    login: Login | None = None,
) -> Sequence[Head]:
    """
    Make a session that of a user, whose current room is the public one.

    @param arrival: what has ended since they began to say who they are.
    @param login: what it can be taken up again by, if it can.
    @return: the user's rooms, if the client follows the log.
    @raise TooManySessions: if the user has too many.
    @raise StoreUnavailable: if the user's rooms can't be read.
    @raise ChatError: if what they go by has ended meanwhile.
    """
    require_room(chat, user)
    if session.greeting is not None:
        session.follower = session.new_follower(user)
    try:
        heads = await chat.hub.attach(session, user)
        arrival.check(user, login)
    except BaseException:
        chat.hub.detach(session)
        session.stop_following()
        raise
    session.user, session.login = user, login
    session.room_id = PUBLIC_ROOM_ID
    chat.admission.name(session)
    if session.is_connected and session.greeting is None:
        session.outgoing.hold(QUIET_SECONDS)
    return heads
