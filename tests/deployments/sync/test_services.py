"""Which services exist: what discovery names, keeps and marks as missing."""

from __future__ import annotations

from deployments.clients import provider
from deployments.models import Service
from deployments.sync import poll
from tests.deployments.conftest import Portal


def test_an_only_api_is_called_api_and_stands_beside_its_web(portal: Portal) -> None:
    assert (portal.api.short, portal.web.short) == ("API", "Web")
    assert portal.api.group == portal.web.group != ""


def test_what_somebody_chose_survives_discovery(portal: Portal) -> None:
    Service.objects.filter(name="shop-api").update(
        display_name="Shop", customized=True, followed=False, group="till"
    )

    poll.read_services("render", provider("render"))

    api = portal.api
    assert (api.display_name, api.followed, api.group) == ("Shop", False, "till")


def test_a_service_that_is_gone_is_kept_and_no_longer_followed(portal: Portal) -> None:
    Service.objects.create(provider="render", provider_id="srv-gone", slug="gone", name="gone", kind="api")

    poll.read_services("render", provider("render"))

    assert Service.objects.get(slug="gone").missing_since is not None
