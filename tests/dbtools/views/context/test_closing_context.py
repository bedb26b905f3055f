"""Step 9: the sentences about a committed run, about live services and about the restored database."""

from __future__ import annotations

import pytest

from dbtools.models import DatabaseRollback
from dbtools.models.document_field import conform
from dbtools.models.documents import LiveService
from dbtools.views.context.closing_context import (
    live_line,
    lookup_query,
    new_database_name,
    result_lines,
    status_words,
)
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows


@pytest.mark.parametrize(
    ("service", "tone", "message"),
    [
        ({"known": True}, "warn", "abc Fix, not pinned: a push deploys it."),
        ({"known": False}, "warn", "abc Fix, so look whether a push deploys it."),
        ({"known": True, "pinned": "pinned by Ana"}, "good", "abc Fix, pinned by Ana."),
    ],
)
def test_whether_a_push_deploys_the_migration_again(
    service: dict[str, object], tone: str, message: str
) -> None:
    line = live_line(conform(LiveService, {"service": "api", "description": "abc Fix", **service}))
    assert (line["tone"], line["message"]) == (tone, message)


@pytest.mark.django_db
def test_the_results_of_a_run_that_a_person_settled_are_not_called_verified(dana: User) -> None:
    row = rollback_rows.rollback(dana, "done", run_log={"deleted": [{}, {}], "invalid": ["Order_idx"]})
    assert [line["message"] for line in result_lines(row)] == [
        "2 rows of _prisma_migrations are gone; saved whole in the audit log.",
        "Settled by a person; the portal has not verified it.",
        "The index Order_idx was left behind invalid: drop it.",
    ]


@pytest.mark.django_db
def test_the_results_name_what_no_copy_could_show_and_what_has_changed_since(dana: User) -> None:
    gone = "publication p of table app.t is gone."
    row = rollback_rows.rollback(
        dana, "done", run_log={"compared": "It was compared: word by word.", "beside": [gone]},
        verification={"schema_as_rehearsed": True, "differences": ["owner of table app.t is eve."]},
    )  # fmt: skip
    assert [(line["tone"], line["message"]) for line in result_lines(row)] == [
        ("good", "The schema is the one that the run left, seen from a new connection."),
        ("good", "It was compared: word by word."),
        ("warn", f"Also changed by it: {gone}"),
        ("warn", "Changed since the commit: owner of table app.t is eve."),
    ]


@pytest.mark.django_db
def test_the_name_of_a_restored_database_needs_no_quotes_and_fits(dana: User) -> None:
    row = rollback_rows.rollback(dana, "done", database=rollback_rows.database("Shop-" * 20))
    name = new_database_name(row)
    assert name.startswith("restored_shop_shop_")
    assert len(name) == 63


def test_a_quote_in_a_migration_name_stays_inside_the_query() -> None:
    row = DatabaseRollback(selected=["it's"])
    assert "IN ('it''s');" in lookup_query(row)


def test_what_each_version_of_prisma_will_say_is_known_once_the_history_was_looked_at() -> None:
    row = DatabaseRollback(selected=["2_b"])
    assert status_words(row) == ""
    row.verification = {"rows_standing": [], "schema_as_rehearsed": True, "older_rows": []}
    assert "in every version" in status_words(row)
    row.verification["older_rows"] = ["2_b"]
    assert "Prisma 6, and of 7 up to 7.8" in status_words(row)
