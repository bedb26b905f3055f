"""Render's own Python client works against the sandbox.

It only parses what is documented: `raise_on_unexpected_status` makes any other status an error, and its
models reject unknown values.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

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
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.world import World

Earlier = Callable[..., DeploymentRow]


def call_api(call: Any, *args: Any, **kwargs: Any) -> Any:
    """The parsed response; fails for an error and for a response that the client does not know."""
    answer = call.sync_detailed(*args, **kwargs)
    assert answer.parsed is not None
    assert not isinstance(answer.parsed, Error), answer.parsed
    return answer.parsed


def test_it_lists_and_reads_services(official_client: AuthenticatedClient, shop_api: ServiceRow) -> None:
    services = call_api(list_services, client=official_client, name=["shop-api", "shop-worker"])
    one = call_api(retrieve_service, shop_api.id, client=official_client)

    assert [row.service.name for row in services] == ["shop-api"]
    assert one.repo == "https://github.com/acme/shop"
    assert one.auto_deploy_trigger is AutoDeployTrigger.CHECKSPASS
    assert one.service_details.to_dict()["healthCheckPath"] == "/healthz"


def test_it_pages_through_all_deploys(
    official_client: AuthenticatedClient, world: World, shop_api: ServiceRow
) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while page := call_api(list_deploys, shop_api.id, client=official_client, limit=20, **cursor):
        seen += [row.deploy.id for row in page]
        cursor = {"cursor": page[-1].cursor}

    assert seen == [row.id for row in world.newest_first(shop_api)]


def test_it_filters_deploys_by_status_and_time(
    official_client: AuthenticatedClient, shop_api: ServiceRow, clock: StoppedClock
) -> None:
    wanted = [DeployStatus.LIVE, DeployStatus.DEACTIVATED]
    week = clock() - timedelta(days=7)
    rows = call_api(
        list_deploys, shop_api.id, client=official_client, status=wanted, created_before=week, limit=5
    )

    assert len(rows) == 5
    assert all(row.deploy.status is DeployStatus.DEACTIVATED and row.deploy.created_at < week for row in rows)


def test_it_rolls_back_and_follows_to_the_end(
    official_client: AuthenticatedClient,
    world: World,
    shop_api: ServiceRow,
    clock: StoppedClock,
    earlier: Earlier,
) -> None:
    good = earlier(shop_api)
    new = call_api(
        rollback_deploy, shop_api.id, client=official_client, body=RollbackDeployBody(deploy_id=good.id)
    )
    seen = []
    for _ in range(13):
        seen.append(call_api(retrieve_deploy, shop_api.id, new.id, client=official_client).status)
        clock.advance(1)

    assert new.commit.id == good.commit
    assert list(dict.fromkeys(seen)) == [
        DeployStatus.CREATED,
        DeployStatus.UPDATE_IN_PROGRESS,
        DeployStatus.LIVE,
    ]
    assert world.serving("shop-api").id == new.id


def test_it_switches_automatic_deploys_off_and_restores_them(
    official_client: AuthenticatedClient, shop_api: ServiceRow
) -> None:
    seen = [
        call_api(
            update_service,
            shop_api.id,
            client=official_client,
            body=ServicePATCH(auto_deploy_trigger=setting),
        ).auto_deploy_trigger
        for setting in (AutoDeployTrigger.OFF, AutoDeployTrigger.CHECKSPASS)
    ]

    assert seen == [AutoDeployTrigger.OFF, AutoDeployTrigger.CHECKSPASS]


def test_it_orders_and_cancels_a_deploy(official_client: AuthenticatedClient, shop_api: ServiceRow) -> None:
    ordered = call_api(create_deploy, shop_api.id, client=official_client, body=CreateDeployBody())
    queued = create_deploy.sync_detailed(shop_api.id, client=official_client, body=CreateDeployBody())
    canceled = call_api(cancel_deploy, shop_api.id, ordered.id, client=official_client)

    assert queued.status_code == 202
    assert canceled.status is DeployStatus.CANCELED


def test_it_reads_all_events(
    official_client: AuthenticatedClient,
    world: World,
    shop_api: ServiceRow,
    clock: StoppedClock,
    earlier: Earlier,
) -> None:
    world.somebody_rolls_back("shop-api", earlier(shop_api).id)
    clock.advance(20)
    all_events: list[Any] = []
    cursor: dict[str, str] = {}
    since = clock() - timedelta(days=30)
    while page := call_api(
        list_events, shop_api.id, client=official_client, start_time=since, limit=100, **cursor
    ):
        all_events += [row.event for row in page]
        cursor = {"cursor": page[-1].cursor}
    kinds = {event.type_.value for event in all_events}
    one = call_api(retrieve_event, all_events[0].id, client=official_client)

    assert kinds >= {"deploy_started", "deploy_ended", "build_started", "build_ended", "auto_deploy_disabled"}
    assert [event.timestamp for event in all_events] == sorted(
        (event.timestamp for event in all_events), reverse=True
    )
    assert sum(event.details.to_dict().get("trigger", {}).get("rollback", False) for event in all_events) == 2
    assert one.id == all_events[0].id


def test_it_reads_the_last_hour_of_events_by_default(
    official_client: AuthenticatedClient, shop_api: ServiceRow
) -> None:
    assert len(call_api(list_events, shop_api.id, client=official_client)) == 4


def test_it_reads_logs_that_show_the_incident(
    official_client: AuthenticatedClient, shop_api: ServiceRow
) -> None:
    logs = call_api(
        list_logs,
        client=official_client,
        owner_id="tea-x",
        resource=[shop_api.id],
        type_=["request"],
        limit=100,
    )
    failed = call_api(
        list_logs,
        client=official_client,
        owner_id="tea-x",
        resource=[shop_api.id],
        status_code=["5*"],
        limit=100,
    )
    builds = call_api(
        list_logs,
        client=official_client,
        owner_id="tea-x",
        resource=[shop_api.id],
        type_=["build"],
        limit=100,
    )
    older = call_api(
        list_logs, client=official_client, owner_id="tea-x", resource=[shop_api.id], type_=["request"],
        limit=100, start_time=logs.next_start_time, end_time=logs.next_end_time - timedelta(milliseconds=1),
    )  # fmt: skip
    values = call_api(
        list_logs_values,
        client=official_client,
        owner_id="tea-x",
        resource=[shop_api.id],
        label=ListLogsValuesLabel.TYPE,
    )

    assert len(logs.logs) == 100
    assert logs.has_more
    assert older.logs[0].timestamp < logs.logs[-1].timestamp
    assert 3 < len(failed.logs) < 40
    assert "Build successful" in builds.logs[0].message
    assert values == ["app", "build", "request"]


def test_it_reads_metrics_that_follow_the_live_deployment(
    official_client: AuthenticatedClient,
    world: World,
    shop_api: ServiceRow,
    clock: StoppedClock,
    earlier: Earlier,
) -> None:
    def share_of_errors() -> float:
        start = clock() - timedelta(minutes=10)
        rows = call_api(
            get_http_requests,
            client=official_client,
            resource=shop_api.id,
            start_time=start,
            aggregate_by=GetHttpRequestsAggregateBy.STATUSCODE,
        )
        counts = {row.labels[1].value: sum(point.value for point in row.values) for row in rows}
        return float(counts["500"] / sum(counts.values()))

    during, slow = (
        share_of_errors(),
        newest(call_api(get_http_latency, client=official_client, resource=shop_api.id, quantile=0.95)),
    )
    world.somebody_rolls_back("shop-api", earlier(shop_api).id)
    clock.advance(15 * 60)
    after, quick = (
        share_of_errors(),
        newest(call_api(get_http_latency, client=official_client, resource=shop_api.id, quantile=0.95)),
    )

    assert 0.06 < during < 0.1
    assert after < 0.01
    assert slow > 4 * quick


def newest(series: list[Any]) -> float:
    return float(series[0].values[-1].value)


def test_it_reads_the_resource_use_of_each_instance(
    official_client: AuthenticatedClient, shop_api: ServiceRow
) -> None:
    instances = {row.id for row in call_api(list_instances, shop_api.id, client=official_client)}
    cpu, memory = (
        call_api(get_cpu, client=official_client, resource=shop_api.id),
        call_api(get_memory, client=official_client, resource=shop_api.id),
    )
    count = call_api(get_instance_count, client=official_client, resource=shop_api.id)

    assert {row.unit for row in cpu} == {"cpu"}
    assert {row.unit for row in memory} == {"bytes"}
    assert instances <= {row.labels[0].value for row in cpu}
    assert newest(count) == 2


def test_it_reads_its_user(official_client: AuthenticatedClient) -> None:
    assert call_api(get_user, client=official_client).email == "ana@example.com"
    assert [row.owner.name for row in call_api(list_owners, client=official_client)] == ["Acme"]
