"""The state survives a restart, and time goes on while the sandbox is stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.sandbox.clock import Pace, StoppedClock
from deployments.sandbox.persistence import WorldFile, open_world
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.http import Request
from deployments.sandbox.world import World


def request(sandbox: Sandbox, path: str, method: str = "GET", body: bytes = b"") -> int:
    headers = {"Authorization": "Bearer rnd_sandbox"}
    return sandbox.answer(Request.build(method, "127.0.0.1", path, "", headers, body)).status


def test_a_running_rollback_is_done_after_a_long_restart(
    tmp_path: Path,
    world: World,
    shop_api: ServiceRow,
    clock: StoppedClock,
    earlier: Callable[..., DeploymentRow],
) -> None:
    path = tmp_path / "world.json"
    good = earlier(shop_api)
    sandbox = Sandbox(world, save=WorldFile(path))
    body = json.dumps({"deployId": good.id}).encode()
    assert request(sandbox, f"/v1/services/{shop_api.id}/rollback", "POST", body) == 201
    clock.advance(3600)
    again = World.from_json(json.loads(path.read_text()), clock=clock, pace=Pace.local())

    assert again.serving("shop-api").commit == good.commit
    assert again.service("shop-api").live_history[-1][0] < clock().timestamp() - 3500
    assert again.received[-1].deployment == good.id
    assert again.mint("dep") not in world.deployments


def test_the_file_is_only_written_after_a_change(tmp_path: Path, world: World) -> None:
    path = tmp_path / "world.json"
    sandbox = Sandbox(world, save=WorldFile(path))
    request(sandbox, "/v1/services")
    path.unlink()
    request(sandbox, "/v1/services")

    assert not path.exists()
    world.somebody_pushes("shop-api")
    request(sandbox, "/v1/services")
    assert path.exists()


def test_a_world_survives_json(world: World, clock: StoppedClock) -> None:
    world.somebody_pushes("shop-web")
    data = json.loads(json.dumps(world.to_json()))

    assert World.from_json(data, clock=clock).to_json() == world.to_json()


def test_a_file_of_another_version_is_loaded(world: World, clock: StoppedClock) -> None:
    data = json.loads(json.dumps(world.to_json()))
    data["services"][0]["unknown"] = "good"
    del data["deployments"][0]["reason"]

    assert World.from_json(data, clock=clock).to_json() == world.to_json()


@pytest.mark.parametrize("company", ["small", "big"])
def test_without_a_file_a_new_world_is_created(tmp_path: Path, company: str) -> None:
    assert (
        len(open_world(tmp_path / "none.json", company, "fast").services) == {"small": 2, "big": 10}[company]
    )
