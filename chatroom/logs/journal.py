"""
Where the parts of the server tell what an operator may want to know.
"""

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from chatroom.logs.failures import Reduced
from chatroom.logs.table import KINDS
from chatroom.logs.values import told


class Journal(Logger):
    """
    A logger of the events in L{KINDS}, each with a name, fields and a sentence.

    Whatever observer gets them, that of another program too: a value cannot break
    out of its line, and no traceback says what a peer has said.
    """

    def __get__(self, instance: object, owner: type | None = None) -> "Journal":
        """
        @return: one that names the class which it is an attribute of, but not the
            object: a session's C{repr} has the lines that wait there.
        """
        assert owner is not None
        return Journal(qual(owner), observer=self.observer)

    def note(self, name: str, /, **fields: object) -> None:
        """
        Tell of an event.

        @param name: a key of L{KINDS}, which says what C{fields} it has.
        """
        kind = KINDS[name]
        values = {key: told(value) for key, value in fields.items()}
        self.emit(kind.level, kind.format, event=name, **values)

    def note_failure(self, name: str, failure: Failure | None = None, /, **fields: object) -> None:
        """
        Tell of an event that is an exception.

        @param failure: if not the exception that is being handled.
        """
        kind = KINDS[name]
        values = {key: told(value) for key, value in fields.items()}
        reduced = Reduced(failure or Failure())
        self.emit(kind.level, kind.format, event=name, log_failure=reduced, **values)
