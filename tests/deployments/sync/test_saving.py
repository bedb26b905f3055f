"""Writing a reading into rows: what is newer than what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Change, Pin, ProviderStatus, Service
from deployments.sandbox.clock import utcnow
from deployments.sync.reading import ask
from deployments.sync.saving import save_reading
from rollback_portal.audit.models import AuditEntry
from rollback_portal.jobs import clock
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.management.command_line import printed

AHEAD = timedelta(hours=1)
BOTH_WAYS = pytest.mark.parametrize("off", [AHEAD, -AHEAD], ids=["an hour ahead", "an hour behind"])


@BOTH
@BOTH_WAYS
def test_a_reading_from_before_an_operation_ended_ends_no_pin_whatever_the_clock_of_its_machine(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, name: str, off: timedelta
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: utcnow() + off)
        before = ask(portal.service(name), provider(name))
    portal.roll_back(name)
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: utcnow() + off)
        save_reading(portal.service(name).pk, before)

    assert portal.service(name).auto_deploy == "off"
    assert portal.service(name).standing_pin is not None
    assert not AuditEntry.objects.filter(action__contains="outside").exists()


@BOTH_WAYS
def test_what_another_machine_has_just_read_is_fresh_whatever_its_clock(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    began = clock.now()
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: utcnow() + off)
        portal.read()

    assert all(began < service.synced_at < clock.now() for service in (portal.api, portal.web))  # type: ignore[operator]


@BOTH
@BOTH_WAYS
def test_the_end_of_a_rollback_outside_the_portal_is_seen_whatever_the_clock_of_the_machine_that_reads(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, name: str, off: timedelta
) -> None:
    portal.roll_back(name)
    Pin.objects.update(pinned_at=clock.now() - timedelta(minutes=5))
    before = Pin.objects.get().auto_deploy_before
    portal.world.somebody_sets_auto_deploy(portal.service(name).name, before)
    monkeypatch.setattr(timezone, "now", lambda: utcnow() + off)

    portal.read()

    assert portal.service(name).standing_pin is None


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
