"""
Options that are lists, with commas between.
"""

from argparse import ArgumentTypeError
from collections.abc import Callable


def numbers(text: str) -> list[int]:
    """
    @return: whole numbers above 0.
    @raise ArgumentTypeError: if they are something else.
    """
    found = text.split(",")
    if not all(each.isdecimal() and int(each) for each in found):
        raise ArgumentTypeError(f"{text!r} is no list of numbers such as 10,100")
    return [int(each) for each in found]


def some_of(*known: str) -> Callable[[str], list[str]]:
    """
    @return: what reads some of these words.
    """

    def read(text: str) -> list[str]:
        found = text.split(",")
        if not set(found) <= set(known):
            raise ArgumentTypeError(f"{text!r} is no list of some of {', '.join(known)}")
        return found

    return read
