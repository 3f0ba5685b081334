"""
What each request does, by topic. Importing this package fills the dispatch table.
"""

from chatroom.server.handlers import (
    accounts,
    administering,
    files,
    following,
    greeting,
    logins,
    looking,
    moderating,
    overseeing,
    reading,
    rooms,
    searching,
    talking,
)

__all__ = [
    "accounts",
    "administering",
    "files",
    "following",
    "greeting",
    "logins",
    "looking",
    "moderating",
    "overseeing",
    "reading",
    "rooms",
    "searching",
    "talking",
]
