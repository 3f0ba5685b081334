"""
Curves in a picture, where matplotlib is installed: the only place that knows it.
"""

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.trouble import Trouble

#: In inches, of one panel.
_WIDTH, _HEIGHT = 5.5, 4.0

_COLUMNS = 2


@frozen(kw_only=True)
class Curve:
    """
    Numbers that belong together.

    @ivar colour: a number: what is compared has colours of its own.
    @ivar style: solid, C{-}, or broken, C{--}.
    """

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    colour: int = 0
    style: str = "-"


@frozen
class Panel:
    """
    A part of the picture, with axes of its own, which are logarithmic.

    @ivar from_zero: whether the vertical one begins at 0 instead.
    """

    title: str
    x_label: str
    y_label: str
    curves: Sequence[Curve]
    from_zero: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare that there can be a picture.
    """
    parser.add_argument(
        "--chart", metavar="PATH", type=Path, help="draw the figures too, into this PNG file"
    )


def check(choices: argparse.Namespace) -> None:
    """
    See early whether what was asked for can be drawn.

    @raise Trouble: if it can't.
    """
    if choices.chart is None:
        return
    if find_spec("matplotlib") is None:
        raise Trouble(
            "benchmarks: --chart needs matplotlib, which pip install '.[benchmarks]' installs"
        )
    if not choices.chart.absolute().parent.is_dir():
        raise Trouble(f"benchmarks: there is no directory for {choices.chart}")


def draw(path: Path, title: str, panels: Sequence[Panel]) -> None:
    """
    Make the picture.
    """
    # Here, for it takes a while, and all else works without it.
    from matplotlib.figure import Figure

    lines = ceil(len(panels) / _COLUMNS)
    columns = min(_COLUMNS, len(panels))
    figure = Figure(figsize=(_WIDTH * columns, _HEIGHT * lines), layout="constrained")
    figure.suptitle(title)
    grid = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes, panel in zip(grid, panels, strict=False):
        _draw_curves(axes, panel)
        _lay_out(axes, panel)
    for axes in grid[len(panels) :]:
        axes.remove()
    figure.savefig(path, format="png", dpi=120)


def _draw_curves(axes: Any, panel: Panel) -> None:
    for each in panel.curves:
        axes.plot(
            each.xs, each.ys, each.style, color=f"C{each.colour}", marker="o", label=each.label
        )


def _lay_out(axes: Any, panel: Panel) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    axes.set_xscale("log")
    axes.set_xticks(sorted({x for each in panel.curves for x in each.xs}))
    scales = [axes.xaxis]
    if panel.from_zero:
        axes.set_ylim(0, max(y for each in panel.curves for y in each.ys) * 1.2)
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        scales.append(axes.yaxis)
    for scale in scales:
        scale.set_major_formatter(FuncFormatter(lambda number, _: readable(number)))
        scale.set_minor_formatter(NullFormatter())
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()


def readable(number: float) -> str:
    """
    @return: a number at an axis.
    """
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"
