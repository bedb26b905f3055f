"""Reports of rollbacks that went to the wrong place, or away from the right one."""

from __future__ import annotations

import pytest

from deployments.models import Change, Deployment, OperationKind, Service
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.management.command_line import WHY, command
from tests.deployments.reports.responder import Responder
from tests.deployments.views.confirm.dialog import address, fill
from tests.support.page_text import text


def serves(portal: Portal, service: Service) -> str:
    """The build that answers: at Render a rollback is a deployment of its own."""
    row = portal.world.serving(service.name)
    return str(row.rollback_target or row.id)


def live(portal: Portal, name: str) -> Deployment:
    found = portal.service(name).live
    assert found is not None
    found.service = portal.service(name)
    return found


# --- A redeploy of one commit for a variable ---


@BOTH
def test_the_build_before_a_changed_variable_is_offered_with_what_differs(
    portal: Portal, ana_at_work: Responder, name: str
) -> None:
    before = live(portal, name)
    portal.stop_errors(name)
    portal.redeploy(name)

    target = ana_at_work.suggestion(before.service)
    dialog = ana_at_work.opens(target)
    change = ana_at_work.carries_out(target)

    assert target == before
    assert f"SAME COMMIT The same commit is live, so the code stays {before.short_sha}." in dialog
    assert "environment variables" in dialog
    assert change.status == "succeeded", change.message
    assert serves(portal, before.service) == before.provider_id
    assert len(portal.posts()) == 1


@BOTH
def test_the_outside_cannot_tell_two_builds_of_one_commit_apart_and_the_page_says_so(
    portal: Portal, ana_at_work: Responder, name: str
) -> None:
    before = live(portal, name)
    portal.stop_errors(name)
    portal.redeploy(name)

    page = ana_at_work.reads_of(ana_at_work.carries_out(before))

    provider = before.service.get_provider_display()
    assert "DONE, NOT CHECKED" in page
    assert f"Both builds are of {before.short_sha}: that this one serves is {provider}'s word alone." in page


# --- A third rollback to an odd target ---


@BOTH
def test_three_rollbacks_in_a_row_go_back_in_time_and_never_to_what_was_left(
    portal: Portal, ana_at_work: Responder, name: str
) -> None:
    setting, left = portal.service(name).auto_deploy, [live(portal, name)]
    for _ in range(3):
        target = ana_at_work.suggestion(portal.service(name))
        change = ana_at_work.carries_out(target, again="on")
        assert change.outcome == "succeeded", change.message
        assert serves(portal, target.service) == target.provider_id
        left.append(target)

    assert [one.created_at for one in left] == sorted((one.created_at for one in left), reverse=True)
    assert len({one.commit_sha for one in left}) == 4
    assert "ROLLED BACK FROM" in ana_at_work.opens(left[1])
    ended = portal.finish(portal.ask(portal.service(name), None, OperationKind.LEAVE))
    assert (ended.status, portal.service(name).auto_deploy) == ("succeeded", setting)


def test_a_third_rollback_to_what_the_second_one_left_names_what_is_known_of_it(
    portal: Portal, ana_at_work: Responder
) -> None:
    """At Render that is two rows, the build and the deployment that restored it; both mean one build."""
    build = ana_at_work.suggestion(portal.api)
    ana_at_work.carries_out(build)
    restored = live(portal, "render")
    ana_at_work.carries_out(ana_at_work.suggestion(portal.api), again="on")

    refused = ana_at_work.opens(restored)
    dialog = ana_at_work.opens(build)
    change = ana_at_work.carries_out(build)

    assert "NOT POSSIBLE Rolled back from; leave the rollback to bring it back." in refused
    assert "ROLLED BACK FROM It was rolled back from at" in dialog
    assert change.outcome == "succeeded", change.message
    assert serves(portal, portal.api) == build.provider_id
    assert ana_at_work.suggestion(portal.api).created_at < build.created_at
    assert len(portal.posts()) == 3


# --- A second rollback, one step too far ---


@BOTH
def test_a_second_person_is_shown_the_first_rollback_and_goes_no_step_too_far(
    portal: Portal, ana_at_work: Responder, bo_at_work: Responder, name: str
) -> None:
    target = bo_at_work.suggestion(portal.service(name))
    bo_at_work.carries_out(target, words="500s at checkout", incident="INC-7")
    further = ana_at_work.suggestion(portal.service(name))

    dialog, refused = ana_at_work.opens(further), ana_at_work.sends(further)
    code, output = command("rollback", target.service.name, "--to", "previous", *WHY)

    assert f"Bo Lind rolled {target.service.short} back from" in dialog
    assert "(INC-7): Error rate up: 500s at checkout" in dialog
    assert f"This goes one step further back, to {further}." in dialog
    assert (refused.status_code, code) == (409, 2)
    assert "Nothing was started" in text(refused)
    assert "Bo Lind rolled" in output["message"]
    assert serves(portal, target.service) == target.provider_id
    assert len(portal.posts()) == 1


@BOTH
def test_a_dialog_that_was_open_before_the_first_rollback_starts_no_second_one(
    portal: Portal, ana_at_work: Responder, bo_at_work: Responder, name: str
) -> None:
    target = ana_at_work.suggestion(portal.service(name))
    where = address(target.service, target)
    filled_in = fill(ana_at_work.client, where)
    bo_at_work.carries_out(target)

    refused = ana_at_work.client.post(where, filled_in)

    assert refused.status_code == 409
    assert "since you opened this" in text(refused)
    assert Change.objects.count() == len(portal.posts()) == 1


# --- A rollback to a failed release ---


@BOTH
def test_a_release_that_failed_has_its_reason_and_no_way_starts_a_rollback_to_it(
    portal: Portal, ana_at_work: Responder, name: str
) -> None:
    service = portal.service(name)
    failed = service.deployments.filter(status="failed", production=True).latest("created_at")
    failed.service = service

    dialog, refused = ana_at_work.opens(failed), ana_at_work.sends(failed)
    code, output = command("rollback", service.name, "--to", failed.provider_id, *WHY)

    assert "NOT POSSIBLE Failed, never served." in dialog
    assert refused.status_code == 409
    assert (code, "failed, never served" in output["message"]) == (2, True)
    assert ana_at_work.suggestion(service) != failed
    assert (Change.objects.count(), portal.posts()) == (0, [])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("render", "Unhealthy: GET /healthz did not answer 200 within 5 s."),
        ("vercel", "Vercel calls the move of the domains failed"),
    ],
)
def test_a_target_that_fails_when_it_is_released_leaves_everything_as_it_was(
    portal: Portal, ana_at_work: Responder, name: str, why: str
) -> None:
    service, before = portal.service(name), live(portal, name)
    portal.sandbox.faults.add(Fault(f"{name}.rollback", "fail"))

    change = ana_at_work.carries_out(ana_at_work.suggestion(service))

    page = ana_at_work.reads_of(change)
    assert "FAILED" in page
    assert why in page
    assert f"In front of users: {before}." in page
    assert serves(portal, service) == before.provider_id
    assert portal.service(name).auto_deploy == service.auto_deploy
    assert portal.service(name).standing_pin is None
