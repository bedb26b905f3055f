"""Reports of a "live" that users did not get: a domain moved by hand, errors behind a good health check."""

from __future__ import annotations

import pytest

from deployments import tasks
from deployments.models.operation import SERVES_AND_FAILS
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.management.command_line import WHY, command
from tests.deployments.reports.responder import Responder

GOOD = 'data-tone="good"'
WWW = "www.shop.example.com"


def reading() -> None:
    """Both kinds of tasks that look, as the dispatcher sends them."""
    tasks.read_render()
    tasks.read_vercel()
    tasks.check_versions()


# --- One domain was moved by hand ---


def test_one_domain_that_was_moved_by_hand_is_named_on_the_card_and_nothing_there_is_green(
    portal: Portal, ana_at_work: Responder
) -> None:
    reading()
    assert GOOD in ana_at_work.card(portal.web, markup=True)
    target = ana_at_work.suggestion(portal.web)

    portal.world.somebody_moves_domain("shop-web", WWW, target.provider_id, actor="chioma")
    reading()

    card = ana_at_work.card(portal.web)
    assert f"but {WWW} points to {target.provider_id}." in card
    assert "10 of 15" in card
    assert f"5 by {target.commit_sha[:12]}" in card
    assert GOOD not in ana_at_work.card(portal.web, markup=True)
    audit = ana_at_work.reads("/audit/")
    assert f"{WWW} of Web moved to {target}, by chioma" in audit
    assert "outside the portal" in audit


def test_a_rollback_takes_the_domain_along_that_was_moved_by_hand(
    portal: Portal, ana_at_work: Responder
) -> None:
    target = ana_at_work.suggestion(portal.web)
    further = portal.web.deployments.filter(can_roll_back=True, created_at__lt=target.created_at)[0]
    portal.world.somebody_moves_domain("shop-web", WWW, further.provider_id)
    reading()

    change = ana_at_work.carries_out(target)
    reading()

    assert change.outcome == "succeeded", change.message
    assert set(portal.world.service("shop-web").aliases.values()) == {target.provider_id}
    assert "IN DOUBT" not in ana_at_work.card(portal.web)
    assert len(portal.posts()) == 1


def test_a_domain_that_does_not_follow_its_rollback_is_named_and_it_is_no_success(
    portal: Portal, ana_at_work: Responder
) -> None:
    portal.sandbox.faults.add(Fault("vercel.rollback", "fail_aliases", detail=WWW))

    change = ana_at_work.carries_out(ana_at_work.suggestion(portal.web))

    assert change.status == "failed"
    assert f"Failed domains {WWW}" in ana_at_work.reads_of(change)
    assert "IN DOUBT" in ana_at_work.card(portal.web)


# --- The health check is good, and users get an error page ---


@BOTH
def test_a_target_whose_health_check_is_good_and_whose_pages_are_errors_is_no_success(
    portal: Portal, ana_at_work: Responder, name: str
) -> None:
    portal.settings.SERVE_SECONDS = 1
    target = ana_at_work.suggestion(portal.service(name))
    portal.world.deployments[target.provider_id].error_rate = 1.0

    change = ana_at_work.carries_out(target)

    assert change.outcome == SERVES_AND_FAILS, change.message
    page = ana_at_work.reads_of(change)
    assert "SERVES, AND FAILS" in page
    assert "requests" in page
    assert "failed (500)" in page
    assert "Roll back further" in page


@BOTH
def test_the_command_ends_with_3_where_users_get_an_error_page(portal: Portal, name: str) -> None:
    portal.settings.SERVE_SECONDS = 1
    service = portal.service(name)
    portal.world.deployments[portal.candidate(service).provider_id].error_rate = 1.0

    code, output = command("rollback", service.name, "--to", "previous", *WHY)

    assert (code, output["outcome"]) == (3, SERVES_AND_FAILS)
    assert "Users get errors" in output["message"]


@pytest.mark.parametrize("answer", [("not_json", ""), ("error", "401"), ("error", "404")])
def test_a_page_that_names_no_version_is_not_taken_for_the_target(
    portal: Portal, ana_at_work: Responder, answer: tuple[str, str]
) -> None:
    """A bot check, a sign-in page and a proxy's page are no proof, whatever their status."""
    do, detail = answer
    portal.sandbox.faults.add(Fault("public.page", do, times=None, detail=detail))

    change = ana_at_work.carries_out(ana_at_work.suggestion(portal.web))
    reading()

    assert "DONE, NOT CHECKED" in ana_at_work.reads_of(change)
    assert GOOD not in ana_at_work.card(portal.web, markup=True)
