"""The dashboard: what is live, the current state, and the timeline with a button or a reason in each row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from deployments.models import Service
from deployments.providers.base import DeploymentStatus
from tests import factories
from tests.deployments.views.dashboard.conftest import row
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_the_live_deployment_is_named_by_its_subject_with_commit_author_age_and_pull_request(
    responder: Client, synced_api: Service
) -> None:
    factories.live(synced_api, "Faster checkout totals", pull_request="812", author="Bo Lind")
    page = text(responder.get("/"))
    assert "API Render · shop-api" in page
    assert f"LIVE {factories.sha('Faster checkout totals')[:7]}" in page
    assert "13 min · Bo Lind · #812" in page


def test_the_pull_request_links_to_the_host_of_the_repository(responder: Client, synced_api: Service) -> None:
    factories.live(synced_api, pull_request="812")
    assert 'href="https://github.com/example/shop/pull/812"' in responder.get("/").content.decode()


def test_an_author_that_render_does_not_name_comes_from_the_other_side(
    responder: Client, synced_api: Service, synced_web: Service
) -> None:
    message = "Faster checkout totals (#812)\n\nLonger text."
    factories.live(synced_api, author="", pull_request="", commit_message=message)
    factories.live(synced_web, author="Bo Lind")
    page = responder.get("/")
    assert text(page).count("Bo Lind · #812") == 2
    assert synced_api.deployments.get().author == ""
    assert responder.get("/", {"author": "bo"}).content.decode().count('class="deploy"') == 2


def test_a_candidate_has_its_button_and_the_live_one_the_reason(
    responder: Client, synced_api: Service
) -> None:
    factories.live(synced_api, "Faster checkout totals")
    older = factories.deployment(synced_api, "Fix price rounding")
    page = responder.get("/")
    assert f"/services/shop-api/deployments/{older.provider_id}/roll-back/" in row(page, "Fix price rounding")
    assert "Roll back to this" in row(page, "Fix price rounding")
    assert "live now" in row(page, "Faster checkout totals")
    assert "roll-back" not in row(page, "Faster checkout totals")


def test_a_viewer_sees_everything_and_the_role_that_a_button_needs(
    client_as: Callable[..., Client], synced_api: Service
) -> None:
    factories.live(synced_api)
    factories.deployment(synced_api, "Fix price rounding")
    factories.pin(synced_api)
    page = client_as("viewer").get("/")
    assert "needs the role responder" in row(page, "Fix price rounding")
    assert "roll-back" not in page.content.decode()
    assert "Leaving the rollback needs the role responder" in text(page)


@pytest.mark.parametrize(
    ("fields", "word", "reason"),
    [
        ({"status": "failed", "raw_status": "build_failed"}, "BUILD FAILED", "failed, never served"),
        ({"status": "canceled", "raw_status": "canceled"}, "CANCELED", "canceled, never served"),
        ({"status": "building", "raw_status": "build_in_progress"}, "BUILDING", "not built yet"),
        ({"status": "queued", "raw_status": "queued"}, "QUEUED", "not built yet"),
        ({"status": "unknown", "raw_status": "odd"}, "STATUS UNKNOWN", "not known to the portal"),
        ({"missing_since": factories.ago(hours=1)}, "NO LONGER LISTED", "Render no longer lists it"),
        ({"outside": True, "trigger": "rollback", "started_by": "Chen Wu"}, "OUTSIDE PORTAL", ""),
    ],
)
def test_labels_are_words_and_every_missing_button_has_its_reason(
    responder: Client, synced_api: Service, fields: dict[str, Any], word: str, reason: str
) -> None:
    factories.live(synced_api)
    factories.deployment(synced_api, "Fix login rate limit", **fields)
    shown = row(responder.get("/"), "Fix login rate limit")
    assert word in shown
    assert reason in shown
    assert ("Roll back to this" in shown) is (reason == "")


def test_a_staged_deployment_is_promoted_and_not_rolled_back_to(
    responder: Client, synced_web: Service
) -> None:
    factories.live(synced_web)
    staged = factories.deployment(
        synced_web, "Hide the broken button", staged=True, served=False, live_seconds=0
    )
    shown = row(responder.get("/"), "Hide the broken button")
    assert "STAGED" in shown
    assert f"{staged.provider_id}/promote/" in shown
    assert "Promote to production" in shown


def test_a_rollback_says_of_what_and_by_whom(responder: Client, synced_api: Service) -> None:
    old = factories.deployment(synced_api, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(synced_api, "Fix price rounding", restores=old, trigger="rollback", started_by="Ana Ruiz")
    shown = text(responder.get("/"))
    assert f"ROLLBACK of {old.short_sha} by Ana Ruiz" in shown


def test_what_was_rolled_back_from_says_so_and_is_no_candidate(
    responder: Client, synced_web: Service
) -> None:
    good = factories.live(synced_web, "Fix price rounding", created_at=factories.ago(days=2))
    bad = factories.deployment(synced_web, "Faster checkout totals", created_at=factories.ago(minutes=9))
    factories.pin(synced_web, good, rolled_back_from=bad, pinned_by="Bo Lind")
    page = responder.get("/")
    assert "ROLLED BACK FROM" in row(page, "Faster checkout totals")
    assert "leave the rollback to bring it back" in row(page, "Faster checkout totals")
    assert f"rolled back from {bad.short_sha}" in text(page)


def test_live_is_what_serves_and_not_the_newest_row(responder: Client, synced_api: Service) -> None:
    factories.deployment(synced_api, "Newer but not live", created_at=factories.ago(minutes=1))
    factories.live(synced_api, "Older and live", created_at=factories.ago(days=3))
    page = responder.get("/")
    assert ">LIVE" not in row(page, "Newer but not live")
    assert ">LIVE" in row(page, "Older and live")


def test_what_served_before_is_called_previous(responder: Client, synced_api: Service) -> None:
    factories.live(synced_api)
    factories.deployment(synced_api, "Served longer ago", created_at=factories.ago(days=3))
    factories.deployment(synced_api, "Served just before", created_at=factories.ago(hours=3))
    page = responder.get("/")
    assert "PREVIOUS" in row(page, "Served just before")
    assert "PREVIOUS" not in row(page, "Served longer ago")


def test_what_served_before_an_older_build_that_was_promoted_is_previous_all_the_same(
    responder: Client, synced_api: Service
) -> None:
    factories.live(synced_api, "Built long ago, promoted now", created_at=factories.ago(days=2))
    factories.deployment(synced_api, "Served just before", created_at=factories.ago(hours=3))
    assert "PREVIOUS" in row(responder.get("/"), "Served just before")


def test_under_a_pin_what_was_rolled_back_from_is_not_called_previous(
    responder: Client, synced_api: Service
) -> None:
    live = factories.live(synced_api, "Rolled back to", created_at=factories.ago(days=2))
    bad = factories.deployment(synced_api, "Rolled back from", created_at=factories.ago(hours=3))
    factories.deployment(synced_api, "Served before both", created_at=factories.ago(days=4))
    factories.pin(synced_api, deployment=live, rolled_back_from=bad)
    page = responder.get("/")
    assert "PREVIOUS" not in row(page, "Rolled back from")
    assert "PREVIOUS" in row(page, "Served before both")


def test_how_long_a_deployment_was_live_is_in_its_row(responder: Client, synced_api: Service) -> None:
    factories.live(synced_api, live_since=factories.ago(minutes=3), live_seconds=3 * 86_400 + 4 * 3_600)
    factories.deployment(synced_api, "Fix price rounding", live_seconds=22 * 3_600)
    page = text(responder.get("/"))
    assert "live 3 min, before 3 d 4 h" in page
    assert "was live 22 h" in page


def test_an_empty_cell_says_that_the_other_side_never_built_the_commit(
    responder: Client, synced_api: Service, synced_web: Service
) -> None:
    factories.deployment(synced_api, "Fix login rate limit")
    factories.live(synced_web)
    assert "no web deployment of this commit" in text(responder.get("/"))


def test_an_empty_cell_says_when_the_other_side_built_the_commit(
    responder: Client, synced_api: Service, synced_web: Service
) -> None:
    factories.deployment(synced_api, "Fix login rate limit", created_at=factories.ago(days=1))
    factories.deployment(synced_web, "Fix login rate limit", created_at=factories.ago(days=3))
    page = text(responder.get("/"))
    assert "web built this commit" in page
    assert "no web deployment" not in page


def test_markup_in_a_commit_message_is_only_text(responder: Client, synced_api: Service) -> None:
    factories.live(synced_api, "New tax table <script>alert(1)</script> \u202eevil\u202c")
    html = responder.get("/").content.decode()
    assert "<script>alert" not in html
    assert "New tax table &lt;script&gt;alert(1)&lt;/script&gt; evil" in html
    assert "\u202e" not in html


def test_no_page_carries_inline_script_or_style(responder: Client, synced_api: Service) -> None:
    factories.live(synced_api)
    factories.pin(synced_api)
    html = responder.get("/").content.decode()
    assert " style=" not in html
    assert "<style" not in html
    assert " on" + "click=" not in html
    assert all(" src=" in tag for tag in html.split("<script")[1:])


def test_an_address_that_is_not_https_is_never_a_link(responder: Client, synced_api: Service) -> None:
    synced_api.dashboard_url = "javascript:alert(1)"
    synced_api.pinned = True
    synced_api.save()
    assert "javascript:" not in responder.get("/").content.decode()


def test_times_are_absolute_and_relative(responder: Client, synced_api: Service) -> None:
    found = factories.deployment(synced_api, created_at=factories.ago(days=2))
    page = responder.get("/")
    assert f'<time datetime="{found.created_at.isoformat()}"' in page.content.decode()
    assert "2 d ago" in text(page)


def test_rows_stand_under_the_day_they_happened(responder: Client, synced_api: Service) -> None:
    at = factories.ago(days=40)
    factories.deployment(synced_api, created_at=at)
    assert f"{at.strftime('%A')} {at.day} {at.strftime('%B')}" in text(responder.get("/"))


def test_every_page_says_which_provider_the_sandbox_plays(responder: Client) -> None:
    assert "SANDBOX Render and Vercel are simulated" in text(responder.get("/"))


def test_nobody_sees_it_without_signing_in() -> None:
    assert Client().get("/").headers["Location"].startswith("/accounts/login/")


def test_a_build_that_runs_while_the_page_is_open_is_not_a_candidate(
    responder: Client, synced_api: Service
) -> None:
    factories.live(synced_api)
    factories.deployment(
        synced_api,
        "Hide the broken button",
        status=DeploymentStatus.RELEASING,
        created_at=factories.ago() - timedelta(seconds=5),
    )
    assert "RELEASING" in row(responder.get("/"), "Hide the broken button")
