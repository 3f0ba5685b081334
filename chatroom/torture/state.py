"""
What messages say, in the end, to whoever has been told a room's events.
"""

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field

from chatroom.torture.histories import Entry, Event


@define
class _Message:
    text: str = ""
    is_deleted: bool = False
    reactions: set[tuple[int, str]] = field(factory=set)


def state_after(events: Iterable[Event]) -> dict[int, Entry]:
    """
    @param events: of one room, in order; some may come again, with all after them.
    @return: the messages there, by id.
    """
    messages: dict[int, _Message] = {}
    for event in events:
        if event.message is not None:
            _apply(event, messages.setdefault(event.message, _Message()))
    return {
        id_: Entry(text=each.text, is_deleted=each.is_deleted, reactions=frozenset(each.reactions))
        for id_, each in messages.items()
    }


def _apply(event: Event, message: _Message) -> None:
    if event.kind == "chat_message":
        message.text, message.is_deleted = event.text or "", event.is_deleted
    elif event.kind == "message_deleted":
        message.text, message.is_deleted = "", True
        message.reactions.clear()
    elif event.kind == "message_edited" and not message.is_deleted:
        message.text = event.text or ""
    elif event.reaction is not None:
        change = message.reactions.add if event.reaction[0] == "+" else message.reactions.discard
        change((event.user, event.reaction[1:]))


def differences(known: Mapping[int, Entry], stored: Mapping[int, Entry]) -> Iterator[str]:
    """
    @return: in words, each message that is known otherwise than it is.
    """
    for id_ in known.keys() | stored.keys():
        if known.get(id_) != stored.get(id_):
            yield f"message {id_} is {stored.get(id_)} and known as {known.get(id_)}"
