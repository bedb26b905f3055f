"""`manage.py services`: what the services page does, from a shell."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from deployments.models import Service
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.management.command_line import printed

pytestmark = pytest.mark.django_db


def services(*arguments: str) -> str:
    output = StringIO()
    call_command("services", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def test_it_lists_what_is_followed_and_what_is_not(api: Service) -> None:
    factories.service("web", followed=False)
    assert "shop-api  render  followed  group shop" in services()
    assert "shop-web  vercel  not followed" in services()


def test_it_lists_as_json(api: Service) -> None:
    (row,) = json.loads(services("--json"))
    assert row["slug"] == "shop-api"
    assert row["addresses"] == ["https://shop-api.example.com"]


def test_nothing_known_is_said() -> None:
    assert "No services yet" in services()


@pytest.mark.parametrize("name", ["shop-api", "srv-99"])
def test_a_service_is_chosen_by_slug_or_by_the_providers_id(api: Service, name: str) -> None:
    Service.objects.update(provider_id="srv-99")
    services(
        name, "--no-follow", "--order", "3", "--name", "Checkout", "--group", "checkout", "--kind", "web"
    )
    api.refresh_from_db()
    assert (api.followed, api.position, api.display_name) == (False, 3, "Checkout")
    assert (api.group, api.kind, api.customized) == ("checkout", "web", True)


def test_what_is_not_named_stays(api: Service) -> None:
    services("shop-api", "--name", "Checkout")
    api.refresh_from_db()
    assert (api.followed, api.group, api.addresses) == (True, "shop", ["https://shop-api.example.com"])
    assert not api.addresses_customized


def test_every_choice_is_on_record(api: Service) -> None:
    services("shop-api", "--address", "https://a.example.com", "--address", "https://b.example.com")
    entry = AuditEntry.objects.get()
    assert entry.role == "command line"
    assert entry.after == {"addresses": ["https://a.example.com", "https://b.example.com"]}
    assert "production addresses from https://shop-api.example.com to https://a.example.com" in entry.message


def test_addresses_and_groups_can_be_taken_away(api: Service) -> None:
    services("shop-api", "--address", "", "--group", "")
    api.refresh_from_db()
    assert (api.addresses, api.group) == ([], "")


def test_the_same_choice_again_changes_nothing(api: Service) -> None:
    assert "were in place already" in services("shop-api", "--follow")
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope", "--follow"], "No single service is called “nope”. Known: shop-api."),
        (["--follow"], "Name the service to change"),
        (["shop-api", "--order", "first"], "Order: Give a whole number"),
        (["shop-api", "--address", "http://a.example.com"], "does not begin with https://"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(api: Service, arguments: list[str], message: str) -> None:
    code, text = printed("services", *arguments)
    assert (code, message in text) == (2, True)
    assert not AuditEntry.objects.exists()


def test_what_a_good_answer_is_can_be_chosen_and_taken_back(api: Service) -> None:
    services("shop-api", "--health-path", "/healthz", "--health-status", "200", "--health-field", "status=ok")
    api.refresh_from_db()
    assert (api.health_path, api.health_status, api.health_field) == ("/healthz", 200, "status=ok")
    services("shop-api", "--health-path", "", "--health-status", "", "--health-field", "")
    (row,) = json.loads(services("shop-api", "--json"))
    assert (row["health_path"], row["health_status"], row["health_field"]) == ("/", None, "")
