"""Remote to rows: what is live, for how long, what happened outside, and how old all that is."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Deployment, Pin, ProviderStatus, Service
from deployments.providers.base import DeploymentPage
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.http import Answer, Request
from deployments.sync import poll
from rollback_portal.audit.models import AuditEntry
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


@BOTH
def test_live_is_the_deployment_that_serves(portal: Portal, name: str) -> None:
    service = portal.service(name)

    assert service.live is not None
    assert service.live.commit_sha == portal.world.serving(service.name).commit
    assert service.live.live_since is not None


@BOTH
def test_the_whole_history_is_read_at_first(portal: Portal, name: str) -> None:
    rows = portal.service(name).deployments

    assert rows.count() >= 60
    assert rows.filter(status="failed").exists()
    assert rows.filter(status="canceled").exists()


@BOTH
def test_earlier_deployments_know_how_long_they_were_live(portal: Portal, name: str) -> None:
    previous = portal.candidate(portal.service(name))

    assert previous.live_seconds > 60
    assert previous.live_until is not None


def test_an_only_api_is_called_api_and_stands_beside_its_web(portal: Portal) -> None:
    assert (portal.api.short, portal.web.short) == ("API", "Web")
    assert portal.api.group == portal.web.group != ""


def test_what_somebody_chose_survives_discovery(portal: Portal) -> None:
    Service.objects.filter(name="shop-api").update(
        display_name="Shop", customized=True, followed=False, group="till"
    )

    poll.read_services("render", provider("render"))

    api = portal.api
    assert (api.display_name, api.followed, api.group) == ("Shop", False, "till")


def test_a_service_that_is_gone_is_kept_and_no_longer_followed(portal: Portal) -> None:
    Service.objects.create(provider="render", provider_id="srv-gone", slug="gone", name="gone", kind="api")

    poll.read_services("render", provider("render"))

    assert Service.objects.get(slug="gone").missing_since is not None


@BOTH
def test_a_rollback_in_the_providers_dashboard_is_seen_pinned_and_recorded(portal: Portal, name: str) -> None:
    service, target = portal.service(name), portal.candidate(portal.service(name))
    portal.world.somebody_rolls_back(service.name, target.provider_id, actor="chioma")
    portal.wait_until_it_serves(service.name, target)

    portal.read()

    live = portal.service(name).live
    assert live is not None
    assert live.commit_sha == target.commit_sha
    pin = Pin.objects.get(released_at=None)
    assert pin.outside
    assert "chioma" in pin.pinned_by
    assert AuditEntry.objects.filter(action="rollback outside the portal", actor_name=pin.pinned_by).exists()


def test_a_render_rollback_from_outside_says_what_it_put_back(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    portal.world.somebody_rolls_back("shop-api", target.provider_id, actor="chioma")
    portal.wait_until_it_serves("shop-api", target)
    portal.read()

    live = portal.api.live
    assert live is not None
    assert (live.restores, live.outside) == (target, True)


def test_the_portals_own_rollback_is_not_called_outside(portal: Portal) -> None:
    portal.roll_back("render")

    live = portal.api.live
    assert live is not None
    assert (live.outside, live.is_rollback) == (False, True)
    assert not Pin.objects.get(released_at=None).outside


@BOTH
def test_a_pin_that_somebody_takes_away_outside_is_closed(portal: Portal, name: str) -> None:
    before = portal.service(name).auto_deploy
    portal.roll_back(name)
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))
    portal.world.somebody_sets_automatic(portal.service(name).name, before)

    portal.read()

    assert not Pin.objects.filter(released_at=None).exists()


def test_a_missing_field_is_unknown_and_takes_no_pin_away(portal: Portal) -> None:
    portal.roll_back("vercel")
    portal.sandbox.faults.add(
        Fault(on="vercel.project", do="omit", detail="autoAssignCustomDomains", times=None)
    )
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))

    portal.read()

    assert portal.web.pinned is None
    assert Pin.objects.filter(released_at=None).exists()


@BOTH
@pytest.mark.parametrize("fault", ["error", "unauthorized", "rate_limit", "not_json", "drop_before", "slow"])
def test_a_provider_that_is_down_leaves_its_snapshot_with_its_age(
    portal: Portal, name: str, fault: str
) -> None:
    before, other = portal.service(name), portal.service("vercel" if name == "render" else "render")
    portal.sandbox.faults.add(Fault(on=f"{name}.*", do=fault, times=None, seconds=30))

    portal.read()

    after = portal.service(name)
    reading = ProviderStatus.objects.get(provider=name)
    assert (after.live, after.synced_at) == (before.live, before.synced_at)
    assert reading.error
    assert reading.tone(timezone.now()) == "warn"
    assert portal.service(other.provider).synced_at > other.synced_at  # type: ignore[operator]


def test_a_rate_limit_is_honoured_until_it_is_over(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="render.*", do="rate_limit", times=None, seconds=30))
    portal.read()
    portal.sandbox.faults.clear()
    before = portal.api.synced_at

    portal.read()

    assert portal.api.synced_at == before
    assert ProviderStatus.objects.get(provider="render").retry_at is not None


def test_an_older_reading_never_overwrites_a_newer_one(portal: Portal) -> None:
    stale = poll._look(portal.api, provider("render"))
    portal.roll_back("render")
    live = portal.api.live

    poll.write(portal.api.pk, stale)

    assert portal.api.live == live


def test_domains_that_disagree_are_said(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="fail_aliases"))
    portal.roll_back("vercel")
    portal.read()

    assert portal.web.live_conflict


def test_reading_again_does_not_double_anything(portal: Portal) -> None:
    before = Deployment.objects.count(), portal.candidate(portal.api).live_seconds

    portal.read()

    assert (Deployment.objects.count(), portal.candidate(portal.api).live_seconds) == before


@BOTH
def test_a_deployment_that_is_listed_twice_is_one_deployment(
    portal: Portal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, live = portal.service(name).deployments.count(), portal.service(name).live
    listed_twice(portal, monkeypatch)
    portal.read()

    service = portal.service(name)
    assert (service.error, service.live_conflict) == ("", "")
    assert (service.deployments.count(), service.live) == (rows, live)


@BOTH
def test_a_rollback_succeeds_where_each_deployment_is_listed_twice(
    portal: Portal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed_twice(portal, monkeypatch)
    portal.sandbox.faults.add(Fault(on=f"{name}.rollback", do="drop_after"))

    change = portal.roll_back(name)

    assert change.status == "succeeded"
    assert len([post for post in portal.posts() if post["applied"]]) == 1


@BOTH
def test_a_deployment_that_moves_to_the_next_page_meanwhile_is_one_deployment(
    portal: Portal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = portal.service(name)
    whole = provider(name).deployments(service.provider_id).deployments
    pages = {"": DeploymentPage(whole[:3], "next"), "next": DeploymentPage(whole[2:], "")}
    client = provider(name)
    monkeypatch.setattr(
        type(client), "deployments", lambda self, service_id, *, cursor="", limit=100: pages[cursor]
    )
    rows = service.deployments.count()
    Service.objects.filter(pk=service.pk).update(synced_at=None)

    assert poll.read_service(portal.service(name), client)

    assert portal.service(name).deployments.count() == rows


def listed_twice(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list of deployments, at either provider, names each of them twice."""
    answer = portal.sandbox.answer

    def twice(request: Request) -> Answer:
        found = answer(request)
        if request.method == "GET" and request.path.endswith("/deploys"):
            found.body = json.dumps([row for row in json.loads(found.body) for _ in range(2)]).encode()
        elif request.method == "GET" and request.path.endswith("/deployments"):
            data = json.loads(found.body)
            data["deployments"] = [row for row in data["deployments"] for _ in range(2)]
            found.body = json.dumps(data).encode()
        return found

    monkeypatch.setattr(portal.sandbox, "answer", twice)
