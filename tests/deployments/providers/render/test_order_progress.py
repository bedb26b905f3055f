"""Judging a rollback by Render's deploys and events."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from deployments.providers.base import OrderFinding, OrderRecord, Phase, RemoteDeployment, RemoteEvent
from deployments.providers.render import order_progress, parse
from tests.deployments.providers.render.test_parse import NOW, deploy

ORDER = OrderRecord("rollback", "srv-1", "dep-old", NOW, commit_sha="abc", known=("dep-live", "dep-old"))
LIVE = deploy("dep-live", at=NOW - timedelta(hours=1))


def rolled_back(new: str, target: str, at: datetime = NOW) -> RemoteEvent:
    return RemoteEvent("evt-1", "srv-1", at, "rolled_back", new, target)


def test_an_event_with_another_target_overrules_the_same_commit() -> None:
    newer = [deploy("dep-new", "created", trigger="rollback", commit={"id": "abc"})]
    assert order_progress.read_back(ORDER, [LIVE], newer, []).finding is OrderFinding.APPLIED
    events = [rolled_back("dep-new", "dep-older-still")]
    assert order_progress.read_back(ORDER, [LIVE], newer, events).finding is OrderFinding.UNDECIDED


def test_an_event_is_enough_where_the_list_lacks_the_deploy() -> None:
    result = order_progress.read_back(ORDER, [LIVE], [], [rolled_back("dep-new", "dep-old")])
    assert (result.finding, result.ref) == (OrderFinding.APPLIED, "dep-new")


def test_a_deploy_from_before_the_order_is_not_ours() -> None:
    before = NOW - timedelta(minutes=1)
    older = [deploy("dep-x", "deactivated", at=before, trigger="rollback", commit={"id": "abc"})]
    result = order_progress.read_back(ORDER, [LIVE], older, [rolled_back("dep-x", "dep-old", before)])
    assert result.finding is OrderFinding.NOT_APPLIED
    assert result.evidence["deployments since"] == "none"


def test_a_newer_push_leaves_the_order_undecided() -> None:
    newer = [deploy("dep-new", "build_in_progress", trigger="new_commit", commit={"id": "def"})]
    result = order_progress.read_back(ORDER, [LIVE], newer, [])
    assert result.finding is OrderFinding.UNDECIDED
    assert "dep-new (new_commit, build_in_progress)" in result.evidence["deployments since"]


def test_a_new_deploy_without_a_time_may_be_ours() -> None:
    undated = parse.deployment({"id": "dep-new"}, "srv-1")
    assert order_progress.read_back(ORDER, [LIVE], [undated], []).finding is OrderFinding.UNDECIDED


@pytest.mark.parametrize("live", [[], [LIVE, deploy("dep-two", at=NOW - timedelta(hours=2))]])
def test_without_exactly_one_live_deploy_the_order_is_undecided(live: list[RemoteDeployment]) -> None:
    assert order_progress.read_back(ORDER, live, [], []).finding is OrderFinding.UNDECIDED


def test_of_two_rollbacks_to_the_target_the_newest_is_ours() -> None:
    newer = [
        deploy("dep-b", "created", at=NOW + timedelta(seconds=2), trigger="rollback", commit={"id": "abc"}),
        deploy("dep-a", "canceled", at=NOW + timedelta(seconds=1), trigger="rollback", commit={"id": "abc"}),
    ]
    assert order_progress.read_back(ORDER, [LIVE], newer, []).ref == "dep-b"


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
