"""The sandbox company has three weeks of history and an incident."""

from __future__ import annotations

from collections import Counter

from deployments.sandbox.clock import Pace, StoppedClock
from deployments.sandbox.company.companies import big_company, small_company
from deployments.sandbox.rows import ServiceRow
from deployments.sandbox.world import World

MINUTE, DAY = 60, 86_400


def test_both_services_have_sixty_deployments_in_three_weeks(world: World) -> None:
    for service in world.services.values():
        history = world.history[service.id]
        assert len(history) >= 60
        assert 20 * DAY < world.now() - history[0].created_at < 22 * DAY
        assert [row.created_at for row in history] == sorted(row.created_at for row in history)


def test_some_deployments_failed_were_canceled_or_are_previews(
    world: World, shop_api: ServiceRow, shop_web: ServiceRow
) -> None:
    at_render = Counter(row.status for row in world.history[shop_api.id])
    at_vercel = Counter(row.status for row in world.history[shop_web.id])
    previews = [row for row in world.history[shop_web.id] if row.target is None]

    assert at_render["live"] == 1
    assert all(at_render[word] for word in ("build_failed", "pre_deploy_failed", "update_failed", "canceled"))
    assert all(at_vercel[word] for word in ("ERROR", "CANCELED"))
    assert len(previews) >= 10
    assert all(row.branch != "main" and row.substate == "" for row in previews)


def test_each_service_was_rolled_back_once_before(
    world: World, shop_api: ServiceRow, shop_web: ServiceRow
) -> None:
    rollbacks = [row for row in world.history[shop_api.id] if row.trigger == "rollback"]
    kinds = [event.kind for event in world.events]

    assert len(rollbacks) == 1
    assert rollbacks[0].commit == world.deployments[rollbacks[0].rollback_target].commit
    assert kinds.count("instant-rollback-created") == kinds.count("manual-deployment-promotion-created") == 1
    assert {"auto_deploy_disabled", "auto_deploy_enabled"} <= set(kinds)
    assert shop_api.auto_deploy == "checksPass"
    assert shop_web.auto_deploy == "on"


def test_commits_have_five_authors_and_some_difficult_messages(world: World) -> None:
    messages = [commit.message for commit in world.commits.values()]

    assert len({commit.author for commit in world.commits.values()}) == 5
    assert any("<script>alert(1)</script>" in message for message in messages)
    assert max(map(len, messages)) > 500
    assert all(len(sha) == 40 and set(sha) <= set("0123456789abcdef") for sha in world.commits)


def test_most_commits_were_deployed_at_both_providers(
    world: World, shop_api: ServiceRow, shop_web: ServiceRow
) -> None:
    at_render = {row.commit for row in world.history[shop_api.id]}
    at_vercel = {row.commit for row in world.history[shop_web.id] if row.target}

    assert len(at_render & at_vercel) > 50
    assert len(at_render - at_vercel) > 5
    assert len(at_vercel - at_render) > 5


def test_the_incident_began_fourteen_minutes_ago_and_only_in_the_api(
    world: World, shop_api: ServiceRow, shop_web: ServiceRow
) -> None:
    bad, web_now = world.serving("shop-api"), world.serving("shop-web")

    assert bad.commit == web_now.commit
    assert world.commits[bad.commit].subject == "Faster checkout totals (#812)"
    assert round((world.now() - shop_api.live_history[-1][0]) / MINUTE) == 14
    assert bad.error_rate == 0.08
    assert web_now.error_rate < 0.01
    assert all(shop_web.aliases[domain] == web_now.id for domain in shop_web.domains)


def test_the_same_seed_and_time_give_the_same_world() -> None:
    first, second = (small_company(clock=StoppedClock(), seed=7).to_json() for _ in range(2))

    assert first == second
    assert first != small_company(clock=StoppedClock(), seed=8).to_json()


def test_the_big_company_has_the_requested_size() -> None:
    world = big_company(services=4, deployments=50, clock=StoppedClock(), pace=Pace.instant())

    assert Counter(service.provider for service in world.services.values()) == {"render": 2, "vercel": 2}
    assert {len(rows) for rows in world.history.values()} == {50}
    assert all(service.serving() for service in world.services.values())
