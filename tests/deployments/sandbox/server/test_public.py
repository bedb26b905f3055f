"""The public addresses: what a visitor gets, and which version the response names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.world import World

Earlier = Callable[..., DeploymentRow]


def test_eight_percent_of_the_apis_responses_are_errors_and_all_name_their_version(
    visitor: httpx.Client, world: World
) -> None:
    answers = [visitor.get("https://shop-api.onrender.com/api/products") for _ in range(200)]

    assert Counter(answer.status_code for answer in answers) == {200: 184, 500: 16}
    assert {answer.headers["x-version"] for answer in answers} == {world.serving("shop-api").commit}
    assert {answer.headers["x-deployment"] for answer in answers} == {world.serving("shop-api").id}


def test_the_health_check_does_not_see_the_incident(visitor: httpx.Client) -> None:
    answers = [visitor.get("https://shop-api.onrender.com/healthz") for _ in range(50)]

    assert {answer.status_code for answer in answers} == {200}


def test_after_a_rollback_the_old_version_answers_without_errors(
    visitor: httpx.Client, world: World, shop_api: ServiceRow, clock: StoppedClock, earlier: Earlier
) -> None:
    good = earlier(shop_api)
    world.somebody_rolls_back("shop-api", good.id)
    clock.advance(15)
    answers = [visitor.get("https://shop-api.onrender.com/") for _ in range(100)]

    assert Counter(answer.status_code for answer in answers) == {200: 100}
    assert {answer.headers["x-version"] for answer in answers} == {good.commit}


def test_every_domain_is_answered_by_the_deployment_that_it_points_to(
    sandbox: Sandbox,
    visitor: httpx.Client,
    world: World,
    shop_web: ServiceRow,
    clock: StoppedClock,
    earlier: Earlier,
) -> None:
    bad, good = world.serving("shop-web"), earlier(shop_web)
    sandbox.faults.add(Fault("vercel.rollback", "fail_aliases", detail="www.shop.example.com"))
    url, key = f"https://api.vercel.com/v9/projects/{shop_web.id}/rollback/{good.id}", "Bearer vcp_sandbox"
    visitor.post(url, headers={"Authorization": key})
    clock.advance(5)
    versions = {domain: visitor.get(f"https://{domain}/").headers["x-version"] for domain in shop_web.domains}

    assert versions == {
        "shop.example.com": good.commit,
        "www.shop.example.com": bad.commit,
        "shop-web.vercel.app": good.commit,
    }


def test_every_deployment_has_its_own_address(
    visitor: httpx.Client, world: World, shop_web: ServiceRow
) -> None:
    preview = next(row for row in world.newest_first(shop_web) if row.target is None)
    failed = next(row for row in world.newest_first(shop_web) if row.status == "ERROR")

    assert visitor.get(f"https://{preview.url}/").headers["x-version"] == preview.commit
    assert visitor.get(f"https://{failed.url}/").status_code == 404


def test_markup_in_a_commit_message_is_escaped(
    visitor: httpx.Client, world: World, shop_web: ServiceRow, clock: StoppedClock
) -> None:
    world.somebody_pushes("shop-web", message="Say <script>alert(1)</script>")
    clock.advance(40)
    text = visitor.get("https://shop.example.com/").text

    assert "&lt;script&gt;" in text
    assert "<script>" not in text


def test_public_addresses_can_fail(sandbox: Sandbox, visitor: httpx.Client) -> None:
    sandbox.faults.add(Fault("public.*", "error", detail="503"), Fault("public.page", "drop_before"))

    assert visitor.get("https://shop.example.com/healthz").status_code == 503
    with pytest.raises(httpx.RemoteProtocolError):
        visitor.get("https://shop.example.com/")
