"""Reading Vercel where it leaves something open: domains, pages, deletions, environments, teams."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.providers.base import DeploymentStatus, Phase, RemoteDeployment
from deployments.sandbox.rows import ServiceRow
from tests.deployments.providers.client_bench import ClientBench


def one(bench: ClientBench) -> RemoteDeployment:
    """The target as the list has it, which has to agree with the single view."""
    listed = next(
        d for d in bench.client.deployments(bench.service_id).deployments if d.id == bench.target.id
    )
    single = bench.client.deployment(bench.service_id, bench.target.id)
    assert (single.status, single.production) == (listed.status, listed.production)
    return listed


def test_all_of_250_projects_are_listed(vercel_bench: ClientBench) -> None:
    for number in range(249):
        vercel_bench.world.add_service(
            ServiceRow("vercel", f"prj_more{number}", f"more-{number}", "", number, number, ["a.example"])
        )
    projects = vercel_bench.client.services()
    assert len({project.id for project in projects}) == 250


def test_the_dashboard_address_names_team_and_project(vercel_bench: ClientBench) -> None:
    address = "https://vercel.com/acme/shop-web"
    assert [project.dashboard_url for project in vercel_bench.client.services()] == [address]
    assert vercel_bench.client.service(vercel_bench.service_id).dashboard_url == address


def test_without_the_right_to_read_the_team_the_projects_are_listed_all_the_same(
    vercel_bench: ClientBench,
) -> None:
    vercel_bench.client.scopes.clear()  # type: ignore[attr-defined]
    vercel_bench.fault("team", "forbidden", times=None)
    assert [project.dashboard_url for project in vercel_bench.client.services()] == [""]


NO_ALIASES: list[dict[str, Any]] = [{"alias": None}, {"alias": []}]


@pytest.mark.parametrize("said", NO_ALIASES)
@pytest.mark.parametrize("refused", [(), ("aliases",), ("aliases", "deployment.aliases")])
def test_a_move_that_worked_is_done_although_the_project_lists_no_domains(
    vercel_bench: ClientBench, said: dict[str, Any], refused: tuple[str, ...]
) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.world.provider_says(vercel_bench.name, said)
    for call in refused:
        vercel_bench.fault(call, "forbidden", times=None)
    vercel_bench.order()
    assert vercel_bench.client.progress(order_record).phase is Phase.WAITING
    vercel_bench.wait()
    progress = vercel_bench.client.progress(order_record)
    assert (progress.phase, progress.live_id) == (Phase.DONE, vercel_bench.target.id)


def test_a_move_that_worked_is_done_although_no_domain_names_its_deployment(
    vercel_bench: ClientBench,
) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.fault("project", "omit", detail="alias.deployment", times=None)
    vercel_bench.order()
    vercel_bench.wait()
    assert vercel_bench.client.progress(order_record).phase is Phase.DONE


def test_a_move_that_only_says_it_worked_is_found_out_by_the_list_of_aliases(
    vercel_bench: ClientBench,
) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.world.provider_says(vercel_bench.name, {"alias": None})
    vercel_bench.fault("rollback", "lie_live")
    vercel_bench.order()
    vercel_bench.wait()
    progress = vercel_bench.client.progress(order_record)
    assert (progress.phase, progress.live_id) == (Phase.WAITING, vercel_bench.live.id)


DELETED = 1_767_312_060_000


@pytest.mark.parametrize(
    ("said", "status", "by_retention"),
    [
        ({"deleted": DELETED}, DeploymentStatus.DELETED, False),
        ({"readyState": "DELETED", "state": "DELETED"}, DeploymentStatus.DELETED, False),
        ({"deleted": DELETED, "softDeletedByRetention": True}, DeploymentStatus.DELETED, True),
        ({"softDeletedByRetention": True}, DeploymentStatus.DELETED, True),
        ({"deleted": DELETED, "undeleted": DELETED + 1}, DeploymentStatus.READY, False),
        ({"deleted": DELETED, "undeleted": DELETED - 1}, DeploymentStatus.DELETED, False),
        ({"deleted": None, "softDeletedByRetention": False}, DeploymentStatus.READY, False),
        ({"readyState": "BLOCKED", "state": "BLOCKED"}, DeploymentStatus.BLOCKED, False),
    ],
)
def test_a_deleted_or_blocked_deployment_is_recognised(
    vercel_bench: ClientBench, said: dict[str, Any], status: DeploymentStatus, by_retention: bool
) -> None:
    vercel_bench.world.provider_says(vercel_bench.name, said, vercel_bench.target.id)
    found = one(vercel_bench)
    assert (found.status, found.by_retention) == (status, by_retention)


def test_expiry_checks_and_alias_errors_are_read(vercel_bench: ClientBench) -> None:
    said = {
        "expiration": DELETED,
        "checksConclusion": "failed",
        "aliasError": {"code": "conflict", "message": "The domain is taken"},
    }
    vercel_bench.world.provider_says(vercel_bench.name, said, vercel_bench.target.id)
    found = one(vercel_bench)
    assert found.expires_at is not None
    assert (found.expires_at.year, found.checks, found.alias_error) == (2026, "failed", "The domain is taken")


def test_what_was_built_for_a_custom_environment_is_not_production(vercel_bench: ClientBench) -> None:
    said = {"customEnvironment": {"id": "env_1", "slug": "qa"}}
    vercel_bench.world.provider_says(vercel_bench.name, said, vercel_bench.target.id)
    found = one(vercel_bench)
    assert (found.production, found.environment) == (False, "qa")


def test_a_row_that_cannot_be_read_makes_the_page_incomplete(vercel_bench: ClientBench) -> None:
    assert vercel_bench.client.deployments(vercel_bench.service_id).whole
    vercel_bench.fault("deployments", "omit", detail="deployments.uid")
    assert not vercel_bench.client.deployments(vercel_bench.service_id).whole
