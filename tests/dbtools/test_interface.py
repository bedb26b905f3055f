"""What the other app may ask: when migrations were applied and rolled back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dbtools.interface import migration_moments
from dbtools.models import Database, DatabaseRollback
from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 21, 9, 31, tzinfo=UTC)


def moments(services: list[str], since: datetime = AT - timedelta(hours=1), hours: int = 2) -> list[Any]:
    return migration_moments(services, since, since + timedelta(hours=hours))


def test_applied_migrations_are_those_of_the_services_databases_in_the_range() -> None:
    recent = [
        {"name": "20261101_old", "at": (AT - timedelta(days=20)).isoformat()},
        {"name": "20261121_new", "at": "2026-11-21T09:31:00+00:00"},
        {"name": "20261122_later", "at": "2026-11-22T09:31:00+00:00"},
    ]
    rollback_rows.database("shop", facts={"recent": recent})
    rollback_rows.database("stock", services=["stock-api"], facts={"recent": recent})
    (found,) = moments(["shop-api", "srv-1"])
    assert (found["name"], found["what"], found["database"]) == ("20261121_new", "applied", "shop")
    assert found["at"] == AT.isoformat()


def test_a_time_without_a_zone_is_utc_and_what_is_no_time_is_left_out() -> None:
    recent = [{"name": "a", "at": "2026-11-21T09:31:00"}, {"name": "b", "at": "soon"}]
    rollback_rows.database("shop", facts={"recent": recent})
    assert [one["name"] for one in moments(["shop-api"])] == ["a"]


def test_a_database_read_by_an_older_version_has_none() -> None:
    rollback_rows.database("shop", facts={"applied": 40, "newest": "x", "newest_at": AT.isoformat()})
    assert moments(["shop-api"]) == []


def rolled_back(dana: User, status: str, **fields: Any) -> list[str]:
    row = rollback_rows.rollback(dana, status, **fields)
    now = timezone.now()
    found = migration_moments(["shop-api"], now - timedelta(days=1), now + timedelta(minutes=1))
    assert all(one["url"] == row.get_absolute_url() for one in found)
    return [f"{one['name']} {one['what']}" for one in found]


def test_a_rollback_stands_where_its_run_was_known_to_be_committed(dana: User) -> None:
    times = {"verifying": factories.ago(hours=2).isoformat(), "done": factories.ago(hours=1).isoformat()}
    found = rolled_back(dana, "done", status_times=times, ended_at=timezone.now())
    assert found == [f"{rollback_rows.NAMES[-1]} rolled back"]


def test_a_run_that_a_person_settled_stands_where_they_said_so(dana: User) -> None:
    times = {"needs_attention": factories.ago(hours=2).isoformat()}
    settled = {"settled_as": "done", "settled_at": factories.ago(hours=1), "settled_because": "I saw it"}
    found = rolled_back(
        dana,
        "done",
        status_times=times,
        ended_at=timezone.now(),
        settled_by=dana,
        settled_by_name="Dana",
        **settled,
    )
    assert found == [f"{rollback_rows.NAMES[-1]} rolled back"]


@pytest.mark.parametrize("status", ["rehearsed", "running", "abandoned", "unchanged"])
def test_what_was_not_run_or_left_nothing_behind_has_no_mark(dana: User, status: str) -> None:
    times = {"verifying": factories.ago(hours=2).isoformat()} if status == "unchanged" else {}
    ended = timezone.now() if status in ("abandoned", "unchanged") else None
    assert rolled_back(dana, status, status_times=times, ended_at=ended) == []


def test_two_queries_however_many_databases(dana: User, django_assert_num_queries: Any) -> None:
    for number in range(5):
        database = rollback_rows.database(f"shop-{number}")
        rollback_rows.rollback(dana, "done", database=database, ended_at=timezone.now())
    assert Database.objects.count() == DatabaseRollback.objects.count() == 5
    with django_assert_num_queries(2):
        moments(["shop-api"])
