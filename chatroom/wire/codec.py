"""
How a message becomes a line, and a line a message: the only JSON there is.

Reading is strict where we read (UTF-8, exact types, bounds, no NUL) and
liberal where we do not: an unknown key need only hold JSON. Nothing that a
peer can send raises anything but L{InvalidMessage}.
"""

import re
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, cast

import msgspec
from attrs import Attribute, field, fields, frozen

from chatroom.errors import BadField, InvalidMessage, NotAnObject, NotJSON, UnknownType
from chatroom.wire.constants import MessageType

#: An identity: JavaScript's numbers hold it exactly.
Id = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
#: An identity, or 0 for none.
OptionalId = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
#: A client's own name for one of its requests.
RequestId = Annotated[str, msgspec.Meta(max_length=64)]
#: A text that is one line of a list: the name of a program, of a device.
Label = Annotated[str, msgspec.Meta(max_length=64)]
#: A place in a room's log, or 0 for its beginning.
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
#: A sender's own name for one of its messages, for ever.
ClientMessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

_ENCODER = msgspec.json.Encoder()


class Direction(Enum):
    """
    Who sends a message. One type may mean two classes, one each way.
    """

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


def extension(presence: str = "named") -> Any:
    """
    Declare a key that strict clients of the seed do not know: it is left out
    of the line while it is C{None}.

    @param presence: to whom it is sent where it applies: C{named}, with the answers
        to requests that have a name of their own and to all of the hello dialect; or
        C{hello}, with what only that dialect sees; as docs/protocol.md has it.
    """
    return field(default=None, metadata={"extension": presence})


@frozen(kw_only=True)
class Message:
    """
    One line of the protocol.

    @cvar message_type: the type on the wire; a class without one is abstract.
    @cvar direction: who sends it.
    """

    message_type: ClassVar[MessageType]
    direction: ClassVar[Direction]

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        if "message_type" in vars(cls):
            _register(cls)

    def to_json(self) -> str:
        """
        @return: the message as one line of JSON, without the newline.
        @raise ValueError: if the message holds something that JSON cannot,
            such as a lone surrogate.
        """
        return encode(self, now=time.time()).decode("utf-8").rstrip("\n")


@frozen(kw_only=True)
class Request(Message):
    """
    What a client sends.

    @ivar timestamp: the client's clock, which the server does not look at; at
        sending, C{None} becomes the time of it.
    @ivar request_id: the client's name for this request, up to 64 characters,
        which every line of the answer repeats.
    """

    direction = Direction.TO_SERVER

    timestamp: Any = None
    request_id: RequestId | None = extension()


@frozen(kw_only=True)
class Reply(Message):
    """
    What the server sends.

    @cvar is_push: whether it is none even where it follows an answer.
    @ivar timestamp: in Unix seconds; C{None} is the time of sending.
    @ivar request_id: on an answer, what the request had; never on a push.
    """

    direction = Direction.TO_CLIENT
    is_push: ClassVar[bool] = False

    timestamp: float | None = None
    request_id: str | None = extension()


@frozen
class _Form:
    """
    What is worked out once for each class.
    """

    cls: type[Message]
    decoder: "msgspec.json.Decoder[Any]"
    keys: tuple[tuple[str, bool], ...]


@frozen(kw_only=True)
class _Envelope:
    """
    What can be told of a line before its type is known.
    """

    message_type: Any = None
    request_id: msgspec.Raw = msgspec.Raw(b"null")
    client_message_id: msgspec.Raw = msgspec.Raw(b"null")


_FORMS: dict[type[Message], _Form] = {}
_TYPES: dict[Direction, dict[str, _Form]] = {direction: {} for direction in Direction}
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME = msgspec.json.Decoder(RequestId | None)


def _register(cls: type[Message]) -> None:
    known = _TYPES[cls.direction]
    name = cls.message_type.value
    if name in known:
        raise TypeError(f"{name} {cls.direction.value} is {known[name].cls.__name__} already")
    keys = tuple(
        (each.name, bool(each.metadata.get("extension")))
        for each in fields(cls)
        if each.name not in ("timestamp", "request_id")
    )
    _FORMS[cls] = known[name] = _Form(cls, msgspec.json.Decoder(cls), keys)


def message_classes(direction: Direction) -> list[type[Message]]:
    """
    @return: every class of the vocabulary that goes in C{direction}.
    """
    return [form.cls for form in _TYPES[direction].values()]


def encode(message: Message, *, now: float, request_id: str | None = None) -> bytes:
    """
    Write a message.

    @param now: the time, in Unix seconds, for a message that has none.
    @param request_id: what the request had that this answers, if anything.
    @return: one line with its newline.
    @raise ValueError: if a text holds a lone surrogate.
    """
    line: dict[str, Any] = {
        "message_type": message.message_type.value,
        "timestamp": now if message.timestamp is None else message.timestamp,  # type: ignore[attr-defined]
    }
    for name, is_extension in _FORMS[type(message)].keys:
        value = getattr(message, name)
        if value is not None or not is_extension:
            line[name] = value
    if request_id is None:
        request_id = message.request_id  # type: ignore[attr-defined]
    if request_id is not None:
        line["request_id"] = request_id
    return write(line)


def write(line: Mapping[str, Any]) -> bytes:
    """
    @param line: keys and values as they are on the wire.
    @return: one line with its newline.
    @raise ValueError: if a text holds a lone surrogate.
    """
    return _ENCODER.encode(line) + b"\n"


@frozen(kw_only=True)
class Refused:
    """
    A line that is no request, and what can be told of it all the same.

    @ivar meant: the class of the type it names, if clients send that.
    @ivar request_id: the request's own name, if it has a valid one.
    @ivar client_message_id: the message's, likewise.
    """

    error: InvalidMessage
    meant: type[Request] | None = None
    request_id: str | None = None
    client_message_id: str | None = None


def decode_request(line: bytes) -> Request | Refused:
    """
    Read what a client sent.

    @param line: the bytes of one line, without its newline.
    """
    request = _read_plain(line)
    if request is not None:
        return request
    meant = None
    envelope = _Envelope()
    try:
        text, envelope = _open(line)
        form = _form(Direction.TO_SERVER, envelope)
        meant = cast("type[Request]", form.cls)
        return cast("Request", _fill(form, text))
    except InvalidMessage as error:
        return Refused(
            error=error,
            meant=meant,
            request_id=_name(envelope.request_id),
            client_message_id=_name(envelope.client_message_id),
        )


#: How most lines begin, and what they do not have: a second key that says the type, or
#: an escape by which one might be written.
_PLAIN = re.compile(r'[ \t]*\{[ \t]*"message_type"[ \t]*:[ \t]*"([a-z_]+)"')


def _read_plain(line: bytes) -> Request | None:
    """
    Read a line in one go, if it is like most and nothing is wrong with it.
    """
    try:
        text = line.decode("utf-8")
        found = _PLAIN.match(text)
        if found is None or text.count('"message_type"') > 1 or "\\u" in text:
            return None
        form = _TYPES[Direction.TO_SERVER].get(found[1])
        return None if form is None else cast("Request", form.decoder.decode(text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def decode_message(text: str | bytes) -> Message:
    """
    Read a message that may come from either side; of a type that both sides
    send, the server's form is read.

    @raise InvalidMessage: if it is none.
    """
    try:
        line = text.encode("utf-8") if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise NotJSON() from error
    text, envelope = _open(line)
    try:
        form = _form(Direction.TO_CLIENT, envelope)
    except UnknownType:
        form = _form(Direction.TO_SERVER, envelope)
    return _fill(form, text)


def _form(direction: Direction, envelope: _Envelope) -> _Form:
    """
    @raise UnknownType: if there is none for what the line says it is.
    """
    name = envelope.message_type
    form = _TYPES[direction].get(name) if isinstance(name, str) else None
    if form is None:
        raise UnknownType(field="message_type")
    return form


def _name(raw: msgspec.Raw) -> str | None:
    try:
        name = _NAME.decode(raw)
    except msgspec.MsgspecError:
        return None
    return None if name is None or "\0" in name else name


def _open(line: bytes) -> tuple[str, _Envelope]:
    """
    Look at a line from outside: is it JSON, is it an object, what type?
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJSON() from error
    envelope = _attempt(_ENVELOPE.decode, text)
    assert isinstance(envelope, _Envelope)
    return text, envelope


def _fill(form: _Form, text: str) -> Message:
    """
    Read a line as the type it says it is.
    """
    try:
        message = _attempt(form.decoder.decode, text)
    except BadField:
        message = _attempt(form.decoder.decode, _what_counts(form, text))
    assert isinstance(message, Message)
    if "\\u0000" in text:
        _refuse_nul(message, fields(form.cls))
    return message


def _what_counts(form: _Form, text: str) -> str:
    """
    Cut a line down to the keys that are read, each as it stands there last: the
    others are not to be held against it.
    """
    read = {each.name for each in fields(form.cls)}
    if form.cls.direction is Direction.TO_SERVER:
        read.discard("timestamp")
    kept = {key: raw for key, raw in _KEYS.decode(text).items() if key in read}
    return _ENCODER.encode(kept).decode("utf-8")


_FIELD = re.compile(r"`\$\.([A-Za-z_]+)|missing required field `([A-Za-z_]+)`")


def _attempt(decode: Callable[[str], object], text: str) -> object:
    try:
        return decode(text)
    except msgspec.ValidationError as error:
        if not text.lstrip(" \t\r\n").startswith("{"):
            raise NotAnObject() from error
        found = _FIELD.search(str(error))
        name = (found.group(1) or found.group(2)) if found else "message_type"
        raise BadField(field=name) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotJSON() from error


def _refuse_nul(message: object, attributes: "tuple[Attribute[Any], ...]") -> None:
    for each in attributes:
        value = None if each.name == "timestamp" else getattr(message, each.name)
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            raise BadField(field=each.name)
