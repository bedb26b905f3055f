from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deployments.providers.base import Finding, OrderRecord, Phase
from deployments.providers.vercel import order_progress
from tests.deployments.providers.vercel.test_parse import NOW, alias, current, job

TICKET = OrderRecord("rollback", "prj_1", "dpl_old", NOW, known=("dpl_live", "dpl_old"))
STILL = (alias("a.example", "dpl_live"), alias("b.example", "dpl_live"))
MOVED = (alias("a.example", "dpl_old"), alias("b.example", "dpl_old"))
TORN = (alias("a.example", "dpl_old"), alias("b.example", "dpl_live"))


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
        (TORN, job(), Phase.WAITING),
        (TORN, job(status="failed"), Phase.FAILED),
        ((), job(), Phase.WAITING),
        (STILL, job(at=NOW - timedelta(minutes=1)), Phase.WAITING),
        (STILL, job(kind="promote"), Phase.WAITING),
        (STILL, job(to="dpl_x"), Phase.WAITING),
        (STILL, job(to="dpl_x", at=NOW + timedelta(minutes=1)), Phase.FAILED),
        (STILL, job(to="dpl_x", at=NOW + timedelta(minutes=1), status="pending"), Phase.WAITING),
        (STILL, {"lastAliasRequest": None}, Phase.WAITING),
        (STILL, {}, Phase.WAITING),
        (MOVED, {}, Phase.DONE),
        (TORN, {}, Phase.WAITING),
        ((), {}, Phase.WAITING),
    ],
)
def test_done_is_only_where_every_domain_points_to_the_target(
    aliases: tuple[dict[str, Any], ...], facts: dict[str, Any], phase: Phase
) -> None:
    assert order_progress.progress(TICKET, current(*aliases, **facts), ()).phase is phase


def test_a_queued_promotion_is_not_given_up_when_the_release_before_it_ends() -> None:
    order_record = OrderRecord("promote", "prj_1", "dpl_old", NOW)
    release = job(to="dpl_x", kind="promote", at=NOW + timedelta(minutes=1))
    assert order_progress.progress(order_record, current(*STILL, **release), ()).phase is Phase.WAITING


PRODUCTION = {"targets": {"production": {"id": "dpl_live"}}}


@pytest.mark.parametrize(
    ("aliases", "facts", "known", "older", "finding"),
    [
        (STILL, {**PRODUCTION, **job(status="pending")}, True, True, Finding.APPLIED),
        (MOVED, {}, False, None, Finding.APPLIED),
        (STILL, {**PRODUCTION, **job(at=NOW - timedelta(minutes=1))}, True, True, Finding.NOT_APPLIED),
        (STILL, {**PRODUCTION, "lastAliasRequest": None}, True, True, Finding.NOT_APPLIED),
        (STILL, PRODUCTION, False, True, Finding.UNDECIDED),
        (STILL, {"lastAliasRequest": None}, True, True, Finding.UNDECIDED),
        (STILL, {**PRODUCTION, "lastAliasRequest": None}, True, None, Finding.UNDECIDED),
        (STILL, {**PRODUCTION, "lastAliasRequest": None}, True, False, Finding.UNDECIDED),
        (TORN, {**PRODUCTION, "lastAliasRequest": None}, True, True, Finding.UNDECIDED),
        ((), {**PRODUCTION, "lastAliasRequest": None}, True, True, Finding.UNDECIDED),
        (
            STILL,
            {**PRODUCTION, **job(to="dpl_x", at=NOW + timedelta(seconds=2))},
            True,
            True,
            Finding.UNDECIDED,
        ),
    ],
)
def test_not_applied_is_only_where_nothing_can_have_happened(
    aliases: tuple[dict[str, Any], ...],
    facts: dict[str, Any],
    known: bool,
    older: bool | None,
    finding: Finding,
) -> None:
    found = order_progress.read_back(
        TICKET, current(*aliases, **facts), request_known=known, live_is_older=older
    )
    assert found.finding is finding
    assert found.evidence["asked for"] == "rollback to dpl_old"


@pytest.mark.parametrize(
    ("later", "finding"), [(timedelta(), Finding.NOT_APPLIED), (timedelta(seconds=0.2), Finding.UNDECIDED)]
)
def test_a_move_of_the_same_second_that_stood_there_when_we_looked_is_nobody_elses_since(
    later: timedelta, finding: Finding
) -> None:
    before = NOW + timedelta(seconds=0.3)  # `asked_at` has no fractions
    now = current(*STILL, **PRODUCTION, **job(to="dpl_live", at=before + later))
    order_record = replace(TICKET, last_move=before)
    found = order_progress.read_back(order_record, now, request_known=True, live_is_older=True)
    assert found.finding is finding
