"""Reports of a sign-in page inside a fragment, and of tasks that were delivered more than once."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from deployments import tasks
from deployments.models import Change, Operation
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests.deployments.conftest import BOTH, Portal, die
from tests.deployments.reports.responder import Responder
from tests.deployments.views.confirm.dialog import HTMX, address, fill

# --- The session has ended ---


def test_a_poll_after_the_session_has_ended_opens_the_sign_in_as_a_page_and_leads_back(
    portal: Portal, ana_at_work: Responder
) -> None:
    change = ana_at_work.starts(ana_at_work.suggestion(portal.api))
    pages = ["/", "/services/shop-api/", change.operation.get_absolute_url(), "/operations/?status=running"]
    ana_at_work.client.logout()

    for page in pages:
        response = ana_at_work.client.get(
            page, headers={**HTMX, "HX-Current-URL": f"http://testserver{page}", "X-Seen": "abc"}
        )
        assert response.content == b"", page
        assert unquote(response.headers["HX-Redirect"]) == f"/accounts/login/?next={page}"


@BOTH
def test_a_dialog_sent_after_the_session_has_ended_starts_nothing_and_comes_back_as_it_was(
    portal: Portal, ana_at_work: Responder, name: str
) -> None:
    target, client = ana_at_work.suggestion(portal.service(name)), ana_at_work.client
    where = address(target.service, target)
    filled_in = fill(client, where, words="500s & more", incident="INC-9")
    client.logout()

    sent = client.post(where, filled_in, headers={**HTMX, "HX-Current-URL": "http://testserver/"})
    sign_in = ana_at_work.reads(sent.headers["HX-Redirect"])
    client.force_login(portal.ana)
    back = client.get(unquote(sent.headers["HX-Redirect"].partition("?next=")[2])).content.decode()

    assert sent.content == b""
    assert "Your sign-in has ended, so nothing was started or changed." in sign_in
    assert (Operation.objects.count(), portal.posts()) == (0, [])
    assert "500s &amp; more" in back
    assert 'value="INC-9"' in back
    assert ana_at_work.carries_out(target).outcome == "succeeded"


# --- Tasks are delivered again ---


@BOTH
def test_a_task_that_is_delivered_again_after_the_end_does_nothing(
    portal: Portal, ana_at_work: Responder, name: str
) -> None:
    change = ana_at_work.starts(ana_at_work.suggestion(portal.service(name)))
    tasks.advance(change.pk)
    page, entries = ana_at_work.reads_of(change), AuditEntry.objects.count()

    for _ in range(3):
        tasks.advance(change.pk)

    assert "CAN'T TELL YET" in page
    assert Change.objects.get(pk=change.pk).status == "succeeded"
    assert (len(portal.posts()), AuditEntry.objects.count()) == (1, entries)


@BOTH
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_task_that_is_delivered_again_after_a_lost_answer_applies_the_order_once(
    portal: Portal, ana_at_work: Responder, name: str, fault: str
) -> None:
    target = ana_at_work.suggestion(portal.service(name))
    portal.sandbox.faults.add(Fault(f"{name}.rollback", fault))
    change = ana_at_work.starts(target)

    for _ in range(4):
        tasks.advance(change.pk)
        Change.objects.filter(pk=change.pk).update(not_before=None)

    assert Change.objects.get(pk=change.pk).status == "succeeded"
    assert sum(row["applied"] for row in portal.posts()) == 1
    assert portal.world.serving(target.service.name).commit == target.commit_sha


@BOTH
def test_a_task_that_is_delivered_to_a_second_worker_waits_for_the_first_to_die(
    portal: Portal, name: str
) -> None:
    held = portal.claimed(name)

    tasks.advance(held.change.pk)
    assert portal.posts() == []

    die(held)
    tasks.advance(held.change.pk)
    tasks.advance(held.change.pk)
    assert Change.objects.get(pk=held.change.pk).status == "succeeded"
    assert len(portal.posts()) == 1


def test_a_form_that_is_sent_twice_and_readings_that_come_twice_count_once(
    portal: Portal, ana_at_work: Responder
) -> None:
    target = ana_at_work.suggestion(portal.web)
    where = address(target.service, target)
    filled_in = fill(ana_at_work.client, where)

    first, second = (ana_at_work.client.post(where, filled_in) for _ in range(2))
    tasks.advance(Change.objects.get().pk)
    portal.world.somebody_pushes("shop-api", message="Mend the checkout")
    told = AuditEntry.objects.filter(action="deployment went live", message__contains="Mend the checkout")
    for _ in range(200):
        tasks.read_render()
        if told.exists():
            break
    tasks.read_render()

    assert first.headers["Location"] == second.headers["Location"]
    assert len(portal.posts()) == 1
    assert told.count() == 1
