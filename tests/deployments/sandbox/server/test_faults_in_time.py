"""Faults that show later: an accepted order succeeds falsely, fails, never ends or has to wait."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.world import World
from tests.deployments.sandbox.conftest import ProviderCalls

Earlier = Callable[..., DeploymentRow]
BOTH = pytest.mark.parametrize("provider_name", ["render", "vercel"])


@pytest.mark.parametrize(("detail", "claimed"), [("", False), ("everything", True)])
def test_vercel_can_report_success_while_the_old_deployment_serves(
    sandbox: Sandbox,
    vercel: httpx.Client,
    world: World,
    shop_web: ServiceRow,
    clock: StoppedClock,
    earlier: Earlier,
    detail: str,
    claimed: bool,
) -> None:
    bad, good = world.serving("shop-web"), earlier(shop_web)
    sandbox.faults.add(Fault("vercel.rollback", "lie_live", detail=detail, seconds=30))
    vercel.post(f"/v1/projects/{shop_web.id}/rollback/{good.id}")
    clock.advance(3)
    now = vercel.get("/v9/projects/shop-web").json()

    assert now["lastAliasRequest"]["jobStatus"] == "succeeded"
    assert now["targets"]["production"]["id"] == good.id
    assert {row["deployment"]["id"] for row in now["alias"]} == {good.id if claimed else bad.id}
    assert world.serving("shop-web").id == bad.id
    clock.advance(30)
    assert world.serving("shop-web").id == good.id


def test_render_can_report_live_while_the_old_deployment_serves(
    sandbox: Sandbox,
    render: httpx.Client,
    world: World,
    shop_api: ServiceRow,
    clock: StoppedClock,
    earlier: Earlier,
) -> None:
    bad = world.serving("shop-api")
    sandbox.faults.add(Fault("render.rollback", "lie_live"))
    new = render.post(f"/services/{shop_api.id}/rollback", json={"deployId": earlier(shop_api).id}).json()
    clock.advance(600)

    assert render.get(f"/services/{shop_api.id}/deploys/{new['id']}").json()["status"] == "live"
    assert world.serving("shop-api").id == bad.id


def test_single_domains_can_fail_to_move(
    sandbox: Sandbox, vercel: httpx.Client, shop_web: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    good = earlier(shop_web)
    sandbox.faults.add(Fault("vercel.rollback", "fail_aliases", detail="www.shop.example.com"))
    vercel.post(f"/v1/projects/{shop_web.id}/rollback/{good.id}")
    clock.advance(3)
    now = vercel.get("/v9/projects/shop-web").json()
    jobs = vercel.get(f"/v9/projects/{shop_web.id}/rollback/aliases", params={"failedOnly": "true"}).json()[
        "aliases"
    ]

    assert now["lastAliasRequest"]["jobStatus"] == "failed"
    assert {row["domain"]: row["deployment"]["id"] == good.id for row in now["alias"]} == {
        "shop.example.com": True, "www.shop.example.com": False, "shop-web.vercel.app": True,
    }  # fmt: skip
    assert [(row["alias"]["alias"], row["status"]) for row in jobs] == [("www.shop.example.com", "failed")]


@pytest.mark.parametrize(("do", "word"), [("fail", "update_failed"), ("stuck", "update_in_progress")])
def test_an_accepted_rollback_may_fail_or_never_end(
    sandbox: Sandbox,
    render: httpx.Client,
    world: World,
    shop_api: ServiceRow,
    clock: StoppedClock,
    earlier: Earlier,
    do: str,
    word: str,
) -> None:
    bad = world.serving("shop-api")
    sandbox.faults.add(Fault("render.rollback", do))
    new = render.post(f"/services/{shop_api.id}/rollback", json={"deployId": earlier(shop_api).id}).json()
    clock.advance(3600)

    assert render.get(f"/services/{shop_api.id}/deploys/{new['id']}").json()["status"] == word
    assert world.serving("shop-api").id == bad.id


@BOTH
def test_an_order_can_be_queued(
    sandbox: Sandbox, calls: ProviderCalls, vercel: httpx.Client, shop_web: ServiceRow, clock: StoppedClock
) -> None:
    if calls.name == "render":
        sandbox.faults.add(Fault("render.rollback", "queue_behind"))
        assert calls.roll_back().json()["status"] == "queued"
    else:
        sandbox.faults.add(Fault("vercel.promote", "queue_behind", seconds=20))
        assert vercel.post(f"/v10/projects/{shop_web.id}/promote/{calls.target.id}").status_code == 202
    clock.advance(120)

    assert calls.live_commit() == calls.target.commit
