"""What only the Render client does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployments.providers.base import (
    Busy,
    DeploymentStatus,
    Metric,
    OrderFinding,
    Phase,
    Unclear,
    Unreadable,
    Unsupported,
)
from deployments.sandbox.company.companies import big_company, small_company
from deployments.sandbox.server.app import Sandbox
from tests.deployments.providers.client_bench import REASON, ClientBench, render


def test_a_rollback_returns_the_id_of_the_new_deployment(render_bench: ClientBench) -> None:
    accepted = render_bench.order()
    assert accepted.ref.startswith("dep-")
    assert accepted.raw_status == "created"
    assert not accepted.queued
    made = render_bench.client.deployment(render_bench.service_id, accepted.ref)
    assert made.trigger == "rollback"
    assert made.commit_sha == render_bench.target.commit_sha
    assert render_bench.client.current(render_bench.service_id).running == (accepted.ref,)


def test_a_rollback_leaves_automatic_deploys_on(render_bench: ClientBench) -> None:
    render_bench.order()
    render_bench.wait()
    current = render_bench.client.current(render_bench.service_id)
    assert current.auto_deploy == "checksPass"
    assert current.pinned is False


def test_a_rollback_behind_another_deploy_is_queued(render_bench: ClientBench) -> None:
    order_record = render_bench.order_record()
    render_bench.fault("rollback", "queue_behind")
    accepted = render_bench.order()
    assert accepted.queued
    order_record = replace(order_record, ref=accepted.ref)
    progress = render_bench.client.progress(order_record)
    assert (progress.phase, progress.raw_status) == (Phase.WAITING, "queued")
    render_bench.wait()
    assert render_bench.client.progress(order_record).phase is Phase.DONE


def test_an_accepted_order_without_a_readable_body_is_unclear(render_bench: ClientBench) -> None:
    order_record = render_bench.order_record()
    render_bench.fault("rollback", "not_json")
    with pytest.raises(Unclear):
        render_bench.order()
    result = render_bench.client.read_back(order_record)
    assert result.finding is OrderFinding.APPLIED
    assert result.ref.startswith("dep-")
    assert render_bench.orders_received() == 1


def test_an_accepted_order_without_an_id_is_unclear(render_bench: ClientBench) -> None:
    render_bench.fault("rollback", "omit", detail="id")
    with pytest.raises(Unclear):
        render_bench.order()
    assert render_bench.orders_received() == 1


def test_a_canceled_rollback_names_the_deployment_that_superseded_it(render_bench: ClientBench) -> None:
    render_bench.world.rules.overlap = "override"
    order_record = render_bench.order_record()
    order_record = replace(order_record, ref=render_bench.order().ref)
    newer = render_bench.world.somebody_pushes(render_bench.name)
    assert newer
    progress = render_bench.client.progress(order_record)
    assert progress.phase is Phase.CANCELED
    assert newer.id in progress.message


def test_read_back_without_events_goes_by_the_commit(render_bench: ClientBench) -> None:
    order_record = render_bench.order_record()
    ref = render_bench.order().ref
    render_bench.fault("events", "omit", detail="event.details.trigger", times=None)
    assert render_bench.client.read_back(order_record).ref == ref
    assert (
        render_bench.client.read_back(replace(order_record, commit_sha="")).finding is OrderFinding.UNDECIDED
    )


def test_two_live_deployments_are_a_conflict(render_bench: ClientBench) -> None:
    render_bench.fault("deploys", "replace", detail="deploy.status=live")
    ref = render_bench.order().ref
    current = render_bench.client.current(render_bench.service_id)
    assert ref in current.conflict
    assert render_bench.live.id in current.conflict


def test_no_live_deployment_is_a_conflict(render_bench: ClientBench) -> None:
    render_bench.fault("deploys", "replace", detail="deploy.status=deactivated")
    current = render_bench.client.current(render_bench.service_id)
    assert current.live_id is None
    assert current.pinned is False
    assert current.conflict == "Render lists no deployment as live."


def test_a_live_deploy_missing_from_the_list_of_live_ones_is_waited_for(
    render_bench: ClientBench,
) -> None:
    order_record = render_bench.order_record()
    order_record = replace(order_record, ref=render_bench.order().ref)
    render_bench.fault("deploy", "replace", detail="status=live")
    progress = render_bench.client.progress(order_record)
    assert progress.phase is Phase.WAITING
    assert render_bench.live.id in progress.message


def test_without_the_trigger_the_older_yes_no_field_is_used(render_bench: ClientBench) -> None:
    render_bench.fault("service", "omit", detail="autoDeployTrigger", times=None)
    assert render_bench.client.current(render_bench.service_id).auto_deploy == "on"
    render_bench.world.somebody_sets_auto_deploy(render_bench.name, "off")
    assert render_bench.client.current(render_bench.service_id).auto_deploy == "off"


def test_a_new_word_for_off_does_not_keep_a_rollback_from_being_pinned(render_bench: ClientBench) -> None:
    render_bench.world.somebody_sets_auto_deploy(render_bench.name, "off")
    render_bench.fault("service*", "replace", detail="autoDeployTrigger=disabled", times=None)
    assert render_bench.client.pin(render_bench.service_id) == "off"
    assert render_bench.client.current(render_bench.service_id).auto_deploy == "off"


def test_a_setting_that_could_not_be_restored_is_not_switched_off(render_bench: ClientBench) -> None:
    render_bench.fault("service", "omit", detail="autoDeployTrigger", times=None)
    render_bench.fault("service", "omit", detail="autoDeploy", times=None)
    assert render_bench.client.current(render_bench.service_id).auto_deploy is None
    assert render_bench.client.current(render_bench.service_id).pinned is None
    with pytest.raises(Unreadable, match="nothing was changed"):
        render_bench.client.pin(render_bench.service_id)
    assert render_bench.world.service(render_bench.name).auto_deploy == "checksPass"


@pytest.mark.parametrize("setting", ["commit", "checksPass", "off"])
def test_every_setting_is_restored(render_bench: ClientBench, setting: str) -> None:
    render_bench.world.somebody_sets_auto_deploy(render_bench.name, setting)
    before = render_bench.client.pin(render_bench.service_id)
    assert render_bench.world.service(render_bench.name).auto_deploy == "off"
    render_bench.client.unpin(render_bench.service_id, before)
    assert render_bench.world.service(render_bench.name).auto_deploy == before == setting


def test_a_setting_from_the_older_field_is_restored(render_bench: ClientBench) -> None:
    render_bench.fault("service", "omit", detail="autoDeployTrigger", times=2)
    assert render_bench.client.pin(render_bench.service_id) == "on"
    render_bench.client.unpin(render_bench.service_id, "on")
    assert render_bench.world.service(render_bench.name).auto_deploy != "off"


def test_a_finer_setting_is_restored_where_only_the_older_field_confirms_it(
    render_bench: ClientBench,
) -> None:
    render_bench.client.pin(render_bench.service_id)
    render_bench.fault("service*", "omit", detail="autoDeployTrigger", times=None)
    render_bench.client.unpin(render_bench.service_id, "checksPass")
    assert render_bench.world.service(render_bench.name).auto_deploy == "checksPass"


def test_events_are_read_through_all_their_pages(render_bench: ClientBench) -> None:
    since = render_bench.clock() - timedelta(days=30)
    events = render_bench.client.events(render_bench.service_id, since=since)
    assert len(events) > 120
    assert len({event.id for event in events}) == len(events)
    (earlier,) = [event for event in events if event.kind == "rolled_back"]
    assert earlier.actor == "ana@example.com"
    assert {"auto_deploy_off", "auto_deploy_on", "deploy_started", "deploy_ended"} <= {e.kind for e in events}
    assert any(event.detail for event in events if event.kind == "deploy_ended")


def test_metrics_count_requests_by_status_code() -> None:
    sandbox = Sandbox(small_company())  # on the real clock: the window ends now
    client = render(sandbox)
    now = datetime.now(UTC)
    service_id = client.services()[0].id
    samples = client.metrics(service_id, Metric.REQUESTS, since=now - timedelta(minutes=10), until=now)
    assert {"200", "500"} <= {sample.label for sample in samples}
    assert all(sample.value >= 0 for sample in samples)


@pytest.mark.parametrize(
    ("metric", "least", "most"),
    [
        (Metric.P50, 200, 1450),
        (Metric.P95, 1450, 5000),
        (Metric.CPU, 0.0, 4),
        (Metric.MEMORY, 1e6, 1e10),
        (Metric.INSTANCES, 2, 2),
    ],
)
def test_each_metric_has_a_point_for_30_seconds_in_its_unit(
    metric: Metric, least: float, most: float
) -> None:
    client, now = render(Sandbox(small_company())), datetime.now(UTC)
    service_id = client.services()[0].id
    samples = client.metrics(service_id, metric, since=now - timedelta(minutes=10), until=now)
    assert 19 <= len({sample.at for sample in samples}) <= 21
    assert all(least <= sample.value <= most for sample in samples)


def test_all_services_are_listed() -> None:
    world = big_company(services=10, deployments=2)
    services = render(Sandbox(world)).services()
    assert sorted(service.name for service in services) == [f"team{n}-api" for n in range(1, 6)]
    assert {service.kind for service in services} == {"api"}


def test_promote_is_unsupported_and_sends_nothing(render_bench: ClientBench) -> None:
    with pytest.raises(Unsupported):
        render_bench.client.promote(render_bench.service_id, render_bench.target.id)
    assert render_bench.orders_received() == 0


def test_a_deploy_knows_whether_it_was_ever_live(render_bench: ClientBench) -> None:
    shown = render_bench.client.deployments(render_bench.service_id).deployments
    served = {d.status for d in shown if d.served}
    assert served == {DeploymentStatus.LIVE, DeploymentStatus.RETIRED}
    assert {d.status for d in shown if d.served is False} >= {DeploymentStatus.FAILED}
    assert all(d.can_roll_back is None for d in shown)
    assert sum(d.status is DeploymentStatus.LIVE for d in shown) == 1


def test_a_5xx_on_a_read_says_when_to_try_again(render_bench: ClientBench) -> None:
    render_bench.fault("service", "error", detail="503")
    with pytest.raises(Busy, match="nothing was done") as caught:
        render_bench.client.service(render_bench.service_id)
    assert 1 <= caught.value.retry_after <= 300


def test_a_reason_of_any_length_is_accepted(render_bench: ClientBench) -> None:
    render_bench.client.roll_back(render_bench.service_id, render_bench.target.id, reason=REASON * 1_000)
    assert render_bench.orders_received() == 1
