"""Prints what was measured: numbers in columns, each with its unit."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from statistics import median


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column left-aligned, numbers right-aligned."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        say(f"  {'  '.join(cells)}".rstrip())
    say()


def seconds(values: Sequence[float]) -> list[str]:
    """Return minimum, median and maximum, in seconds."""
    return [f"{value:.2f} s" for value in (min(values), median(values), max(values))]


def milliseconds(value: float) -> str:
    return f"{value * 1000:.0f} ms"


def share(values: Sequence[float], part: float) -> float:
    """Return the quantile of this part (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1]
