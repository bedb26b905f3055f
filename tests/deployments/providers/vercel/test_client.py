from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deployments.providers.base import (
    Ability,
    AlreadyCurrent,
    Finding,
    Missing,
    Phase,
    Refused,
    RemoteDeployment,
    Unreadable,
    Unsupported,
)
from deployments.sandbox.company.story import big_company
from deployments.sandbox.server.app import Sandbox
from tests.deployments.providers.sides import REASON, Bench, vercel


def staged(bench: Bench) -> RemoteDeployment:
    """Roll back behind the scenes and push: the new build waits without traffic."""
    bench.world.somebody_rolls_back(bench.name, bench.target.id)
    bench.wait()
    built = bench.world.somebody_pushes(bench.name)
    assert built
    bench.wait()
    return bench.client.deployment(bench.service_id, built.id)


def test_a_rollback_pins_and_keeps_the_reason_as_its_description(at_vercel: Bench) -> None:
    at_vercel.client.roll_back(at_vercel.service_id, at_vercel.target.id, reason="x\u202ey\n" + "z" * 500)
    at_vercel.wait()
    current = at_vercel.client.current(at_vercel.service_id)
    assert current.pinned is True
    assert current.automatic == "off"
    description = at_vercel.world.service(at_vercel.name).description
    assert description
    assert description["description"].startswith("xy zzz")
    assert len(description["description"]) == 250


def test_promoting_what_is_staged_leaves_the_rollback(at_vercel: Bench) -> None:
    build = staged(at_vercel)
    assert build.staged
    assert build.served is False
    order_record = at_vercel.order_record("promote", build)
    accepted = at_vercel.client.promote(at_vercel.service_id, build.id)
    assert not accepted.queued
    at_vercel.wait()
    assert at_vercel.client.progress(order_record).phase is Phase.DONE
    current = at_vercel.client.current(at_vercel.service_id)
    assert current.pinned is False
    assert at_vercel.served().serves(build.commit_sha) is True


def test_a_promotion_behind_a_rolling_release_says_that_it_is_queued(at_vercel: Bench) -> None:
    build = staged(at_vercel)
    order_record = at_vercel.order_record("promote", build)
    at_vercel.fault("promote", "queue_behind")
    assert at_vercel.client.promote(at_vercel.service_id, build.id).queued
    assert at_vercel.client.progress(order_record).phase is Phase.WAITING
    at_vercel.wait()  # the rolling release completes
    at_vercel.wait()  # then the domains move
    assert at_vercel.client.progress(order_record).phase is Phase.DONE


def test_a_preview_is_refused_in_vercels_words(at_vercel: Bench) -> None:
    shown = at_vercel.client.deployments(at_vercel.service_id).deployments
    preview = next(d for d in shown if not d.production and d.status == "ready")
    with pytest.raises(Refused, match="preview"):
        at_vercel.client.promote(at_vercel.service_id, preview.id)
    assert [row["applied"] for row in at_vercel.sandbox.applied] == [False]


def test_domains_that_did_not_move_are_named(at_vercel: Bench) -> None:
    order_record = at_vercel.order_record()
    at_vercel.fault("rollback", "fail_aliases", detail="www.shop.example.com")
    at_vercel.order()
    at_vercel.wait()
    progress = at_vercel.client.progress(order_record)
    assert progress.phase is Phase.FAILED
    assert progress.failed_aliases == ("www.shop.example.com",)
    assert "www.shop.example.com points to" in progress.message
    assert at_vercel.client.current(at_vercel.service_id).doubt


def test_domains_that_did_not_move_are_named_even_where_their_list_cannot_be_read(at_vercel: Bench) -> None:
    order_record = at_vercel.order_record()
    at_vercel.fault("rollback", "fail_aliases", detail="www.shop.example.com")
    at_vercel.order()
    at_vercel.wait()
    at_vercel.fault("alias_jobs", "error", times=None)
    assert at_vercel.client.progress(order_record).failed_aliases == ("www.shop.example.com",)


def test_a_job_that_succeeded_while_the_domains_stand_still_is_waited_for(at_vercel: Bench) -> None:
    order_record = at_vercel.order_record()
    at_vercel.fault("rollback", "lie_live", seconds=30)
    at_vercel.order()
    at_vercel.wait()
    progress = at_vercel.client.progress(order_record)
    assert (progress.phase, progress.raw_status) == (Phase.WAITING, "succeeded")
    assert at_vercel.live.id in progress.message
    assert at_vercel.client.current(at_vercel.service_id).doubt
    at_vercel.wait(60)
    assert at_vercel.client.progress(order_record).phase is Phase.DONE


def test_when_even_the_domains_are_lied_about_only_a_visit_tells(at_vercel: Bench) -> None:
    order_record = at_vercel.order_record()
    at_vercel.fault("rollback", "lie_live", detail="everything")
    at_vercel.order()
    at_vercel.wait()
    assert at_vercel.client.progress(order_record).phase is Phase.DONE
    assert at_vercel.served().serves(at_vercel.target.commit_sha) is False


def test_a_stale_job_to_another_target_is_not_ours(at_vercel: Bench) -> None:
    at_vercel.world.somebody_rolls_back(at_vercel.name, at_vercel.other.id)
    at_vercel.wait(60)
    order_record = at_vercel.order_record()
    assert at_vercel.client.progress(order_record).phase is Phase.WAITING
    assert at_vercel.client.read_back(order_record).finding is Finding.NOT_APPLIED


def test_the_job_of_the_operation_just_before_is_neither_ours_nor_somebody_elses(at_vercel: Bench) -> None:
    at_vercel.world.somebody_rolls_back(at_vercel.name, at_vercel.other.id)
    at_vercel.wait(2)
    order_record = at_vercel.order_record()
    assert at_vercel.client.progress(order_record).phase is Phase.WAITING
    at_vercel.order()
    at_vercel.wait()
    assert at_vercel.client.progress(order_record).phase is Phase.DONE


def test_without_the_last_move_the_domains_alone_decide(at_vercel: Bench) -> None:
    order_record = at_vercel.order_record()
    at_vercel.fault("project", "omit", detail="lastAliasRequest", times=None)
    assert at_vercel.client.progress(order_record).phase is Phase.WAITING
    assert at_vercel.client.read_back(order_record).finding is Finding.UNDECIDED
    at_vercel.order()
    at_vercel.wait()
    assert at_vercel.client.progress(order_record).phase is Phase.DONE
    assert at_vercel.client.read_back(order_record).finding is Finding.APPLIED


def test_without_the_domains_nothing_is_called_done(at_vercel: Bench) -> None:
    order_record = at_vercel.order_record()
    at_vercel.fault("project", "omit", detail="alias", times=None)
    at_vercel.order()
    at_vercel.wait()
    assert at_vercel.client.progress(order_record).phase is Phase.WAITING
    current = at_vercel.client.current(at_vercel.service_id)
    assert current.live_id == at_vercel.target.id
    assert current.doubt == "Vercel does not say which deployment the production domains point to."


def test_a_missing_flag_is_unknown_and_is_not_touched(at_vercel: Bench) -> None:
    at_vercel.fault("project", "omit", detail="autoAssignCustomDomains", times=None)
    current = at_vercel.client.current(at_vercel.service_id)
    assert current.automatic is None
    assert current.pinned is None
    with pytest.raises(Unreadable, match="nothing was changed"):
        at_vercel.client.pin(at_vercel.service_id)


def test_a_flag_that_is_off_without_a_rollback_is_no_proof_of_a_pin(at_vercel: Bench) -> None:
    at_vercel.world.somebody_sets_automatic(at_vercel.name, "off")
    current = at_vercel.client.current(at_vercel.service_id)
    assert current.automatic == "off"
    assert current.pinned is None


def test_a_job_in_a_word_that_nobody_knows_is_waited_for(at_vercel: Bench) -> None:
    order_record = at_vercel.order_record()
    at_vercel.order()
    at_vercel.wait()
    at_vercel.fault("project", "replace", detail="lastAliasRequest.jobStatus=sideways")
    assert at_vercel.client.progress(order_record).phase is Phase.WAITING


def test_a_rollback_too_far_for_the_plan_is_refused_in_vercels_words(at_vercel: Bench) -> None:
    at_vercel.world.rules.plan = "hobby"
    with pytest.raises(Refused, match="upgrade to pro") as caught:
        at_vercel.client.roll_back(at_vercel.service_id, at_vercel.other.id, reason=REASON)
    assert caught.value.status == 402


def test_promoting_what_is_live_is_already_current(at_vercel: Bench) -> None:
    with pytest.raises(AlreadyCurrent, match="already"):
        at_vercel.client.promote(at_vercel.service_id, at_vercel.live.id)


def test_already_current_with_a_domain_elsewhere_is_no_success(at_vercel: Bench) -> None:
    at_vercel.fault("rollback", "fail_aliases", detail="www.shop.example.com")
    at_vercel.order()
    at_vercel.wait()
    at_vercel.fault("rollback", "already_current")
    with pytest.raises(Refused) as caught:
        at_vercel.order()
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


def test_rollback_candidates_are_vercels_own_verdict(at_vercel: Bench) -> None:
    shown = at_vercel.client.deployments(at_vercel.service_id).deployments
    assert {d.can_roll_back for d in shown} >= {True, False}
    assert all(d.served for d in shown if d.can_roll_back)
    assert next(d for d in shown if d.id == at_vercel.live.id).can_roll_back is False


def test_commit_facts_come_from_the_git_host(at_vercel: Bench) -> None:
    shown = at_vercel.client.deployments(at_vercel.service_id).deployments
    assert all(len(d.commit_sha) == 40 and d.author and d.branch for d in shown)
    preview = next(d for d in shown if not d.production)
    assert preview.pull_request.isdigit()
    assert preview.branch != "main"


def test_the_events_carry_the_reason(at_vercel: Bench) -> None:
    since = at_vercel.clock() - timedelta(seconds=1)
    at_vercel.order()
    at_vercel.wait()
    (event,) = at_vercel.client.events(at_vercel.service_id, since=since)
    assert (event.kind, event.from_id, event.target_id) == (
        "rolled_back",
        at_vercel.live.id,
        at_vercel.target.id,
    )
    assert event.detail == REASON


def test_vercel_has_no_metrics(at_vercel: Bench) -> None:
    assert Ability.METRICS not in at_vercel.client.supports
    with pytest.raises(Unsupported):
        at_vercel.client.metrics(at_vercel.service_id, since=at_vercel.clock())


def test_a_ticket_is_followed_without_a_ref(at_vercel: Bench) -> None:
    order_record = replace(at_vercel.order_record(), known=())
    at_vercel.order()
    at_vercel.wait(0.05)
    assert at_vercel.client.progress(order_record).raw_status == "pending"
