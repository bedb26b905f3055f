"""History survives a restart, and time goes on while the sandbox is stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.sandbox.clock import Pace, StoppedClock
from deployments.sandbox.persistence import Keeper, open_world
from deployments.sandbox.rows import Deployment, Service
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.http import Request
from deployments.sandbox.world import World


def ask(sandbox: Sandbox, path: str, method: str = "GET", body: bytes = b"") -> int:
    headers = {"Authorization": "Bearer rnd_sandbox"}
    return sandbox.answer(Request.build(method, "127.0.0.1", path, "", headers, body)).status


def test_a_rollback_that_was_under_way_is_over_after_the_restart(
    tmp_path: Path, world: World, api: Service, clock: StoppedClock, earlier: Callable[..., Deployment]
) -> None:
    path = tmp_path / "world.json"
    good = earlier(api)
    sandbox = Sandbox(world, keep=Keeper(path))
    body = json.dumps({"deployId": good.id}).encode()
    assert ask(sandbox, f"/v1/services/{api.id}/rollback", "POST", body) == 201
    clock.advance(3600)
    again = World.from_json(json.loads(path.read_text()), clock=clock, pace=Pace.local())

    assert again.serving("shop-api").commit == good.commit
    assert again.service("shop-api").served[-1][0] < clock().timestamp() - 3500
    assert again.received[-1].deployment == good.id
    assert again.mint("dep") not in world.deployments


def test_nothing_is_written_while_nothing_changes(tmp_path: Path, world: World) -> None:
    path = tmp_path / "world.json"
    sandbox = Sandbox(world, keep=Keeper(path))
    ask(sandbox, "/v1/services")
    path.unlink()
    ask(sandbox, "/v1/services")

    assert not path.exists()
    world.somebody_pushes("shop-api")
    ask(sandbox, "/v1/services")
    assert path.exists()


def test_a_world_and_its_json_are_the_same(world: World, clock: StoppedClock) -> None:
    world.somebody_pushes("shop-web")
    data = json.loads(json.dumps(world.to_json()))

    assert World.from_json(data, clock=clock).to_json() == world.to_json()


def test_a_file_of_another_version_is_still_read(world: World, clock: StoppedClock) -> None:
    data = json.loads(json.dumps(world.to_json()))
    data["services"][0]["mood"] = "good"
    del data["deployments"][0]["reason"]

    assert World.from_json(data, clock=clock).to_json() == world.to_json()


@pytest.mark.parametrize("company", ["small", "big"])
def test_without_a_file_a_new_company_begins(tmp_path: Path, company: str) -> None:
    assert (
        len(open_world(tmp_path / "none.json", company, "fast").services) == {"small": 2, "big": 10}[company]
    )
