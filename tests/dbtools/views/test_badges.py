"""The badge of a database shows what deserves attention first."""

from __future__ import annotations

from typing import Any

import pytest

from dbtools.models import Database
from dbtools.views.badges import database_badge, migration_badge
from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "NOT READ YET"),
        ({"read_at": factories.ago(minutes=9)}, "NOT READ LATELY"),
        ({"read_at": factories.ago(minutes=9), "facts": {"unfinished": "1_init"}}, "FAILED MIGRATION"),
        ({"error": "The host does not answer.", "facts": {"unfinished": "1_init"}}, "CANNOT BE READ"),
    ],
)
def test_the_most_important_state_of_a_database(fields: dict[str, Any], word: str) -> None:
    badge = database_badge(Database(name="shop", **fields), None)
    assert badge is not None
    assert badge.word == word


def test_an_active_rollback_comes_before_everything_else(dana: User) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    badge = database_badge(Database(name="shop", error="The host does not answer."), row)
    assert badge is not None
    assert badge.word == f"ROLLBACK {row.pk} NEEDS ATTENTION"


def test_an_unknown_state_of_a_migration_is_shown_as_it_is() -> None:
    assert migration_badge("never seen").word == "NEVER SEEN"
