"""Writing a reading into rows: what is newer than what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Change, ProviderStatus, Service
from deployments.sandbox.clock import utcnow
from deployments.sync.reading import ask
from deployments.sync.saving import save_reading
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.management.command_line import printed

AHEAD = timedelta(hours=1)


@BOTH
def test_a_clock_that_was_ahead_for_one_reading_keeps_no_later_one_from_being_saved(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: utcnow() + AHEAD)
        portal.read()
    target = portal.candidate(portal.service(name))

    change = portal.roll_back(name)
    code, _ = printed("status", "--fresh")

    assert (change.outcome, code) == ("succeeded", 0), change.message
    service = portal.service(name)
    assert service.live is not None
    assert service.live.commit_sha == target.commit_sha
    assert service.synced_at is not None
    assert service.synced_at <= timezone.now()
    further = portal.roll_back(name)
    assert further.outcome == "succeeded", further.message


def test_an_operation_that_ended_by_a_clock_ahead_keeps_no_reading_from_being_saved(portal: Portal) -> None:
    portal.roll_back("render")
    Change.objects.update(ended_at=timezone.now() + AHEAD)
    target = portal.candidate(portal.api)
    portal.world.somebody_rolls_back("shop-api", target.provider_id)
    portal.wait_until_it_serves("shop-api", target)

    portal.read()

    assert portal.api.live is not None
    assert portal.api.live.commit_sha == target.commit_sha


def test_a_pause_or_an_attempt_at_events_by_a_clock_ahead_holds_nothing_up(portal: Portal) -> None:
    ahead = timezone.now() + AHEAD
    Service.objects.update(read_failures=1, read_retry_at=ahead, events_tried_at=ahead, events_read_at=ahead)

    portal.read()

    for service in Service.objects.all():
        assert (service.read_failures, service.read_retry_at) == (0, None)
        assert service.events_read_at is not None
        assert service.events_read_at <= timezone.now()


def test_a_pause_of_the_provider_by_a_clock_ahead_holds_nothing_up(portal: Portal) -> None:
    before, ahead = portal.api.synced_at, timezone.now() + AHEAD
    ProviderStatus.objects.update(retry_at=ahead, lease_until=ahead)

    portal.read()

    assert before is not None
    assert portal.api.synced_at is not None
    assert portal.api.synced_at > before


def test_a_reading_that_is_older_than_what_is_known_is_not_saved(portal: Portal) -> None:
    reading = ask(portal.api, provider("render"))
    portal.read()
    Service.objects.update(live_conflict="Known from the newer reading.")

    save_reading(portal.api.pk, reading)

    assert portal.api.live_conflict == "Known from the newer reading."
