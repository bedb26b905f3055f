"""The visitors' requests as Render's metrics and the public addresses tell them, over time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from deployments.sandbox import traffic
from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.transport import RENDER_URL, SandboxTransport
from deployments.sandbox.world import World

HALF_AN_HOUR = 1800


def share(world: World, minutes: float = 10, ended: float = 0.0, name: str = "shop-api") -> float:
    """Of errors, in so many minutes that ended so many seconds ago."""
    world.settle()
    service, until = world.service(name), world.now() - ended
    buckets = [until - 30 * number for number in range(1, round(minutes * 2) + 1)]
    rows = [traffic.requests_by_status(world, service, at, 30) for at in buckets]
    return sum(row["500"] for row in rows) / sum(sum(row.values()) for row in rows)


def public_share(world: World, requests: int = 100) -> float:
    http = httpx.Client(transport=SandboxTransport(Sandbox(world)))
    failed = [http.get("https://shop-api.onrender.com/").status_code == 500 for _ in range(requests)]
    return sum(failed) / requests


def test_the_company_starts_with_its_eight_percent(world: World) -> None:
    assert 0.06 < share(world) < 0.1
    assert share(world, ended=2 * 3600) < 0.01
    assert public_share(world) == 0.08


def test_harm_may_begin_half_an_hour_after_a_release(world: World, clock: StoppedClock) -> None:
    world.somebody_pushes("shop-api")
    clock.advance(60)
    new = world.serving("shop-api")
    world.somebody_changes_course(
        "shop-api", [{"after": HALF_AN_HOUR, "error_rate": 0.2, "latency_ms": 3000}], new.id
    )
    clock.advance(HALF_AN_HOUR - 120)
    assert share(world) < 0.01
    assert public_share(world) < 0.02
    clock.advance(15 * 60)
    assert 0.15 < share(world) < 0.25
    assert public_share(world) == 0.2
    assert traffic.latency(world, world.service("shop-api"), world.now(), 0.95) > 2500


def test_a_rollback_takes_the_course_of_its_target_from_its_beginning(
    world: World, clock: StoppedClock
) -> None:
    target = next(one for one in world.newest_first(world.service("shop-api")) if one.status == "deactivated")
    world.somebody_changes_course(
        "shop-api", [{"after": 300, "error_rate": 0.5, "latency_ms": 100}], target.id
    )
    world.somebody_rolls_back("shop-api", target.id)
    clock.advance(200)
    assert share(world, minutes=3) < 0.01
    clock.advance(600)
    assert share(world, minutes=3) > 0.4


def test_an_incident_may_have_nothing_to_do_with_a_deployment(world: World, clock: StoppedClock) -> None:
    target = next(one for one in world.newest_first(world.service("shop-api")) if one.status == "deactivated")
    world.somebody_causes_trouble("shop-api", error_rate=0.3, latency_ms=900, since=1200)
    assert 0.3 < share(world) < 0.45
    assert share(world, ended=1300, minutes=5) < 0.15
    world.somebody_rolls_back("shop-api", target.id)
    clock.advance(900)
    assert 0.25 < share(world) < 0.4
    world.somebody_ends_trouble("shop-api")
    clock.advance(900)
    assert share(world) < 0.02


@pytest.mark.parametrize("rate", [0.1, 1.0, 50.0])
def test_traffic_is_what_it_is_set_to_and_errors_show_also_where_they_are_few(
    world: World, rate: float
) -> None:
    world.somebody_changes_traffic("shop-api", rate)
    world.somebody_causes_trouble("shop-api", since=86_400)
    service, now = world.service("shop-api"), world.now()
    rows = [traffic.requests_by_status(world, service, now - 30 * number, 30) for number in range(2880)]
    total = sum(sum(row.values()) for row in rows)
    assert abs(total / 86_400 - rate) < rate * 0.1
    assert 0.06 < sum(row["500"] for row in rows) / total < 0.11


def test_everything_survives_being_saved(world: World, clock: StoppedClock) -> None:
    world.somebody_causes_trouble("shop-api", error_rate=0.3)
    world.somebody_changes_course("shop-web", [{"after": 0, "error_rate": 0.4, "latency_ms": 10}])
    clock.advance(900)
    again = World.from_json(world.to_json(), clock=clock)
    for name in ("shop-api", "shop-web"):
        assert share(again, name=name) == share(world, name=name) > 0.3


# --- Over HTTP ---


def control(sandbox: Sandbox, **fields: Any) -> httpx.Response:
    http = httpx.Client(base_url="http://127.0.0.1", transport=SandboxTransport(sandbox))
    return http.post("/_sandbox/outside", json=fields)


def values(sandbox: Sandbox) -> list[list[str]]:
    now = sandbox.world.clock()
    http = httpx.Client(
        base_url=RENDER_URL,
        transport=SandboxTransport(sandbox),
        headers={"Authorization": "Bearer rnd_sandbox"},
    )
    params: dict[str, Any] = {
        "resource": sandbox.world.service("shop-api").id,
        "startTime": (now - timedelta(minutes=10)).isoformat(),
        "resolutionSeconds": 30,
    }
    series = http.get("metrics/http-requests", params=params).json()
    return [[point["timestamp"] for point in row["values"]] for row in series]


def test_people_change_traffic_and_trouble_over_the_control_page(sandbox: Sandbox) -> None:
    for fields in (
        {"does": "changes_traffic", "requests_per_second": 50},
        {"does": "causes_trouble", "error_rate": 0.5, "since": 1200},
        {"does": "changes_course", "steps": [{"after": 0, "error_rate": 0.0, "latency_ms": 90}]},
        {"does": "ends_trouble"},
    ):
        assert control(sandbox, service="shop-api", **fields).status_code == 200
    assert control(sandbox, does="changes_course", service="shop-api", steps=[{"x": 1}]).status_code == 400
    (trouble,) = sandbox.world.service("shop-api").troubles
    assert trouble.until == sandbox.world.now()


def test_points_may_be_late_missing_or_in_another_order(sandbox: Sandbox) -> None:
    (whole,) = values(sandbox)
    sandbox.faults.add(Fault("render.metrics", "late", detail="4"))
    assert values(sandbox) == [whole[:-4]]
    sandbox.faults.add(Fault("render.metrics", "gaps", detail="3"))
    (gaps,) = values(sandbox)
    assert len(gaps) == len(whole) - -(-len(whole) // 3)
    sandbox.faults.add(Fault("render.metrics", "shuffle"))
    (shuffled,) = values(sandbox)
    assert set(shuffled) == set(whole)
    assert shuffled != sorted(shuffled)
    assert len(shuffled) > len(whole)


@pytest.mark.parametrize("provider", ["render", "vercel"])
def test_an_incident_is_on_the_providers_status_page_until_it_is_over(
    sandbox: Sandbox, provider: str
) -> None:
    http = httpx.Client(base_url="http://127.0.0.1", transport=SandboxTransport(sandbox))
    page = f"/_status/{provider}/api/v2"
    assert http.get(f"{page}/incidents/unresolved.json").json()["incidents"] == []
    incident = {"provider": provider, "name": "Builds are slow", "impact": "minor"}
    assert http.post("/_sandbox/incidents", json=incident).status_code == 200
    (shown,) = http.get(f"{page}/incidents/unresolved.json").json()["incidents"]
    assert (shown["name"], shown["impact"], shown["resolved_at"]) == ("Builds are slow", "minor", None)
    assert http.get(f"{page}/summary.json").json()["status"]["indicator"] == "minor"
    http.delete("/_sandbox/incidents")
    assert http.get(f"{page}/incidents/unresolved.json").json()["incidents"] == []
    assert http.get("/_status/other/api/v2/summary.json").status_code == 404
    assert http.post("/_sandbox/incidents", json={**incident, "impact": "x"}).status_code == 400
