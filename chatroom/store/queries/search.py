"""
The index of words.
"""

from collections.abc import Sequence

from attrs import frozen

from chatroom.store.models import Event
from chatroom.store.queries.queries import Queries


@frozen
class SearchQueries(Queries):
    """
    What was said, by its words.
    """

    def index(self, messages: Sequence[Event]) -> None:
        """
        Have messages be found that are not in the index.
        """

    def forget(self, message_ids: Sequence[int]) -> None:
        """
        Have messages be found no longer.
        """
