"""
What each request does, by topic. Importing this package fills the dispatch table.
"""

from chatroom.server.handlers import (
    accounts,
    files,
    following,
    greeting,
    logins,
    looking,
    reading,
    rooms,
    searching,
    talking,
)

__all__ = [
    "accounts",
    "files",
    "following",
    "greeting",
    "logins",
    "looking",
    "reading",
    "rooms",
    "searching",
    "talking",
]
