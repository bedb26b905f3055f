"""Render's own Python client cannot tell the sandbox from Render.

It parses only what is documented: `raise_on_unexpected_status` makes any other status an error, and its
models any unknown word.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from render.public_api.api.deploys import (
    cancel_deploy,
    create_deploy,
    list_deploys,
    retrieve_deploy,
    rollback_deploy,
)
from render.public_api.api.events import retrieve_event
from render.public_api.api.logs import list_logs, list_logs_values
from render.public_api.api.metrics import (
    get_cpu,
    get_http_latency,
    get_http_requests,
    get_instance_count,
    get_memory,
)
from render.public_api.api.services import (
    list_events,
    list_instances,
    list_services,
    retrieve_service,
    update_service,
)
from render.public_api.api.users import get_user
from render.public_api.api.workspaces import list_owners
from render.public_api.client import AuthenticatedClient
from render.public_api.models.auto_deploy_trigger import AutoDeployTrigger
from render.public_api.models.create_deploy_body import CreateDeployBody
from render.public_api.models.deploy_status import DeployStatus
from render.public_api.models.error import Error
from render.public_api.models.get_http_requests_aggregate_by import GetHttpRequestsAggregateBy
from render.public_api.models.list_logs_values_label import ListLogsValuesLabel
from render.public_api.models.rollback_deploy_body import RollbackDeployBody
from render.public_api.models.service_patch import ServicePATCH

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import Deployment, Service
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import RENDER_URL, SandboxTransport
from deployments.sandbox.world import World

Earlier = Callable[..., Deployment]


@pytest.fixture
def client(sandbox: Sandbox) -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=RENDER_URL,
        token="rnd_sandbox",
        raise_on_unexpected_status=True,
        httpx_args={"transport": SandboxTransport(sandbox)},
    )


def ask(call: Any, *words: Any, **named: Any) -> Any:
    """What the client made of the answer; an error and an unknown answer are no answer."""
    answer = call.sync_detailed(*words, **named)
    assert answer.parsed is not None
    assert not isinstance(answer.parsed, Error), answer.parsed
    return answer.parsed


def test_it_lists_and_reads_services(client: AuthenticatedClient, api: Service) -> None:
    listed = ask(list_services, client=client, name=["shop-api", "shop-worker"])
    one = ask(retrieve_service, api.id, client=client)

    assert [row.service.name for row in listed] == ["shop-api"]
    assert one.repo == "https://github.com/acme/shop"
    assert one.auto_deploy_trigger is AutoDeployTrigger.CHECKSPASS
    assert one.service_details.to_dict()["healthCheckPath"] == "/healthz"


def test_it_pages_through_all_deploys(client: AuthenticatedClient, world: World, api: Service) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while page := ask(list_deploys, api.id, client=client, limit=20, **cursor):
        seen += [row.deploy.id for row in page]
        cursor = {"cursor": page[-1].cursor}

    assert seen == [row.id for row in world.newest_first(api)]


def test_it_filters_deploys_by_status_and_time(
    client: AuthenticatedClient, api: Service, clock: StoppedClock
) -> None:
    wanted = [DeployStatus.LIVE, DeployStatus.DEACTIVATED]
    week = clock() - timedelta(days=7)
    rows = ask(list_deploys, api.id, client=client, status=wanted, created_before=week, limit=5)

    assert len(rows) == 5
    assert all(row.deploy.status is DeployStatus.DEACTIVATED and row.deploy.created_at < week for row in rows)


def test_it_rolls_back_and_follows_to_the_end(
    client: AuthenticatedClient, world: World, api: Service, clock: StoppedClock, earlier: Earlier
) -> None:
    good = earlier(api)
    new = ask(rollback_deploy, api.id, client=client, body=RollbackDeployBody(deploy_id=good.id))
    seen = []
    for _ in range(13):
        seen.append(ask(retrieve_deploy, api.id, new.id, client=client).status)
        clock.advance(1)

    assert new.commit.id == good.commit
    assert list(dict.fromkeys(seen)) == [
        DeployStatus.CREATED,
        DeployStatus.UPDATE_IN_PROGRESS,
        DeployStatus.LIVE,
    ]
    assert world.serving("shop-api").id == new.id


def test_it_switches_automatic_deploys_off_and_restores_them(
    client: AuthenticatedClient, api: Service
) -> None:
    seen = [
        ask(
            update_service, api.id, client=client, body=ServicePATCH(auto_deploy_trigger=setting)
        ).auto_deploy_trigger
        for setting in (AutoDeployTrigger.OFF, AutoDeployTrigger.CHECKSPASS)
    ]

    assert seen == [AutoDeployTrigger.OFF, AutoDeployTrigger.CHECKSPASS]


def test_it_orders_and_cancels_a_deploy(client: AuthenticatedClient, api: Service) -> None:
    ordered = ask(create_deploy, api.id, client=client, body=CreateDeployBody())
    queued = create_deploy.sync_detailed(api.id, client=client, body=CreateDeployBody())
    canceled = ask(cancel_deploy, api.id, ordered.id, client=client)

    assert queued.status_code == 202
    assert canceled.status is DeployStatus.CANCELED


def test_it_reads_every_event_of_three_weeks(
    client: AuthenticatedClient, world: World, api: Service, clock: StoppedClock, earlier: Earlier
) -> None:
    world.somebody_rolls_back("shop-api", earlier(api).id)
    clock.advance(20)
    found: list[Any] = []
    cursor: dict[str, str] = {}
    since = clock() - timedelta(days=30)
    while page := ask(list_events, api.id, client=client, start_time=since, limit=100, **cursor):
        found += [row.event for row in page]
        cursor = {"cursor": page[-1].cursor}
    kinds = {event.type_.value for event in found}
    one = ask(retrieve_event, found[0].id, client=client)

    assert kinds >= {"deploy_started", "deploy_ended", "build_started", "build_ended", "auto_deploy_disabled"}
    assert [event.timestamp for event in found] == sorted((event.timestamp for event in found), reverse=True)
    assert sum(event.details.to_dict().get("trigger", {}).get("rollback", False) for event in found) == 2
    assert one.id == found[0].id


def test_it_reads_the_last_hour_of_events_by_default(client: AuthenticatedClient, api: Service) -> None:
    assert len(ask(list_events, api.id, client=client)) == 4


def test_it_reads_logs_and_the_incident_is_in_them(client: AuthenticatedClient, api: Service) -> None:
    logs = ask(list_logs, client=client, owner_id="tea-x", resource=[api.id], type_=["request"], limit=100)
    failed = ask(list_logs, client=client, owner_id="tea-x", resource=[api.id], status_code=["5*"], limit=100)
    builds = ask(list_logs, client=client, owner_id="tea-x", resource=[api.id], type_=["build"], limit=100)
    older = ask(list_logs, client=client, owner_id="tea-x", resource=[api.id], type_=["request"], limit=100,
        start_time=logs.next_start_time, end_time=logs.next_end_time - timedelta(milliseconds=1),
    )  # fmt: skip
    values = ask(
        list_logs_values, client=client, owner_id="tea-x", resource=[api.id], label=ListLogsValuesLabel.TYPE
    )

    assert len(logs.logs) == 100
    assert logs.has_more
    assert older.logs[0].timestamp < logs.logs[-1].timestamp
    assert 3 < len(failed.logs) < 40
    assert "Build successful" in builds.logs[0].message
    assert values == ["app", "build", "request"]


def test_it_reads_metrics_and_they_follow_the_deployment_that_serves(
    client: AuthenticatedClient, world: World, api: Service, clock: StoppedClock, earlier: Earlier
) -> None:
    def share_of_errors() -> float:
        start = clock() - timedelta(minutes=10)
        rows = ask(
            get_http_requests,
            client=client,
            resource=api.id,
            start_time=start,
            aggregate_by=GetHttpRequestsAggregateBy.STATUSCODE,
        )
        counts = {row.labels[1].value: sum(point.value for point in row.values) for row in rows}
        return float(counts["500"] / sum(counts.values()))

    during, slow = (
        share_of_errors(),
        newest(ask(get_http_latency, client=client, resource=api.id, quantile=0.95)),
    )
    world.somebody_rolls_back("shop-api", earlier(api).id)
    clock.advance(15 * 60)
    after, quick = (
        share_of_errors(),
        newest(ask(get_http_latency, client=client, resource=api.id, quantile=0.95)),
    )

    assert 0.06 < during < 0.1
    assert after < 0.01
    assert slow > 4 * quick


def newest(series: list[Any]) -> float:
    return float(series[0].values[-1].value)


def test_it_reads_what_each_instance_uses(client: AuthenticatedClient, api: Service) -> None:
    instances = {row.id for row in ask(list_instances, api.id, client=client)}
    cpu, memory = (
        ask(get_cpu, client=client, resource=api.id),
        ask(get_memory, client=client, resource=api.id),
    )
    count = ask(get_instance_count, client=client, resource=api.id)

    assert {row.unit for row in cpu} == {"cpu"}
    assert {row.unit for row in memory} == {"bytes"}
    assert instances <= {row.labels[0].value for row in cpu}
    assert newest(count) == 2


def test_it_reads_who_it_is(client: AuthenticatedClient) -> None:
    assert ask(get_user, client=client).email == "ana@example.com"
    assert [row.owner.name for row in ask(list_owners, client=client)] == ["Acme"]
