"""The services page: who may change settings, which values are valid, and the audit entries."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from deployments.models import Service
from deployments.providers.public.health import HealthRule
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def choices(**changed: Any) -> dict[str, Any]:
    """The edit form of a service made by `factories.service("api")`, as a browser sends it."""
    shown = {
        "followed": "on",
        "position": "0",
        "display_name": "",
        "kind": "api",
        "group": "shop",
        "addresses": "https://shop-api.example.com",
    }
    return {name: value for name, value in {**shown, **changed}.items() if value is not None}


def form_data(responder: Client) -> dict[str, str]:
    """The form of the list, as a browser sends it when nothing was touched."""
    data = {}
    for row in responder.get("/services/").context["rows"]:
        for field in row:
            data[field.html_initial_name] = str(field.initial)
            if field.initial is not False:
                data[field.html_name] = "on" if field.initial is True else str(field.initial)
    return data


def test_the_list_shows_every_service_with_what_is_chosen(responder: Client, api: Service) -> None:
    factories.service("web", followed=False)
    page = text(responder.get("/services/"))
    assert "shop-api" in page
    assert "shop-web" in page
    assert "https://shop-api.example.com" in page


def test_a_service_is_no_longer_followed_and_the_choice_is_on_record(responder: Client, api: Service) -> None:
    form = form_data(responder)
    del form[f"service-{api.pk}-followed"]
    page = responder.post("/services/", form, follow=True)
    api.refresh_from_db()
    assert (api.followed, api.customized) == (False, True)
    assert "Saved: shop-api." in text(page)
    entry = AuditEntry.objects.get()
    assert entry.message == "Ana Ruiz changed shop-api: follow from yes to no."
    assert (entry.before, entry.after) == ({"followed": True}, {"followed": False})
    assert (entry.role, entry.outcome) == ("responder", "done")


def test_saving_what_was_not_touched_records_nothing(responder: Client, api: Service) -> None:
    page = responder.post("/services/", form_data(responder), follow=True)
    assert "You changed nothing" in text(page)
    assert not AuditEntry.objects.exists()
    assert not Service.objects.get().customized


def test_an_old_page_does_not_undo_what_somebody_else_chose_meanwhile(
    responder: Client, api: Service
) -> None:
    web = factories.service("web")
    form = form_data(responder)
    Service.objects.filter(pk=web.pk).update(followed=False, position=7)
    responder.post("/services/", {**form, f"service-{api.pk}-position": "3"})
    web.refresh_from_db()
    assert (web.followed, web.position) == (False, 7)
    assert Service.objects.get(pk=api.pk).position == 3


@pytest.mark.parametrize("position", ["", "first", "-1", "10000", "1.5"])
def test_an_order_that_is_no_number_is_refused_and_kept_for_correction(
    responder: Client, api: Service, position: str
) -> None:
    factories.service("web")
    form = {**form_data(responder), f"service-{api.pk}-position": position}
    page = responder.post("/services/", form)
    assert page.status_code == 422
    assert "Give a whole number" in text(page)
    assert "NOT SAVED" in text(page)
    assert not AuditEntry.objects.exists()


def test_a_viewer_sees_the_choices_disabled_with_the_reason(viewer: Client, api: Service) -> None:
    for address in ("/services/", "/services/shop-api/edit/"):
        page = viewer.get(address)
        assert "needs the role responder" in text(page)
        assert page.content.decode().count("disabled") >= 2


@pytest.mark.parametrize("address", ["/services/", "/services/shop-api/edit/"])
def test_a_viewers_post_is_refused_and_recorded(viewer: Client, api: Service, address: str) -> None:
    assert viewer.post(address, choices(display_name="Hers")).status_code == 403
    api.refresh_from_db()
    assert api.display_name == ""
    assert AuditEntry.objects.get().outcome == "refused"


def test_everything_that_can_be_chosen_is_saved_at_once(responder: Client, api: Service) -> None:
    form = choices(
        display_name="Checkout",
        group="checkout",
        kind="web",
        position="4",
        followed=None,
        addresses="https://a.example.com\n\n https://b.example.com/health \nhttps://a.example.com",
    )
    page = responder.post("/services/shop-api/edit/", form, follow=True)
    assert page.redirect_chain == [("/services/", 302)]
    api.refresh_from_db()
    assert (api.display_name, api.group, api.kind, api.position) == ("Checkout", "checkout", "web", 4)
    assert api.addresses == ["https://a.example.com", "https://b.example.com/health"]
    assert (api.followed, api.customized, api.addresses_customized) == (False, True, True)
    assert AuditEntry.objects.get().before["addresses"] == ["https://shop-api.example.com"]


def test_choosing_a_name_leaves_the_addresses_to_discovery(responder: Client, api: Service) -> None:
    responder.post("/services/shop-api/edit/", choices(display_name="Checkout"))
    api.refresh_from_db()
    assert (api.customized, api.addresses_customized) == (True, False)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://a.example.com", "does not begin with https://"),
        ("ftp://a.example.com", "does not begin with https://"),
        ("a.example.com", "does not begin with https://"),
        ("javascript:alert(1)", "does not begin with https://"),
        ("https://", "has no public host name"),
        ("https://localhost/", "has no public host name"),
        ("https://127.0.0.1/", "has no public host name"),
        ("https://[::1]/", "has no public host name"),
        ("https://10.1.2.3/", "has no public host name"),
        ("https://169.254.169.254/latest", "has no public host name"),
        ("https://printer.local/", "has no public host name"),
        ("https://a b.example.com", "has no public host name"),
        ("https://a..example.com", "has no public host name"),
        ("https://a.example.com:99999/", "is not an address"),
        ("https://[nonsense/", "is not an address"),
        ("https://ana:secret@a.example.com", "contains a user name or a password"),
        ("https://a.example.com/?token=1", "contains a query or a fragment"),
        ("https://a.example.com/" + "x" * 300, "is longer than 300 characters"),
        ("https://a.example.com\n" * 3 + "x" * 70_000, "at most"),
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_in_a_sentence(
    responder: Client, api: Service, address: str, message: str
) -> None:
    page = responder.post("/services/shop-api/edit/", choices(addresses=address, display_name="Kept"))
    assert page.status_code == 422
    assert message in text(page)
    assert 'value="Kept"' in page.content.decode()
    api.refresh_from_db()
    assert (api.addresses, api.display_name) == (["https://shop-api.example.com"], "")
    assert not AuditEntry.objects.exists()


def test_an_address_that_discovery_found_may_stay_whatever_it_is(responder: Client, api: Service) -> None:
    Service.objects.update(addresses=["http://127.0.0.1:9701/api"])
    form = choices(addresses="http://127.0.0.1:9701/api", display_name="Checkout")
    assert responder.post("/services/shop-api/edit/", form).status_code == 302
    api.refresh_from_db()
    assert api.addresses == ["http://127.0.0.1:9701/api"]


@pytest.mark.parametrize(
    "changed", [{"kind": "queue"}, {"position": "x"}, {"group": "g" * 61}, {"display_name": "n" * 61}]
)
def test_a_choice_that_does_not_exist_is_refused(
    responder: Client, api: Service, changed: dict[str, str]
) -> None:
    assert responder.post("/services/shop-api/edit/", choices(**changed)).status_code == 422
    assert not AuditEntry.objects.exists()


def test_invisible_characters_do_not_get_into_a_name(responder: Client, api: Service) -> None:
    responder.post("/services/shop-api/edit/", choices(display_name="Check\u202eout\u200b"))
    assert Service.objects.get().display_name == "Checkout"


def test_an_unknown_service_is_not_found(responder: Client) -> None:
    assert responder.get("/services/nope/edit/").status_code == 404


def test_a_page_without_services_says_what_will_appear(responder: Client) -> None:
    assert "No service is known yet" in text(responder.get("/services/"))


def test_a_change_whose_entry_cannot_be_written_is_not_made(responder: Client, api: Service) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE audit_auditentry ADD CONSTRAINT shut CHECK (action <> 'service settings changed')"
        )
    responder.raise_request_exception = False
    assert responder.post("/services/shop-api/edit/", choices(display_name="Checkout")).status_code == 500
    assert Service.objects.get().display_name == ""


RULE = {
    "health_path": "/healthz?full=1",
    "health_status": "200",
    "health_text": "All good",
    "health_field": "database.ready=true",
}


def test_the_health_rule_is_saved_with_an_audit_entry(responder: Client, api: Service) -> None:
    assert responder.post("/services/shop-api/edit/", choices(**RULE)).status_code == 302
    api.refresh_from_db()
    assert api.health_rule == HealthRule("/healthz?full=1", 200, "All good", "database.ready=true")
    entry = AuditEntry.objects.get(action="service settings changed")
    assert "health path from “/” to “/healthz?full=1”" in entry.message
    page = text(responder.get("/services/shop-api/edit/"))
    assert all(word in page for word in ("Health path", "Expected status", "JSON field that has to be there"))


def test_an_empty_health_rule_is_the_usual_one(responder: Client, api: Service) -> None:
    Service.objects.update(**{**RULE, "health_status": 200})
    empty = dict.fromkeys(RULE, "")
    assert responder.post("/services/shop-api/edit/", choices(**empty)).status_code == 302
    api.refresh_from_db()
    assert api.health_rule == HealthRule()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("health_path", "healthz", "begins with one /"),
        ("health_path", "//evil.example/", "begins with one /"),
        ("health_path", "/a b", "begins with one /"),
        ("health_path", "/é", "begins with one /"),
        ("health_path", "/a#b", "begins with one /"),
        ("health_path", "/" + "x" * 200, "at most 200"),
        ("health_status", "99", "from 100 to 599"),
        ("health_status", "600", "from 100 to 599"),
        ("health_status", "good", "from 100 to 599"),
        ("health_text", "x" * 201, "at most 200"),
        ("health_field", "a..b", "names with dots"),
        ("health_field", "a b", "names with dots"),
        ("health_field", "=ok", "names with dots"),
    ],
)
def test_a_health_rule_that_cannot_be_is_refused_in_a_sentence(
    responder: Client, api: Service, name: str, value: str, message: str
) -> None:
    page = responder.post("/services/shop-api/edit/", choices(**{name: value}))
    assert page.status_code == 422
    assert message in text(page)
    api.refresh_from_db()
    assert api.health_rule == HealthRule()
    assert not AuditEntry.objects.exists()
