"""The control routes, as another process uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from deployments.sandbox.clock import Pace
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import SandboxTransport
from deployments.sandbox.world import World


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url="http://127.0.0.1:9701/_sandbox", transport=SandboxTransport(sandbox)
    ) as client:
        yield client


def state(control: httpx.Client) -> dict[str, Any]:
    return {row["name"]: row for row in control.get("/state").json()["services"]}


def test_the_state_tells_what_serves_and_what_the_api_calls_live(control: httpx.Client, world: World) -> None:
    api = state(control)["shop-api"]

    assert api["serving"] == api["said_to_be_live"] == world.serving("shop-api").id
    assert api["commit"] == world.serving("shop-api").commit
    assert api["auto_deploy"] == "checksPass"


def test_faults_are_armed_listed_and_disarmed(control: httpx.Client, render: httpx.Client) -> None:
    control.post("/faults", json={"on": "render.services", "do": "error", "times": 5})
    control.post("/faults", json=[{"on": "vercel.*", "do": "slow", "seconds": 2}])
    assert render.get("/services").status_code == 500

    assert [row["times"] for row in control.get("/faults").json()] == [4, 1]
    assert control.delete("/faults").json() == []
    assert render.get("/services").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/faults", {"on": "*", "do": "explode"}, "There is no fault explode"),
        ("/faults", {"do": "slow"}, "missing"),
        ("/outside", {"does": "deletes", "service": "shop-api"}, "does must be one of"),
        ("/outside", {"does": "pushes", "service": "nowhere"}, "no service nowhere"),
        ("/outside", {"does": "rolls_back", "service": "shop-api", "deployment": "dep-1"}, "not found"),
        ("/pace", {"name": "brisk"}, "name must be one of"),
        ("/pace", {"lunch": 5}, "lunch"),
        ("/rules", {"plan": "pro", "weather": "fine"}, "weather"),
    ],
)
def test_invalid_input_is_refused_with_a_message(
    control: httpx.Client, path: str, body: dict[str, Any], message: str
) -> None:
    answer = control.post(path, json=body)

    assert answer.status_code in (400, 404)
    assert message in answer.json()["error"]


def test_changes_outside_the_portal_are_made(
    control: httpx.Client, world: World, shop_web: ServiceRow, earlier: Callable[..., DeploymentRow]
) -> None:
    def outside(**fields: str) -> httpx.Response:
        return control.post("/outside", json=fields)

    world.pace = Pace(queue=0, build=0, pre_deploy=0, release=0, aliases=0, rolling=0)
    good = earlier(shop_web).id
    assert outside(does="rolls_back", service="shop-web", deployment=good, actor="emi").status_code == 200
    assert state(control)["shop-web"]["serving"] == good
    pushed = outside(does="pushes", service="shop-web", message="Fix totals").json()["result"]["id"]
    assert state(control)["shop-web"]["serving"] == good
    outside(does="promotes", service="shop-web", deployment=pushed)
    assert state(control)["shop-web"]["serving"] == pushed
    outside(does="sets_auto_deploy", service="shop-api", setting="off")
    assert state(control)["shop-api"]["auto_deploy"] == "off"
    assert outside(does="pushes", service="shop-api").json()["result"] is None


def test_what_the_providers_record_can_be_played(
    control: httpx.Client, vercel: httpx.Client, shop_web: ServiceRow, earlier: Callable[..., DeploymentRow]
) -> None:
    target = earlier(shop_web).id
    said = {"service": "shop-web", "deployment": target, "fields": {"deleted": 1_767_312_060_000}}
    assert control.post("/records", json=said).status_code == 200
    assert vercel.get(f"/v13/deployments/{target}").json()["deletedAt"] == 1_767_312_060_000
    assert vercel.post(f"/v1/projects/{shop_web.id}/rollback/{target}").status_code == 410
    control.post("/records", json={"service": "shop-web", "fields": {"alias": None}})
    assert vercel.get("/v9/projects/shop-web").json()["alias"] is None
    details = {"key": "STRIPE_KEY"}
    control.post("/records", json={"service": "shop-web", "kind": "env-variable-edit", "details": details})
    (event, *_) = vercel.get("/v3/events", params={"withPayload": "true"}).json()["events"]
    assert (event["type"], event["payload"]["key"]) == ("env-variable-edit", "STRIPE_KEY")


def test_pace_and_rules_are_read_and_set(control: httpx.Client, world: World) -> None:
    assert control.post("/pace", json={"name": "fast", "release": 9}).json()["release"] == 9
    assert world.pace.queue == Pace.fast().queue
    assert control.post("/rules", json={"plan": "hobby"}).json()["plan"] == "hobby"
    assert control.get("/rules").json()["overlap"] == "wait"


def test_received_orders_are_listed_and_can_be_cleared(
    control: httpx.Client, vercel: httpx.Client, shop_web: ServiceRow, earlier: Callable[..., DeploymentRow]
) -> None:
    target = earlier(shop_web).id
    vercel.post(f"/v9/projects/{shop_web.id}/rollback/{target}", json={})
    vercel.post(f"/v9/projects/{shop_web.id}/rollback/{target}", json={})
    rows = control.get("/applied").json()

    assert [(row["provider"], row["kind"], row["applied"], row["answered"]) for row in rows] == [
        ("vercel", "rollback", True, 201),
        ("vercel", "rollback", False, 409),
    ]
    assert {(row["service"], row["deployment"]) for row in rows} == {(shop_web.id, target)}
    assert control.delete("/applied").json() == []


def test_unknown_control_routes_are_not_found(control: httpx.Client) -> None:
    assert control.get("/secrets").status_code == 404
    assert control.put("/faults").status_code == 404
