"""What only the Vercel client does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deployments.providers.base import (
    AlreadyCurrent,
    Metric,
    Missing,
    OrderFinding,
    Phase,
    Refused,
    RemoteDeployment,
    Unreadable,
    Unsupported,
)
from deployments.sandbox.company.companies import big_company
from deployments.sandbox.server.app import Sandbox
from tests.deployments.providers.client_bench import REASON, ClientBench, vercel


def staged(bench: ClientBench) -> RemoteDeployment:
    """A new build that waits without traffic, because somebody rolled back before it was pushed."""
    bench.world.somebody_rolls_back(bench.name, bench.target.id)
    bench.wait()
    built = bench.world.somebody_pushes(bench.name)
    assert built
    bench.wait()
    return bench.client.deployment(bench.service_id, built.id)


def test_a_rollback_pins_and_keeps_the_reason_as_its_description(vercel_bench: ClientBench) -> None:
    vercel_bench.client.roll_back(
        vercel_bench.service_id, vercel_bench.target.id, reason="x\u202ey\n" + "z" * 500
    )
    vercel_bench.wait()
    current = vercel_bench.client.current(vercel_bench.service_id)
    assert current.pinned is True
    assert current.auto_deploy == "off"
    description = vercel_bench.world.service(vercel_bench.name).description
    assert description
    assert description["description"].startswith("xy zzz")
    assert len(description["description"]) == 250


def test_promoting_a_staged_build_ends_the_rollback(vercel_bench: ClientBench) -> None:
    build = staged(vercel_bench)
    assert build.staged
    assert build.served is False
    order_record = vercel_bench.order_record("promote", build)
    accepted = vercel_bench.client.promote(vercel_bench.service_id, build.id)
    assert not accepted.queued
    vercel_bench.wait()
    assert vercel_bench.client.progress(order_record).phase is Phase.DONE
    current = vercel_bench.client.current(vercel_bench.service_id)
    assert current.pinned is False
    assert vercel_bench.check_version().serves(build.commit_sha) is True


def test_a_promotion_behind_a_rolling_release_is_queued(vercel_bench: ClientBench) -> None:
    build = staged(vercel_bench)
    order_record = vercel_bench.order_record("promote", build)
    vercel_bench.fault("promote", "queue_behind")
    assert vercel_bench.client.promote(vercel_bench.service_id, build.id).queued
    assert vercel_bench.client.progress(order_record).phase is Phase.WAITING
    vercel_bench.wait()  # the rolling release completes
    vercel_bench.wait()  # then the domains move
    assert vercel_bench.client.progress(order_record).phase is Phase.DONE


def test_promoting_a_preview_is_refused_with_vercels_message(vercel_bench: ClientBench) -> None:
    shown = vercel_bench.client.deployments(vercel_bench.service_id).deployments
    preview = next(d for d in shown if not d.production and d.status == "ready")
    with pytest.raises(Refused, match="preview"):
        vercel_bench.client.promote(vercel_bench.service_id, preview.id)
    assert [row["applied"] for row in vercel_bench.sandbox.applied] == [False]


def test_domains_that_did_not_move_are_named(vercel_bench: ClientBench) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.fault("rollback", "fail_aliases", detail="www.shop.example.com")
    vercel_bench.order()
    vercel_bench.wait()
    progress = vercel_bench.client.progress(order_record)
    assert progress.phase is Phase.FAILED
    assert progress.failed_aliases == ("www.shop.example.com",)
    assert "www.shop.example.com points to" in progress.message
    assert vercel_bench.client.current(vercel_bench.service_id).conflict


def test_domains_that_did_not_move_are_named_without_their_list(
    vercel_bench: ClientBench,
) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.fault("rollback", "fail_aliases", detail="www.shop.example.com")
    vercel_bench.order()
    vercel_bench.wait()
    vercel_bench.fault("alias_jobs", "error", times=None)
    assert vercel_bench.client.progress(order_record).failed_aliases == ("www.shop.example.com",)


def test_a_successful_job_is_waited_for_until_the_domains_have_moved(vercel_bench: ClientBench) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.fault("rollback", "lie_live", seconds=30)
    vercel_bench.order()
    vercel_bench.wait()
    progress = vercel_bench.client.progress(order_record)
    assert (progress.phase, progress.raw_status) == (Phase.WAITING, "succeeded")
    assert vercel_bench.live.id in progress.message
    assert vercel_bench.client.current(vercel_bench.service_id).conflict
    vercel_bench.wait(60)
    assert vercel_bench.client.progress(order_record).phase is Phase.DONE


def test_where_the_listed_domains_are_wrong_only_the_version_check_tells(vercel_bench: ClientBench) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.fault("rollback", "lie_live", detail="everything")
    vercel_bench.order()
    vercel_bench.wait()
    assert vercel_bench.client.progress(order_record).phase is Phase.DONE
    assert vercel_bench.check_version().serves(vercel_bench.target.commit_sha) is False


def test_a_stale_job_to_another_target_is_not_ours(vercel_bench: ClientBench) -> None:
    vercel_bench.world.somebody_rolls_back(vercel_bench.name, vercel_bench.other.id)
    vercel_bench.wait(60)
    order_record = vercel_bench.order_record()
    assert vercel_bench.client.progress(order_record).phase is Phase.WAITING
    assert vercel_bench.client.read_back(order_record).finding is OrderFinding.NOT_APPLIED


def test_a_job_from_just_before_the_order_is_ignored(
    vercel_bench: ClientBench,
) -> None:
    vercel_bench.world.somebody_rolls_back(vercel_bench.name, vercel_bench.other.id)
    vercel_bench.wait(2)
    order_record = vercel_bench.order_record()
    assert vercel_bench.client.progress(order_record).phase is Phase.WAITING
    vercel_bench.order()
    vercel_bench.wait()
    assert vercel_bench.client.progress(order_record).phase is Phase.DONE


def test_without_the_last_move_the_domains_alone_decide(vercel_bench: ClientBench) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.fault("project", "omit", detail="lastAliasRequest", times=None)
    assert vercel_bench.client.progress(order_record).phase is Phase.WAITING
    assert vercel_bench.client.read_back(order_record).finding is OrderFinding.UNDECIDED
    vercel_bench.order()
    vercel_bench.wait()
    assert vercel_bench.client.progress(order_record).phase is Phase.DONE
    assert vercel_bench.client.read_back(order_record).finding is OrderFinding.APPLIED


def test_a_missing_flag_is_unknown_and_not_changed(vercel_bench: ClientBench) -> None:
    vercel_bench.fault("project", "omit", detail="autoAssignCustomDomains", times=None)
    current = vercel_bench.client.current(vercel_bench.service_id)
    assert current.auto_deploy is None
    assert current.pinned is None
    with pytest.raises(Unreadable, match="nothing was changed"):
        vercel_bench.client.pin(vercel_bench.service_id)


def test_a_flag_that_is_off_without_a_rollback_is_no_pin(vercel_bench: ClientBench) -> None:
    vercel_bench.world.somebody_sets_auto_deploy(vercel_bench.name, "off")
    current = vercel_bench.client.current(vercel_bench.service_id)
    assert current.auto_deploy == "off"
    assert current.pinned is None


def test_a_job_with_an_unknown_status_is_waited_for(vercel_bench: ClientBench) -> None:
    order_record = vercel_bench.order_record()
    vercel_bench.order()
    vercel_bench.wait()
    vercel_bench.fault("project", "replace", detail="lastAliasRequest.jobStatus=sideways")
    assert vercel_bench.client.progress(order_record).phase is Phase.WAITING


def test_a_rollback_too_far_for_the_plan_is_refused_with_vercels_message(vercel_bench: ClientBench) -> None:
    vercel_bench.world.rules.plan = "hobby"
    with pytest.raises(Refused, match="upgrade to pro") as caught:
        vercel_bench.client.roll_back(vercel_bench.service_id, vercel_bench.other.id, reason=REASON)
    assert caught.value.status == 402


def test_promoting_the_live_deployment_is_already_current(vercel_bench: ClientBench) -> None:
    with pytest.raises(AlreadyCurrent, match="already"):
        vercel_bench.client.promote(vercel_bench.service_id, vercel_bench.live.id)


def test_already_current_is_not_believed_with_a_domain_elsewhere(vercel_bench: ClientBench) -> None:
    vercel_bench.fault("rollback", "fail_aliases", detail="www.shop.example.com")
    vercel_bench.order()
    vercel_bench.wait()
    vercel_bench.fault("rollback", "already_current")
    with pytest.raises(Refused) as caught:
        vercel_bench.order()
    assert type(caught.value) is Refused


def test_a_deployment_of_another_project_is_missing() -> None:
    world = big_company(services=4, deployments=3)
    client = vercel(Sandbox(world))
    here, there = client.services()[:2]
    foreign = client.deployments(there.id).deployments[0]
    with pytest.raises(Missing, match="another Vercel project"):
        client.deployment(here.id, foreign.id)
    with pytest.raises(Missing):
        client.cancel(here.id, foreign.id)


def test_can_roll_back_is_what_vercel_says(vercel_bench: ClientBench) -> None:
    shown = vercel_bench.client.deployments(vercel_bench.service_id).deployments
    assert {d.can_roll_back for d in shown} >= {True, False}
    assert all(d.served for d in shown if d.can_roll_back)
    assert next(d for d in shown if d.id == vercel_bench.live.id).can_roll_back is False


def test_deployments_carry_commit_author_branch_and_pull_request(vercel_bench: ClientBench) -> None:
    shown = vercel_bench.client.deployments(vercel_bench.service_id).deployments
    assert all(len(d.commit_sha) == 40 and d.author and d.branch for d in shown)
    preview = next(d for d in shown if not d.production)
    assert preview.pull_request.isdigit()
    assert preview.branch != "main"


def test_a_rollback_event_carries_the_reason(vercel_bench: ClientBench) -> None:
    since = vercel_bench.clock() - timedelta(seconds=1)
    vercel_bench.order()
    vercel_bench.wait()
    (event,) = vercel_bench.client.events(vercel_bench.service_id, since=since)
    assert (event.kind, event.from_id, event.target_id) == (
        "rolled_back",
        vercel_bench.live.id,
        vercel_bench.target.id,
    )
    assert event.detail == REASON


def test_metrics_are_unsupported(vercel_bench: ClientBench) -> None:
    now = vercel_bench.clock()
    with pytest.raises(Unsupported):
        vercel_bench.client.metrics(vercel_bench.service_id, Metric.REQUESTS, since=now, until=now)


def test_an_order_is_followed_without_a_ref(vercel_bench: ClientBench) -> None:
    order_record = replace(vercel_bench.order_record(), known=())
    vercel_bench.order()
    vercel_bench.wait(0.05)
    assert vercel_bench.client.progress(order_record).raw_status == "pending"
