"""Render's behaviour over time: statuses, queueing and events."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.world import World

Earlier = Callable[..., DeploymentRow]


def status(render: httpx.Client, service: ServiceRow, deploy_id: str) -> str:
    return str(render.get(f"/services/{service.id}/deploys/{deploy_id}").json()["status"])


def roll_back(render: httpx.Client, service: ServiceRow, target: str) -> httpx.Response:
    return render.post(f"/services/{service.id}/rollback", json={"deployId": target})


def events(render: httpx.Client, service: ServiceRow) -> list[dict[str, object]]:
    return [row["event"] for row in render.get(f"/services/{service.id}/events").json()]


def test_a_rollback_is_a_new_deploy_that_serves_once_it_is_live(
    render: httpx.Client, world: World, shop_api: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    bad, good = world.serving("shop-api"), earlier(shop_api)
    answer = roll_back(render, shop_api, good.id)
    new = answer.json()
    seen = []
    for _ in range(13):
        live = [
            row["deploy"]["id"] for row in render.get(f"/services/{shop_api.id}/deploys?status=live").json()
        ]
        seen.append(
            (status(render, shop_api, new["id"]), live == [bad.id], world.serving("shop-api").id == bad.id)
        )
        clock.advance(1)

    assert answer.status_code == 201
    assert new["trigger"] == "rollback"
    assert new["commit"]["id"] == good.commit
    assert seen == [("created", True, True)] * 2 + [("update_in_progress", True, True)] * 10 + [
        ("live", False, False)
    ]
    assert status(render, shop_api, bad.id) == "deactivated"
    assert world.serving("shop-api").error_rate == good.error_rate


def test_a_rollback_through_the_api_leaves_automatic_deploys_on(
    render: httpx.Client, shop_api: ServiceRow, earlier: Earlier
) -> None:
    roll_back(render, shop_api, earlier(shop_api).id)

    assert render.get(f"/services/{shop_api.id}").json()["autoDeployTrigger"] == "checksPass"


def test_a_dashboard_rollback_switches_automatic_deploys_off_and_records_the_actor(
    render: httpx.Client, world: World, shop_api: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    good = earlier(shop_api)
    world.somebody_rolls_back("shop-api", good.id, actor="chioma")
    clock.advance(15)
    by_type = {str(event["type"]): event["details"] for event in events(render, shop_api)[:3]}

    assert render.get(f"/services/{shop_api.id}").json()["autoDeploy"] == "no"
    assert by_type["auto_deploy_disabled"] == {"reason": "rollback", "fromTrigger": "checksPass"}
    trigger = by_type["deploy_started"]["trigger"]  # type: ignore[index]
    assert trigger["rollback"] is True
    assert trigger["rollbackTargetDeployId"] == good.id
    assert trigger["user"]["email"] == "chioma@example.com"
    assert by_type["deploy_ended"]["deployStatus"] == "succeeded"  # type: ignore[index]


def test_a_rollback_waits_behind_a_running_deploy(
    render: httpx.Client, world: World, shop_api: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    running = world.somebody_pushes("shop-api")
    clock.advance(5)
    new = roll_back(render, shop_api, earlier(shop_api).id).json()
    assert running
    assert (status(render, shop_api, running.id), new["status"]) == ("build_in_progress", "queued")

    clock.advance(35)
    assert (status(render, shop_api, running.id), status(render, shop_api, new["id"])) == (
        "live",
        "update_in_progress",
    )
    clock.advance(12)
    assert (status(render, shop_api, running.id), status(render, shop_api, new["id"])) == (
        "deactivated",
        "live",
    )


def test_only_the_newest_waiting_deploy_is_kept(
    render: httpx.Client, world: World, shop_api: ServiceRow, earlier: Earlier
) -> None:
    world.somebody_pushes("shop-api")
    first = roll_back(render, shop_api, earlier(shop_api).id).json()
    second = roll_back(render, shop_api, earlier(shop_api, 2).id).json()

    assert (status(render, shop_api, first["id"]), status(render, shop_api, second["id"])) == (
        "canceled",
        "queued",
    )


def test_cancelling_the_running_build_starts_the_rollback(
    render: httpx.Client, world: World, shop_api: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    running = world.somebody_pushes("shop-api")
    assert running
    new = roll_back(render, shop_api, earlier(shop_api).id).json()
    canceled = render.post(f"/services/{shop_api.id}/deploys/{running.id}/cancel")
    clock.advance(11)

    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert status(render, shop_api, new["id"]) == "live"


def test_in_an_older_workspace_the_rollback_overrides_the_running_deploy(
    render: httpx.Client, world: World, shop_api: ServiceRow, earlier: Earlier
) -> None:
    world.rules.overlap = "override"
    running = world.somebody_pushes("shop-api")
    assert running
    new = roll_back(render, shop_api, earlier(shop_api).id).json()

    assert (status(render, shop_api, running.id), new["status"]) == ("canceled", "created")


@pytest.mark.parametrize("outcome", ["build_failed", "pre_deploy_failed", "update_failed"])
def test_a_failed_deploy_leaves_the_old_one_live(
    render: httpx.Client, world: World, shop_api: ServiceRow, clock: StoppedClock, outcome: str
) -> None:
    before = world.serving("shop-api").id
    pushed = world.somebody_pushes("shop-api", outcome=outcome)
    assert pushed
    clock.advance(60)

    assert status(render, shop_api, pushed.id) == outcome
    assert world.serving("shop-api").id == before
    assert events(render, shop_api)[0]["details"]["deployStatus"] == "failed"  # type: ignore[index]


def test_a_push_is_not_deployed_while_automatic_deploys_are_off(
    render: httpx.Client, world: World, shop_api: ServiceRow
) -> None:
    render.patch(f"/services/{shop_api.id}", json={"autoDeployTrigger": "off"})

    assert world.somebody_pushes("shop-api") is None


@pytest.mark.parametrize(
    ("fields", "setting", "word"),
    [
        ({"autoDeployTrigger": "checksPass"}, "checksPass", "yes"),
        ({"autoDeployTrigger": "commit"}, "commit", "yes"),
        ({"autoDeploy": "yes"}, "commit", "yes"),
        ({"autoDeploy": "no"}, "off", "no"),
    ],
)
def test_only_the_trigger_field_restores_the_exact_setting(
    render: httpx.Client, shop_api: ServiceRow, fields: dict[str, str], setting: str, word: str
) -> None:
    render.patch(f"/services/{shop_api.id}", json={"autoDeploy": "no"})
    after = render.patch(f"/services/{shop_api.id}", json=fields).json()

    assert (after["autoDeployTrigger"], after["autoDeploy"]) == (setting, word)


def test_the_pre_deploy_command_may_run_on_rollback(
    render: httpx.Client, world: World, shop_api: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    world.rules.pre_deploy_on_rollback = True
    new = roll_back(render, shop_api, earlier(shop_api).id).json()
    clock.advance(3)

    assert status(render, shop_api, new["id"]) == "pre_deploy_in_progress"


def test_an_ineligible_target_is_refused_and_changes_nothing(
    render: httpx.Client, world: World, shop_api: ServiceRow, earlier: Earlier
) -> None:
    failed = next(row for row in world.history[shop_api.id] if row.status == "build_failed")
    count = len(world.history[shop_api.id])
    live = roll_back(render, shop_api, world.serving("shop-api").id)
    never = roll_back(render, shop_api, failed.id)
    missing = roll_back(render, shop_api, "dep-00000000000000000000")
    nameless = render.post(f"/services/{shop_api.id}/rollback", json={})
    world.rules.kept_builds = 3
    expired = roll_back(render, shop_api, earlier(shop_api, 5).id)

    assert [answer.status_code for answer in (live, never, missing, nameless, expired)] == [
        400,
        400,
        404,
        400,
        400,
    ]
    assert "already live" in live.json()["message"]
    assert "no longer available" in expired.json()["message"]
    assert len(world.history[shop_api.id]) == count


def test_a_waiting_deploy_is_answered_with_an_empty_202(
    render: httpx.Client, world: World, shop_api: ServiceRow
) -> None:
    world.somebody_pushes("shop-api")
    answer = render.post(f"/services/{shop_api.id}/deploys", json={})
    deploys = render.get(f"/services/{shop_api.id}/deploys", params={"status": "queued", "limit": 1}).json()

    assert (answer.status_code, answer.content) == (202, b"")
    assert deploys[0]["deploy"]["trigger"] == "api"
