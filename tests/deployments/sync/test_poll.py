"""Reading providers into rows: what is live, how fresh it is, and lists that change while they are read."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Deployment, ProviderStatus, Service
from deployments.providers.base import DeploymentPage
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.http import Request, SandboxResponse
from deployments.sync import poll, reading, saving
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


@BOTH
def test_live_is_the_deployment_that_serves(portal: Portal, name: str) -> None:
    service = portal.service(name)

    assert service.live is not None
    assert service.live.commit_sha == portal.world.serving(service.name).commit
    assert service.live.live_since is not None


@BOTH
def test_the_first_read_lists_the_whole_history(portal: Portal, name: str) -> None:
    rows = portal.service(name).deployments

    assert rows.count() >= 60
    assert rows.filter(status="failed").exists()
    assert rows.filter(status="canceled").exists()


@BOTH
@pytest.mark.parametrize("fault", ["error", "unauthorized", "rate_limit", "not_json", "drop_before", "slow"])
def test_a_provider_that_is_down_keeps_its_rows_and_their_age(portal: Portal, name: str, fault: str) -> None:
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
    stale = reading.ask(portal.api, provider("render"))
    portal.roll_back("render")
    live = portal.api.live

    saving.save_reading(portal.api.pk, stale)

    assert portal.api.live == live


def test_domains_that_disagree_are_reported(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="fail_aliases"))
    portal.roll_back("vercel")
    portal.read()

    assert portal.web.live_conflict


def test_reading_again_duplicates_nothing(portal: Portal) -> None:
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
def test_a_deployment_that_moves_to_the_next_page_while_listing_is_one_deployment(
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

    assert poll.read_service(portal.service(name), client) is None

    assert portal.service(name).deployments.count() == rows


def listed_twice(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make both providers list every deployment twice."""
    answer = portal.sandbox.answer

    def twice(request: Request) -> SandboxResponse:
        response = answer(request)
        if request.method == "GET" and request.path.endswith("/deploys"):
            response.body = json.dumps([row for row in json.loads(response.body) for _ in range(2)]).encode()
        elif request.method == "GET" and request.path.endswith("/deployments"):
            data = json.loads(response.body)
            data["deployments"] = [row for row in data["deployments"] for _ in range(2)]
            response.body = json.dumps(data).encode()
        return response

    monkeypatch.setattr(portal.sandbox, "answer", twice)
