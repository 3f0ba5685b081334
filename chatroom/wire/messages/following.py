"""
The log of a room as clients of the hello dialect follow it: where it ends, what they
missed, and what happens in it.
"""

from attrs import frozen

from chatroom.wire.codec import Id, Reply, Request, Seq, extension
from chatroom.wire.constants import MessageType


@frozen(kw_only=True, slots=False)
class ChatHead:
    """
    A room of somebody's, and how far they have got in it.

    @ivar role: what they are in it.
    @ivar joined_seq: the place at which they became a member.
    @ivar last_seq: where its log ends.
    @ivar read_seq: up to where they have read.
    @ivar unread: how many messages of others come after that; from 1000 on no longer
        counted.
    @ivar mentions: how many of these mention them; all of them are counted.
    """

    chat_group_id: Id
    chat_name: str
    is_private_chat: bool
    role: str
    joined_seq: Seq
    last_seq: Seq
    read_seq: Seq
    unread: int
    mentions: int


@frozen(kw_only=True)
class ChatHeads(Reply):
    """
    The rooms of who has just logged in, by id. It follows the answer.
    """

    message_type = MessageType.CHAT_HEADS
    is_push = True

    chats: list[ChatHead]


@frozen(kw_only=True, slots=False)
class Position:
    """
    How far a client knows a room's log.
    """

    chat_group_id: Id
    after_seq: Seq


@frozen(kw_only=True)
class ResumeRequest(Request):
    """
    Follow one's rooms from where one was. First comes what was missed.

    @ivar epoch: that of the database which C{positions} are of; not needed without.
    @ivar positions: where one was. A room that is not named begins with what happens
        from the login on; one that is new, since somebody has made one a member of it,
        is named with its C{joined_seq}. One that one is no member of is left out.
    """

    message_type = MessageType.RESUME_REQUEST

    epoch: str | None = None
    positions: list[Position] | None = None


@frozen(kw_only=True, slots=False)
class ResumedChat:
    """
    What a client has been sent of a room's log.

    @ivar from_seq: its first place.
    @ivar to_seq: its last place; one before C{from_seq} if there was nothing.
    @ivar complete: whether nothing is missing between C{after_seq} and C{from_seq}: what
        the server keeps may begin later.
    """

    chat_group_id: Id
    from_seq: Id
    to_seq: Seq
    complete: bool


@frozen(kw_only=True)
class ResumeResponse(Reply):
    """
    What was missed has been sent. The rooms are in the order in which they were done.
    """

    message_type = MessageType.RESUME_RESPONSE

    chats: list[ResumedChat]


@frozen(kw_only=True)
class Happened(Reply):
    """
    An event of a room's log.

    @ivar seq: its place in the room.
    @ivar server_time: when it was stored, in RFC 3339, UTC, with milliseconds.
    @ivar replay: C{True} if it comes because of a L{ResumeRequest}.
    """

    chat_group_id: Id
    seq: Id
    server_time: str
    replay: bool | None = extension("hello")


@frozen(kw_only=True)
class MessageEdited(Happened):
    """
    A message says something else now.

    @ivar content: what; replayed, it is what it says since the last edit.
    @ivar mentions: the members that it names with an C{@}.
    """

    message_type = MessageType.MESSAGE_EDITED

    message_id: Id
    user_id: Id
    username: str
    content: str
    mentions: list[Id] | None = extension("hello")


@frozen(kw_only=True)
class MessageDeleted(Happened):
    """
    A message was taken back, and says nothing any more.
    """

    message_type = MessageType.MESSAGE_DELETED

    message_id: Id
    user_id: Id
    username: str


@frozen(kw_only=True)
class ReactionChanged(Happened):
    """
    Somebody reacts to a message, or no longer.
    """

    message_type = MessageType.REACTION_CHANGED

    message_id: Id
    user_id: Id
    username: str
    reaction: str
    add: bool


@frozen(kw_only=True)
class MemberJoined(Happened):
    """
    Somebody is a member of a room now.

    @ivar added_by: who has made them one, if they did not do it themselves.
    """

    message_type = MessageType.MEMBER_JOINED

    chat_group_name: str
    user_id: Id
    username: str
    added_by: Id | None = extension("hello")


@frozen(kw_only=True)
class MemberLeft(Happened):
    """
    Somebody is no member of a room any more.

    @ivar removed_by: who has seen to that, if they did not do it themselves.
    @ivar banned: C{True} if they may not come back; they may have been no member before.
    @ivar until: the end of that, in RFC 3339, UTC, if there is one.
    """

    message_type = MessageType.MEMBER_LEFT

    chat_group_name: str
    user_id: Id
    username: str
    removed_by: Id | None = extension("hello")
    banned: bool | None = extension("hello")
    until: str | None = extension("hello")
    reason: str | None = extension("hello")
