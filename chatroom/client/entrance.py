"""
How a connection becomes a session: the hello, and who one is.
"""

from typing import TypeVar

from attrs import define, evolve, field, frozen

from chatroom.client.conversation import Conversation, Dialect
from chatroom.client.errors import UNKNOWN, Refusal, Unanswered
from chatroom.client.tracker import head_of
from chatroom.errors import ErrorCode
from chatroom.wire.codec import Reply, Request
from chatroom.wire.messages import (
    ChatHead,
    HelloRequest,
    HelloResponse,
    ListChatsRequest,
    ListChatsResponse,
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    TokenLoginRequest,
)

#: What a server speaks that does not know the hello, by the reason that it gives.
_FALL_BACK = {"unknown_type": Dialect.NAMED, UNKNOWN: Dialect.PLAIN}

_ReplyT = TypeVar("_ReplyT", bound=Reply)


@frozen(kw_only=True)
class Credentials:
    """
    Who one is, and how one proves it.
    """

    username: str
    password: str = field(repr=False)


async def ask_one(conversation: Conversation, request: Request, form: type[_ReplyT]) -> _ReplyT:
    """
    Ask what has an answer of one line.

    @raise Refusal: if the server refuses.
    """
    replies = await conversation.ask(request)
    return pick(replies, form)


def pick(replies: list[Reply], form: type[_ReplyT]) -> _ReplyT:
    """
    @return: the one line of an answer that is of this class.
    @raise Unanswered: if there is none.
    """
    for each in replies:
        if isinstance(each, form):
            return each
    raise Unanswered()


async def greet(conversation: Conversation, hello: HelloRequest) -> HelloResponse | None:
    """
    Find out what the server understands.

    @return: what it says to the hello dialect; C{None} if it does not know that.
    @raise Refusal: if it knows it, and refuses.
    """
    try:
        return await ask_one(conversation, hello, HelloResponse)
    except Refusal as error:
        if error.number != ErrorCode.INVALID_COMMAND or error.reason not in _FALL_BACK:
            raise
        conversation.dialect = _FALL_BACK[error.reason]
        return None
    finally:
        conversation.is_greeting = False


@define(eq=False)
class Entrance:
    """
    Logs in, again and again.

    @ivar register: whether to make the account if there is none.
    @ivar token: what is good for a login in place of the password.
    """

    credentials: Credentials
    register: bool = False
    _token: str | None = field(default=None, repr=False)

    async def log_in(self, conversation: Conversation) -> LoginResponse:
        """
        @raise Refusal: if the server refuses.
        """
        answer = await self._by_token(conversation) or await self._by_password(conversation)
        self._token = answer.session_token or self._token
        self.register = False
        return answer

    def change_password(self, password: str) -> None:
        """
        Log in with another password from now on.
        """
        self.credentials = evolve(self.credentials, password=password)

    async def _by_token(self, conversation: Conversation) -> LoginResponse | None:
        if self._token is None or conversation.dialect is not Dialect.HELLO:
            return None
        request = TokenLoginRequest(session_token=self._token)
        try:
            return await ask_one(conversation, request, LoginResponse)
        except Refusal as error:
            if error.temporary:
                raise
            self._token = None
            return None

    async def _by_password(self, conversation: Conversation) -> LoginResponse:
        name, password = self.credentials.username, self.credentials.password
        request = LoginRequest(username=name, password=password)
        try:
            return await ask_one(conversation, request, LoginResponse)
        except Refusal as error:
            if not self.register or error.code != ErrorCode.AUTHENTICATION_FAILED:
                raise
            await self._make_account(conversation, error)
        return await ask_one(conversation, request, LoginResponse)

    async def _make_account(self, conversation: Conversation, refused: Refusal) -> None:
        """
        @raise Refusal: the server's own, or the earlier one if there is such an account.
        """
        name, password = self.credentials.username, self.credentials.password
        try:
            await conversation.ask(RegisterRequest(username=name, password=password))
        except Refusal as error:
            is_there = error.code == ErrorCode.ALREADY_EXISTS or error.reason == UNKNOWN
            raise (refused if is_there else error) from None


async def rooms_of(conversation: Conversation) -> list[ChatHead]:
    """
    List one's rooms on a server that tells of them only when asked, and of no places.
    """
    request = ListChatsRequest(list_type="joined")
    if conversation.dialect is Dialect.PLAIN:
        request = ListChatsRequest()
    answer = await ask_one(conversation, request, ListChatsResponse)
    return [
        evolve(head_of(each.group_id, each.group_name), is_private_chat=each.is_private_chat)
        for each in answer.chats
    ]
