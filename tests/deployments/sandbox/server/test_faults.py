"""Every fault has its documented effect as often as requested, and the list of orders stays correct."""

from __future__ import annotations

import json
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import ServiceRow
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.world import World
from tests.deployments.sandbox.conftest import ProviderCalls

BOTH = pytest.mark.parametrize("provider_name", ["render", "vercel"])


def entry(sandbox: Sandbox) -> tuple[bool, Any]:
    (only,) = sandbox.applied
    return only["applied"], only["answered"]


@BOTH
@pytest.mark.parametrize(
    ("do", "status"),
    [
        ("unauthorized", 401),
        ("plan", 402),
        ("forbidden", 403),
        ("missing", 404),
        ("conflict", 409),
        ("gone", 410),
    ],
)
def test_a_refusal_changes_nothing_and_has_the_providers_format(
    sandbox: Sandbox, calls: ProviderCalls, clock: StoppedClock, do: str, status: int
) -> None:
    sandbox.faults.add(Fault(f"{calls.name}.rollback", do))
    answer = calls.roll_back()
    clock.advance(60)

    assert answer.status_code == status
    assert (answer.json() if calls.name == "render" else answer.json()["error"])["message"]
    assert entry(sandbox) == (False, status)
    assert calls.live_commit() == calls.before.commit


@BOTH
def test_an_error_can_come_before_or_after_the_order_is_applied(
    sandbox: Sandbox, calls: ProviderCalls, clock: StoppedClock
) -> None:
    sandbox.faults.add(Fault("*.rollback", "error", detail="503"))
    assert calls.roll_back().status_code == 503
    clock.advance(60)
    assert calls.live_commit() == calls.before.commit

    sandbox.faults.add(Fault("*.rollback", "error_after"))
    assert calls.roll_back().status_code == 500
    clock.advance(60)
    assert calls.live_commit() == calls.target.commit
    assert [(row["applied"], row["answered"]) for row in sandbox.applied] == [(False, 503), (True, 500)]


@BOTH
@pytest.mark.parametrize(("do", "applied"), [("drop_before", False), ("drop_after", True)])
def test_a_dropped_connection_may_have_applied_the_order(
    sandbox: Sandbox, calls: ProviderCalls, clock: StoppedClock, do: str, applied: bool
) -> None:
    sandbox.faults.add(Fault("*.rollback", do))
    with pytest.raises(httpx.RemoteProtocolError):
        calls.roll_back()
    clock.advance(60)

    assert entry(sandbox) == (applied, "dropped")
    assert (calls.live_commit() == calls.target.commit) is applied


@BOTH
def test_a_refused_connection_was_never_received(sandbox: Sandbox, calls: ProviderCalls) -> None:
    sandbox.faults.add(Fault("*", "refuse_connection", times=2))
    with pytest.raises(httpx.ConnectError):
        calls.roll_back()
    with pytest.raises(httpx.ConnectError):
        calls.read()

    assert sandbox.applied == []
    assert calls.read().status_code == 200


@BOTH
def test_a_slow_response_is_a_timeout_only_for_a_shorter_timeout(
    sandbox: Sandbox, calls: ProviderCalls, clock: StoppedClock
) -> None:
    sandbox.faults.add(Fault("*.rollback", "slow", seconds=4.0))
    with pytest.raises(httpx.ReadTimeout):
        calls.client.post(chosen_path(calls), json={"deployId": calls.target.id}, timeout=3.0)
    sandbox.faults.add(Fault("*", "slow", seconds=4.0))
    calls.client.timeout = httpx.Timeout(10.0)
    assert calls.read().status_code == 200
    clock.advance(60)

    assert entry(sandbox)[0] is True
    assert calls.live_commit() == calls.target.commit


def chosen_path(calls: ProviderCalls) -> str:
    if calls.name == "render":
        return f"/services/{calls.service.id}/rollback"
    return f"/v1/projects/{calls.service.id}/rollback/{calls.target.id}"


@BOTH
def test_a_response_that_is_not_json_has_the_right_status(sandbox: Sandbox, calls: ProviderCalls) -> None:
    sandbox.faults.add(Fault("*.rollback", "not_json"))
    answer = calls.roll_back()

    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("text/html")
    assert entry(sandbox) == (True, 201)


def test_render_states_the_wait_in_two_ways(sandbox: Sandbox, render: httpx.Client, world: World) -> None:
    seen = []
    for reading in ("delta", "epoch", "silent"):
        sandbox.faults.add(Fault("render.services", "rate_limit", seconds=45, detail=reading))
        seen.append(render.get("/services"))

    assert {answer.status_code for answer in seen} == {429}
    assert seen[0].json() == {"message": "rate limit exceeded"}
    assert seen[0].headers["ratelimit-reset"] == "45"
    assert seen[1].headers["ratelimit-reset"] == str(round(world.now() + 45))
    assert seen[0].headers["retry-after"] == seen[1].headers["retry-after"] == "45"
    assert "retry-after" not in seen[2].headers


def test_vercel_states_the_wait_in_several_ways(sandbox: Sandbox, vercel: httpx.Client, world: World) -> None:
    seen = []
    for reading in ("seconds", "date", "domains"):
        sandbox.faults.add(Fault("vercel.project", "rate_limit", seconds=20, detail=reading))
        seen.append(vercel.get("/v9/projects/shop-web"))
    reset = world.now() + 20
    date = parsedate_to_datetime(seen[1].headers["retry-after"]).replace(tzinfo=UTC)

    assert {answer.status_code for answer in seen} == {429}
    assert seen[0].json()["error"]["code"] == "rate_limited"
    assert seen[0].json()["error"]["limit"]["reset"] == reset
    assert seen[0].headers["x-ratelimit-reset"] == str(round(reset))
    assert seen[0].headers["retry-after"] == "20"
    assert date.timestamp() == reset
    assert seen[2].json()["retryAfter"]["value"] == 20


def test_the_published_rate_limit_is_enforced_on_demand(render: httpx.Client, world: World) -> None:
    service = world.service("shop-api")
    world.rules.rate_limits = True
    answers = [render.patch(f"/services/{service.id}", json={}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == [
        str(left) for left in range(9, -1, -1)
    ] + ["0"]
    assert render.get(f"/services/{service.id}").status_code == 200


def test_a_field_can_be_missing_or_have_an_unknown_value(
    sandbox: Sandbox, vercel: httpx.Client, render: httpx.Client
) -> None:
    sandbox.faults.add(
        Fault("vercel.project", "omit", detail="autoAssignCustomDomains"),
        Fault("vercel.project", "omit", detail="targets.production.id"),
        Fault("render.services", "replace", detail="service.autoDeployTrigger=fullMoon"),
    )
    project = vercel.get("/v9/projects/shop-web").json()

    assert "autoAssignCustomDomains" not in project
    assert "id" not in project["targets"]["production"]
    assert render.get("/services").json()[0]["service"]["autoDeployTrigger"] == "fullMoon"


def test_a_fault_lasts_for_the_requested_number_of_calls(sandbox: Sandbox, render: httpx.Client) -> None:
    sandbox.faults.add(Fault("render.*", "error", times=2))
    assert [render.get("/services").status_code for _ in range(3)] == [500, 500, 200]

    sandbox.faults.add(Fault("render.services", "error", times=None))
    assert [render.get("/services").status_code for _ in range(3)] == [500, 500, 500]
    sandbox.faults.clear()
    assert render.get("/services").status_code == 200


def test_a_request_header_can_name_a_fault(sandbox: Sandbox, render: httpx.Client) -> None:
    answer = render.get("/services", headers={"X-Sandbox-Fault": "error;detail=503"})
    unknown = render.get("/services", headers={"X-Sandbox-Fault": "gremlins"})

    assert answer.status_code == 503
    assert unknown.status_code == 400
    assert "no fault gremlins" in unknown.json()["error"]
    assert render.get("/services").status_code == 200


def test_unknown_faults_are_rejected() -> None:
    with pytest.raises(ValueError, match="There is no fault explode"):
        Fault("*", "explode")


def test_another_key_is_refused_in_each_providers_format(render: httpx.Client, vercel: httpx.Client) -> None:
    wrong = {"Authorization": "Bearer something else"}
    at_render, at_vercel = (
        render.get("/services", headers=wrong),
        vercel.get("/v9/projects/shop-web", headers=wrong),
    )
    other_team = vercel.get("/v9/projects/shop-web", params={"teamId": "team_other"})

    assert (at_render.status_code, at_render.json()["message"]) == (401, "unauthorized")
    for answer in (at_vercel, other_team):
        assert answer.status_code == 403
        assert answer.json()["error"]["message"] == "Not authorized"


def test_a_body_that_is_not_json_is_refused(render: httpx.Client, shop_api: ServiceRow) -> None:
    answers = [
        render.post(f"/services/{shop_api.id}/rollback", content=body)
        for body in (b"{", json.dumps(["dep-1"]).encode(), b"\xff\xfe")
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
