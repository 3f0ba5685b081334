"""
What is known of many, but not without end.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

from attrs import define, field

V = TypeVar("V")

#: Of how many something is kept in mind; of more, who was heard of last.
MOST_KEPT = 10_000


@define(eq=False)
class Newest(Generic[V]):
    """
    A table of what was put there last.
    """

    _values: dict[Hashable, V] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable) -> V | None:
        """
        @return: what was put there, if it is not forgotten.
        """
        return self._values.get(key)

    def put(self, key: Hashable, value: V) -> None:
        """
        Keep it; the oldest of too many goes.
        """
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > MOST_KEPT:
            del self._values[next(iter(self._values))]

    def discard(self, key: Hashable) -> None:
        """
        Forget it, if it is there.
        """
        self._values.pop(key, None)
