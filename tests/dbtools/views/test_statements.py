"""The phrases about a statement: its locks, its losses and its run."""

from __future__ import annotations

import pytest

from dbtools.models.document_field import conform
from dbtools.models.documents import StoredHazard, StoredRan, StoredStatement
from dbtools.views.statements import lock_phrase, loss_phrase, ran_phrase


@pytest.mark.parametrize(
    ("statement", "phrase"),
    [
        ({"line": 2, "lock": "SHARE", "tables": ["Order", "Item"]}, "line 2 · locks SHARE on Order, Item"),
        ({"line": 1, "lock": "", "tables": []}, "line 1 · locks no table"),
    ],
)
def test_the_locks_of_a_statement(statement: dict[str, object], phrase: str) -> None:
    assert lock_phrase(conform(StoredStatement, statement)) == phrase


def test_the_losses_of_a_hazard_say_what_could_not_be_counted() -> None:
    reason = "it takes longer than 5 s"
    counts = [
        {"noun": "rows of Order", "number": 1204},
        {"noun": "values of Order.note", "number": None, "why_not": reason},
        {"noun": "values of Order.old", "number": None},
    ]
    assert loss_phrase(conform(StoredHazard, {"counts": counts})) == (
        f"1,204 rows of Order, values of Order.note: not counted, because {reason}, "
        "an unknown number of values of Order.old"
    )


@pytest.mark.parametrize(("rows", "phrase"), [(-1, "ran in 0.50 s"), (3000, "ran in 0.50 s, 3,000 rows")])
def test_the_rows_of_a_statement_are_shown_if_it_counts_them(rows: int, phrase: str) -> None:
    assert ran_phrase(conform(StoredRan, {"number": 1, "rows": rows, "seconds": 0.5})) == phrase
