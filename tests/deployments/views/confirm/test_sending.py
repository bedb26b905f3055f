"""The confirm form starts exactly one operation, or says why not and keeps what was typed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Change, Operation, Service
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.views.confirm.dialog import HTMX, address, fill, older, token_in
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_the_form_starts_one_operation_with_its_audit_entry(
    responder: Client, ana: User, deployed_api: Service
) -> None:
    target = older(deployed_api)
    form = fill(responder, address(deployed_api, target), words="500s on checkout", incident="INC-412")
    response = responder.post(address(deployed_api, target), form)
    operation = Operation.objects.get()
    assert response.status_code == 303
    assert response.headers["Location"] == f"/operations/{operation.pk}/"
    assert (operation.requested_by, operation.reason, operation.reason_detail) == (
        ana,
        "errors",
        "500s on checkout",
    )
    assert operation.change.to_deployment == target
    assert operation.change.from_deployment == deployed_api.live
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.operation, entry.incident) == ("Ana Ruiz", operation.pk, "INC-412")
    assert entry.reason == "Error rate up: 500s on checkout"


def test_htmx_is_sent_to_the_operation_as_a_whole_page(responder: Client, deployed_api: Service) -> None:
    where = address(deployed_api, older(deployed_api))
    response = responder.post(where, fill(responder, where), headers=HTMX)
    assert response.headers["HX-Redirect"] == f"/operations/{Operation.objects.get().pk}/"


def test_the_same_form_twice_is_one_operation(responder: Client, deployed_api: Service) -> None:
    where = address(deployed_api, older(deployed_api))
    form = fill(responder, where)
    first, second = responder.post(where, form), responder.post(where, form)
    assert first.headers["Location"] == second.headers["Location"]
    assert Operation.objects.count() == 1


def test_the_same_form_after_the_operation_has_ended_shows_that_operation(
    responder: Client, deployed_api: Service
) -> None:
    target = older(deployed_api)
    form = fill(responder, address(deployed_api, target))
    first = responder.post(address(deployed_api, target), form)
    Change.objects.update(status="succeeded", ended_at=timezone.now())
    factories.live(deployed_api, "Fix price rounding", commit_sha=target.commit_sha)
    assert (
        responder.post(address(deployed_api, target), form).headers["Location"] == first.headers["Location"]
    )
    assert Operation.objects.count() == 1


def test_the_second_person_is_shown_the_first_ones_operation(
    responder: Client, deployed_api: Service
) -> None:
    target = older(deployed_api)
    bo = Client()
    bo.force_login(factories.person("responder", "Bo Lind"))
    mine, his = fill(responder, address(deployed_api, target)), fill(bo, address(deployed_api, target))
    first = bo.post(address(deployed_api, target), his)
    second = responder.post(address(deployed_api, target), mine)
    assert second.headers["Location"] == first.headers["Location"]
    assert Operation.objects.count() == 1
    assert "Bo Lind was faster: here is the operation under way." in text(
        responder.get(second.headers["Location"])
    )


def test_a_second_tab_of_the_same_person_is_not_called_somebody_else(
    responder: Client, deployed_api: Service
) -> None:
    where = address(deployed_api, older(deployed_api))
    one, two = fill(responder, where), fill(responder, where)
    responder.post(where, one)
    second = responder.post(where, two)
    assert "You had already requested this" in text(responder.get(second.headers["Location"]))


def test_while_an_operation_runs_the_dialog_has_no_button_but_the_way_to_it(
    responder: Client, deployed_api: Service
) -> None:
    running = factories.change(deployed_api, older(deployed_api))
    page = responder.get(address(deployed_api, older(deployed_api), "roll-back"))
    assert "Ana Ruiz has an operation under way on API." in text(page)
    assert running.operation.get_absolute_url() in page.content.decode()
    assert 'data-kind="main"' not in page.content.decode()


def test_what_has_changed_since_is_shown_and_nothing_is_started(
    responder: Client, deployed_api: Service
) -> None:
    target = older(deployed_api)
    form = fill(responder, address(deployed_api, target), words="500s on checkout", incident="INC-412")
    factories.live(deployed_api, "Emergency hotfix", created_at=timezone.now())
    response = responder.post(address(deployed_api, target), form)
    read = text(response)
    assert response.status_code == 409
    assert not Operation.objects.exists()
    assert "CHANGED SINCE YOU OPENED THIS" in read
    assert "now it is" in read
    assert "500s on checkout" in read
    assert 'value="INC-412"' in response.content.decode()
    again = {**form, "token": token_in(response)}
    assert again["token"] != form["token"]
    assert responder.post(address(deployed_api, target), again).status_code == 303


@pytest.mark.parametrize("damage", [lambda token: "", lambda token: token[:-3], lambda token: "x" * 5000])
def test_a_damaged_token_starts_nothing_and_keeps_what_was_typed(
    responder: Client, deployed_api: Service, damage: Any
) -> None:
    where = address(deployed_api, older(deployed_api))
    form = fill(responder, where, words="typed with care")
    response = responder.post(where, {**form, "token": damage(form["token"])})
    assert response.status_code == 409
    assert "arrived incomplete" in text(response)
    assert "typed with care" in text(response)
    assert not Operation.objects.exists()


def test_a_token_of_another_deployment_is_refused(responder: Client, deployed_api: Service) -> None:
    form = fill(responder, address(deployed_api, older(deployed_api)))
    response = responder.post(address(deployed_api, older(deployed_api, "Fix login rate limit")), form)
    assert response.status_code == 409
    assert "belongs to another deployment" in text(response)


def test_a_missing_reason_is_asked_for_and_the_rest_is_kept(responder: Client, deployed_api: Service) -> None:
    where = address(deployed_api, older(deployed_api))
    response = responder.post(where, fill(responder, where, reason="", words="kept", incident="INC-1"))
    assert response.status_code == 422
    assert "Choose the reason. Nothing was started." in text(response)
    assert "kept" in text(response)
    assert 'value="INC-1"' in response.content.decode()


def test_a_reason_of_100_kb_is_refused_with_a_sentence_and_not_lost(
    responder: Client, deployed_api: Service
) -> None:
    where = address(deployed_api, older(deployed_api))
    response = responder.post(where, fill(responder, where, words="x" * 100_000, incident="INC-1"))
    assert response.status_code == 422
    assert "The reason is 100,000 characters long and 2,000 fit." in text(response)
    assert "x" * 100_000 in response.content.decode()
    assert 'value="INC-1"' in response.content.decode()
    assert not Operation.objects.exists()


def test_more_than_a_megabyte_is_answered_with_a_page(responder: Client, deployed_api: Service) -> None:
    where = address(deployed_api, older(deployed_api))
    response = responder.post(where, fill(responder, where, words="x" * 1_200_000))
    assert response.status_code == 400
    assert "The portal could not use what was sent" in text(response)


def test_a_token_stays_good_while_only_ages_change(
    responder: Client, deployed_api: Service, settings: Any
) -> None:
    target = older(deployed_api)
    form = fill(responder, address(deployed_api, target))
    Service.objects.update(synced_at=timezone.now() + timedelta(seconds=15))
    assert responder.post(address(deployed_api, target), form).status_code == 303


def test_a_viewer_sees_the_plan_and_why_there_is_no_button(deployed_api: Service) -> None:
    vera = Client()
    vera.force_login(factories.person("viewer", "Vera Novak"))
    response = vera.get(address(deployed_api, older(deployed_api)))
    assert "it needs the role responder or database admin, and yours is viewer" in text(response)
    assert 'data-kind="main"' not in response.content.decode()


def test_a_viewers_post_is_refused_and_recorded(responder: Client, deployed_api: Service) -> None:
    where = address(deployed_api, older(deployed_api))
    vera = Client()
    vera.force_login(factories.person("viewer", "Vera Novak"))
    response = vera.post(where, fill(responder, where))
    assert response.status_code == 403
    assert "This needs the role responder or database admin" in text(response)
    assert "Ana Ruiz" in text(response)
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.role, entry.outcome) == ("Vera Novak", "viewer", "refused")
    assert not Operation.objects.exists()


def test_a_form_of_another_site_is_refused(ana: User, deployed_api: Service) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    response = strict.post(address(deployed_api, older(deployed_api)), {"reason": "errors"})
    assert response.status_code == 403
    assert "This form was not accepted" in text(response)


@pytest.mark.parametrize(("ticked", "canceled"), [({"cancel_builds_first": "on"}, True), ({}, False)])
def test_builds_are_canceled_first_only_where_the_box_of_the_dialog_is_ticked(
    responder: Client, deployed_api: Service, ticked: dict[str, str], canceled: bool
) -> None:
    factories.deployment(deployed_api, "Still building", status="building", raw_status="build_in_progress")
    where = address(deployed_api, older(deployed_api))
    page = responder.get(where).content.decode()
    assert re.search(r'type="checkbox"\s+name="cancel_builds_first"\s+checked', page)
    responder.post(where, fill(responder, where, **ticked))
    assert Operation.objects.get().change.cancel_builds_first is canceled
