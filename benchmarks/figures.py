"""
Numbers made of samples, and tables made of numbers.
"""

from collections.abc import Sequence
from statistics import median


def percentile(samples: Sequence[float], percent: float) -> float:
    """
    @return: the sample that so many per cent are not above; of none, not a number.
    """
    if not samples:
        return float("nan")
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def middle(samples: Sequence[float]) -> float:
    """
    @return: the median; of none, not a number.
    """
    return median(samples) if samples else float("nan")


def milliseconds(seconds: float) -> str:
    """
    @return: a time as one reads it.
    """
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """
    @return: a table in Markdown, whose first column is text and all others numbers.
    """
    texts = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(heads))]

    def laid_out(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "-" * (widths[0] + 2)
    rule += "".join("|" + "-" * (width + 1) + ":" for width in widths[1:]) + "|"
    return "\n".join([laid_out(texts[0]), rule, *map(laid_out, texts[1:])])
