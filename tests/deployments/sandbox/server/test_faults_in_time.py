"""Faults that show only later: what was accepted lies, fails, never ends, or waits behind something."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import Deployment, Service
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.world import World
from tests.deployments.sandbox.conftest import Side

Earlier = Callable[..., Deployment]
BOTH = pytest.mark.parametrize("side", ["render", "vercel"])


@pytest.mark.parametrize(("detail", "claimed"), [("", False), ("everything", True)])
def test_vercel_can_say_succeeded_while_the_old_one_serves(
    sandbox: Sandbox,
    vercel: httpx.Client,
    world: World,
    web: Service,
    clock: StoppedClock,
    earlier: Earlier,
    detail: str,
    claimed: bool,
) -> None:
    bad, good = world.serving("shop-web"), earlier(web)
    sandbox.faults.add(Fault("vercel.rollback", "lie_live", detail=detail, seconds=30))
    vercel.post(f"/v1/projects/{web.id}/rollback/{good.id}")
    clock.advance(3)
    now = vercel.get("/v9/projects/shop-web").json()

    assert now["lastAliasRequest"]["jobStatus"] == "succeeded"
    assert now["targets"]["production"]["id"] == good.id
    assert {row["deployment"]["id"] for row in now["alias"]} == {good.id if claimed else bad.id}
    assert world.serving("shop-web").id == bad.id
    clock.advance(30)
    assert world.serving("shop-web").id == good.id


def test_render_can_say_live_while_the_old_one_serves(
    sandbox: Sandbox, render: httpx.Client, world: World, api: Service, clock: StoppedClock, earlier: Earlier
) -> None:
    bad = world.serving("shop-api")
    sandbox.faults.add(Fault("render.rollback", "lie_live"))
    new = render.post(f"/services/{api.id}/rollback", json={"deployId": earlier(api).id}).json()
    clock.advance(600)

    assert render.get(f"/services/{api.id}/deploys/{new['id']}").json()["status"] == "live"
    assert world.serving("shop-api").id == bad.id


def test_single_domains_can_fail(
    sandbox: Sandbox, vercel: httpx.Client, web: Service, clock: StoppedClock, earlier: Earlier
) -> None:
    good = earlier(web)
    sandbox.faults.add(Fault("vercel.rollback", "fail_aliases", detail="www.shop.example.com"))
    vercel.post(f"/v1/projects/{web.id}/rollback/{good.id}")
    clock.advance(3)
    now = vercel.get("/v9/projects/shop-web").json()
    jobs = vercel.get(f"/v9/projects/{web.id}/rollback/aliases", params={"failedOnly": "true"}).json()[
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
    api: Service,
    clock: StoppedClock,
    earlier: Earlier,
    do: str,
    word: str,
) -> None:
    bad = world.serving("shop-api")
    sandbox.faults.add(Fault("render.rollback", do))
    new = render.post(f"/services/{api.id}/rollback", json={"deployId": earlier(api).id}).json()
    clock.advance(3600)

    assert render.get(f"/services/{api.id}/deploys/{new['id']}").json()["status"] == word
    assert world.serving("shop-api").id == bad.id


@BOTH
def test_a_rollback_or_promotion_can_be_queued_behind_something(
    sandbox: Sandbox, chosen: Side, vercel: httpx.Client, web: Service, clock: StoppedClock
) -> None:
    if chosen.name == "render":
        sandbox.faults.add(Fault("render.rollback", "queue_behind"))
        assert chosen.roll_back().json()["status"] == "queued"
    else:
        sandbox.faults.add(Fault("vercel.promote", "queue_behind", seconds=20))
        assert vercel.post(f"/v10/projects/{web.id}/promote/{chosen.target.id}").status_code == 202
    clock.advance(120)

    assert chosen.serves() == chosen.target.commit
