"""One operation at its own address: true while it runs, and for ever after."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import ACTIVE, Change, Deployment, Kind, Operation, Service
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(factories.person("responder", "Ana Ruiz"))
    return client


@pytest.fixture
def target() -> Deployment:
    api = factories.service("api", display_name="API")
    factories.live(api)
    factories.at_work()
    return factories.deployment(api)


def started(target: Deployment, status: str, *reached: str, **fields: Any) -> Change:
    """A change of the API that reached these statuses one second apart, a minute ago."""
    status_times = {name: factories.ago(seconds=60 - at).isoformat() for at, name in enumerate(reached)}
    service = Service.objects.select_related("live").get(pk=target.service_id)
    return factories.change(service, target, status=status, status_times=status_times, **fields)


def ended(target: Deployment, status: str, *reached: str, message: str, **fields: Any) -> Change:
    return started(target, status, *reached, status, message=message, ended_at=timezone.now(), **fields)


def look(browser: Client, change: Change) -> Any:
    return browser.get(change.operation.get_absolute_url())


def poll(browser: Client, change: Change, seen: str = "") -> Any:
    return browser.get(change.operation.get_absolute_url(), {"seen": seen}, headers=HTMX)


# --- While it runs -----------------------------------------------------------------------------------------


def test_the_page_says_what_runs_who_asked_and_why(browser: Client, target: Deployment) -> None:
    change = started(
        target, "accepted", "queued", "pinning", "sending", "accepted", provider_answered_at=timezone.now()
    )
    read = text(look(browser, change))
    assert f"Rolling API back to {target.short_sha} “Fix price rounding”" in read
    assert "asked for by Ana Ruiz (responder)" in read
    assert "Error rate up: 500s on checkout" in read
    assert "INC-412" in read
    assert read.count("done, from") == 2
    assert "running, from" in read
    assert "waiting usually 3 s" in read


def test_it_asks_its_own_address_until_it_has_ended(browser: Client, target: Deployment) -> None:
    change = started(target, "pinning", "queued", "pinning")
    where = change.operation.get_absolute_url()
    for response in (look(browser, change), poll(browser, change)):
        page = response.content.decode()
        assert f'hx-get="{where}?seen=' in page
        assert "every 300ms" in page
    long_ago = timezone.now() - timedelta(minutes=1)
    Operation.objects.update(requested_at=long_ago)
    assert "every 1s" in poll(browser, change).content.decode()
    Change.objects.update(status="failed", ended_at=timezone.now(), message="It failed.")
    for response in (look(browser, change), poll(browser, change)):
        assert "hx-trigger" not in response.content.decode().split('id="steps"')[1]


def test_without_javascript_the_page_loads_itself_again_until_it_has_ended(
    browser: Client, target: Deployment
) -> None:
    change = started(target, "pinning", "queued", "pinning")
    refresh = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert refresh in look(browser, change).content.decode()
    Change.objects.update(status="failed", ended_at=timezone.now())
    assert refresh not in look(browser, change).content.decode()


def test_what_is_read_or_pressed_is_sent_again_only_when_it_changed(
    browser: Client, target: Deployment
) -> None:
    change = started(target, "accepted", "queued", "pinning", "sending", "accepted")
    first = poll(browser, change).content.decode()
    seen = re.search(r"\?seen=([0-9a-f]{8})", first)
    assert seen is not None
    assert 'id="cancel"' in first
    assert "<title>" in first
    second = poll(browser, change, seen[1]).content.decode()
    assert 'id="steps"' in second
    assert 'id="cancel"' not in second
    assert "<title>" not in second
    Change.objects.update(status="serving")
    assert 'id="cancel"' in poll(browser, change, seen[1]).content.decode()


def test_the_tab_carries_the_state_in_its_icon_and_title(browser: Client, target: Deployment) -> None:
    change = started(target, "accepted", "queued", "accepted")
    page = look(browser, change).content.decode()
    assert re.search(r'<link id="icon"[^>]*icons/busy[^>]*svg', page)
    assert "<title>Running: Rolling API back" in page
    Change.objects.update(status="serving")
    Change.objects.update(status="succeeded", ended_at=timezone.now())
    fragment = poll(browser, change).content.decode()
    assert re.search(r'data-icon="[^"]*icons/done[^"]*svg"', fragment)
    assert "<title>Done: API was rolled back" in fragment


def test_a_provider_that_says_nothing_is_named_with_its_silence(browser: Client, target: Deployment) -> None:
    change = started(target, "accepted", "queued", "accepted", provider_answered_at=factories.ago(seconds=40))
    assert re.search(r"No news from Render for 4\d s: still waiting\.", text(poll(browser, change)))
    Change.objects.update(
        provider_answered_at=timezone.now(), not_before=timezone.now() + timedelta(seconds=20)
    )
    assert "No news" not in text(poll(browser, change))
    Change.objects.update(provider_answered_at=factories.ago(seconds=40))
    assert re.search(r"still waiting, next question in (19|20) s", text(poll(browser, change)))


def test_an_operation_that_no_worker_takes_up_says_so(browser: Client, target: Deployment) -> None:
    change = started(target, "queued", "queued")
    change.operation.requested_at = factories.ago(seconds=90)
    change.operation.save()
    assert "No worker has taken it up for 1 min." in text(look(browser, change))


def test_a_lost_answer_is_shown_with_its_evidence_and_no_second_sending(
    browser: Client, target: Deployment
) -> None:
    change = started(
        target, "unclear", "queued", "sending", "unclear",
        message="Render did not answer.", evidence={"lost answer": "timed out after 15 s"},
    )  # fmt: skip
    read = text(look(browser, change))
    assert "ANSWER LOST" in read
    assert "answer lost, reading back" in read
    assert "Lost answer timed out after 15 s" in read
    assert "Nothing is sent twice." in read


def test_what_the_provider_says_is_folded_away_word_for_word(browser: Client, target: Deployment) -> None:
    change = started(
        target, "accepted", "accepted",
        provider_status="update_in_progress", provider_ref="dep-1", provider_request_id="req-9",
    )  # fmt: skip
    page = look(browser, change).content.decode()
    folded = page[page.index("<details") : page.index("</details>")]
    for word in ("update_in_progress", "dep-1", "req-9"):
        assert word in folded


# --- What came of it ---------------------------------------------------------------------------------------


def test_a_rollback_that_worked_says_what_holds_and_how_to_leave_it(
    browser: Client, target: Deployment
) -> None:
    change = ended(target, "succeeded", "queued", "accepted", "serving", message="5 of 5 answers serve it.")
    factories.pin(change.service, target, change=change)
    response = look(browser, change)
    read = text(response)
    assert f"API was rolled back to {target.short_sha}" in read
    assert "5 of 5 answers serve it." in read
    assert "New commits reach users of API only after somebody leaves the rollback." in read
    assert f'href="/services/{change.service.slug}/leave/"' in response.content.decode()


def test_a_rollback_whose_pin_is_gone_does_not_claim_one(browser: Client, target: Deployment) -> None:
    change = ended(target, "succeeded", "queued", "serving", message="It serves.")
    read = text(look(browser, change))
    assert "API is not pinned now" in read
    assert "Leave the rollback…" not in read


@pytest.mark.parametrize(
    ("status", "headline", "next_"),
    [
        (
            "failed",
            "API was not rolled back to",
            "Choose another deployment, or do it in Render's own dashboard",
        ),
        ("canceled", "The rollback of API to", "The same deployment can be chosen again."),
        (
            "needs_attention",
            "Whether API was rolled back to",
            "Look at Render's own dashboard before anything else.",
        ),
    ],
)
def test_each_end_has_its_own_words_and_says_what_is_true_now(
    browser: Client, target: Deployment, status: str, headline: str, next_: str
) -> None:
    change = ended(target, status, "queued", "sending", message="Render refused (409).")
    read = text(look(browser, change))
    assert headline in read
    assert "Render refused (409)." in read
    assert "“Faster checkout totals”" in read
    assert next_ in read
    assert "DONE" not in read


@pytest.mark.parametrize("status", ACTIVE)
@pytest.mark.parametrize("kind", Kind.values)
def test_every_status_of_every_kind_can_be_looked_at(
    browser: Client, target: Deployment, kind: str, status: str
) -> None:
    change = started(target, status, "queued", status, operation=factories.operation(kind))
    assert look(browser, change).status_code == 200
    assert poll(browser, change).status_code == 200


def test_an_operation_without_a_target_says_that_traffic_does_not_move(
    browser: Client, target: Deployment
) -> None:
    factories.pin(target.service)
    change = factories.change(
        target.service, None, status="restoring", operation=factories.operation(Kind.LEAVE)
    )
    assert "traffic does not move" in text(look(browser, change))


def test_the_page_leads_to_its_audit_entries(browser: Client, target: Deployment) -> None:
    change = started(target, "queued", "queued")
    assert f'href="/audit/?operation={change.operation_id}"' in look(browser, change).content.decode()


def test_markup_from_outside_stays_text(browser: Client, target: Deployment) -> None:
    bad = factories.deployment(target.service, "<script>alert(1)</script>")
    change = ended(
        bad, "failed", "queued", message="<q>Render</q> said <i>no</i>", evidence={"<u>": "<s>"},
        provider_status="<em>",
    )  # fmt: skip
    page = look(browser, change).content.decode()
    for tag in ("<script>alert", "<q>", "<i>", "<u>", "<s>", "<em>"):
        assert tag not in page


def test_an_unknown_operation_is_a_sentence(browser: Client) -> None:
    response = browser.get("/operations/00000000-0000-4000-8000-000000000000/")
    assert response.status_code == 404
    assert "There is no operation 00000000-0000-4000-8000-000000000000." in text(response)


def test_the_page_needs_few_queries(
    browser: Client, target: Deployment, django_assert_max_num_queries: Any
) -> None:
    change = started(target, "accepted", "queued", "accepted")
    with django_assert_max_num_queries(7):
        poll(browser, change)


# --- Who looks, who cancels --------------------------------------------------------------------------------


def test_viewers_may_look_but_their_cancel_is_refused_and_recorded(target: Deployment) -> None:
    change = started(target, "queued", "queued")
    vera = Client()
    vera.force_login(factories.person("viewer", "Vera Novak"))
    assert "Cancelling needs the role responder or database admin." in text(look(vera, change))
    assert vera.post(f"/operations/{change.operation_id}/cancel/").status_code == 403
    assert Change.objects.get().cancel_requested_at is None
    assert AuditEntry.objects.get().outcome == "refused"


def test_cancel_says_what_it_can_still_stop_and_is_asked_for_once(
    browser: Client, target: Deployment
) -> None:
    change = started(target, "queued", "queued")
    assert "Nothing has been asked of the provider yet: cancel stops it completely." in text(
        look(browser, change)
    )
    response = browser.post(f"/operations/{change.operation_id}/cancel/")
    assert (response.status_code, response.headers["Location"]) == (
        303,
        f"/operations/{change.operation_id}/",
    )
    assert "Cancel is asked for." in text(look(browser, change))
    browser.post(f"/operations/{change.operation_id}/cancel/")
    assert "Ana Ruiz has asked to cancel already." in text(look(browser, change))


def test_where_cancel_can_stop_nothing_the_page_says_so(browser: Client, target: Deployment) -> None:
    change = started(target, "serving", "queued", "accepted", "serving")
    page = look(browser, change)
    assert "Cancel can stop nothing any more" in text(page)
    assert "/cancel/" not in page.content.decode()


def test_cancel_is_a_form_and_never_a_link(browser: Client, target: Deployment) -> None:
    change = started(target, "queued", "queued")
    assert browser.get(f"/operations/{change.operation_id}/cancel/").status_code == 405
    assert Change.objects.get().cancel_requested_at is None
