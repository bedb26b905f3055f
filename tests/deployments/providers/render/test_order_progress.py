"""Judging a rollback by Render's deploys and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from deployments.providers.base import (
    DeploymentPage,
    OrderFinding,
    OrderRecord,
    Phase,
    ReadBack,
    RemoteDeployment,
    RemoteEvent,
)
from deployments.providers.render import order_progress, parse
from tests.deployments.providers.render.test_parse import NOW, deploy

KNOWN = ("dep-live", "dep-old", "dep-x")
ORDER = OrderRecord(
    "rollback", "srv-1", "dep-old", NOW, commit_sha="abc", known=KNOWN, live_before="dep-live"
)
HOURS = [timedelta(hours=hours) for hours in (-1, 0, 1)]
LIVE = deploy("dep-live", at=NOW - timedelta(hours=1))


def rolled_back(new: str, target: str, at: datetime = NOW) -> RemoteEvent:
    return RemoteEvent("evt-1", "srv-1", at, "rolled_back", new, target)


def read_back(
    newest: Sequence[RemoteDeployment],
    events: Sequence[RemoteEvent] = (),
    live: Sequence[RemoteDeployment] = (LIVE,),
    order_record: OrderRecord = ORDER,
) -> ReadBack:
    """From a list that is whole and still shows what was live before."""
    page = DeploymentPage([*newest, LIVE])
    return order_progress.read_back(order_record, live, page, events)


def test_an_event_with_another_target_overrules_the_same_commit() -> None:
    newer = [deploy("dep-new", "created", trigger="rollback", commit={"id": "abc"})]
    assert read_back(newer).finding is OrderFinding.APPLIED
    events = [rolled_back("dep-new", "dep-older-still")]
    assert read_back(newer, events).finding is OrderFinding.UNDECIDED


def test_an_event_is_enough_where_the_list_lacks_the_deploy() -> None:
    result = read_back([], [rolled_back("dep-new", "dep-old")])
    assert (result.finding, result.ref) == (OrderFinding.APPLIED, "dep-new")


@pytest.mark.parametrize("off_by", HOURS)
def test_a_deploy_that_was_known_before_the_order_is_not_ours_whatever_its_time(off_by: timedelta) -> None:
    known = [deploy("dep-x", "deactivated", at=NOW + off_by, trigger="rollback", commit={"id": "abc"})]
    events = [rolled_back("dep-x", "dep-old", NOW + off_by)]
    result = read_back(known, events)
    assert result.finding is OrderFinding.NOT_APPLIED
    assert result.evidence["deployments since"] == "none"


@pytest.mark.parametrize("off_by", HOURS)
def test_an_unknown_rollback_of_the_same_commit_is_ours_whatever_its_time(off_by: timedelta) -> None:
    newest = [deploy("dep-new", "created", at=NOW + off_by, trigger="rollback", commit={"id": "abc"})]
    assert read_back(newest).finding is OrderFinding.APPLIED


@pytest.mark.parametrize("live_before", ["", "dep-old"])
def test_where_another_deploy_was_live_before_nothing_is_concluded(live_before: str) -> None:
    order_record = replace(ORDER, live_before=live_before)
    assert read_back([], order_record=order_record).finding is OrderFinding.UNDECIDED


def test_a_newer_push_leaves_the_order_undecided() -> None:
    newer = [deploy("dep-new", "build_in_progress", trigger="new_commit", commit={"id": "def"})]
    result = read_back(newer)
    assert result.finding is OrderFinding.UNDECIDED
    assert "dep-new (new_commit, build_in_progress)" in result.evidence["deployments since"]


def test_a_new_deploy_without_a_time_may_be_ours() -> None:
    undated = parse.deployment({"id": "dep-new"}, "srv-1")
    assert read_back([undated]).finding is OrderFinding.UNDECIDED


@pytest.mark.parametrize("live", [[], [LIVE, deploy("dep-two", at=NOW - timedelta(hours=2))]])
def test_without_exactly_one_live_deploy_the_order_is_undecided(live: list[RemoteDeployment]) -> None:
    assert read_back([], live=live).finding is OrderFinding.UNDECIDED


def test_of_two_rollbacks_to_the_target_the_newest_is_ours() -> None:
    newer = [
        deploy("dep-b", "created", at=NOW + timedelta(seconds=2), trigger="rollback", commit={"id": "abc"}),
        deploy("dep-a", "canceled", at=NOW + timedelta(seconds=1), trigger="rollback", commit={"id": "abc"}),
    ]
    assert read_back(newer).ref == "dep-b"


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("created", Phase.WAITING),
        ("half_baked", Phase.WAITING),
        ("live", Phase.WAITING),
        ("deactivated", Phase.FAILED),
        ("update_failed", Phase.FAILED),
        ("canceled", Phase.CANCELED),
    ],
)
def test_a_deploy_is_not_done_while_another_one_is_live(status: str, phase: Phase) -> None:
    result = order_progress.progress(deploy("dep-new", status), [LIVE], "")
    assert result.phase is phase
    assert result.raw_status == status


@pytest.mark.parametrize(
    "page",
    [
        DeploymentPage([]),
        DeploymentPage([LIVE], whole=False),
        DeploymentPage([deploy("dep-old", "deactivated")]),
    ],
)
def test_a_list_that_is_not_whole_or_lacks_what_was_live_acquits_nobody(page: DeploymentPage) -> None:
    assert order_progress.read_back(ORDER, [LIVE], page, []).finding is OrderFinding.UNDECIDED


def test_a_rollback_that_only_the_list_of_running_deploys_shows_is_ours() -> None:
    running = deploy("dep-new", "queued", trigger="rollback", commit={"id": "abc"})
    result = order_progress.read_back(ORDER, [LIVE, running], DeploymentPage([LIVE]), [])
    assert (result.finding, result.ref) == (OrderFinding.APPLIED, "dep-new")


def test_a_service_that_runs_an_image_is_matched_by_its_image() -> None:
    order_record = replace(ORDER, commit_sha="", image="ghcr.io/acme/api:1@sha256:1")
    same = deploy(
        "dep-new", "created", trigger="rollback", image={"ref": "ghcr.io/acme/api:1", "sha": "sha256:1"}
    )
    other = deploy(
        "dep-new", "created", trigger="rollback", image={"ref": "ghcr.io/acme/api:1", "sha": "sha256:2"}
    )
    assert read_back([same], order_record=order_record).finding is OrderFinding.APPLIED
    assert read_back([other], order_record=order_record).finding is OrderFinding.UNDECIDED
