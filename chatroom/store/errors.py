"""
How the store fails, where a peer is not to be told more than 1009.
"""


class StoreRejected(Exception):
    """
    The database would not take this data, or this statement; others it may.
    Everything of the transaction is undone.
    """


class CommitUncertain(Exception):
    """
    COMMIT failed, and whether the transaction is stored is not known: whoever
    meets this has to look, with L{chatroom.store.database.Database.look}.
    """


class RowRejected(Exception):
    """
    The database would not take one of several rows.

    @ivar index: which one.
    """

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index
