"""What users get of a released target: another version, errors, or what was meant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.test import Client
from django.utils import timezone

from deployments.metrics.version_check import compare_live_version
from deployments.models import Change, Deployment, OperationKind, Pin, Service
from deployments.models.operation import SERVES_AND_FAILS
from deployments.models.served_window import ENOUGH, Round, ServedWindow
from deployments.operations import worker
from deployments.operations.steps import check_served
from deployments.pages import status_text
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry, Outcome
from tests.deployments.conftest import BOTH, Portal, die

GOOD = 'data-tone="good"'
START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ERRORS = pytest.mark.parametrize("fault", [("error", "503"), ("error", "500")])


def roll_back_to_errors(portal: Portal, name: str, do: str = "error", detail: str = "503") -> Change:
    portal.settings.SERVE_SECONDS = 1
    portal.sandbox.faults.add(Fault("public.page", do, times=None, detail=detail))
    return portal.roll_back(name)


@BOTH
@ERRORS
def test_a_target_that_answers_with_errors_was_put_there_and_is_no_success(
    portal: Portal, name: str, fault: tuple[str, str]
) -> None:
    change = roll_back_to_errors(portal, name, *fault)

    assert (change.status, change.outcome) == ("succeeded", SERVES_AND_FAILS), change.message
    assert "Users get errors" in change.message
    text = status_text.status_text(change, timezone.now(), pinned=True)
    assert (text.badge.tone, "Roll back further" in text.next) == ("bad", True)
    assert "and users get errors" in text.headline
    assert Pin.objects.standing().filter(change=change).exists()


@BOTH
def test_where_the_addresses_answered_before_silence_is_no_success(portal: Portal, name: str) -> None:
    compare_live_version(portal.service(name), portal.service(name).live.commit_sha)  # type: ignore[union-attr]

    change = roll_back_to_errors(portal, name, "drop_before", "")

    assert change.outcome == SERVES_AND_FAILS, change.message
    assert "failed (no answer)" in change.message


@BOTH
def test_where_they_never_answered_it_is_not_checked_and_not_green(portal: Portal, name: str) -> None:
    """The portal itself may have no way to the public addresses."""
    change = roll_back_to_errors(portal, name, "drop_before", "")

    assert (change.status, change.failing, change.unchecked) == ("succeeded", False, True), change.message
    assert "No answer from" in change.message
    assert status_text.badge_of(change, timezone.now()).tone != "good"


@BOTH
def test_the_audit_log_says_that_it_was_done_and_fails(portal: Portal, name: str) -> None:
    change = roll_back_to_errors(portal, name)

    last = AuditEntry.objects.filter(operation=change.operation_id).latest("id")
    assert (last.action, last.outcome) == ("rollback done, and fails", Outcome.FAILED)
    assert last.after["live"] == str(change.to_deployment)


def test_its_page_is_red_and_leads_further_back(portal: Portal, client_as: Callable[..., Client]) -> None:
    change = roll_back_to_errors(portal, "render")
    further = portal.candidate(portal.api)

    page = client_as(portal.ana).get(change.operation.get_absolute_url()).content.decode()

    assert "SERVES, AND FAILS" in page
    assert f"/roll-back/{further.provider_id}" in page or f"{further.provider_id}/roll-back" in page
    assert GOOD not in page[page.index('id="operation-head"') :]
    listed = client_as(portal.ana).get("/operations/").content.decode()
    assert "SERVES, AND FAILS" in listed
    assert GOOD not in listed[listed.index("<table") :]


def test_errors_while_instances_are_exchanged_are_waited_for(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("public.page", "error", times=2, detail="502"))

    change = portal.roll_back("vercel")

    assert change.outcome == "succeeded", change.message


def test_promoting_what_fails_is_no_success(portal: Portal) -> None:
    portal.settings.SERVE_SECONDS = 1
    portal.roll_back("vercel")
    row = _staged(portal, portal.world.somebody_pushes("shop-web").id)
    portal.sandbox.faults.add(Fault("public.page", "error", times=None, detail="503"))

    change = portal.finish(portal.ask(portal.web, row, OperationKind.PROMOTE))

    assert change.outcome == SERVES_AND_FAILS, change.message


def _staged(portal: Portal, provider_id: str) -> Deployment:
    for _ in range(200):
        portal.read()
        row = portal.web.deployments.filter(provider_id=provider_id, staged=True).first()
        if row is not None:
            return row
    raise AssertionError("it was never staged")


def test_leaving_a_rollback_to_what_fails_is_no_success_and_restores_all_the_same(portal: Portal) -> None:
    before = portal.api.auto_deploy
    portal.settings.SERVE_SECONDS = 1
    left = portal.api.live
    portal.roll_back("render")
    portal.sandbox.faults.add(Fault("public.page", "error", times=None, detail="503"))

    change = portal.finish(portal.ask(portal.api, left, OperationKind.LEAVE))

    assert change.outcome == SERVES_AND_FAILS, change.message
    assert portal.api.auto_deploy == before
    assert not Pin.objects.standing().exists()


@BOTH
def test_an_answer_without_a_version_is_not_checked_and_not_green(portal: Portal, name: str) -> None:
    portal.settings.VERSION_HEADER = "X-Other"

    change = portal.roll_back(name)

    assert (change.outcome, change.unchecked) == ("succeeded", True)
    assert status_text.badge_of(change, timezone.now()).tone == "warn"


def test_what_fails_only_later_is_not_green_either(portal: Portal) -> None:
    change = portal.roll_back("render")
    portal.sandbox.faults.add(Fault("public.page", "error", times=None, detail="503"))
    for _ in range(2):
        compare_live_version(portal.api, portal.api.live.commit_sha)  # type: ignore[union-attr]

    text = status_text.status_text(Change.objects.shown().get(pk=change.pk), timezone.now(), pinned=True)

    assert (text.badge.tone, "Roll back further" in text.next) == ("bad", True)
    assert "Since then" in text.now
    assert Service.objects.get(name="shop-api").served.failing


def test_a_release_that_a_clock_ahead_wrote_down_is_judged_by_what_is_asked(portal: Portal) -> None:
    portal.settings.SERVE_SECONDS = 1
    portal.sandbox.faults.add(Fault("public.page", "error", times=None, detail="503"))
    held = portal.claimed("render")
    while held.change.status != "serving":
        worker.step(held)
    ahead = (timezone.now() + timedelta(hours=1)).isoformat()
    held.note(status_times={**held.change.status_times, "serving": ahead})

    change = portal.finish(die(held))

    assert change.outcome == SERVES_AND_FAILS, change.message


def test_without_an_address_nothing_is_asked_and_nothing_waited_for(portal: Portal) -> None:
    Service.objects.update(addresses=[], addresses_customized=True)

    change = portal.roll_back("render")

    assert (change.outcome, change.unchecked) == ("succeeded", True), change.message


@BOTH
@pytest.mark.parametrize("share", [0.08, 0.15])
def test_a_share_of_errors_that_one_check_may_miss_is_no_success(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, name: str, share: float
) -> None:
    monkeypatch.setattr(check_served, "LONGEST_CHECK", timedelta(seconds=3))
    portal.world.deployments[portal.candidate(portal.service(name)).provider_id].error_rate = share

    change = portal.roll_back(name)

    assert change.outcome == SERVES_AND_FAILS, change.message


def test_a_success_has_stood_sixty_requests(portal: Portal) -> None:
    change = portal.roll_back("vercel")

    assert change.outcome == "succeeded", change.message
    assert portal.web.served.total >= ENOUGH


def ends(share: float, seed: int) -> bool:
    """Whether a target that fails this share of its requests at random is called a success."""
    chance, at, window, longest = Random(seed), START, ServedWindow(), check_served.LONGEST_CHECK
    while not (window.rounds and check_served.is_judged(window, longest, at)):
        asked = failed = 0
        while asked < ENOUGH and not failed:
            asked, failed = asked + 5, sum(chance.random() < share for _ in range(5))
        at += timedelta(seconds=0.02 * asked)
        window = window.with_round("target", Round(at, asked, {503: failed} if failed else {}))
        at += timedelta(seconds=1 if failed else 0)
    return not check_served.what_counts(window, longest).too_many_failures


@pytest.mark.parametrize(
    ("share", "fewest", "most"), [(0, 200, 200), (0.01, 195, 200), (0.08, 0, 30), (0.15, 0, 1)]
)
def test_errors_at_random_are_judged_by_their_share_and_not_by_the_best_sixty_requests(
    share: float, fewest: int, most: int
) -> None:
    assert fewest <= sum(ends(share, seed) for seed in range(200)) <= most
