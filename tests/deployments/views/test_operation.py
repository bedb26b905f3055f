"""The page of a running operation: its steps, its polling, and its cancel button."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Change, Deployment, Operation
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.views.operation_page import look, poll, started
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_the_page_says_what_runs_who_asked_and_why(responder: Client, target: Deployment) -> None:
    change = started(
        target, "accepted", "queued", "pinning", "sending", "accepted", provider_answered_at=timezone.now()
    )
    read = text(look(responder, change))
    assert f"Rolling API back to {target.short_sha} “Fix price rounding”" in read
    assert "requested by Ana Ruiz (responder)" in read
    assert "Error rate up: 500s on checkout" in read
    assert "INC-412" in read
    assert read.count("done, from") == 2
    assert "running, from" in read
    assert "waiting usually 3 s" in read


def test_it_asks_its_own_address_until_it_has_ended(responder: Client, target: Deployment) -> None:
    change = started(target, "pinning", "queued", "pinning")
    where = change.operation.get_absolute_url()
    for response in (look(responder, change), poll(responder, change)):
        page = response.content.decode()
        assert f'hx-get="{where}"' in page
        assert "every 300ms" in page
    long_ago = timezone.now() - timedelta(minutes=1)
    Operation.objects.update(requested_at=long_ago)
    assert "every 1s" in poll(responder, change).content.decode()
    Change.objects.update(status="failed", ended_at=timezone.now(), message="It failed.")
    for response in (look(responder, change), poll(responder, change)):
        assert "hx-trigger" not in response.content.decode().split('id="steps"')[1].split('id="logs"')[0]


def test_without_javascript_the_page_loads_itself_again_until_it_has_ended(
    responder: Client, target: Deployment
) -> None:
    change = started(target, "pinning", "queued", "pinning")
    refresh = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert refresh in look(responder, change).content.decode()
    Change.objects.update(status="failed", ended_at=timezone.now())
    assert refresh not in look(responder, change).content.decode()


def test_what_is_read_or_pressed_is_sent_again_only_when_it_changed(
    responder: Client, target: Deployment
) -> None:
    change = started(target, "accepted", "queued", "pinning", "sending", "accepted")
    first = poll(responder, change).content.decode()
    seen = re.search(r'"X-Seen": "([0-9a-f]+)"', first)
    assert seen is not None
    assert 'id="cancel"' in first
    assert "<title>" in first
    second = poll(responder, change, seen[1]).content.decode()
    assert 'id="steps"' in second
    assert 'id="cancel"' not in second
    assert "<title>" not in second
    Change.objects.update(status="serving")
    assert 'id="cancel"' in poll(responder, change, seen[1]).content.decode()


def test_the_tab_carries_the_state_in_its_icon_and_title(responder: Client, target: Deployment) -> None:
    change = started(target, "accepted", "queued", "accepted")
    page = look(responder, change).content.decode()
    assert re.search(r'<link id="icon"[^>]*icons/busy[^>]*svg', page)
    assert "<title>Running: Rolling API back" in page
    Change.objects.update(status="serving")
    Change.objects.update(status="succeeded", ended_at=timezone.now())
    fragment = poll(responder, change).content.decode()
    assert re.search(r'data-icon="[^"]*icons/done[^"]*svg"', fragment)
    assert "<title>Done: API was rolled back" in fragment


def test_a_provider_without_news_is_named_with_how_long_it_has_given_none(
    responder: Client, target: Deployment
) -> None:
    change = started(target, "accepted", "queued", "accepted", provider_answered_at=factories.ago(seconds=40))
    assert re.search(r"No news from Render for 4\d s: still waiting\.", text(poll(responder, change)))
    Change.objects.update(
        provider_answered_at=timezone.now(), not_before=timezone.now() + timedelta(seconds=20)
    )
    assert "No news" not in text(poll(responder, change))
    Change.objects.update(provider_answered_at=factories.ago(seconds=40))
    assert re.search(r"still waiting, next check in (19|20) s", text(poll(responder, change)))


def test_an_operation_that_no_worker_takes_up_says_so(responder: Client, target: Deployment) -> None:
    change = started(target, "queued", "queued")
    change.operation.requested_at = factories.ago(seconds=90)
    change.operation.save()
    assert "No worker has picked it up for 1 min." in text(look(responder, change))


def test_a_lost_answer_is_shown_with_its_evidence_and_no_second_sending(
    responder: Client, target: Deployment
) -> None:
    change = started(
        target, "unclear", "queued", "sending", "unclear",
        message="Render did not answer.", evidence={"lost answer": "timed out after 15 s"},
    )  # fmt: skip
    read = text(look(responder, change))
    assert "ANSWER LOST" in read
    assert "answer lost, reading back" in read
    assert "Lost answer timed out after 15 s" in read
    assert "Nothing is sent twice." in read


def test_what_the_provider_says_is_folded_away_word_for_word(responder: Client, target: Deployment) -> None:
    change = started(
        target, "accepted", "accepted",
        provider_status="update_in_progress", provider_ref="dep-1", provider_request_id="req-9",
    )  # fmt: skip
    page = look(responder, change).content.decode()
    folded = page[page.index("<details") : page.index("</details>")]
    for word in ("update_in_progress", "dep-1", "req-9"):
        assert word in folded


# --- Who may cancel ---


def test_viewers_may_look_but_their_cancel_is_refused_and_recorded(
    client_as: Callable[..., Client], target: Deployment
) -> None:
    change = started(target, "queued", "queued")
    vera = client_as("viewer")
    assert "Cancelling needs the role responder or database admin." in text(look(vera, change))
    assert vera.post(f"/operations/{change.operation_id}/cancel/").status_code == 403
    assert Change.objects.get().cancel_requested_at is None
    assert AuditEntry.objects.get().outcome == "refused"


def test_cancel_says_what_it_can_still_stop_and_is_asked_for_once(
    responder: Client, target: Deployment
) -> None:
    change = started(target, "queued", "queued")
    assert "Nothing has been sent to the provider yet, so cancel stops it completely." in text(
        look(responder, change)
    )
    response = responder.post(f"/operations/{change.operation_id}/cancel/")
    assert (response.status_code, response.headers["Location"]) == (
        303,
        f"/operations/{change.operation_id}/",
    )
    assert "Cancel requested." in text(look(responder, change))
    responder.post(f"/operations/{change.operation_id}/cancel/")
    assert "Ana Ruiz has already asked to cancel." in text(look(responder, change))


def test_where_cancel_can_stop_nothing_the_page_says_so(responder: Client, target: Deployment) -> None:
    change = started(target, "serving", "queued", "accepted", "serving")
    page = look(responder, change)
    assert "It is too late to cancel" in text(page)
    assert "/cancel/" not in page.content.decode()


def test_cancel_is_a_form_and_never_a_link(responder: Client, target: Deployment) -> None:
    change = started(target, "queued", "queued")
    assert responder.get(f"/operations/{change.operation_id}/cancel/").status_code == 405
    assert Change.objects.get().cancel_requested_at is None
