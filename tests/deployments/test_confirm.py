"""The confirm dialog: what will happen, why, and exactly one operation for it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Change, Deployment, Operation, Reading, Service
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import make
from tests.reading import text

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ana() -> User:
    return make.person("responder", "Ana Ruiz")


@pytest.fixture
def browser(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def api() -> Service:
    """An API whose newest deployment is live, with an older one to go back to."""
    service = make.service("api", display_name="API")
    make.reading("render")
    make.deployment(service, "Fix price rounding", created_at=make.ago(days=2))
    make.deployment(service, "Fix login rate limit", created_at=make.ago(hours=3), author="Dana Okoro")
    make.live(service, "Faster checkout totals")
    return service


def older(service: Service, subject: str = "Fix price rounding") -> Deployment:
    return service.deployments.get(commit_message__startswith=subject)


def address(service: Service, target: Deployment, act: str = "roll-back") -> str:
    return f"/services/{service.slug}/deployments/{target.provider_id}/{act}/"


def token_in(response: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def fill(browser: Client, where: str, **fields: str) -> dict[str, str]:
    """The form as the browser would send it."""
    return {
        "token": token_in(browser.get(where)),
        "reason": "errors",
        "words": "500s",
        "incident": "",
        **fields,
    }


# --- What is drawn -------------------------------------------------------------------------------------


def test_the_dialog_says_from_to_commits_steps_and_what_else_changes(browser: Client, api: Service) -> None:
    target = older(api)
    response = browser.get(address(api, target))
    read = text(response)
    assert response.status_code == 200
    assert f"Roll back API to {target.short_sha} “Fix price rounding”?" in read
    assert "“Faster checkout totals”, live 13 min" in read
    assert "2 commits go" in read
    assert "Fix login rate limit" in read
    assert "Automatic deploys go off and stay off until somebody leaves the rollback." in read
    assert read.index("Switch automatic deploys off") < read.index("Ask Render to roll back")
    page = response.content.decode()
    assert f"/example/shop/compare/{target.commit_sha}...{make.sha('Faster checkout totals')}" in page
    assert f"Roll back API to {target.short_sha}</button>" in page


def test_htmx_gets_the_dialogs_content_and_others_the_whole_page(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    assert "<html" in browser.get(where).content.decode()
    fragment = browser.get(where, headers=HTMX)
    assert "<html" not in fragment.content.decode()
    assert 'hx-target="closest dialog"' in fragment.content.decode()
    assert "HX-Request" in fragment.headers["Vary"]


def test_the_first_focus_is_the_reason_and_enter_presses_nothing(browser: Client, api: Service) -> None:
    page = browser.get(address(api, older(api))).content.decode()
    assert re.search(r'<input type="radio" name="reason"[^>]*autofocus', page)
    buttons = re.findall(r"<button[^>]*>", page[page.index('class="sheet"') :])
    assert "disabled" in buttons[0]


def test_the_incident_comes_along_from_the_address(browser: Client, api: Service) -> None:
    page = browser.get(address(api, older(api)) + "?incident=INC-413").content.decode()
    assert 'value="INC-413"' in page


def test_old_data_says_its_age_and_what_is_in_the_way(browser: Client, api: Service) -> None:
    Reading.objects.update(read_at=make.ago(minutes=7), error="Render answered 503.")
    read = text(browser.get(address(api, older(api))))
    assert "This is what Render said 7 min ago (Render answered 503.)." in read


def test_a_provider_that_was_never_read_says_so(browser: Client, api: Service) -> None:
    Reading.objects.all().delete()
    assert "Render has not answered the portal yet." in text(browser.get(address(api, older(api))))


def test_unknown_live_is_said_and_never_guessed(browser: Client, api: Service) -> None:
    target = older(api)
    Service.objects.update(live=None)
    read = text(browser.get(address(api, target)))
    assert "UNKNOWN Render did not say what is live" in read


def test_where_the_outside_disagrees_the_dialog_says_so(browser: Client, api: Service) -> None:
    Service.objects.update(served_sha="f" * 40)
    read = text(browser.get(address(api, older(api))))
    assert "DISPUTED Render says" in read


def test_markup_in_a_commit_message_stays_text(browser: Client, api: Service) -> None:
    target = make.deployment(api, "<img src=x onerror=alert(1)>\u202e</form>", author="<b>Eve</b>")
    page = browser.get(address(api, target)).content.decode()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\u202e" not in page
    assert "<b>Eve" not in page


def test_the_number_of_queries_does_not_grow_with_the_commits(
    browser: Client, api: Service, django_assert_max_num_queries: Any
) -> None:
    target = older(api)
    for number in range(60):
        make.deployment(api, f"Change {number}", created_at=make.ago(hours=2, minutes=number))
    with django_assert_max_num_queries(14):
        read = text(browser.get(address(api, target)))
    assert "and 32 more" in read


# --- What cannot be done --------------------------------------------------------------------------------


def test_a_deployment_that_cannot_be_chosen_has_its_reason_and_no_button(
    browser: Client, api: Service
) -> None:
    target = make.failed(api)
    response = browser.get(address(api, target))
    assert response.status_code == 200
    assert "Failed, never served." in text(response)
    assert 'data-kind="main"' not in response.content.decode()


def test_posting_what_cannot_be_done_starts_nothing_and_is_recorded(browser: Client, api: Service) -> None:
    target = older(api)
    form = fill(browser, address(api, target))
    Deployment.objects.filter(pk=target.pk).update(gone_at=timezone.now())
    response = browser.post(address(api, target), form)
    assert response.status_code == 409
    assert "Render no longer lists it. Nothing was started." in text(response)
    assert not Operation.objects.exists()
    assert AuditEntry.objects.get().outcome == "refused"


def test_a_staged_deployment_is_promoted_not_rolled_back_to(browser: Client) -> None:
    web = make.service("web", display_name="Web")
    make.live(web)
    staged = make.deployment(web, "New footer", staged=True, served=False, created_at=make.ago(minutes=2))
    assert "This deployment is for “Promote to production”." in text(browser.get(address(web, staged)))
    response = browser.post(address(web, staged, "promote"), fill(browser, address(web, staged, "promote")))
    assert response.status_code == 303
    assert Operation.objects.get().kind == "promote"


@pytest.mark.parametrize("id_", ["dep-nowhere", "a%00b", quote("../../etc", safe=""), "x" * 121])
def test_an_unknown_deployment_is_a_sentence(browser: Client, api: Service, id_: str) -> None:
    response = browser.get(f"/services/{api.slug}/deployments/{id_}/roll-back/")
    assert response.status_code == 404
    assert "There is nothing at this address" in text(response)


def test_an_unknown_service_is_a_sentence(browser: Client, api: Service) -> None:
    response = browser.get(address(Service(slug="nobody"), older(api)))
    assert response.status_code == 404
    assert "The portal knows no service called “nobody”." in text(response)


def test_a_deployment_of_another_service_is_refused_by_name(browser: Client, api: Service) -> None:
    web = make.service("web", display_name="Web")
    make.live(web)
    other = make.deployment(web, "New footer")
    response = browser.post(address(api, other), {"token": "x", "reason": "errors"})
    assert response.status_code == 404
    assert f"The deployment {other.provider_id} belongs to Web shop-web" in text(response)
    assert not Operation.objects.exists()


def test_other_methods_are_not_taken(browser: Client, api: Service) -> None:
    assert browser.put(address(api, older(api))).status_code == 405


# --- What is sent ---------------------------------------------------------------------------------------


def test_the_form_starts_one_operation_with_its_audit_entry(browser: Client, api: Service, ana: User) -> None:
    target = older(api)
    form = fill(browser, address(api, target), words="500s on checkout", incident="INC-412")
    response = browser.post(address(api, target), form)
    operation = Operation.objects.get()
    assert response.status_code == 303
    assert response.headers["Location"] == f"/operations/{operation.pk}/"
    assert (operation.requested_by, operation.reason, operation.words) == (ana, "errors", "500s on checkout")
    assert operation.change.to_deployment == target
    assert operation.change.from_deployment == api.live
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.operation, entry.incident) == ("Ana Ruiz", operation.pk, "INC-412")
    assert entry.reason == "Error rate up: 500s on checkout"


def test_htmx_is_sent_to_the_operation_as_a_whole_page(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    response = browser.post(where, fill(browser, where), headers=HTMX)
    assert response.headers["HX-Redirect"] == f"/operations/{Operation.objects.get().pk}/"


def test_the_same_form_twice_is_one_operation(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    form = fill(browser, where)
    first, second = browser.post(where, form), browser.post(where, form)
    assert first.headers["Location"] == second.headers["Location"]
    assert Operation.objects.count() == 1


def test_the_same_form_after_the_operation_has_ended_shows_that_operation(
    browser: Client, api: Service
) -> None:
    target = older(api)
    form = fill(browser, address(api, target))
    first = browser.post(address(api, target), form)
    Change.objects.update(status="succeeded", ended_at=timezone.now())
    make.live(api, "Fix price rounding", commit_sha=target.commit_sha)
    assert browser.post(address(api, target), form).headers["Location"] == first.headers["Location"]
    assert Operation.objects.count() == 1


def test_the_second_person_is_shown_the_first_ones_operation(browser: Client, api: Service) -> None:
    target = older(api)
    bo = Client()
    bo.force_login(make.person("responder", "Bo Lind"))
    mine, his = fill(browser, address(api, target)), fill(bo, address(api, target))
    first = bo.post(address(api, target), his)
    second = browser.post(address(api, target), mine)
    assert second.headers["Location"] == first.headers["Location"]
    assert Operation.objects.count() == 1
    assert "Bo Lind was faster: this is the operation under way." in text(
        browser.get(second.headers["Location"])
    )


def test_a_second_tab_of_the_same_person_is_not_called_somebody_else(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    one, two = fill(browser, where), fill(browser, where)
    browser.post(where, one)
    second = browser.post(where, two)
    assert "You had asked already" in text(browser.get(second.headers["Location"]))


def test_while_an_operation_runs_the_dialog_has_no_button_but_the_way_to_it(
    browser: Client, api: Service
) -> None:
    running = make.change(api, older(api))
    page = browser.get(address(api, older(api), "roll-back"))
    assert "Ana Ruiz has an operation under way on API." in text(page)
    assert running.operation.get_absolute_url() in page.content.decode()
    assert 'data-kind="main"' not in page.content.decode()


def test_a_changed_world_is_shown_and_nothing_is_started(browser: Client, api: Service) -> None:
    target = older(api)
    form = fill(browser, address(api, target), words="500s on checkout", incident="INC-412")
    make.live(api, "Emergency hotfix", created_at=timezone.now())
    response = browser.post(address(api, target), form)
    read = text(response)
    assert response.status_code == 409
    assert not Operation.objects.exists()
    assert "CHANGED SINCE YOU OPENED THIS" in read
    assert "now it is" in read
    assert "500s on checkout" in read
    assert 'value="INC-412"' in response.content.decode()
    again = {**form, "token": token_in(response)}
    assert again["token"] != form["token"]
    assert browser.post(address(api, target), again).status_code == 303


@pytest.mark.parametrize("damage", [lambda token: "", lambda token: token[:-3], lambda token: "x" * 5000])
def test_a_damaged_token_starts_nothing_and_keeps_what_was_typed(
    browser: Client, api: Service, damage: Any
) -> None:
    where = address(api, older(api))
    form = fill(browser, where, words="typed with care")
    response = browser.post(where, {**form, "token": damage(form["token"])})
    assert response.status_code == 409
    assert "did not come whole" in text(response)
    assert "typed with care" in text(response)
    assert not Operation.objects.exists()


def test_a_token_of_another_deployment_is_refused(browser: Client, api: Service) -> None:
    form = fill(browser, address(api, older(api)))
    response = browser.post(address(api, older(api, "Fix login rate limit")), form)
    assert response.status_code == 409
    assert "belongs to another deployment" in text(response)


def test_a_missing_reason_is_asked_for_and_the_rest_is_kept(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    response = browser.post(where, fill(browser, where, reason="", words="kept", incident="INC-1"))
    assert response.status_code == 422
    assert "Choose the reason. Nothing was started." in text(response)
    assert "kept" in text(response)
    assert 'value="INC-1"' in response.content.decode()


def test_a_reason_of_100_kb_is_refused_with_a_sentence_and_not_lost(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    response = browser.post(where, fill(browser, where, words="x" * 100_000, incident="INC-1"))
    assert response.status_code == 422
    assert "The reason is 100,000 characters long and 2,000 fit." in text(response)
    assert "x" * 100_000 in response.content.decode()
    assert 'value="INC-1"' in response.content.decode()
    assert not Operation.objects.exists()


def test_more_than_a_megabyte_is_answered_with_a_page(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    response = browser.post(where, fill(browser, where, words="x" * 1_200_000))
    assert response.status_code == 400
    assert "The portal could not use what was sent" in text(response)


# --- Who may ----------------------------------------------------------------------------------------------


def test_a_viewer_sees_the_plan_and_why_there_is_no_button(api: Service) -> None:
    vera = Client()
    vera.force_login(make.person("viewer", "Vera Novak"))
    response = vera.get(address(api, older(api)))
    assert "it needs the role responder or database admin, and yours is viewer" in text(response)
    assert 'data-kind="main"' not in response.content.decode()


def test_a_viewers_post_is_refused_and_recorded(browser: Client, api: Service) -> None:
    where = address(api, older(api))
    vera = Client()
    vera.force_login(make.person("viewer", "Vera Novak"))
    response = vera.post(where, fill(browser, where))
    assert response.status_code == 403
    assert "This needs the role responder or database admin" in text(response)
    assert "Ana Ruiz" in text(response)
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.role, entry.outcome) == ("Vera Novak", "viewer", "refused")
    assert not Operation.objects.exists()


def test_a_form_of_another_site_is_refused(ana: User, api: Service) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    response = strict.post(address(api, older(api)), {"reason": "errors"})
    assert response.status_code == 403
    assert "This form was not accepted" in text(response)


# --- Leaving a rollback ------------------------------------------------------------------------------------


@pytest.fixture
def pinned(api: Service) -> Service:
    """The API rolled back to the oldest deployment, away from the newest."""
    left, now_live = api.live, older(api)
    assert left is not None
    Deployment.objects.filter(pk=left.pk).update(live_since=None, live_until=timezone.now(), status="retired")
    Deployment.objects.filter(pk=now_live.pk).update(live_since=make.ago(minutes=3), status="live")
    api.live, api.automatic, api.pinned = now_live, "off", True
    api.save()
    make.pin(api, now_live, left_from=left)
    return api


def test_leaving_offers_to_keep_what_is_live_or_to_bring_back_what_was_left(
    browser: Client, pinned: Service
) -> None:
    read = text(browser.get(f"/services/{pinned.slug}/leave/"))
    assert "Leave the rollback of API?" in read
    assert "Keep what is live; only automatic deploys come back" in read
    assert "Back to what was rolled back from" in read
    assert "Traffic does not move" in read
    assert "Automatic deploys go back to “on every commit”" in read


def test_leaving_to_a_deployment_says_which_commits_return(browser: Client, pinned: Service) -> None:
    left = older(pinned, "Faster checkout totals")
    response = browser.get(f"/services/{pinned.slug}/leave/?to={left.provider_id}")
    read = text(response)
    assert "2 commits return" in read
    assert "Faster checkout totals" in read
    form = {"token": token_in(response), "reason": "", "words": "", "incident": ""}
    sent = browser.post(f"/services/{pinned.slug}/leave/?to={left.provider_id}", form)
    assert sent.status_code == 303
    assert Change.objects.get().to_deployment == left


def test_leaving_without_moving_traffic_needs_no_reason(browser: Client, pinned: Service) -> None:
    where = f"/services/{pinned.slug}/leave/"
    response = browser.post(where, {"token": token_in(browser.get(where))})
    assert response.status_code == 303
    operation = Operation.objects.get()
    assert (operation.kind, operation.reason, operation.change.to_deployment) == ("leave", "", None)


def test_a_way_that_cannot_be_taken_says_why(browser: Client, pinned: Service) -> None:
    left = older(pinned, "Faster checkout totals")
    Deployment.objects.filter(pk=left.pk).update(gone_at=timezone.now())
    page = browser.get(f"/services/{pinned.slug}/leave/")
    assert "Render no longer lists it" in text(page)
    assert f"?to={left.provider_id}" not in page.content.decode()


def test_newer_staged_deployments_are_ways_to_leave(browser: Client) -> None:
    web = make.service("web", display_name="Web")
    left = make.deployment(web, "Broken header", created_at=make.ago(hours=1))
    make.live(web, "Good header", created_at=make.ago(days=1))
    make.pin(web, left_from=left)
    newer = make.deployment(web, "Mended header", staged=True, served=False, created_at=make.ago(minutes=2))
    make.deployment(web, "Ancient draft", staged=True, served=False, created_at=make.ago(days=9))
    page = browser.get(f"/services/{web.slug}/leave/").content.decode()
    assert f"?to={newer.provider_id}" in page
    assert "Ancient draft" not in page


def test_there_is_no_rollback_to_leave_where_nothing_is_pinned(browser: Client, api: Service) -> None:
    where = f"/services/{api.slug}/leave/"
    page = browser.get(where)
    assert "API is not pinned: there is no rollback to leave." in text(page)
    response = browser.post(where, {"token": token_in(page)})
    assert response.status_code == 409
    assert not Operation.objects.exists()


def test_a_token_stays_good_while_only_ages_change(browser: Client, api: Service, settings: Any) -> None:
    target = older(api)
    form = fill(browser, address(api, target))
    Service.objects.update(read_at=timezone.now() + timedelta(seconds=15))
    assert browser.post(address(api, target), form).status_code == 303
