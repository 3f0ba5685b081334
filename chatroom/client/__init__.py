"""
A client for Twisted programs: it stays connected, misses nothing and sends nothing twice.

docs/client.md tells how to use it.
"""

from chatroom.client.audience import EventStream
from chatroom.client.backoff import RetryPolicy, exponential
from chatroom.client.client import ChatClient
from chatroom.client.entrance import Credentials
from chatroom.client.errors import NetworkError, OutboxError, Refusal
from chatroom.client.events import (
    Connected,
    Disconnected,
    EpochChanged,
    Event,
    Missed,
    Page,
    RoomEvent,
    Stored,
    Unsent,
)
from chatroom.client.room import Room

__all__ = [
    "ChatClient",
    "Connected",
    "Credentials",
    "Disconnected",
    "EpochChanged",
    "Event",
    "EventStream",
    "Missed",
    "NetworkError",
    "OutboxError",
    "Page",
    "Refusal",
    "RetryPolicy",
    "Room",
    "RoomEvent",
    "Stored",
    "Unsent",
    "exponential",
]
