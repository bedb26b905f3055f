"""What both clients guarantee about reads and about canceling a build."""

from __future__ import annotations

import pytest

from deployments.providers.base import (
    RemoteDeployment,
    Unreadable,
)
from deployments.providers.logs import LogQuery
from tests.deployments.providers.client_bench import ClientBench


def test_pages_of_deployments_have_no_gaps_or_duplicates(bench: ClientBench) -> None:
    all_at_once = bench.client.deployments(bench.service_id, limit=100)
    result: list[RemoteDeployment] = []
    cursor = ""
    while True:
        page = bench.client.deployments(bench.service_id, cursor=cursor, limit=7)
        result += page.deployments
        cursor = page.next
        if not cursor:
            break
    assert [d.id for d in result] == [d.id for d in all_at_once.deployments]
    assert len({d.id for d in result}) > 60
    assert {d.service_id for d in result} == {bench.service_id}


def test_after_a_rollback_live_is_not_the_newest_deployment(bench: ClientBench) -> None:
    bench.world.somebody_rolls_back(bench.name, bench.target.id)
    bench.wait()
    bench.world.somebody_pushes(bench.name)
    bench.wait()
    current = bench.client.current(bench.service_id)
    live = bench.client.deployment(bench.service_id, current.live_id or "")
    assert live.commit_sha == bench.target.commit_sha
    assert current.pinned is True
    assert current.auto_deploy == "off"
    assert not current.conflict


def test_a_running_build_can_be_canceled(bench: ClientBench) -> None:
    build = bench.world.somebody_pushes(bench.name)
    assert build
    bench.wait(0.3)
    bench.client.cancel(bench.service_id, build.id)
    bench.wait()
    assert bench.client.deployment(bench.service_id, build.id).status == "canceled"
    assert bench.client.current(bench.service_id).live_id == bench.live.id


def test_the_events_name_who_rolled_back_to_what(bench: ClientBench) -> None:
    since = bench.clock()
    bench.wait(1)
    bench.world.somebody_rolls_back(bench.name, bench.target.id, actor="dmitri")
    bench.wait()
    (event,) = [e for e in bench.client.events(bench.service_id, since=since) if e.kind == "rolled_back"]
    assert event.target_id == bench.target.id
    assert event.actor.startswith("dmitri")
    assert event.service_id == bench.service_id


def test_logs_start_at_the_given_time_and_are_in_order(bench: ClientBench) -> None:
    since = bench.live.live_from or bench.live.created_at
    lines = bench.client.logs(LogQuery(bench.service_id, since, deployment_id=bench.live.id, limit=20)).lines
    assert 0 < len(lines) <= 20
    assert [scripted.at for scripted in lines] == sorted(scripted.at for scripted in lines)
    assert all(scripted.at >= since and scripted.message for scripted in lines)


def test_an_unknown_status_does_not_empty_the_list(bench: ClientBench) -> None:
    field = "deploy.status" if bench.provider == "render" else "deployments.readyState"
    bench.fault(
        "deploys" if bench.provider == "render" else "deployments", "replace", detail=f"{field}=half_baked"
    )
    page = bench.client.deployments(bench.service_id)
    assert len(page.deployments) > 60
    assert {d.raw_status.split()[0] for d in page.deployments} == {"half_baked"}
    assert {d.status for d in page.deployments} == {"unknown"}


def test_a_response_without_a_list_is_an_error_and_not_an_empty_list(bench: ClientBench) -> None:
    operation = "services" if bench.provider == "render" else "projects"
    field = "projects" if bench.provider == "vercel" else ""
    bench.fault(operation, "omit" if field else "not_json", detail=field)
    with pytest.raises(Unreadable):
        bench.client.services()
