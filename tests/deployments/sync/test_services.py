"""Which services exist: what discovery names, keeps and marks as missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from deployments.clients import provider
from deployments.models import Service
from deployments.providers.base import ProviderName, RemoteService
from deployments.sandbox.rows import ServiceRow
from deployments.sandbox.server.faults import Fault
from deployments.sync import poll
from deployments.sync.services import save_services
from tests import factories
from tests.deployments.conftest import Portal

FOLLOW = "UPDATE deployments_service SET followed = true WHERE name = 'shop-api'"


def test_an_only_api_is_called_api_and_stands_beside_its_web(portal: Portal) -> None:
    assert (portal.api.short, portal.web.short) == ("API", "Web")
    assert portal.api.group == portal.web.group != ""


def test_an_api_that_is_saved_while_the_other_provider_is_being_saved_keeps_its_name(portal: Portal) -> None:
    api = Service.objects.filter(name="shop-api")
    api.update(followed=False)

    def follow_first(execute: Any, statement: str, *others: Any) -> Any:
        if statement.startswith('UPDATE "deployments_service" SET "display_name"'):
            with connection.cursor() as cursor:
                cursor.cursor.execute(FOLLOW)
        return execute(statement, *others)

    with connection.execute_wrapper(follow_first):
        save_services("vercel", [])

    assert portal.api.short == "API"


def test_what_somebody_chose_survives_discovery(portal: Portal) -> None:
    Service.objects.filter(name="shop-api").update(
        display_name="Shop", customized=True, followed=False, group="till"
    )

    poll.read_services("render", provider("render"))

    api = portal.api
    assert (api.display_name, api.followed, api.group) == ("Shop", False, "till")


def test_a_service_of_a_preview_environment_is_known_and_not_followed(portal: Portal) -> None:
    name = "shop-api pr-42"
    portal.world.add_service(
        ServiceRow("render", "srv-preview", name, "", 0, 0, ["pr.onrender.com"], environment="pr-42")
    )

    poll.read_services("render", provider("render"))

    preview = Service.objects.get(name=name)
    assert (preview.followed, preview.environment) == (False, "pr-42")
    assert portal.api.followed


@pytest.mark.parametrize("kept_by", ["", "a person", "a pin"])
def test_a_preview_whose_environment_is_learned_late_is_not_followed_from_then_on(
    portal: Portal, kept_by: str
) -> None:
    listed = RemoteService(ProviderName.RENDER, "srv-late", "shop-api late", "api")
    save_services("render", [listed])
    service = Service.objects.get(name="shop-api late")
    assert service.followed
    if kept_by == "a person":
        Service.objects.filter(pk=service.pk).update(customized=True)
    if kept_by == "a pin":
        factories.pin(service, factories.live(service))

    save_services("render", [replace(listed, environment="Previews", production=False)])
    save_services("render", [listed])

    service.refresh_from_db()
    assert (service.followed, service.environment) == (bool(kept_by), "Previews")


def test_addresses_stay_where_the_custom_domains_could_not_be_read(portal: Portal) -> None:
    known = ["https://api.example.com", "https://shop-api.onrender.com"]
    Service.objects.filter(name="shop-api").update(addresses=known)
    provider("render").service_details.known_domains.clear()  # type: ignore[attr-defined]
    portal.sandbox.faults.add(Fault("render.custom_domains", "forbidden"))

    poll.read_services("render", provider("render"))

    assert portal.api.addresses == known


def test_maintenance_and_who_suspended_a_service_are_kept(portal: Portal) -> None:
    said = {"suspended": "suspended", "suspenders": ["billing"]}
    portal.world.provider_says("shop-api", {**said, "serviceDetails": {"maintenanceMode": {"enabled": True}}})

    poll.read_services("render", provider("render"))

    assert (portal.api.suspended, portal.api.suspended_by, portal.api.maintenance) == (True, "billing", True)
