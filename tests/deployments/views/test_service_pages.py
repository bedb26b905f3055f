"""The page for one service and the page for one deployment, whole and as a fragment in a row."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Deployment, Service
from deployments.providers.json_fields import EPOCH
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def deployed_api() -> Service:
    """Three commits; the newest is live."""
    factories.provider_status("render")
    service = factories.service("api", display_name="API")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.deployment(service, "Fix login rate limit", created_at=factories.ago(hours=3), author="Chen Wu")
    factories.live(service, "Faster checkout totals")
    return service


def find(service: Service, subject: str) -> Deployment:
    return service.deployments.get(commit_message__startswith=subject)


def address(deployment: Deployment) -> str:
    return f"/services/{deployment.service.slug}/deployments/{deployment.provider_id}/"


def test_a_services_page_shows_its_card_its_list_its_pins_and_its_operations(
    responder: Client, deployed_api: Service
) -> None:
    done = factories.change(deployed_api, find(deployed_api, "Fix price"), status="succeeded")
    factories.pin(
        deployed_api,
        find(deployed_api, "Fix price"),
        change=done,
        pinned_by="Ana Ruiz",
        released_at=factories.ago(),
        released_by="Bo Lind",
    )
    page = text(responder.get("/services/shop-api/"))
    assert "Faster checkout totals" in page
    assert "Fix login rate limit" in page
    assert "by Bo Lind" in page
    assert "API was rolled back to" in page
    assert "Error rate up: 500s on checkout, INC-412" in page


def test_a_service_that_nobody_follows_still_has_its_page(responder: Client, deployed_api: Service) -> None:
    Service.objects.update(followed=False)
    assert "not followed, so it is not on the dashboard" in text(responder.get("/services/shop-api/"))


def test_a_services_list_is_filtered_by_the_same_filters(responder: Client, deployed_api: Service) -> None:
    html = responder.get("/services/shop-api/", {"text": "login"}).content.decode()
    assert html.count('class="deploy"') == 1


def test_an_unknown_service_is_named(responder: Client) -> None:
    page = responder.get("/services/nope/")
    assert page.status_code == 404
    assert "no service called “nope”" in text(page)


def test_what_lies_between_is_every_commit_that_would_go(responder: Client, deployed_api: Service) -> None:
    page = text(responder.get(address(find(deployed_api, "Fix price")), headers=HTMX))
    assert "2 commits go, as far as API built them" in page
    assert "Faster checkout totals" in page
    assert "Fix login rate limit Chen Wu" in page


def test_the_compare_page_of_the_host_goes_from_the_older_to_the_newer_commit(
    responder: Client, deployed_api: Service
) -> None:
    old, new = factories.sha("Fix price rounding"), factories.sha("Faster checkout totals")
    html = responder.get(address(find(deployed_api, "Fix price")), headers=HTMX).content.decode()
    assert f'href="https://github.com/example/shop/compare/{old}...{new}"' in html


def test_after_a_rollback_newer_commits_come_back_and_the_comparison_turns_round(
    responder: Client, deployed_api: Service
) -> None:
    old = find(deployed_api, "Fix price")
    back = factories.live(
        deployed_api, "Fix price rounding", restores=old, trigger="rollback", created_at=factories.ago()
    )
    newer = find(deployed_api, "Faster")
    html = responder.get(address(newer), headers=HTMX)
    assert "2 commits come" in text(html)
    assert f"compare/{back.commit_sha}...{newer.commit_sha}" in html.content.decode()


def test_where_the_age_of_a_build_is_unknown_no_order_is_claimed(
    responder: Client, deployed_api: Service
) -> None:
    undated = find(deployed_api, "Fix login")
    Deployment.objects.filter(pk=undated.pk).update(created_at=EPOCH)

    page = text(responder.get(address(undated)))

    assert "what lies between is not known" in page
    assert "unknown: Render does not say when" in page
    assert "1970" not in page
    assert "1970" not in text(responder.get("/services/shop-api/"))
    assert "1970" not in text(responder.get(f"/services/shop-api/roll-back/{undated.provider_id}/"))


def test_the_fragment_is_only_what_lies_between(responder: Client, deployed_api: Service) -> None:
    fragment = responder.get(address(find(deployed_api, "Fix price")), headers=HTMX)
    assert b"<html" not in fragment.content
    assert b"<html" in responder.get(address(find(deployed_api, "Fix price"))).content


def test_the_live_one_has_nothing_between(responder: Client, deployed_api: Service) -> None:
    assert "This is live." in text(responder.get(address(find(deployed_api, "Faster"))))


def test_the_same_code_has_nothing_between(responder: Client, deployed_api: Service) -> None:
    again = factories.deployment(deployed_api, "Faster checkout totals", created_at=factories.ago(hours=1))
    assert "no code lies between" in text(responder.get(address(again)))


def test_without_a_known_live_one_nothing_is_claimed(responder: Client, deployed_api: Service) -> None:
    Service.objects.update(live=None)
    assert "What is live is unknown" in text(responder.get(address(find(deployed_api, "Fix price"))))


def test_a_repository_at_an_unknown_host_has_no_compare_link(
    responder: Client, deployed_api: Service
) -> None:
    Service.objects.update(repository="https://git.example.com/shop")
    assert "No compare page" in text(responder.get(address(find(deployed_api, "Fix price"))))


def test_a_deployments_page_has_its_facts_and_its_button(responder: Client, deployed_api: Service) -> None:
    found = find(deployed_api, "Fix price")
    page = responder.get(address(found))
    assert f"{address(found)}roll-back/" in page.content.decode()
    said = text(page)
    assert found.commit_sha in said
    assert "deactivated, started by new_commit" in said
    assert "1 h in all" in said


def test_a_deployments_page_names_the_reason_where_there_is_no_button(
    responder: Client, deployed_api: Service
) -> None:
    bad = factories.failed(deployed_api, "Broken build")
    page = responder.get(address(bad))
    assert "No button: failed, never served." in text(page)
    assert "roll-back/" not in page.content.decode()


def test_the_operations_of_a_deployment_stand_on_its_page(responder: Client, deployed_api: Service) -> None:
    found = find(deployed_api, "Fix price")
    change = factories.change(deployed_api, found, status="failed")
    page = responder.get(address(found))
    assert change.operation.get_absolute_url() in page.content.decode()
    assert "API was not rolled back to" in text(page)
    assert (
        change.operation.get_absolute_url()
        not in responder.get(address(find(deployed_api, "Fix login"))).content.decode()
    )


def test_a_deployment_of_another_service_is_not_found_here(responder: Client, deployed_api: Service) -> None:
    other = factories.live(factories.service("web"))
    page = responder.get(f"/services/shop-api/deployments/{other.provider_id}/")
    assert page.status_code == 404
    assert "belongs to" in text(page)


def test_a_commit_message_keeps_its_lines_and_loses_what_cannot_be_seen(
    responder: Client, deployed_api: Service
) -> None:
    found = factories.deployment(deployed_api, commit_message="First line\n\nSecond <b>line\u202e</b>")
    html = responder.get(address(found)).content.decode()
    assert "First line\n\nSecond &lt;b&gt;line&lt;/b&gt;" in html
