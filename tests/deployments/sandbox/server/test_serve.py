"""The sandbox over real HTTP: httpx sees the same failures as with the in-process transport."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management import load_command_class

from deployments.providers.public.sandbox_route import SandboxRoute

ROOT = Path(__file__).resolve().parents[4]
TIMEOUT = 20.0


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    keep = tmp_path_factory.mktemp("sandbox") / "world.json"
    command = [sys.executable, "-m", "deployments.sandbox", "--port", str(port), "--pace", "instant"]
    process = subprocess.Popen([*command, "--keep", os.fspath(keep)], cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT)


def wait_for(address: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            httpx.get(f"{address}/_sandbox/state")
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.05)


@pytest.fixture
def served_render(origin: str) -> Iterator[httpx.Client]:
    key = {"Authorization": "Bearer rnd_sandbox"}
    with httpx.Client(base_url=f"{origin}/v1", headers=key, timeout=TIMEOUT) as client:
        yield client
    httpx.delete(f"{origin}/_sandbox/faults")


def arm(origin: str, on: str, do: str, **settings: object) -> None:
    assert httpx.post(f"{origin}/_sandbox/faults", json={"on": on, "do": do, **settings}).status_code == 200


def test_a_response_has_one_date_and_the_providers_headers(served_render: httpx.Client) -> None:
    answer = served_render.get("/services")

    assert answer.status_code == 200
    assert len(answer.headers.get_list("date")) == 1
    assert answer.headers["ratelimit-limit"] == "400"
    assert answer.headers["rndr-id"]


@pytest.mark.parametrize("do", ["drop_before", "drop_after", "refuse_connection"])
def test_a_dropped_connection_really_ends(origin: str, served_render: httpx.Client, do: str) -> None:
    arm(origin, "render.services", do)
    with pytest.raises(httpx.RemoteProtocolError):
        served_render.get("/services")

    assert served_render.get("/services").status_code == 200


def test_a_slow_response_does_not_delay_others(origin: str, served_render: httpx.Client) -> None:
    arm(origin, "render.services", "slow", seconds=TIMEOUT)
    with pytest.raises(httpx.ReadTimeout):
        served_render.get("/services", timeout=0.3)

    assert served_render.get("/services", timeout=TIMEOUT / 2).status_code == 200  # the slow one still sleeps


def test_a_post_arrives_with_its_body(origin: str, served_render: httpx.Client) -> None:
    service = served_render.get("/services", params={"name": "shop-api"}).json()[0]["service"]
    deploys = served_render.get(
        f"/services/{service['id']}/deploys", params={"status": ["deactivated"]}
    ).json()
    answer = served_render.post(
        f"/services/{service['id']}/rollback", json={"deployId": deploys[0]["deploy"]["id"]}
    )
    rows = httpx.get(f"{origin}/_sandbox/applied").json()

    assert answer.status_code == 201
    assert rows[-1]["deployment"] == deploys[0]["deploy"]["id"]


def test_public_addresses_are_answered_by_the_sandbox(origin: str) -> None:
    with httpx.Client(transport=SandboxRoute(origin)) as visitor:
        page = visitor.get("https://shop.example.com/")
        elsewhere = visitor.get("https://nowhere.example.com/")

    assert (page.status_code, len(page.headers["x-version"])) == (200, 40)
    assert elsewhere.status_code == 404


def test_it_listens_on_loopback_only(origin: str) -> None:
    port = int(origin.rpartition(":")[2])
    others = {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {
        "127.0.0.1"
    }
    for address in others:
        if not address.startswith("127."):
            with pytest.raises(OSError, match=r".*"):
                socket.create_connection((address, port), timeout=1).close()


def test_the_management_command_takes_the_same_options() -> None:
    parser = load_command_class("deployments", "sandbox").create_parser("manage.py", "sandbox")
    options = parser.parse_args(["--port", "9999", "--pace", "fast", "--company", "big"])

    assert (options.port, options.keep, options.pace, options.company) == (9999, None, "fast", "big")
