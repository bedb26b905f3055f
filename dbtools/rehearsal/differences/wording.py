"""How a report names many things: the first of them, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = 3  # named in a sentence; all of them are in the lines of a check


def some(lines: Sequence[str]) -> str:
    more = len(lines) - EXAMPLES
    return ", ".join(lines[:EXAMPLES]) + (f", and {more:,} more" if more > 0 else "")


def number_of(number: int, noun: str) -> str:
    """Such as "1 row" and "2,000 rows"."""
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
