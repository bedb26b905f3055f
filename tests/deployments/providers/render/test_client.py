from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployments.providers.base import (
    Ability,
    Busy,
    DeploymentStatus,
    Finding,
    Phase,
    Unclear,
    Unreadable,
    Unsupported,
)
from deployments.sandbox.company.story import big_company, small_company
from deployments.sandbox.server.app import Sandbox
from tests.deployments.providers.sides import REASON, Bench, render


def test_a_rollback_names_the_deployment_that_it_makes(at_render: Bench) -> None:
    accepted = at_render.order()
    assert accepted.ref.startswith("dep-")
    assert accepted.raw_status == "created"
    assert not accepted.queued
    made = at_render.client.deployment(at_render.service_id, accepted.ref)
    assert made.trigger == "rollback"
    assert made.commit_sha == at_render.target.commit_sha
    assert at_render.client.current(at_render.service_id).running == (accepted.ref,)


def test_a_rollback_leaves_automatic_deploys_on_and_is_no_pin(at_render: Bench) -> None:
    at_render.order()
    at_render.wait()
    current = at_render.client.current(at_render.service_id)
    assert current.automatic == "checksPass"
    assert current.pinned is False


def test_a_rollback_behind_another_deploy_says_that_it_is_queued(at_render: Bench) -> None:
    order_record = at_render.order_record()
    at_render.fault("rollback", "queue_behind")
    accepted = at_render.order()
    assert accepted.queued
    order_record = replace(order_record, ref=accepted.ref)
    progress = at_render.client.progress(order_record)
    assert (progress.phase, progress.raw_status) == (Phase.WAITING, "queued")
    at_render.wait()
    assert at_render.client.progress(order_record).phase is Phase.DONE


def test_an_accepted_order_without_a_readable_body_is_unclear(at_render: Bench) -> None:
    order_record = at_render.order_record()
    at_render.fault("rollback", "not_json")
    with pytest.raises(Unclear):
        at_render.order()
    found = at_render.client.read_back(order_record)
    assert found.finding is Finding.APPLIED
    assert found.ref.startswith("dep-")
    assert at_render.posts() == 1


def test_an_accepted_order_without_an_id_is_unclear(at_render: Bench) -> None:
    at_render.fault("rollback", "omit", detail="id")
    with pytest.raises(Unclear):
        at_render.order()
    assert at_render.posts() == 1


def test_a_canceled_rollback_is_canceled_and_names_what_superseded_it(at_render: Bench) -> None:
    at_render.world.rules.overlap = "override"
    order_record = at_render.order_record()
    order_record = replace(order_record, ref=at_render.order().ref)
    newer = at_render.world.somebody_pushes(at_render.name)
    assert newer
    progress = at_render.client.progress(order_record)
    assert progress.phase is Phase.CANCELED
    assert newer.id in progress.message


def test_read_back_without_events_goes_by_the_commit(at_render: Bench) -> None:
    order_record = at_render.order_record()
    ref = at_render.order().ref
    at_render.fault("events", "omit", detail="event.details.trigger", times=None)
    assert at_render.client.read_back(order_record).ref == ref
    assert at_render.client.read_back(replace(order_record, commit_sha="")).finding is Finding.UNDECIDED


def test_two_live_deployments_are_a_doubt_in_words(at_render: Bench) -> None:
    at_render.fault("deploys", "replace", detail="deploy.status=live")
    ref = at_render.order().ref
    current = at_render.client.current(at_render.service_id)
    assert ref in current.doubt
    assert at_render.live.id in current.doubt


def test_no_live_deployment_is_a_doubt_in_words(at_render: Bench) -> None:
    at_render.fault("deploys", "replace", detail="deploy.status=deactivated")
    current = at_render.client.current(at_render.service_id)
    assert current.live_id is None
    assert current.pinned is False
    assert current.doubt == "Render lists no deployment as live."


def test_a_deploy_called_live_that_is_not_in_the_list_of_live_ones_is_waited_for(at_render: Bench) -> None:
    order_record = at_render.order_record()
    order_record = replace(order_record, ref=at_render.order().ref)
    at_render.fault("deploy", "replace", detail="status=live")
    progress = at_render.client.progress(order_record)
    assert progress.phase is Phase.WAITING
    assert at_render.live.id in progress.message


def test_a_missing_trigger_falls_back_on_yes_and_no(at_render: Bench) -> None:
    at_render.fault("service", "omit", detail="autoDeployTrigger", times=None)
    assert at_render.client.current(at_render.service_id).automatic == "on"
    at_render.world.somebody_sets_automatic(at_render.name, "off")
    assert at_render.client.current(at_render.service_id).automatic == "off"


def test_what_cannot_be_restored_is_not_switched_off(at_render: Bench) -> None:
    at_render.fault("service", "omit", detail="autoDeployTrigger", times=None)
    at_render.fault("service", "omit", detail="autoDeploy", times=None)
    assert at_render.client.current(at_render.service_id).automatic is None
    assert at_render.client.current(at_render.service_id).pinned is None
    with pytest.raises(Unreadable, match="nothing was changed"):
        at_render.client.pin(at_render.service_id)
    assert at_render.world.service(at_render.name).automatic == "checksPass"


@pytest.mark.parametrize("setting", ["commit", "checksPass", "off"])
def test_each_setting_is_restored_as_it_was(at_render: Bench, setting: str) -> None:
    at_render.world.somebody_sets_automatic(at_render.name, setting)
    before = at_render.client.pin(at_render.service_id)
    assert at_render.world.service(at_render.name).automatic == "off"
    at_render.client.unpin(at_render.service_id, before)
    assert at_render.world.service(at_render.name).automatic == before == setting


def test_a_setting_that_only_the_older_field_knew_is_switched_on_again(at_render: Bench) -> None:
    at_render.fault("service", "omit", detail="autoDeployTrigger", times=2)
    assert at_render.client.pin(at_render.service_id) == "on"
    at_render.client.unpin(at_render.service_id, "on")
    assert at_render.world.service(at_render.name).automatic != "off"


def test_events_of_three_weeks_are_read_through_all_their_pages(at_render: Bench) -> None:
    since = at_render.clock() - timedelta(days=30)
    events = at_render.client.events(at_render.service_id, since=since)
    assert len(events) > 120
    assert len({event.id for event in events}) == len(events)
    (earlier,) = [event for event in events if event.kind == "rolled_back"]
    assert earlier.actor == "ana@example.com"
    assert {"automatic_off", "automatic_on", "deploy_started", "deploy_ended"} <= {e.kind for e in events}
    assert any(event.detail for event in events if event.kind == "deploy_ended")


def test_metrics_count_requests_by_status_code() -> None:
    sandbox = Sandbox(small_company())  # on the real clock: the window ends now
    client = render(sandbox)
    samples = client.metrics(client.services()[0].id, since=datetime.now(UTC) - timedelta(minutes=10))
    assert {"200", "500"} <= {sample.label for sample in samples}
    assert all(sample.value >= 0 for sample in samples)


def test_a_long_window_of_metrics_asks_for_few_points() -> None:
    sandbox = Sandbox(small_company())
    client = render(sandbox)
    samples = client.metrics(client.services()[0].id, since=datetime.now(UTC) - timedelta(days=7))
    assert len({sample.at for sample in samples}) <= 121


def test_all_services_of_a_big_company_are_found() -> None:
    world = big_company(services=10, deployments=2)
    services = render(Sandbox(world)).services()
    assert sorted(service.name for service in services) == [f"team{n}-api" for n in range(1, 6)]
    assert {service.kind for service in services} == {"api"}


def test_render_has_no_promotion_and_sends_none(at_render: Bench) -> None:
    assert Ability.PROMOTE not in at_render.client.supports
    with pytest.raises(Unsupported):
        at_render.client.promote(at_render.service_id, at_render.target.id)
    assert at_render.posts() == 0


def test_served_failed_and_running_deploys_are_told_apart(at_render: Bench) -> None:
    shown = at_render.client.deployments(at_render.service_id).deployments
    served = {d.status for d in shown if d.served}
    assert served == {DeploymentStatus.LIVE, DeploymentStatus.RETIRED}
    assert {d.status for d in shown if d.served is False} >= {DeploymentStatus.FAILED}
    assert all(d.can_roll_back is None for d in shown)
    assert sum(d.status is DeploymentStatus.LIVE for d in shown) == 1


def test_a_provider_in_trouble_says_when_to_ask_again(at_render: Bench) -> None:
    at_render.fault("service", "error", detail="503")
    with pytest.raises(Busy, match="nothing was done") as caught:
        at_render.client.service(at_render.service_id)
    assert 1 <= caught.value.retry_after <= 300


def test_the_reason_stays_with_us(at_render: Bench) -> None:
    at_render.client.roll_back(at_render.service_id, at_render.target.id, reason=REASON * 1_000)
    assert at_render.posts() == 1
