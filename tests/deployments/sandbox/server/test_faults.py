"""Every fault does what it says, once or as often as it was told to, and the record of calls stays true."""

from __future__ import annotations

import json
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import Service
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.world import World
from tests.deployments.sandbox.conftest import Side

BOTH = pytest.mark.parametrize("side", ["render", "vercel"])


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
def test_a_refusal_changes_nothing_and_is_in_the_providers_words(
    sandbox: Sandbox, chosen: Side, clock: StoppedClock, do: str, status: int
) -> None:
    sandbox.faults.add(Fault(f"{chosen.name}.rollback", do))
    answer = chosen.roll_back()
    clock.advance(60)

    assert answer.status_code == status
    assert (answer.json() if chosen.name == "render" else answer.json()["error"])["message"]
    assert entry(sandbox) == (False, status)
    assert chosen.serves() == chosen.before.commit


@BOTH
def test_an_error_can_come_before_or_after_the_work(
    sandbox: Sandbox, chosen: Side, clock: StoppedClock
) -> None:
    sandbox.faults.add(Fault("*.rollback", "error", detail="503"))
    assert chosen.roll_back().status_code == 503
    clock.advance(60)
    assert chosen.serves() == chosen.before.commit

    sandbox.faults.add(Fault("*.rollback", "error_after"))
    assert chosen.roll_back().status_code == 500
    clock.advance(60)
    assert chosen.serves() == chosen.target.commit
    assert [(row["applied"], row["answered"]) for row in sandbox.applied] == [(False, 503), (True, 500)]


@BOTH
@pytest.mark.parametrize(("do", "applied"), [("drop_before", False), ("drop_after", True)])
def test_a_dropped_connection_has_no_answer_and_may_have_done_the_work(
    sandbox: Sandbox, chosen: Side, clock: StoppedClock, do: str, applied: bool
) -> None:
    sandbox.faults.add(Fault("*.rollback", do))
    with pytest.raises(httpx.RemoteProtocolError):
        chosen.roll_back()
    clock.advance(60)

    assert entry(sandbox) == (applied, "dropped")
    assert (chosen.serves() == chosen.target.commit) is applied


@BOTH
def test_a_refused_connection_was_never_received(sandbox: Sandbox, chosen: Side) -> None:
    sandbox.faults.add(Fault("*", "refuse_connection", times=2))
    with pytest.raises(httpx.ConnectError):
        chosen.roll_back()
    with pytest.raises(httpx.ConnectError):
        chosen.read()

    assert sandbox.applied == []
    assert chosen.read().status_code == 200


@BOTH
def test_a_slow_answer_is_a_time_out_only_for_who_waits_less(
    sandbox: Sandbox, chosen: Side, clock: StoppedClock
) -> None:
    sandbox.faults.add(Fault("*.rollback", "slow", seconds=4.0))
    with pytest.raises(httpx.ReadTimeout):
        chosen.client.post(chosen_path(chosen), json={"deployId": chosen.target.id}, timeout=3.0)
    sandbox.faults.add(Fault("*", "slow", seconds=4.0))
    chosen.client.timeout = httpx.Timeout(10.0)
    assert chosen.read().status_code == 200
    clock.advance(60)

    assert entry(sandbox)[0] is True
    assert chosen.serves() == chosen.target.commit


def chosen_path(chosen: Side) -> str:
    if chosen.name == "render":
        return f"/services/{chosen.service.id}/rollback"
    return f"/v1/projects/{chosen.service.id}/rollback/{chosen.target.id}"


@BOTH
def test_an_answer_that_is_not_json_has_the_right_status(sandbox: Sandbox, chosen: Side) -> None:
    sandbox.faults.add(Fault("*.rollback", "not_json"))
    answer = chosen.roll_back()

    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("text/html")
    assert entry(sandbox) == (True, 201)


def test_render_says_in_two_ways_when_to_ask_again(
    sandbox: Sandbox, render: httpx.Client, world: World
) -> None:
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


def test_vercel_says_in_several_ways_when_to_ask_again(
    sandbox: Sandbox, vercel: httpx.Client, world: World
) -> None:
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


def test_the_published_budget_is_counted_and_enforced_on_demand(render: httpx.Client, world: World) -> None:
    service = world.service("shop-api")
    world.rules.rate_limits = True
    answers = [render.patch(f"/services/{service.id}", json={}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == [
        str(left) for left in range(9, -1, -1)
    ] + ["0"]
    assert render.get(f"/services/{service.id}").status_code == 200


def test_a_field_can_be_missing_or_have_a_word_that_nobody_knows(
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


def test_a_fault_lasts_as_long_as_it_was_told_to(sandbox: Sandbox, render: httpx.Client) -> None:
    sandbox.faults.add(Fault("render.*", "error", times=2))
    assert [render.get("/services").status_code for _ in range(3)] == [500, 500, 200]

    sandbox.faults.add(Fault("render.services", "error", times=None))
    assert [render.get("/services").status_code for _ in range(3)] == [500, 500, 500]
    sandbox.faults.clear()
    assert render.get("/services").status_code == 200


def test_a_request_can_bring_its_own_fault(sandbox: Sandbox, render: httpx.Client) -> None:
    answer = render.get("/services", headers={"X-Sandbox-Fault": "error;detail=503"})
    unknown = render.get("/services", headers={"X-Sandbox-Fault": "gremlins"})

    assert answer.status_code == 503
    assert unknown.status_code == 400
    assert "no fault gremlins" in unknown.json()["error"]
    assert render.get("/services").status_code == 200


def test_faults_that_do_not_exist_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="There is no fault explode"):
        Fault("*", "explode")


def test_another_key_is_refused_in_each_providers_words(render: httpx.Client, vercel: httpx.Client) -> None:
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


def test_a_body_that_is_not_json_is_refused(render: httpx.Client, api: Service) -> None:
    answers = [
        render.post(f"/services/{api.id}/rollback", content=body)
        for body in (b"{", json.dumps(["dep-1"]).encode(), b"\xff\xfe")
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
