"""The list of databases."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


def test_the_list_makes_as_many_queries_for_many_databases_as_for_one(
    dana: User, client_as: ClientAs
) -> None:
    client = client_as(dana)
    client.get("/databases/")  # that she is there is noted once a minute
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get("/databases/")
        counts.append(len(queries))
        for database in wizard_states.listed():
            rollback_rows.rollback(dana, "abandoned", database=database, ended_at=factories.ago(hours=1))
    assert counts[0] == counts[1] <= MOST_QUERIES


def test_the_list_shows_the_state_of_each_database(dana: User, client_as: ClientAs) -> None:
    wizard_states.listed()
    client = client_as(dana)
    words = text(client.get("/databases/"))
    for message in ("40 migrations", "1.2 GB", "PostgreSQL 18.6", "FAILED MIGRATION", "CANNOT BE READ",
                 "NOT READ LATELY", "NOT READ YET", "The host search-db does not answer."):  # fmt: skip
        assert message in words


def test_the_list_says_whether_a_rollback_waits_for_a_person_or_a_worker(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    client = client_as(dana)
    for name, message in (
        ("awaiting-approval", "WAITS FOR SOMEBODY, STEP 7 OF 9"),
        ("rehearsing", "UNDER WAY, STEP 6 OF 9"),
        ("needs-attention", "NEEDS ATTENTION"),
    ):
        row = wizard_states.STATES[name](dana, efe)
        wizard_states.changed(row, database=rollback_rows.database(f"shop-{name}"))
        assert f"ROLLBACK {row.pk} {message}" in text(client.get("/databases/"))
