"""Whether the database changed since the target of a change served before."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from deployments.models import LivePeriod, Service
from deployments.verdicts.migrations import database_changed
from rollback_portal.jobs import clock
from tests.dbtools import rollback_rows
from tests.deployments.verdicts.story import Story, minutes, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(api: Service) -> Story:
    """Its target was built a day before it serves now, and served until a deployment 10 h before."""
    told = story(api)
    target, left = told.change.to_deployment, told.change.from_deployment
    assert target is not None
    assert left is not None
    for deployment, hours in ((target, 20), (left, 10)):
        since = told.served - timedelta(hours=hours)
        LivePeriod.objects.create(service=api, deployment=deployment, since=since)
    return told


def read(told: Story, migrated_at: datetime, *, read_at: datetime | None = None) -> None:
    recent = [{"name": "20261129_drop_legacy_price", "at": migrated_at.isoformat()}]
    services = [told.service.slug]
    rollback_rows.database(facts={"recent": recent}, services=services, read_at=read_at or clock.now())


def changed(told: Story) -> bool | None:
    return database_changed(told.change, clock.now())


def test_a_migration_that_was_applied_after_it_had_served_changed_it(told: Story) -> None:
    read(told, told.served - timedelta(hours=9))
    assert changed(told) is True


def test_a_migration_that_was_applied_while_it_served_is_one_that_it_knew(told: Story) -> None:
    read(told, told.served - timedelta(hours=11))
    assert changed(told) is False


def test_for_a_target_that_never_served_it_counts_from_its_build(told: Story) -> None:
    LivePeriod.objects.filter(
        deployment=told.change.to_deployment, since__lt=told.served - minutes(5)
    ).delete()
    read(told, told.served - timedelta(hours=23))
    assert changed(told) is True


def test_without_a_database_of_the_service_it_is_not_known(told: Story) -> None:
    rollback_rows.database(services=["stock-api"], read_at=clock.now())
    assert changed(told) is None


@pytest.mark.parametrize("read_at", ["never", "before the order"])
def test_without_a_reading_since_the_order_it_is_not_known(told: Story, read_at: str) -> None:
    read(told, told.served - timedelta(hours=11), read_at=told.served - timedelta(hours=1))
    if read_at == "never":
        rollback_rows.database("stock", services=[told.service.slug], read_at=None)
    assert changed(told) is None


def test_the_next_step_of_a_verdict_names_the_database(told: Story) -> None:
    read(told, told.served - timedelta(hours=9))
    told.measured(0, 10, 0.08)
    reasons = [step["reason"] for step in told.judged(10).next_steps]
    assert "the database was changed in between" in reasons
