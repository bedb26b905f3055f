"""Compares two schema dumps: one of three verdicts, and a diff for display."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from dbtools.postgres.client import unquoted
from dbtools.postgres.dump.facts import SchemaFacts, parse, schema_statements

SAME, ORDER, DIFFERENT = "same", "same but for column order", "different"
MOST_LINES = 400
EXTENSION = re.compile(
    r'(?:CREATE EXTENSION IF NOT EXISTS|COMMENT ON EXTENSION) (?P<name>"(?:[^"]|"")*"|\S+)(?:\s|$)'
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        lines: unified diff from the expected to the actual schema; empty if they are the same.
        missing, extra: the facts that only the expected, or only the actual schema has.
    """

    verdict: str
    message: str
    lines: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.verdict in {SAME, ORDER}


def compare(expected: str, actual: str) -> Comparison:
    """Compare two dumps."""
    before, after = parse(expected), parse(actual)
    missing, extra = before.facts - after.facts, after.facts - before.facts
    if missing or extra:
        return Comparison(
            DIFFERENT,
            f"The schemas differ: {_number(missing.total())} missing, {_number(extra.total())} too many.",
            _lines(before, after),
            tuple(sorted(missing.elements())),
            tuple(sorted(extra.elements())),
        )
    moved = [name for name, lines in before.columns.items() if after.columns[name] != lines]
    if moved:
        others = f" and {len(moved) - 1} other tables" if len(moved) > 1 else ""
        return Comparison(
            ORDER, f"Same but for the column order of {moved[0]}{others}.", _lines(before, after)
        )
    return Comparison(SAME, "The schemas are the same.")


def with_extensions_of(text: str, other: str, names: Collection[str]) -> str:
    """The dump, with these extensions where the other one has them: it is not known whether they belong."""
    standing = set(schema_statements(text))
    added = [
        statement
        for statement in schema_statements(other)
        if statement not in standing
        and (match := EXTENSION.match(statement))
        and unquoted(match["name"]) in names
    ]
    return text + "".join(f"\n{statement};\n" for statement in added)


def _number(count: int) -> str:
    return "1 line is" if count == 1 else f"{count} lines are"


def _lines(before: SchemaFacts, after: SchemaFacts) -> tuple[str, ...]:
    diff = list(difflib.unified_diff(before.lines, after.lines, "expected", "found", lineterm="", n=2))
    if len(diff) > MOST_LINES:
        diff = [*diff[:MOST_LINES], f"… and {len(diff) - MOST_LINES} more lines"]
    return tuple(diff)
