"""
Questions about many rows at once, in as many statements as it takes.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from sqlalchemy import CTE, column, text
from sqlalchemy.types import TypeEngine

from chatroom.store.schema import BigId

T = TypeVar("T")

#: How many values, or pairs of them, one statement has at the most, with room to
#: spare on every database.
_MOST_VALUES = 512


def portions(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """
    @return: C{values}, as many at a time as one statement can have.
    """
    for start in range(0, len(values), _MOST_VALUES):
        yield values[start : start + _MOST_VALUES]


def powers_of_two(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """
    @return: C{values} in as few portions as that takes if each is to be as many as a power
        of two: there are few statements then, and each is prepared once.
    """
    start = 0
    while start < len(values):
        count = min(_MOST_VALUES, 1 << ((len(values) - start).bit_length() - 1))
        yield values[start : start + count]
        start += count


def wanted_rows(
    pairs: Collection[tuple[int, T]], second: TypeEngine[T]
) -> Iterable[tuple[CTE, dict[str, int | T]]]:
    """
    Pairs as tables to join with, in portions: each is looked up in the index of
    what it is joined with, where C{(a, b) IN (...)} would read that from end to
    end. As text, since that is compiled once for each number of pairs.

    @return: each table, and the values for the statement that it is part of.
    """
    for some in portions(list(pairs)):
        rows = ", ".join(f"(:a{number}, :b{number})" for number in range(len(some)))
        columns = column("column1", BigId), column("column2", second)
        values: dict[str, int | T] = {}
        for number, pair in enumerate(some):
            values[f"a{number}"], values[f"b{number}"] = pair
        yield text(f"VALUES {rows}").columns(*columns).cte("wanted"), values
