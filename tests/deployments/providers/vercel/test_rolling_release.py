"""Judging an order that was sent while a rolling release was active."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployments.providers.base import AliasRequest, AliasTarget, Current, OrderFinding, OrderRecord
from deployments.providers.base import RollingRelease as Release
from deployments.providers.vercel import order_progress, rolling_release
from tests.deployments.providers.vercel.test_parse import NOW

RELEASE = Release("ACTIVE", "dpl_base", "dpl_canary", percent=10.0, started="1", updated="2")
BEFORE = Current(
    live_id="dpl_base",
    auto_deploy="on",
    aliases=(AliasTarget("a.example", "dpl_base"),),
    target_id="dpl_base",
    rolling_release=RELEASE,
)
TO_CANARY = AliasRequest("promote", "dpl_base", "dpl_canary", "pending", NOW, "9")
ORDERS = pytest.mark.parametrize(
    ("kind", "target"),
    [("complete", "dpl_canary"), ("rollback", "dpl_base"), ("rollback", "dpl_older")],
)


def found(kind: str, target: str, now: Current) -> OrderFinding:
    order_record = OrderRecord(
        kind,
        "prj_1",
        target,
        NOW,
        live_before="dpl_base",
        auto_deploy="on",
        release=RELEASE.identity,
        release_as_read=RELEASE.as_read,
    )
    usual = order_progress.read_back(order_record, now)
    return rolling_release.read_back(order_record, now, usual).finding


@ORDERS
def test_an_order_did_not_arrive_where_the_release_and_the_domains_are_as_before(
    kind: str, target: str
) -> None:
    assert found(kind, target, BEFORE) is OrderFinding.NOT_APPLIED


@ORDERS
@pytest.mark.parametrize(
    "since",
    [{"alias_request": TO_CANARY}, {"auto_deploy": "off"}, {"last_move_reported": False}],
    ids=["a new move", "setting switched", "last move not reported"],
)
def test_a_release_as_before_acquits_nobody_where_the_domains_do_not(
    kind: str, target: str, since: dict[str, Any]
) -> None:
    assert found(kind, target, replace(BEFORE, **since)) is OrderFinding.UNDECIDED
