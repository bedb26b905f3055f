"""Compares two dumps by their text, without any code of what it judges."""

from __future__ import annotations

import re

from dbtools.down_draft import Draft
from dbtools.down_draft.draft import LOSES

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
    content = (line.rstrip() for line in dump.splitlines())
    return [line for line in content if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))]


def blocks(content: list[str]) -> list[tuple[str, ...]]:
    """The statements, sorted, and with the lines of each table sorted."""
    sorted_blocks: list[tuple[str, ...]] = []
    table: list[str] | None = None
    for line in content:
        if table is None:
            table = [] if TABLE.match(line) else None
            sorted_blocks.append((line,))
        elif line.startswith(")"):
            sorted_blocks.append((*sorted_blocks.pop(), *sorted(table), line))
            table = None
        else:
            table.append(line.rstrip(","))
    return sorted(sorted_blocks)


def differing(before: str, after: str) -> list[str]:
    """The lines that only one of the dumps has."""
    old, new = set(lines(before)), set(lines(after))
    return [f"- {line}" for line in sorted(old - new)] + [f"+ {line}" for line in sorted(new - old)]


def loses_data(draft: Draft) -> bool:
    """Whether the draft says that the migration destroyed data."""
    return any(line.mark == LOSES for line in draft.lines)
