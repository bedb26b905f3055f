"""Render's own Python client reads a service's custom domains and its environment from the sandbox."""

from __future__ import annotations

from render.public_api.api.custom_domains import list_custom_domains
from render.public_api.api.projects_environments import retrieve_environment
from render.public_api.client import AuthenticatedClient
from render.public_api.models.custom_domain_verification_status import CustomDomainVerificationStatus

from deployments.sandbox.render.resource_json import environment_id
from deployments.sandbox.rows import ServiceRow
from deployments.sandbox.world import World


def test_it_reads_the_custom_domains(
    official_client: AuthenticatedClient, world: World, shop_api: ServiceRow
) -> None:
    world.somebody_adds_domain("shop-api", "api.example.com")
    world.somebody_adds_domain("shop-api", "soon.example.com", verified=False)
    rows = list_custom_domains.sync(shop_api.id, client=official_client)
    assert isinstance(rows, list)
    assert [(row.custom_domain.name, row.custom_domain.verification_status) for row in rows] == [
        ("api.example.com", CustomDomainVerificationStatus.VERIFIED),
        ("soon.example.com", CustomDomainVerificationStatus.UNVERIFIED),
    ]


def test_it_reads_the_environment(official_client: AuthenticatedClient, shop_api: ServiceRow) -> None:
    shop_api.environment = "production"
    found = retrieve_environment.sync(environment_id("production"), client=official_client)
    assert found is not None
    assert found.to_dict()["name"] == "production"
    assert found.to_dict()["serviceIds"] == [shop_api.id]
