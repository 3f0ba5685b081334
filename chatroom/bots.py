"""
Bots in the process of the server: a client, as others are, that needs no password.
"""

from typing import Any

from chatroom.client import ChatClient, Credentials
from chatroom.server.local import LocalEndpoint
from chatroom.server.service import ChatService


def bot(chat: ChatService, username: str, **options: Any) -> ChatClient:
    """
    Make a client of a chat in this process. Its account is made when it logs in for the
    first time, and has no password, so it is nobody else's.

    It is a service: as a child of the chat it starts and stops with it. What it is
    refused for good it raises, as any client: C{UsernameTaken} if somebody has the name
    who has a password.

    @param options: as of L{ChatClient}.
    """
    endpoint = LocalEndpoint(chat, username, is_bot=True)
    credentials = Credentials(username=username, password="")
    return ChatClient(chat.clock, endpoint, credentials, **{"name": "chatroom.bots", **options})
