"""Custom domains, environments, maintenance and suspension of Render's services."""

from __future__ import annotations

import pytest

from deployments.providers.base import RemoteService
from deployments.sandbox.rows import ServiceRow
from tests.deployments.providers.client_bench import ClientBench, make_bench

OWN = "https://shop-api.onrender.com"


def fresh(bench: ClientBench) -> RemoteService:
    """The service as a client sees it that has kept nothing from before."""
    bench.client.service_details.known_domains.clear()  # type: ignore[attr-defined]
    bench.client.service_details.known_environments.clear()  # type: ignore[attr-defined]
    return bench.client.services()[0]


def test_verified_custom_domains_are_production_addresses(render_bench: ClientBench) -> None:
    render_bench.world.somebody_adds_domain(render_bench.name, "api.example.com")
    render_bench.world.somebody_adds_domain(render_bench.name, "soon.example.com", verified=False)
    assert fresh(render_bench).addresses == ("https://api.example.com", OWN)


def test_a_switched_off_address_is_not_asked(render_bench: ClientBench) -> None:
    said = {"serviceDetails": {"renderSubdomainPolicy": "disabled"}}
    render_bench.world.provider_says(render_bench.name, said)
    render_bench.world.somebody_adds_domain(render_bench.name, "api.example.com")
    assert fresh(render_bench).addresses == ("https://api.example.com",)


def test_where_the_domains_cannot_be_read_the_addresses_are_not_known(render_bench: ClientBench) -> None:
    render_bench.fault("custom_domains", "forbidden", times=None)
    service = fresh(render_bench)
    assert (service.addresses_known, service.addresses) == (False, (OWN,))


def test_a_list_of_services_makes_few_extra_calls_and_learns_the_rest_by_and_by() -> None:
    bench = make_bench("render")
    for number in range(24):
        name = f"more-{number}"
        bench.world.add_service(
            ServiceRow(
                "render", f"srv-more{number}", name, "", 0, 0, [f"{name}.onrender.com", f"{name}.example"]
            )
        )
    counts = [sum(service.addresses_known for service in bench.client.services()) for _ in range(3)]
    assert counts == [11, 21, 25]  # one of them had been read before


def test_environments_are_read_before_the_domains_of_many_services() -> None:
    bench = make_bench("render")
    for number in range(24):
        environment = "Previews" if number == 23 else ""
        bench.world.add_service(
            ServiceRow(
                "render", f"srv-more{number}", f"more-{number}", "", 0, 0,
                [f"more-{number}.onrender.com"], environment=environment,
            )
        )  # fmt: skip
    preview = next(service for service in bench.client.services() if service.id == "srv-more23")
    assert (preview.environment, preview.production) == ("Previews", False)


@pytest.mark.parametrize(
    ("name", "production"),
    [
        ("production", True), ("Main", True), ("", True), ("Product", True),
        ("Preview", False), ("pr-42", False), ("PR #42", False), ("pull request 7", False),
        ("staging", False), ("web-dev", False), ("preprod", False),
    ],
)  # fmt: skip
def test_an_environment_for_previews_or_tests_is_no_production(
    render_bench: ClientBench, name: str, production: bool
) -> None:
    render_bench.world.service(render_bench.name).environment = name
    service = fresh(render_bench)
    assert (service.environment, service.production) == (name, production)


def test_maintenance_and_who_suspended_a_service_are_read(render_bench: ClientBench) -> None:
    said = {
        "suspended": "suspended",
        "suspenders": ["billing", "a_word_of_tomorrow"],
        "serviceDetails": {"maintenanceMode": {"enabled": True, "uri": ""}},
    }
    render_bench.world.provider_says(render_bench.name, said)
    service = fresh(render_bench)
    assert (service.suspended, service.maintenance) == (True, True)
    assert service.suspended_by == ("billing", "a_word_of_tomorrow")
