"""Before the first change, everything still has to be as the person saw it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.models import Change, Deployment, Operation, OperationKind, Pin
from deployments.models.operation import SERVES_AND_FAILS
from deployments.operations import worker
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.dbtools import rollback_rows
from tests.deployments.conftest import BOTH, Portal


@BOTH
def test_what_somebody_else_changed_is_not_overwritten(portal: Portal, name: str) -> None:
    service = portal.service(name)
    change = portal.ask(service, portal.candidate(service))
    other = Deployment.objects.filter(
        service=service, served=True, production=True, status__in=["retired", "ready"]
    )
    older = other.exclude(commit_sha__in=["", service.live.commit_sha, change.to_deployment.commit_sha])  # type: ignore[union-attr]
    portal.world.somebody_rolls_back(service.name, older.order_by("-created_at")[1].provider_id)
    portal.wait_until_it_serves(service.name, older.order_by("-created_at")[1])

    change = portal.finish(change)

    assert change.status == "failed"
    assert "Changed meanwhile" in change.message
    assert [post for post in portal.posts() if post["kind"] != "outside" and post.get("applied")] == []


def test_a_person_who_lost_the_role_meanwhile_is_refused_by_the_worker(portal: Portal) -> None:
    change = portal.ask(portal.api, portal.candidate(portal.api))
    portal.ana.groups.clear()

    change = portal.finish(change)

    assert (change.status, portal.posts()) == ("failed", [])
    assert "may no longer do this" in change.message


def test_an_intent_older_than_ten_minutes_is_failed_not_run(portal: Portal) -> None:
    change = portal.ask(portal.api, portal.candidate(portal.api))
    change.operation.requested_at = timezone.now() - timedelta(minutes=11)
    change.operation.save(update_fields=["requested_at"])

    change = portal.finish(change)

    assert (change.status, portal.posts()) == ("failed", [])
    assert "more than 10 minutes" in change.message


def test_it_waits_while_a_database_of_the_same_environment_is_rolled_back(portal: Portal) -> None:
    running = rollback_rows.rollback(factories.person("database admin", "Dana Okoro"), "running")

    change = portal.run(portal.ask(portal.api, portal.candidate(portal.api)))

    assert (change.status, change.lease_owner, portal.posts()) == ("queued", None, [])
    assert running.database.name in change.message
    running.move("unchanged", guard={}, ended_at=timezone.now())
    assert portal.finish(change).status == "succeeded"


@BOTH
def test_a_target_that_the_provider_has_deleted_is_refused_before_anything_is_changed(
    portal: Portal, name: str
) -> None:
    service = portal.service(name)
    portal.sandbox.faults.add(Fault(on=f"{name}.deploy*", do="missing"))

    change = portal.finish(portal.ask(service, portal.candidate(service)))

    assert (change.status, portal.posts()) == ("failed", []), change.message
    assert "pinning" not in change.status_times
    assert portal.service(name).auto_deploy == service.auto_deploy


@BOTH
def test_a_target_that_is_gone_is_known_to_be_gone_afterwards(portal: Portal, name: str) -> None:
    target = portal.candidate(portal.service(name))
    change = portal.ask(portal.service(name), target)
    portal.sandbox.faults.add(
        Fault(on=f"{name}.deploy*", do="leave_out", detail=target.provider_id, times=None)
    )
    one = {"render": "render.deploy", "vercel": "vercel.deployment"}[name]
    portal.sandbox.faults.add(Fault(on=one, do="missing", times=None))

    change = portal.finish(change)

    assert change.status == "failed"
    assert Deployment.objects.get(pk=target.pk).missing_since is not None


@BOTH
def test_the_error_page_of_a_gateway_refuses_no_rollback(portal: Portal, name: str) -> None:
    target = portal.candidate(portal.service(name))
    change = portal.ask(portal.service(name), target)
    one = {"render": "render.deploy", "vercel": "vercel.deployment"}[name]
    portal.sandbox.faults.add(Fault(one, "missing"), Fault(one, "not_json"))

    change = portal.finish(change)

    assert change.outcome == "succeeded", change.message
    assert Deployment.objects.get(pk=target.pk).missing_since is None


def test_where_automatic_deploys_cannot_be_switched_off_nothing_is_sent(portal: Portal) -> None:
    before = portal.api.auto_deploy
    portal.sandbox.faults.add(Fault(on="render.service.patch", do="forbidden"))

    change = portal.roll_back("render")

    assert (change.status, portal.posts()) == ("failed", []), change.message
    assert portal.world.service("shop-api").auto_deploy == before
    assert not Pin.objects.standing().exists()


def test_a_target_that_vercel_says_is_deleted_since_is_refused_before_anything_is_changed(
    portal: Portal,
) -> None:
    change = portal.ask(portal.web, portal.candidate(portal.web))
    assert change.to_deployment
    said = {"deleted": 1_767_312_060_000, "softDeletedByRetention": True}
    portal.world.provider_says(portal.web.name, said, change.to_deployment.provider_id)

    change = portal.finish(change)

    assert (change.status, portal.posts()) == ("failed", [])
    assert "cannot serve: deleted at Vercel by the project's retention policy" in change.message


def test_a_build_that_vercel_has_not_finished_is_refused_before_anything_is_changed(portal: Portal) -> None:
    change = portal.ask(portal.web, portal.candidate(portal.web))
    assert change.to_deployment
    said = {"readyState": "CANCELED", "status": "CANCELED", "state": "CANCELED"}
    portal.world.provider_says(portal.web.name, said, change.to_deployment.provider_id)

    change = portal.finish(change)

    assert (change.status, portal.posts()) == ("failed", []), change.message
    assert "Vercel says" in change.message


@pytest.mark.parametrize(("fails", "outcome"), [(False, "succeeded"), (True, SERVES_AND_FAILS)])
def test_a_target_that_somebody_else_has_put_there_is_judged_like_an_own_one(
    portal: Portal, fails: bool, outcome: str
) -> None:
    target = portal.candidate(portal.web)
    change = portal.ask(portal.web, target)
    portal.world.somebody_rolls_back(portal.web.name, target.provider_id)
    portal.wait_until_it_serves(portal.web.name, target)
    if fails:
        portal.sandbox.faults.add(Fault("public.page", "error", times=None, detail="503"))

    change = portal.finish(change)

    assert "somebody else has put" in change.message
    assert (change.status, change.outcome) == ("succeeded", outcome), change.message
    assert ("Users get errors" in change.message) == fails


def test_a_second_order_that_has_to_wait_is_not_sent_where_the_first_one_shows_up_meanwhile(
    portal: Portal,
) -> None:
    held = portal.claimed("render")
    service, target = portal.world.service("shop-api"), held.change.to_deployment
    assert target is not None
    portal.sandbox.faults.add(Fault("render.rollback", "drop_before"))
    while held.change.resends == 0:
        worker.step(held)
    portal.world.somebody_sets_auto_deploy("shop-api", "commit")
    portal.sandbox.faults.add(Fault("render.service.patch", "rate_limit", seconds=60))

    pause = worker.step(held)
    portal.world.render.roll_back(service, target.provider_id, actor="portal")
    worker.step(held)

    assert pause is not None
    assert pause >= 60
    assert (held.change.status, len(portal.posts())) == ("unclear", 1), held.change.message
    worker.step(held)
    assert held.change.status == "accepted", held.change.message


def waiting_to_switch_off(portal: Portal, fault: Fault) -> Change:
    """A rollback at Render whose worker could not switch automatic deploys off."""
    portal.sandbox.faults.add(fault)
    change = portal.run(portal.ask(portal.api, portal.candidate(portal.api)))
    assert change.status == "pinning", change.message
    Change.objects.filter(pk=change.pk).update(not_before=None)
    return change


@pytest.mark.parametrize(
    "fault",
    [
        Fault("render.service.patch", "error", detail="500", times=None),
        Fault("render.service.patch", "rate_limit", seconds=60),
        Fault("render.service", "rename", detail="autoDeployTrigger=trigger", times=None),
    ],
    ids=lambda fault: fault.do,
)
def test_a_change_that_could_not_switch_automatic_deploys_off_expires_like_one_in_the_queue(
    portal: Portal, fault: Fault
) -> None:
    before = portal.api.auto_deploy
    portal.sandbox.faults.add(Fault("render.service", "omit", detail="autoDeploy", times=None))
    change = waiting_to_switch_off(portal, fault)
    portal.sandbox.faults.clear()
    Operation.objects.filter(pk=change.operation_id).update(requested_at=timezone.now() - timedelta(hours=3))

    change = portal.finish(change)

    assert (change.status, portal.posts()) == ("failed", [])
    assert "more than 10 minutes" in change.message
    assert portal.world.service("shop-api").auto_deploy == before
    assert not Pin.objects.standing().exists()


def test_what_went_live_while_automatic_deploys_could_not_be_switched_off_is_not_overwritten(
    portal: Portal,
) -> None:
    change = waiting_to_switch_off(portal, Fault("render.service.patch", "rate_limit", seconds=60))
    portal.world.somebody_rolls_back("shop-api", portal.candidate(portal.api).provider_id)
    portal.wait_until_it_serves("shop-api", portal.candidate(portal.api))

    change = portal.finish(change)

    assert change.status == "failed", change.message
    assert "Changed meanwhile" in change.message
    assert [post["kind"] for post in portal.posts() if post["kind"] != "outside"] == []


def test_a_list_that_does_not_decide_about_the_order_does_not_keep_it_back(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("vercel.deployments", "forbidden", times=None))

    change = portal.roll_back("vercel")

    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.message


def test_a_list_that_is_refused_ends_the_change_at_once_with_the_reason(portal: Portal) -> None:
    change = portal.ask(portal.api, portal.candidate(portal.api))
    portal.sandbox.faults.add(Fault("render.deploys", "forbidden", times=None))

    change = portal.run(change)

    assert (change.status, portal.posts()) == ("failed", [])
    assert "does not accept our key for this" in change.message


def test_a_change_that_expires_says_what_kept_it_waiting(portal: Portal) -> None:
    change = portal.ask(portal.web, portal.candidate(portal.web))
    portal.sandbox.faults.add(Fault("vercel.project", "error", detail="503", times=None))
    portal.run(change)
    Operation.objects.filter(pk=change.operation_id).update(
        requested_at=timezone.now() - timedelta(minutes=11)
    )
    Change.objects.filter(pk=change.pk).update(not_before=None)

    change = portal.run(change)

    assert change.status == "failed"
    assert "more than 10 minutes" in change.message
    assert "503" in change.message


def test_a_rollback_that_somebodys_promotion_has_made_needless_says_that_nothing_is_pinned(
    portal: Portal,
) -> None:
    target = portal.candidate(portal.web)
    change = portal.ask(portal.web, target)
    portal.world.vercel.promote(portal.world.service("shop-web"), target.provider_id, actor="chioma")
    portal.wait_until_it_serves("shop-web", target)

    change = portal.finish(change)

    assert (change.status, portal.web.standing_pin) == ("succeeded", None), change.message
    for told in (change.message, AuditEntry.objects.get(action="rollback done").message):
        assert "The portal set no pin, and automatic deploys are “on”" in told


def test_the_older_yes_no_field_does_not_replace_a_finer_setting_that_is_known(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("render.service*", "omit", times=None, detail="autoDeployTrigger"))

    change = portal.roll_back("render")
    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE))

    assert (change.status, left.status) == ("succeeded", "succeeded"), (change.message, left.message)
    assert change.auto_deploy_before == "checksPass"
    assert portal.world.service("shop-api").auto_deploy == "checksPass"
