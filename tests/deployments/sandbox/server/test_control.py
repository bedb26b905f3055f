"""The control of a running sandbox, as another process uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from deployments.sandbox.clock import Pace
from deployments.sandbox.rows import Deployment, Service
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


def test_it_says_what_serves_and_what_is_said_to_be_live(control: httpx.Client, world: World) -> None:
    api = state(control)["shop-api"]

    assert api["serving"] == api["said_to_be_live"] == world.serving("shop-api").id
    assert api["commit"] == world.serving("shop-api").commit
    assert api["automatic"] == "checksPass"


def test_faults_are_armed_listed_and_disarmed(control: httpx.Client, render: httpx.Client) -> None:
    control.post("/faults", json={"on": "render.services", "do": "error", "times": 5})
    control.post("/faults", json=[{"on": "vercel.*", "do": "slow", "seconds": 2}])
    assert render.get("/services").status_code == 500

    assert [row["times"] for row in control.get("/faults").json()] == [4, 1]
    assert control.delete("/faults").json() == []
    assert render.get("/services").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/faults", {"on": "*", "do": "explode"}, "There is no fault explode"),
        ("/faults", {"do": "slow"}, "missing"),
        ("/outside", {"does": "prays", "service": "shop-api"}, "does must be one of"),
        ("/outside", {"does": "pushes", "service": "nowhere"}, "no service nowhere"),
        ("/outside", {"does": "rolls_back", "service": "shop-api", "deployment": "dep-1"}, "not found"),
        ("/pace", {"name": "brisk"}, "name must be one of"),
        ("/pace", {"tea": 5}, "tea"),
        ("/rules", {"plan": "pro", "weather": "fine"}, "weather"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(
    control: httpx.Client, path: str, body: dict[str, Any], words: str
) -> None:
    answer = control.post(path, json=body)

    assert answer.status_code in (400, 404)
    assert words in answer.json()["error"]


def test_others_roll_back_push_pin_and_promote(
    control: httpx.Client, world: World, web: Service, earlier: Callable[..., Deployment]
) -> None:
    def outside(**words: str) -> httpx.Response:
        return control.post("/outside", json=words)

    world.pace = Pace(queue=0, build=0, pre_deploy=0, release=0, aliases=0, rolling=0)
    good = earlier(web).id
    assert outside(does="rolls_back", service="shop-web", deployment=good, actor="emi").status_code == 200
    assert state(control)["shop-web"]["serving"] == good
    pushed = outside(does="pushes", service="shop-web", message="On we go").json()["result"]["id"]
    assert state(control)["shop-web"]["serving"] == good
    outside(does="promotes", service="shop-web", deployment=pushed)
    assert state(control)["shop-web"]["serving"] == pushed
    outside(does="sets_automatic", service="shop-api", setting="off")
    assert state(control)["shop-api"]["automatic"] == "off"
    assert outside(does="pushes", service="shop-api").json()["result"] is None


def test_pace_and_rules_are_read_and_set(control: httpx.Client, world: World) -> None:
    assert control.post("/pace", json={"name": "fast", "release": 9}).json()["release"] == 9
    assert world.pace.queue == Pace.fast().queue
    assert control.post("/rules", json={"plan": "hobby"}).json()["plan"] == "hobby"
    assert control.get("/rules").json()["overlap"] == "wait"


def test_what_was_received_is_listed_and_can_be_forgotten(
    control: httpx.Client, vercel: httpx.Client, web: Service, earlier: Callable[..., Deployment]
) -> None:
    target = earlier(web).id
    vercel.post(f"/v9/projects/{web.id}/rollback/{target}", json={})
    vercel.post(f"/v9/projects/{web.id}/rollback/{target}", json={})
    rows = control.get("/applied").json()

    assert [(row["provider"], row["kind"], row["applied"], row["answered"]) for row in rows] == [
        ("vercel", "rollback", True, 201),
        ("vercel", "rollback", False, 409),
    ]
    assert {(row["service"], row["deployment"]) for row in rows} == {(web.id, target)}
    assert control.delete("/applied").json() == []


def test_there_is_nothing_else(control: httpx.Client) -> None:
    assert control.get("/secrets").status_code == 404
    assert control.put("/faults").status_code == 404
