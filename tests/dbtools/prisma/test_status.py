"""What `prisma migrate status` says after a rollback; `tests/prisma` asks Prisma itself."""

from __future__ import annotations

import json

from dbtools.prisma.history import HistoryRow
from dbtools.prisma.status import older_rows, status_in_words


def row(name: str, state: str) -> HistoryRow:
    return HistoryRow(f"{name}-{state}", name, "", state, 1, None, "", json.dumps({}))


def test_only_rows_of_these_migrations_that_are_marked_as_rolled_back_count() -> None:
    rows = [
        row("1_a", "rolled back"),
        row("2_b", "rolled back"),
        row("2_b", "rolled back"),
        row("3_c", "applied"),
    ]
    assert older_rows(rows, ("3_c", "2_b")) == ("2_b",)


def test_without_an_older_row_every_version_says_the_same() -> None:
    assert "in every version of Prisma" in status_in_words(("2_b",), ())


def test_with_an_older_row_each_version_is_named_with_what_it_says() -> None:
    words = status_in_words(("2_b",), ("2_b",))
    assert "Prisma 6, and of 7 up to 7.8, leaves it out" in words
    assert "since 7.9 it says “not yet been applied”" in words
    assert "Of the others" not in words
    assert "Of the others" in status_in_words(("3_c", "2_b"), ("2_b",))
