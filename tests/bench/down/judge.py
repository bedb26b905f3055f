"""Are two dumps the same? By their text alone: this shares no code with what it judges."""

from __future__ import annotations

import re

EXACT, ORDER, WRONG = "exact", "column order", "wrong"
TABLE = re.compile(r"CREATE (?:UNLOGGED )?TABLE .* \($")


def verdict(before: str, after: str) -> str:
    """Compare two texts of `pg_dump --schema-only`."""
    old, new = lines(before), lines(after)
    if old == new:
        return EXACT
    return ORDER if blocks(old) == blocks(new) else WRONG


def lines(dump: str) -> list[str]:
    """What a dump says: without comments, blank lines and psql's own \\restrict."""
    said = (line.rstrip() for line in dump.splitlines())
    return [line for line in said if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))]


def blocks(said: list[str]) -> list[tuple[str, ...]]:
    """Statements in any order, the lines of a table in any order."""
    found: list[tuple[str, ...]] = []
    table: list[str] | None = None
    for line in said:
        if table is None:
            table = [] if TABLE.match(line) else None
            found.append((line,))
        elif line.startswith(")"):
            found.append((*found.pop(), *sorted(table), line))
            table = None
        else:
            table.append(line.rstrip(","))
    return sorted(found)


def differing(before: str, after: str) -> list[str]:
    """The lines that only one of them has."""
    old, new = set(lines(before)), set(lines(after))
    return [f"- {line}" for line in sorted(old - new)] + [f"+ {line}" for line in sorted(new - old)]
