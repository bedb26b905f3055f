"""JSON of older versions is completed when it is read."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from dbtools.models import DatabaseRollback
from dbtools.models.document_field import DocumentField, conform
from dbtools.models.documents import SqlAnalysis, StoredMigration
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows


class Inner(TypedDict):
    name: str
    number: int | None
    ratio: float


class Whole(TypedDict, total=False):
    items: list[Inner]
    words: dict[str, str]
    flag: bool


COMPLETE = {"name": "a", "number": 3, "ratio": 2}
EMPTY_INNER = {"name": "", "number": None, "ratio": 0.0}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({}, {}),
        (None, {}),
        ("words", {}),
        ({"unknown": 1}, {"unknown": 1}),
        ({"flag": "yes", "items": None}, {}),
        ({"flag": True}, {"flag": True}),
        ({"items": [{}, "words", None]}, {"items": [EMPTY_INNER]}),
        ({"items": [{"name": 7, "extra": 1}]}, {"items": [{**EMPTY_INNER, "extra": 1}]}),
        ({"items": [COMPLETE]}, {"items": [COMPLETE]}),
        ({"items": [{"number": "3", "ratio": True}]}, {"items": [EMPTY_INNER]}),
        ({"words": {"a": "b", "c": 4}}, {"words": {"a": "b"}}),
    ],
)  # fmt: skip
def test_missing_keys_and_other_types_become_empty_and_unknown_keys_stay(stored: Any, expected: Any) -> None:
    assert conform(Whole, stored) == expected


@pytest.mark.django_db
def test_a_row_of_an_older_version_is_complete_when_it_is_read(dana: User) -> None:
    row = rollback_rows.rollback(dana)
    DatabaseRollback.objects.filter(pk=row.pk).update(migrations=[{"name": "1_init"}, 7], selected="1_init")
    row.refresh_from_db()
    assert row.migrations == [conform(StoredMigration, {"name": "1_init"})]
    assert row.migrations[0]["why_not"] == ""
    assert row.selected == []


@pytest.mark.django_db
def test_a_single_key_is_read_as_it_is(dana: User) -> None:
    rollback_rows.rollback(dana, sql_analysis={"path": "alone", "statements": []})
    assert DatabaseRollback.objects.values_list("sql_analysis__path", flat=True).get() == "alone"


def test_a_changed_shape_needs_no_migration() -> None:
    _, path, _, options = DocumentField(SqlAnalysis, default=dict).deconstruct()
    assert (path, options) == ("django.db.models.JSONField", {"default": dict})
