"""When deployments were live, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deployments.models import Deployment, LivePeriod, Service
from deployments.sandbox.clock import utcnow
from deployments.sandbox.server.faults import Fault
from deployments.sync.live_periods import save_live_periods
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


@pytest.fixture
def builds(db: None, api: Service) -> list[Deployment]:
    """Three deployments, none of which has been live yet."""
    return [factories.deployment(api, f"Commit {number}", served=None) for number in range(3)]


@BOTH
def test_earlier_deployments_know_how_long_they_were_live(portal: Portal, name: str) -> None:
    previous = portal.candidate(portal.service(name))

    assert previous.live_seconds > 60
    assert previous.live_until is not None


def test_a_deployment_is_live_until_the_next_one_starts(api: Service, builds: list[Deployment]) -> None:
    start = factories.ago(hours=3)
    starts = [(start, builds[0]), (start + timedelta(hours=1), builds[1])]

    save_live_periods(api, starts, builds[1], factories.ago())

    first, second = (api.deployments.get(pk=build.pk) for build in builds[:2])
    assert (first.live_seconds, first.live_until, first.live_since) == (3600, starts[1][0], None)
    assert (second.live_until, second.live_since) == (None, starts[1][0])


def test_a_deployment_that_is_rolled_back_to_adds_up_its_periods(
    api: Service, builds: list[Deployment]
) -> None:
    start, hour = factories.ago(hours=4), timedelta(hours=1)
    order = (builds[0], builds[1], builds[0], builds[2])
    starts = [(start + number * hour, build) for number, build in enumerate(order)]

    save_live_periods(api, starts, builds[2], factories.ago())

    assert api.deployments.get(pk=builds[0].pk).live_seconds == 2 * 3600


def test_a_live_deployment_without_a_known_start_is_live_since_now(
    api: Service, builds: list[Deployment]
) -> None:
    now = factories.ago()

    save_live_periods(api, [], builds[0], now)

    assert api.deployments.get(pk=builds[0].pk).live_since == now


def test_a_start_that_is_reported_again_within_90_seconds_is_the_same_one(
    api: Service, builds: list[Deployment]
) -> None:
    start = factories.ago(hours=1)
    save_live_periods(api, [(start, builds[0])], builds[0], factories.ago())

    save_live_periods(api, [(start + timedelta(seconds=80), builds[0])], builds[0], factories.ago())

    assert LivePeriod.objects.count() == 1


def test_what_is_not_live_any_more_loses_its_start(api: Service, builds: list[Deployment]) -> None:
    save_live_periods(api, [], builds[0], factories.ago(hours=1))

    save_live_periods(api, [], builds[1], factories.ago())

    assert api.deployments.get(pk=builds[0].pk).live_since is None


def test_what_is_live_comes_last_though_the_providers_clock_is_ahead(
    api: Service, builds: list[Deployment]
) -> None:
    ahead = factories.ago(hours=-1)
    save_live_periods(api, [(ahead, builds[0])], builds[0], factories.ago())

    save_live_periods(api, [], builds[1], factories.ago())

    first, second = (api.deployments.get(pk=build.pk) for build in builds[:2])
    assert (first.live_seconds, first.live_since) == (0, None)
    assert second.live_since is not None
    assert second.live_since > ahead


def test_a_canary_has_not_been_live_also_where_its_release_cannot_be_read(portal: Portal) -> None:
    before = portal.candidate(portal.web)
    portal.world.somebody_sets_auto_deploy("shop-web", "off")
    pushed = portal.world.somebody_pushes("shop-web")
    while portal.world.deployments[pushed.id].status != "READY":
        portal.world.settle()
    assigned = int(utcnow().timestamp() * 1000)
    portal.world.provider_says("shop-web", {"readySubstate": "ROLLING", "aliasAssigned": assigned}, pushed.id)
    portal.sandbox.faults.add(Fault("vercel.rolling", "forbidden", times=None))

    portal.read()

    assert portal.web.deployments.get(provider_id=pushed.id).live_until is None
    assert portal.candidate(portal.web) == before
    assert not AuditEntry.objects.filter(action="deployment went live").exists()
