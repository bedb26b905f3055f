"""The company made once per process equals one that a test would make for itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Deployment, LivePeriod
from deployments.sandbox.clock import utcnow
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments import company
from tests.deployments.conftest import Portal

pytestmark = pytest.mark.django_db


@pytest.fixture
def made_an_hour_ago(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def then() -> datetime:
        return utcnow() - timedelta(hours=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", then)
        patch.setattr(clock, "now", then)
        made = company.first_company(then)
    monkeypatch.setattr(company, "made", [made])


def written() -> list[Any]:
    rows: list[Any] = list(Deployment.objects.order_by("pk").values())
    return rows + list(LivePeriod.objects.order_by("pk").values())


@pytest.mark.usefixtures("made_an_hour_ago")
def test_a_reading_finds_nothing_new_and_no_other_moment(portal: Portal) -> None:
    before = written()
    portal.read()
    assert len(before) > 120
    assert written() == before


@pytest.mark.usefixtures("made_an_hour_ago")
def test_it_is_always_as_old_as_a_new_one(portal: Portal) -> None:
    live = portal.api.live
    assert live is not None
    assert live.live_since is not None
    assert timedelta(minutes=13) < timezone.now() - live.live_since < timedelta(minutes=16)


def test_the_next_row_of_a_test_has_a_key_of_its_own(portal: Portal) -> None:
    there = set(Deployment.objects.values_list("pk", flat=True))
    assert factories.deployment(portal.api).pk not in there
    assert factories.service().pk not in {portal.api.pk, portal.web.pk}


@pytest.mark.usefixtures("made_an_hour_ago")
def test_nothing_of_it_lies_in_the_future_so_that_the_next_reading_is_newer(portal: Portal) -> None:
    before = portal.api.synced_at, portal.web.synced_at
    assert max(moment for moment in before if moment) < timezone.now()
    portal.read()
    after = portal.api.synced_at, portal.web.synced_at
    assert all(new and old and new > old for new, old in zip(after, before, strict=True))
