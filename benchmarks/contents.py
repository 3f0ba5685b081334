"""
What is said in a storm: anybody who knows who said it, and as which of their posts,
knows every character of it.
"""

import random

_CHARACTERS = (
    "abcdefghijklmnopqrstuvwxyz     0123456789.,;!?'\"\\/<>&{}[]\t\n"
    "äößéñçøæłžйшвда聊天室欢迎加入שלוםمرحبا🙂🚀👩‍💻"
)
_LENGTH = 4096
_MOST = 120


class Contents:
    """
    The contents of all posts of one storm.
    """

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self._text = "".join(chance.choices(_CHARACTERS, k=_LENGTH + _MOST))

    def of(self, client: int, number: int) -> str:
        """
        @return: what a client says as the post with this number.
        """
        start = (client * 7919 + number * 104_729) % _LENGTH
        length = (client * 31 + number * 17) % _MOST
        return f"{client}.{number} {self._text[start : start + length]}|"


def identity(content: str) -> tuple[int, int]:
    """
    @return: the client and the number of a post, as its content begins;
        -1 and -1 if it does not begin so.
    """
    client, _, number = content.partition(" ")[0].partition(".")
    if client.isdecimal() and number.isdecimal():
        return int(client), int(number)
    return -1, -1
