"""Judging a move of the production domains by Vercel's project."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deployments.providers.base import OrderFinding, OrderRecord, Phase
from deployments.providers.vercel import order_progress
from tests.deployments.providers.vercel.test_parse import NOW, alias, current, job

ORDER = OrderRecord("rollback", "prj_1", "dpl_old", NOW, known=("dpl_live", "dpl_old"))
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
        (STILL, job(at=NOW - timedelta(minutes=1)), Phase.WAITING),
        (STILL, job(kind="promote"), Phase.WAITING),
        (STILL, job(to="dpl_x"), Phase.WAITING),
        (STILL, job(to="dpl_x", at=NOW + timedelta(minutes=1)), Phase.FAILED),
        (STILL, job(to="dpl_x", at=NOW + timedelta(minutes=1), status="pending"), Phase.WAITING),
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
    ("aliases", "facts", "known", "older", "finding"),
    [
        (STILL, {**PRODUCTION, **job(status="pending")}, True, True, OrderFinding.APPLIED),
        (MOVED, {}, False, None, OrderFinding.APPLIED),
        (STILL, {**PRODUCTION, **job(at=NOW - timedelta(minutes=1))}, True, True, OrderFinding.NOT_APPLIED),
        (STILL, {**PRODUCTION, "lastAliasRequest": None}, True, True, OrderFinding.NOT_APPLIED),
        (STILL, PRODUCTION, False, True, OrderFinding.UNDECIDED),
        (STILL, {"lastAliasRequest": None}, True, True, OrderFinding.UNDECIDED),
        (STILL, {**PRODUCTION, "lastAliasRequest": None}, True, None, OrderFinding.UNDECIDED),
        (STILL, {**PRODUCTION, "lastAliasRequest": None}, True, False, OrderFinding.UNDECIDED),
        (SPLIT, {**PRODUCTION, "lastAliasRequest": None}, True, True, OrderFinding.UNDECIDED),
        ((), {**PRODUCTION, "lastAliasRequest": None}, True, True, OrderFinding.UNDECIDED),
        (
            STILL,
            {**PRODUCTION, **job(to="dpl_x", at=NOW + timedelta(seconds=2))},
            True,
            True,
            OrderFinding.UNDECIDED,
        ),
    ],
)
def test_an_order_is_not_applied_only_where_nothing_can_have_happened(
    aliases: tuple[dict[str, Any], ...],
    facts: dict[str, Any],
    known: bool,
    older: bool | None,
    finding: OrderFinding,
) -> None:
    result = order_progress.read_back(
        ORDER, current(*aliases, **facts), request_known=known, live_is_older=older
    )
    assert result.finding is finding
    assert result.evidence["asked for"] == "rollback to dpl_old"


@pytest.mark.parametrize(
    ("later", "finding"),
    [(timedelta(), OrderFinding.NOT_APPLIED), (timedelta(seconds=0.2), OrderFinding.UNDECIDED)],
)
def test_a_known_move_from_the_same_second_is_not_a_newer_one(
    later: timedelta, finding: OrderFinding
) -> None:
    before = NOW + timedelta(seconds=0.3)  # `order_intent_at` has whole seconds
    now = current(*STILL, **PRODUCTION, **job(to="dpl_live", at=before + later))
    order_record = replace(ORDER, last_move=before)
    result = order_progress.read_back(order_record, now, request_known=True, live_is_older=True)
    assert result.finding is finding
