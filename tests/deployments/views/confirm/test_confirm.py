"""The content of the confirm dialog."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment, Operation, ProviderStatus, Service
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.views.confirm.dialog import HTMX, address, fill, older
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_the_dialog_says_from_to_commits_steps_and_what_else_changes(
    responder: Client, deployed_api: Service
) -> None:
    target = older(deployed_api)
    response = responder.get(address(deployed_api, target))
    read = text(response)
    assert response.status_code == 200
    assert f"Roll back API to {target.short_sha} “Fix price rounding”?" in read
    assert "“Faster checkout totals”, live 13 min" in read
    assert "2 commits go" in read
    assert "Fix login rate limit" in read
    assert "Automatic deploys go off and stay off until somebody leaves the rollback." in read
    assert read.index("Switch automatic deploys off") < read.index("Ask Render to roll back")
    page = response.content.decode()
    assert f"/example/shop/compare/{target.commit_sha}...{factories.sha('Faster checkout totals')}" in page
    assert f"Roll back API to {target.short_sha}</button>" in page


def test_htmx_gets_the_dialogs_content_and_others_the_whole_page(
    responder: Client, deployed_api: Service
) -> None:
    where = address(deployed_api, older(deployed_api))
    assert "<html" in responder.get(where).content.decode()
    fragment = responder.get(where, headers=HTMX)
    assert "<html" not in fragment.content.decode()
    assert 'hx-target="closest dialog"' in fragment.content.decode()
    assert "HX-Request" in fragment.headers["Vary"]


def test_the_first_focus_is_the_reason_and_enter_presses_nothing(
    responder: Client, deployed_api: Service
) -> None:
    page = responder.get(address(deployed_api, older(deployed_api))).content.decode()
    assert re.search(r'<input type="radio"\s+name="reason"[^>]*autofocus', page)
    buttons = re.findall(r"<button[^>]*>", page[page.index('class="sheet"') :])
    assert "disabled" in buttons[0]


def test_the_incident_comes_along_from_the_address(responder: Client, deployed_api: Service) -> None:
    page = responder.get(address(deployed_api, older(deployed_api)) + "?incident=INC-413").content.decode()
    assert 'value="INC-413"' in page


def test_old_data_says_its_age_and_what_is_in_the_way(responder: Client, deployed_api: Service) -> None:
    ProviderStatus.objects.update(synced_at=factories.ago(minutes=7), error="Render answered 503.")
    read = text(responder.get(address(deployed_api, older(deployed_api))))
    assert "This was read from Render 7 min ago (Render answered 503.)." in read


def test_a_provider_that_was_never_read_says_so(responder: Client, deployed_api: Service) -> None:
    ProviderStatus.objects.all().delete()
    assert "Render has not answered the portal yet." in text(
        responder.get(address(deployed_api, older(deployed_api)))
    )


def test_an_unknown_live_deployment_is_called_unknown_and_never_guessed(
    responder: Client, deployed_api: Service
) -> None:
    target = older(deployed_api)
    Service.objects.update(live=None)
    read = text(responder.get(address(deployed_api, target)))
    assert "UNKNOWN Render did not say what is live" in read


def test_where_the_outside_disagrees_the_dialog_says_so(responder: Client, deployed_api: Service) -> None:
    Service.objects.update(version_check_sha="f" * 40)
    read = text(responder.get(address(deployed_api, older(deployed_api))))
    assert "DISPUTED Render says" in read


def test_markup_in_a_commit_message_stays_text(responder: Client, deployed_api: Service) -> None:
    target = factories.deployment(
        deployed_api, "<img src=x onerror=alert(1)>\u202e</form>", author="<b>Eve</b>"
    )
    page = responder.get(address(deployed_api, target)).content.decode()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\u202e" not in page
    assert "<b>Eve" not in page


def test_the_number_of_queries_does_not_grow_with_the_commits(
    responder: Client, deployed_api: Service, django_assert_max_num_queries: Any
) -> None:
    target = older(deployed_api)
    for number in range(60):
        factories.deployment(
            deployed_api, f"Change {number}", created_at=factories.ago(hours=2, minutes=number)
        )
    responder.get(address(deployed_api, target))  # once a minute it is noted that somebody is there
    with django_assert_max_num_queries(22):
        read = text(responder.get(address(deployed_api, target)))
    assert "and 32 more" in read


# --- What cannot be done --------------------------------------------------------------------------------


def test_a_deployment_that_cannot_be_chosen_has_its_reason_and_no_button(
    responder: Client, deployed_api: Service
) -> None:
    target = factories.failed(deployed_api)
    response = responder.get(address(deployed_api, target))
    assert response.status_code == 200
    assert "Failed, never served." in text(response)
    assert 'data-kind="main"' not in response.content.decode()


def test_posting_what_cannot_be_done_starts_nothing_and_is_recorded(
    responder: Client, deployed_api: Service
) -> None:
    target = older(deployed_api)
    form = fill(responder, address(deployed_api, target))
    Deployment.objects.filter(pk=target.pk).update(missing_since=timezone.now())
    response = responder.post(address(deployed_api, target), form)
    assert response.status_code == 409
    assert "Render no longer lists it. Nothing was started." in text(response)
    assert not Operation.objects.exists()
    assert AuditEntry.objects.get().outcome == "refused"


def test_a_staged_deployment_is_promoted_not_rolled_back_to(responder: Client) -> None:
    web = factories.service("web", display_name="Web")
    factories.live(web)
    staged = factories.deployment(
        web, "New footer", staged=True, served=False, created_at=factories.ago(minutes=2)
    )
    assert "This deployment is for “Promote to production”." in text(responder.get(address(web, staged)))
    response = responder.post(
        address(web, staged, "promote"), fill(responder, address(web, staged, "promote"))
    )
    assert response.status_code == 303
    assert Operation.objects.get().kind == "promote"


@pytest.mark.parametrize("id_", ["dep-nowhere", "a%00b", quote("../../etc", safe=""), "x" * 121])
def test_an_unknown_deployment_is_a_sentence(responder: Client, deployed_api: Service, id_: str) -> None:
    response = responder.get(f"/services/{deployed_api.slug}/deployments/{id_}/roll-back/")
    assert response.status_code == 404
    assert "There is nothing at this address" in text(response)


def test_an_unknown_service_is_a_sentence(responder: Client, deployed_api: Service) -> None:
    response = responder.get(address(Service(slug="nobody"), older(deployed_api)))
    assert response.status_code == 404
    assert "The portal knows no service called “nobody”." in text(response)


def test_a_deployment_of_another_service_is_refused_by_name(responder: Client, deployed_api: Service) -> None:
    web = factories.service("web", display_name="Web")
    factories.live(web)
    other = factories.deployment(web, "New footer")
    response = responder.post(address(deployed_api, other), {"token": "x", "reason": "errors"})
    assert response.status_code == 404
    assert f"The deployment {other.provider_id} belongs to Web shop-web" in text(response)
    assert not Operation.objects.exists()


def test_other_methods_are_not_taken(responder: Client, deployed_api: Service) -> None:
    assert responder.put(address(deployed_api, older(deployed_api))).status_code == 405
