"""Judging a move of the production domains by Vercel's project."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deployments.providers.base import OrderFinding, OrderRecord, Phase
from deployments.providers.vercel import order_progress
from tests.deployments.providers.vercel.test_parse import NOW, alias, current, job

ORDER = OrderRecord(
    "rollback", "prj_1", "dpl_old", NOW, known=("dpl_live", "dpl_old"), live_before="dpl_live"
)
STILL = (alias("a.example", "dpl_live"), alias("b.example", "dpl_live"))
MOVED = (alias("a.example", "dpl_old"), alias("b.example", "dpl_old"))
SPLIT = (alias("a.example", "dpl_old"), alias("b.example", "dpl_live"))


@pytest.mark.parametrize(
    ("aliases", "facts", "phase"),
    [
        (MOVED, job(), Phase.DONE),
        (MOVED, job(status="pending"), Phase.WAITING),
        (MOVED, job(status="in-progress"), Phase.WAITING),
        (MOVED, job(status="failed"), Phase.FAILED),
        (MOVED, job(status="skipped"), Phase.DONE),
        (STILL, job(status="skipped"), Phase.FAILED),
        (STILL, job(), Phase.WAITING),
        (SPLIT, job(), Phase.WAITING),
        (SPLIT, job(status="failed"), Phase.FAILED),
        ((), job(), Phase.WAITING),
        (STILL, job(at=NOW - timedelta(hours=1)), Phase.WAITING),
        (STILL, job(kind="promote"), Phase.FAILED),
        (STILL, job(kind="promote", status="pending"), Phase.WAITING),
        (STILL, job(to="dpl_x"), Phase.FAILED),
        (STILL, job(to="dpl_x", status="pending"), Phase.WAITING),
        (STILL, {"lastAliasRequest": None}, Phase.WAITING),
        (STILL, {}, Phase.WAITING),
        (MOVED, {}, Phase.DONE),
        (SPLIT, {}, Phase.WAITING),
        ((), {}, Phase.WAITING),
    ],
)
def test_a_move_is_done_only_where_every_domain_points_to_the_target(
    aliases: tuple[dict[str, Any], ...], facts: dict[str, Any], phase: Phase
) -> None:
    assert order_progress.progress(ORDER, current(*aliases, **facts), ()).phase is phase


def test_a_queued_promotion_is_still_waited_for_after_the_release_before_it() -> None:
    order_record = OrderRecord("promote", "prj_1", "dpl_old", NOW)
    release = job(to="dpl_x", kind="promote", at=NOW + timedelta(minutes=1))
    assert order_progress.progress(order_record, current(*STILL, **release), ()).phase is Phase.WAITING


PRODUCTION = {"targets": {"production": {"id": "dpl_live"}}}


@pytest.mark.parametrize(
    ("aliases", "facts", "finding"),
    [
        (STILL, {**PRODUCTION, **job(status="pending")}, OrderFinding.APPLIED),
        (MOVED, {}, OrderFinding.APPLIED),
        (STILL, {**PRODUCTION, "lastAliasRequest": None}, OrderFinding.NOT_APPLIED),
        (STILL, PRODUCTION, OrderFinding.UNDECIDED),
        (STILL, {"lastAliasRequest": None}, OrderFinding.UNDECIDED),
        (SPLIT, {**PRODUCTION, "lastAliasRequest": None}, OrderFinding.UNDECIDED),
        ((), {**PRODUCTION, "lastAliasRequest": None}, OrderFinding.UNDECIDED),
        (STILL, {**PRODUCTION, "lastAliasRequest": {"type": "rollback"}}, OrderFinding.UNDECIDED),
        (STILL, {**PRODUCTION, **job(to="")}, OrderFinding.UNDECIDED),
        (STILL, {**PRODUCTION, "lastAliasRequest": "dpl_old"}, OrderFinding.UNDECIDED),
        (STILL, {**PRODUCTION, **job(to="dpl_x")}, OrderFinding.UNDECIDED),
    ],
)
def test_an_order_is_not_applied_only_where_nothing_can_have_happened(
    aliases: tuple[dict[str, Any], ...], facts: dict[str, Any], finding: OrderFinding
) -> None:
    result = order_progress.read_back(ORDER, current(*aliases, **facts))
    assert result.finding is finding
    assert result.evidence["requested"] == "rollback to dpl_old"


@pytest.mark.parametrize("off_by", [timedelta(hours=hours) for hours in (-1, 0, 1)])
def test_the_move_from_before_the_order_is_never_ours_whatever_its_time(off_by: timedelta) -> None:
    before = current(*STILL, **PRODUCTION, **job(at=NOW + off_by))
    assert before.alias_request
    order_record = replace(ORDER, last_move=before.alias_request.identity)
    result = order_progress.read_back(order_record, before)
    assert result.finding is OrderFinding.NOT_APPLIED


def test_a_second_move_to_the_same_target_is_told_apart_by_its_stamp() -> None:
    before = current(*STILL, **PRODUCTION, **job())
    assert before.alias_request
    order_record = replace(ORDER, last_move=before.alias_request.identity)
    after = current(*STILL, **PRODUCTION, **job(at=NOW + timedelta(milliseconds=1), status="pending"))
    assert order_progress.read_back(order_record, after).finding is OrderFinding.APPLIED


def test_a_setting_that_has_switched_shows_that_something_was_applied() -> None:
    order_record = replace(ORDER, auto_deploy="on")
    now = current(*STILL, **PRODUCTION, lastAliasRequest=None, autoAssignCustomDomains=False)
    assert order_progress.read_back(order_record, now).finding is OrderFinding.UNDECIDED


def test_without_a_stamp_a_move_to_the_target_leaves_the_order_undecided() -> None:
    moved = job()
    del moved["lastAliasRequest"]["requestedAt"]
    before = current(*STILL, **PRODUCTION, **moved)
    assert before.alias_request
    order_record = replace(ORDER, last_move=before.alias_request.identity)
    result = order_progress.read_back(order_record, before)
    assert result.finding is OrderFinding.UNDECIDED


@pytest.mark.parametrize(
    ("last_move", "live_before"), [("rollback dpl_a dpl_b 1", "dpl_live"), ("", "dpl_x"), ("", "")]
)
def test_where_the_state_is_not_that_from_before_nothing_is_concluded(
    last_move: str, live_before: str
) -> None:
    order_record = replace(ORDER, last_move=last_move, live_before=live_before)
    now = current(*STILL, **PRODUCTION, lastAliasRequest=None)
    assert order_progress.read_back(order_record, now).finding is OrderFinding.UNDECIDED


def test_a_move_like_ours_proves_nothing_where_the_one_from_before_was_not_reported() -> None:
    order_record = replace(ORDER, last_move_reported=False)
    now = current(*STILL, **PRODUCTION, **job(status="succeeded"))
    assert order_progress.read_back(order_record, now).finding is OrderFinding.UNDECIDED
    arrived = current(*MOVED, **job(status="succeeded"))
    assert order_progress.read_back(order_record, arrived).finding is OrderFinding.APPLIED


@pytest.mark.parametrize("facts", [{}, job(to="dpl_live", status="skipped")])
def test_the_base_of_a_release_that_cannot_be_read_was_live_before_and_proves_nothing(
    facts: dict[str, Any],
) -> None:
    abort = replace(ORDER, deployment_id="dpl_live")
    known = current(*STILL, **PRODUCTION, **facts)
    unknown = replace(known, release_known=False)
    assert order_progress.progress(abort, known, ()).phase is Phase.DONE
    assert order_progress.progress(abort, unknown, ()).phase is not Phase.DONE
    if not facts:
        assert order_progress.read_back(abort, known).finding is OrderFinding.APPLIED
        assert order_progress.read_back(abort, unknown).finding is OrderFinding.UNDECIDED


def test_a_rollback_to_the_base_that_vercel_calls_done_has_ended_its_release() -> None:
    abort = replace(ORDER, deployment_id="dpl_live")
    done = replace(current(*STILL, **PRODUCTION, **job(to="dpl_live")), release_known=False)
    assert order_progress.progress(abort, done, ()).phase is Phase.DONE
