"""Leaving a rollback: the options, and what each one restores."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Change, Deployment, Operation, Service
from tests import factories
from tests.deployments.views.confirm.dialog import older, token_in
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def pinned(deployed_api: Service) -> Service:
    """The API rolled back to the oldest deployment, away from the newest."""
    left, now_live = deployed_api.live, older(deployed_api)
    assert left is not None
    Deployment.objects.filter(pk=left.pk).update(live_since=None, live_until=timezone.now(), status="retired")
    Deployment.objects.filter(pk=now_live.pk).update(live_since=factories.ago(minutes=3), status="live")
    deployed_api.live, deployed_api.auto_deploy, deployed_api.pinned = now_live, "off", True
    deployed_api.save()
    factories.pin(deployed_api, now_live, rolled_back_from=left)
    return deployed_api


def test_leaving_offers_to_keep_what_is_live_or_to_return_to_what_was_left(
    responder: Client, pinned: Service
) -> None:
    read = text(responder.get(f"/services/{pinned.slug}/leave/"))
    assert "Leave the rollback of API?" in read
    assert "Keep what is live; only automatic deploys come back" in read
    assert "Back to what was rolled back from" in read
    assert "Traffic does not move" in read
    assert "Automatic deploys go back to “on every commit”" in read


def test_leaving_to_a_deployment_says_which_commits_return(responder: Client, pinned: Service) -> None:
    left = older(pinned, "Faster checkout totals")
    response = responder.get(f"/services/{pinned.slug}/leave/?to={left.provider_id}")
    read = text(response)
    assert "2 commits return" in read
    assert "Faster checkout totals" in read
    form = {"token": token_in(response), "reason": "", "words": "", "incident": ""}
    sent = responder.post(f"/services/{pinned.slug}/leave/?to={left.provider_id}", form)
    assert sent.status_code == 303
    assert Change.objects.get().to_deployment == left


def test_leaving_without_moving_traffic_needs_no_reason(responder: Client, pinned: Service) -> None:
    where = f"/services/{pinned.slug}/leave/"
    response = responder.post(where, {"token": token_in(responder.get(where))})
    assert response.status_code == 303
    operation = Operation.objects.get()
    assert (operation.kind, operation.reason, operation.change.to_deployment) == ("leave", "", None)


def test_leaving_can_keep_automatic_deploys_off(responder: Client, pinned: Service) -> None:
    where = f"/services/{pinned.slug}/leave/?auto_deploy=off"
    page = responder.get(where)
    assert "Automatic deploys stay off" in text(page)
    other = responder.post(f"/services/{pinned.slug}/leave/", {"token": token_in(page)})
    assert other.status_code == 409
    response = responder.post(where, {"token": token_in(page)})
    assert response.status_code == 303
    assert Operation.objects.get().plan["keep_auto_deploy_off"] is True


def test_a_way_that_cannot_be_taken_says_why(responder: Client, pinned: Service) -> None:
    left = older(pinned, "Faster checkout totals")
    Deployment.objects.filter(pk=left.pk).update(missing_since=timezone.now())
    page = responder.get(f"/services/{pinned.slug}/leave/")
    assert "Render no longer lists it" in text(page)
    assert f"?to={left.provider_id}" not in page.content.decode()


def test_newer_staged_deployments_are_options_when_leaving(responder: Client) -> None:
    web = factories.service("web", display_name="Web")
    left = factories.deployment(web, "Broken header", created_at=factories.ago(hours=1))
    factories.live(web, "Good header", created_at=factories.ago(days=1))
    factories.pin(web, rolled_back_from=left)
    newer = factories.deployment(
        web, "Mended header", staged=True, served=False, created_at=factories.ago(minutes=2)
    )
    factories.deployment(web, "Ancient draft", staged=True, served=False, created_at=factories.ago(days=9))
    page = responder.get(f"/services/{web.slug}/leave/").content.decode()
    assert f"?to={newer.provider_id}" in page
    assert "Ancient draft" not in page


def test_there_is_no_rollback_to_leave_where_nothing_is_pinned(
    responder: Client, deployed_api: Service
) -> None:
    where = f"/services/{deployed_api.slug}/leave/"
    page = responder.get(where)
    assert "API is not pinned: there is no rollback to leave." in text(page)
    response = responder.post(where, {"token": token_in(page)})
    assert response.status_code == 409
    assert not Operation.objects.exists()
