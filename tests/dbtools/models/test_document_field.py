"""JSON of older versions is completed when it is read."""

from __future__ import annotations

import re
from typing import Any, TypedDict

import pytest

from dbtools.models import DatabaseRollback
from dbtools.models.document_field import DocumentField, UnreadableDocument, conform
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
        ({"unknown": 1}, {"unknown": 1}),
        ({"flag": None, "items": None}, {}),
        ({"flag": True}, {"flag": True}),
        ({"items": [{}]}, {"items": [EMPTY_INNER]}),
        ({"items": [{"name": None, "extra": 1}]}, {"items": [{**EMPTY_INNER, "extra": 1}]}),
        ({"items": [COMPLETE]}, {"items": [COMPLETE]}),
        ({"words": {"a": "b"}}, {"words": {"a": "b"}}),
    ],
)  # fmt: skip
def test_missing_keys_become_empty_and_unknown_keys_stay(stored: Any, expected: Any) -> None:
    assert conform(Whole, stored) == expected


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("words", "it is 'words', where Whole belongs"),
        ({"flag": "yes"}, "it.flag is 'yes', where bool belongs"),
        ({"items": "words"}, "it.items is 'words', where list"),
        ({"items": [COMPLETE, "words"]}, "it.items[1] is 'words', where Inner belongs"),
        ({"items": [None]}, "it.items[0] is None, where Inner belongs"),
        ({"items": [{"name": 7}]}, "it.items[0].name is 7, where str belongs"),
        ({"items": [{"number": "3"}]}, "it.items[0].number is '3', where int | None belongs"),
        ({"items": [{"ratio": True}]}, "it.items[0].ratio is True, where float belongs"),
        ({"words": {"a": "b", "c": 4}}, "it.words.c is 4, where str belongs"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_neither_dropped_nor_replaced(stored: Any, said: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        conform(Whole, stored)
    assert said in str(caught.value)


@pytest.mark.django_db
def test_a_row_of_an_older_version_is_complete_when_it_is_read(dana: User) -> None:
    row = rollback_rows.rollback(dana)
    DatabaseRollback.objects.filter(pk=row.pk).update(migrations=[{"name": "1_init"}])
    row.refresh_from_db()
    assert row.migrations == [conform(StoredMigration, {"name": "1_init"})]
    assert row.migrations[0]["why_not"] == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "stored", "where"),
    [
        ("sql_analysis", {"statements": [{"text": "DROP TABLE a"}, 7]}, "sql_analysis.statements[1]"),
        ("sql_analysis", {"problems": ["it is refused"]}, "sql_analysis.problems[0]"),
        ("preflight", ["a table is locked"], "preflight[0]"),
        ("selected", "1_init", "selected"),
        ("authors", ["7"], "authors[0]"),
    ],
)
def test_a_row_whose_loss_would_change_the_run_is_not_read_at_all(
    dana: User, column: str, stored: Any, where: str
) -> None:
    row = rollback_rows.rollback(dana)
    DatabaseRollback.objects.filter(pk=row.pk).update(**{column: stored})
    with pytest.raises(UnreadableDocument, match=rf"database rollback, {re.escape(where)} is "):
        row.refresh_from_db()


@pytest.mark.django_db
def test_a_single_key_is_read_as_it_is(dana: User) -> None:
    rollback_rows.rollback(dana, sql_analysis={"path": "alone", "statements": []})
    assert DatabaseRollback.objects.values_list("sql_analysis__path", flat=True).get() == "alone"


def test_a_changed_shape_needs_no_migration() -> None:
    _, path, _, options = DocumentField(SqlAnalysis, default=dict).deconstruct()
    assert (path, options) == ("django.db.models.JSONField", {"default": dict})
