"""The page of an operation that has ended: the outcome, what is true now, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import ACTIVE, Change, Deployment, OperationKind
from tests import factories
from tests.bench.person import Poll, poll_of
from tests.deployments.views.operation_page import ended, look, poll, started
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_a_rollback_that_succeeded_says_what_is_true_now_and_how_to_leave_it(
    responder: Client, target: Deployment
) -> None:
    change = ended(target, "succeeded", "queued", "accepted", "serving", message="5 of 5 answers serve it.")
    factories.pin(change.service, target, change=change)
    response = look(responder, change)
    read = text(response)
    assert f"API was rolled back to {target.short_sha}" in read
    assert "5 of 5 answers serve it." in read
    assert "New commits reach users of API only after somebody leaves the rollback." in read
    assert f'href="/services/{change.service.slug}/leave/"' in response.content.decode()


def test_the_page_says_that_it_has_ended_although_it_asks_on_for_the_verdict(
    responder: Client, target: Deployment
) -> None:
    change = started(target, "serving", "queued", "accepted", "serving")
    address = change.operation.get_absolute_url()
    assert not asks(responder, address).ended
    times = {**change.status_times, "succeeded": timezone.now().isoformat()}
    Change.objects.update(status="succeeded", ended_at=timezone.now(), status_times=times)
    assert asks(responder, address).ended


def asks(person: Client, address: str) -> Poll:
    polling = poll_of(person.get(address).content.decode(), address)
    assert polling is not None
    return polling


def test_a_rollback_whose_pin_is_gone_does_not_claim_one(responder: Client, target: Deployment) -> None:
    change = ended(target, "succeeded", "queued", "serving", message="It serves.")
    read = text(look(responder, change))
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
    responder: Client, target: Deployment, status: str, headline: str, next_: str
) -> None:
    change = ended(target, status, "queued", "sending", message="Render refused (409).")
    read = text(look(responder, change))
    assert headline in read
    assert "Render refused (409)." in read
    assert "“Faster checkout totals”" in read
    assert next_ in read
    assert "DONE" not in read


@pytest.mark.parametrize("status", ACTIVE)
@pytest.mark.parametrize("kind", OperationKind.values)
def test_every_status_of_every_kind_can_be_looked_at(
    responder: Client, target: Deployment, kind: str, status: str
) -> None:
    change = started(target, status, "queued", status, operation=factories.operation(kind))
    assert look(responder, change).status_code == 200
    assert poll(responder, change).status_code == 200


def test_an_operation_without_a_target_says_that_traffic_does_not_move(
    responder: Client, target: Deployment
) -> None:
    factories.pin(target.service)
    change = factories.change(
        target.service, None, status="restoring", operation=factories.operation(OperationKind.LEAVE)
    )
    assert "traffic does not move" in text(look(responder, change))


def test_the_page_leads_to_its_audit_entries(responder: Client, target: Deployment) -> None:
    change = started(target, "queued", "queued")
    assert f'href="/audit/?operation={change.operation_id}"' in look(responder, change).content.decode()


def test_markup_from_outside_stays_text(responder: Client, target: Deployment) -> None:
    bad = factories.deployment(target.service, "<script>alert(1)</script>")
    change = ended(
        bad, "failed", "queued", message="<q>Render</q> said <i>no</i>", evidence={"<u>": "<s>"},
        provider_status="<em>",
    )  # fmt: skip
    page = look(responder, change).content.decode()
    for tag in ("<script>alert", "<q>", "<i>", "<u>", "<s>", "<em>"):
        assert tag not in page


def test_an_unknown_operation_is_a_sentence(responder: Client) -> None:
    response = responder.get("/operations/00000000-0000-4000-8000-000000000000/")
    assert response.status_code == 404
    assert "There is no operation 00000000-0000-4000-8000-000000000000." in text(response)


def test_the_page_needs_few_queries(
    responder: Client, target: Deployment, django_assert_max_num_queries: Any
) -> None:
    change = started(target, "accepted", "queued", "accepted")
    with django_assert_max_num_queries(8):
        poll(responder, change)
