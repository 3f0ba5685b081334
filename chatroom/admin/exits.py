"""
What a command ends with.
"""

from attrs import frozen

#: It was done.
DONE = 0
#: The server has refused it, and nothing has changed.
REFUSED = 1
#: It was not understood, or what it needs was not given.
USAGE = 2
#: There is no database, or it can't be opened, or no answer has come.
UNREACHABLE = 3
#: By Ctrl-C.
INTERRUPTED = 130


@frozen
class Failed(Exception):
    """
    A command comes to nothing.

    @ivar status: one of the above.
    @ivar why: in one line.
    """

    status: int
    why: str

    def __str__(self) -> str:
        return self.why
