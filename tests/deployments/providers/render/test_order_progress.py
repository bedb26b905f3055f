from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from deployments.providers.base import Finding, OrderRecord, Phase, RemoteDeployment, RemoteEvent
from deployments.providers.render import order_progress, parse
from tests.deployments.providers.render.test_parse import NOW, deploy

TICKET = OrderRecord("rollback", "srv-1", "dep-old", NOW, commit_sha="abc", known=("dep-live", "dep-old"))
LIVE = deploy("dep-live", at=NOW - timedelta(hours=1))


def rolled_back(new: str, target: str, at: datetime = NOW) -> RemoteEvent:
    return RemoteEvent("evt-1", "srv-1", at, "rolled_back", new, target)


def test_the_event_that_names_another_target_overrules_the_same_commit() -> None:
    newer = [deploy("dep-new", "created", trigger="rollback", commit={"id": "abc"})]
    assert order_progress.read_back(TICKET, [LIVE], newer, []).finding is Finding.APPLIED
    events = [rolled_back("dep-new", "dep-older-still")]
    assert order_progress.read_back(TICKET, [LIVE], newer, events).finding is Finding.UNDECIDED


def test_an_event_alone_is_enough_while_the_list_lags() -> None:
    found = order_progress.read_back(TICKET, [LIVE], [], [rolled_back("dep-new", "dep-old")])
    assert (found.finding, found.ref) == (Finding.APPLIED, "dep-new")


def test_what_is_older_than_the_order_is_not_its_answer() -> None:
    before = NOW - timedelta(minutes=1)
    older = [deploy("dep-x", "deactivated", at=before, trigger="rollback", commit={"id": "abc"})]
    found = order_progress.read_back(TICKET, [LIVE], older, [rolled_back("dep-x", "dep-old", before)])
    assert found.finding is Finding.NOT_APPLIED
    assert found.evidence["deployments since"] == "none"


def test_a_newer_push_makes_it_undecided() -> None:
    newer = [deploy("dep-new", "build_in_progress", trigger="new_commit", commit={"id": "def"})]
    found = order_progress.read_back(TICKET, [LIVE], newer, [])
    assert found.finding is Finding.UNDECIDED
    assert "dep-new (new_commit, build_in_progress)" in found.evidence["deployments since"]


def test_a_new_deploy_without_a_time_may_be_ours() -> None:
    undated = parse.deployment({"id": "dep-new"}, "srv-1")
    assert order_progress.read_back(TICKET, [LIVE], [undated], []).finding is Finding.UNDECIDED


@pytest.mark.parametrize("live", [[], [LIVE, deploy("dep-two", at=NOW - timedelta(hours=2))]])
def test_without_exactly_one_live_deploy_nothing_is_decided(live: list[RemoteDeployment]) -> None:
    assert order_progress.read_back(TICKET, live, [], []).finding is Finding.UNDECIDED


def test_of_two_rollbacks_to_the_target_the_newest_is_followed() -> None:
    newer = [
        deploy("dep-b", "created", at=NOW + timedelta(seconds=2), trigger="rollback", commit={"id": "abc"}),
        deploy("dep-a", "canceled", at=NOW + timedelta(seconds=1), trigger="rollback", commit={"id": "abc"}),
    ]
    assert order_progress.read_back(TICKET, [LIVE], newer, []).ref == "dep-b"


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
def test_while_the_list_of_live_ones_names_another_nothing_is_done(status: str, phase: Phase) -> None:
    found = order_progress.progress(TICKET, deploy("dep-new", status), [LIVE], "")
    assert found.phase is phase
    assert found.raw_status == status
