"""Vercel's behaviour over time: moving domains, pinned projects, staged builds and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.world import World

Earlier = Callable[..., DeploymentRow]


def project(vercel: httpx.Client) -> dict[str, Any]:
    data: dict[str, Any] = vercel.get("/v9/projects/shop-web").json()
    return data


def targets(vercel: httpx.Client) -> list[str]:
    return [alias["deployment"]["id"] for alias in project(vercel)["alias"]]


def roll_back(vercel: httpx.Client, shop_web: ServiceRow, target: str, **params: str) -> httpx.Response:
    return vercel.post(f"/v1/projects/{shop_web.id}/rollback/{target}", params=params)


def promote(vercel: httpx.Client, shop_web: ServiceRow, target: str) -> httpx.Response:
    return vercel.post(f"/v10/projects/{shop_web.id}/promote/{target}")


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_domains_move_one_by_one_after_a_rollback_was_accepted(
    vercel: httpx.Client, world: World, shop_web: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    bad, good = world.serving("shop-web"), earlier(shop_web)
    answer = roll_back(vercel, shop_web, good.id, description="500s on checkout")
    seen = []
    for _ in range(21):
        now = project(vercel)
        moved = sum(target == good.id for target in targets(vercel))
        seen.append((now["lastAliasRequest"]["jobStatus"], moved, now["autoAssignCustomDomains"]))
        clock.advance(0.1)
    settled = project(vercel)

    assert (answer.status_code, answer.content) == (201, b"")
    assert list(dict.fromkeys(seen)) == [
        ("pending", 0, True), ("in-progress", 0, True), ("in-progress", 1, True), ("in-progress", 2, True),
        ("in-progress", 3, True), ("succeeded", 3, False),
    ]  # fmt: skip
    assert settled["lastAliasRequest"]["fromDeploymentId"] == bad.id
    assert settled["targets"]["production"]["id"] == settled["crons"]["deploymentId"] == good.id
    assert settled["rollbackDescription"]["description"] == "500s on checkout"


def test_on_a_pinned_project_a_push_stays_staged_until_it_is_promoted(
    vercel: httpx.Client, world: World, shop_web: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    good = earlier(shop_web)
    roll_back(vercel, shop_web, good.id)
    clock.advance(3)
    pushed = world.somebody_pushes("shop-web", message="Put the totals right")
    assert pushed
    clock.advance(30)
    staged = vercel.get(f"/v13/deployments/{pushed.id}").json()
    assert (staged["readyState"], staged["readySubstate"], staged["aliasAssigned"]) == (
        "READY",
        "STAGED",
        False,
    )
    assert targets(vercel) == [good.id] * 3

    assert promote(vercel, shop_web, pushed.id).status_code == 201
    clock.advance(3)
    assert targets(vercel) == [pushed.id] * 3
    assert project(vercel)["autoAssignCustomDomains"] is True


def test_without_a_pin_a_push_takes_the_domains_when_it_is_ready(
    vercel: httpx.Client, world: World, clock: StoppedClock
) -> None:
    pushed = world.somebody_pushes("shop-web")
    assert pushed
    states = []
    for _ in range(4):
        states.append(vercel.get(f"/v13/deployments/{pushed.id}").json()["readyState"])
        clock.advance(8)

    assert states == ["QUEUED", "BUILDING", "BUILDING", "READY"]
    assert targets(vercel) == [pushed.id] * 3


def test_a_failed_or_cancelled_build_moves_nothing(
    vercel: httpx.Client, world: World, clock: StoppedClock
) -> None:
    before = targets(vercel)
    failing, canceled = world.somebody_pushes("shop-web", outcome="ERROR"), world.somebody_pushes("shop-web")
    assert failing
    assert canceled
    answer = vercel.patch(f"/v12/deployments/{canceled.id}/cancel")
    clock.advance(60)

    assert (answer.status_code, answer.json()["readyState"]) == (200, "CANCELED")
    assert vercel.get(f"/v13/deployments/{failing.id}").json()["readyState"] == "ERROR"
    assert refused(vercel.patch(f"/v12/deployments/{failing.id}/cancel")) == (400, "bad_request")
    assert targets(vercel) == before


def test_already_current_is_422_for_a_rollback_and_409_for_a_promotion(
    vercel: httpx.Client, world: World, shop_web: ServiceRow
) -> None:
    current = world.serving("shop-web").id

    assert refused(roll_back(vercel, shop_web, current)) == (422, "unprocessable_entity")
    answer = promote(vercel, shop_web, current)
    assert refused(answer) == (409, "conflict")
    assert "is already the current production deployment." in answer.json()["error"]["message"]


def test_two_moves_cannot_run_in_parallel(
    vercel: httpx.Client, shop_web: ServiceRow, earlier: Earlier
) -> None:
    roll_back(vercel, shop_web, earlier(shop_web).id)

    assert refused(roll_back(vercel, shop_web, earlier(shop_web, 2).id)) == (409, "conflict")


def test_previews_and_failed_builds_are_no_targets(
    vercel: httpx.Client, world: World, shop_web: ServiceRow
) -> None:
    rows = world.history[shop_web.id]
    preview = next(row for row in rows if row.target is None)
    failed = next(row for row in rows if row.status == "ERROR")

    assert refused(roll_back(vercel, shop_web, preview.id)) == (400, "bad_request")
    assert refused(promote(vercel, shop_web, preview.id)) == (400, "bad_request")
    assert refused(roll_back(vercel, shop_web, failed.id)) == (400, "bad_request")
    assert refused(roll_back(vercel, shop_web, "dpl_missing")) == (404, "not_found")


def test_the_hobby_plan_goes_back_one_step_only(
    vercel: httpx.Client, world: World, shop_web: ServiceRow, earlier: Earlier
) -> None:
    world.rules.plan = "hobby"
    further = roll_back(vercel, shop_web, earlier(shop_web, 2).id)

    assert further.status_code == 402
    assert "upgrade to pro" in further.json()["error"]["message"]
    assert roll_back(vercel, shop_web, earlier(shop_web).id).status_code == 201


def test_rollback_candidates_had_the_domains_and_lost_them(
    vercel: httpx.Client, world: World, shop_web: ServiceRow
) -> None:
    params = {"projectId": "shop-web", "rollbackCandidate": "true", "limit": "100"}
    rows = vercel.get("/v6/deployments", params=params).json()["deployments"]

    assert len(rows) == len({deployment for _, deployment in shop_web.live_history}) - 1
    assert all(row["isRollbackCandidate"] and row["readySubstate"] == "PROMOTED" for row in rows)
    assert world.serving("shop-web").id not in {row["uid"] for row in rows}


def test_a_promotion_waits_behind_a_rolling_release(
    vercel: httpx.Client, world: World, shop_web: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    canary, wanted = earlier(shop_web, 3), earlier(shop_web)
    world.somebody_starts_rolling_release("shop-web", canary.id)
    answer = promote(vercel, shop_web, wanted.id)
    release = vercel.get(f"/v1/projects/{shop_web.id}/rolling-release").json()["rollingRelease"]

    assert (answer.status_code, answer.content) == (202, b"")
    assert (release["state"], release["queuedDeploymentId"]) == ("ACTIVE", wanted.id)
    clock.advance(30.1)
    assert targets(vercel) == [canary.id] * 3
    clock.advance(3)
    assert targets(vercel) == [wanted.id] * 3


def test_a_rollback_aborts_a_rolling_release(
    vercel: httpx.Client, world: World, shop_web: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    world.somebody_starts_rolling_release("shop-web", earlier(shop_web, 3).id)
    assert roll_back(vercel, shop_web, earlier(shop_web).id).status_code == 201
    clock.advance(60)

    release = vercel.get(f"/v1/projects/{shop_web.id}/rolling-release").json()["rollingRelease"]
    assert release["state"] == "ABORTED"
    assert targets(vercel) == [earlier(shop_web, 0).id] * 3 == [world.serving("shop-web").id] * 3


def test_pinning_and_unpinning_move_no_traffic(vercel: httpx.Client) -> None:
    before = targets(vercel)
    pinned = vercel.patch("/v9/projects/shop-web", json={"autoAssignCustomDomains": False}).json()
    unknown = vercel.patch("/v9/projects/shop-web", json={"colour": "red"})

    assert pinned["autoAssignCustomDomains"] is False
    assert vercel.patch("/v9/projects/shop-web", json={"autoAssignCustomDomains": True}).status_code == 200
    assert project(vercel)["autoAssignCustomDomains"] is True
    assert targets(vercel) == before
    assert refused(unknown) == (400, "bad_request")


def test_events_name_the_actor_and_both_deployments(
    vercel: httpx.Client, world: World, shop_web: ServiceRow, earlier: Earlier
) -> None:
    bad, good = world.serving("shop-web"), earlier(shop_web)
    world.somebody_rolls_back("shop-web", good.id, actor="emi")
    params = {
        "types": "instant-rollback-created",
        "withPayload": "true",
        "projectIds": shop_web.id,
        "limit": "1",
    }
    event = vercel.get("/v3/events", params=params).json()["events"][0]

    assert event["user"]["username"] == "emi"
    assert event["payload"]["fromDeploymentId"] == bad.id
    assert event["payload"]["toDeploymentId"] == good.id


def test_each_page_continues_where_the_last_one_ended(
    vercel: httpx.Client, world: World, shop_web: ServiceRow
) -> None:
    seen: list[str] = []
    until: int | None = None
    while True:
        params = {"projectId": shop_web.id, "limit": "30"} | ({"until": str(until)} if until else {})
        page = vercel.get("/v7/deployments", params=params).json()
        seen += [row["uid"] for row in page["deployments"]]
        until = page["pagination"]["next"]
        if until is None:
            break

    assert seen == [row.id for row in world.newest_first(shop_web)]


def test_promoting_a_preview_as_the_cli_does_builds_it_again(
    vercel: httpx.Client, world: World, shop_web: ServiceRow, clock: StoppedClock
) -> None:
    preview = next(row for row in world.newest_first(shop_web) if row.target is None)
    body = {
        "deploymentId": preview.id,
        "name": "shop-web",
        "target": "production",
        "meta": {"action": "promote"},
    }
    built = vercel.post("/v13/deployments", json=body).json()
    clock.advance(30)

    assert built["id"] != preview.id
    assert built["meta"]["githubCommitSha"] == preview.commit
    assert targets(vercel) == [built["id"]] * 3
