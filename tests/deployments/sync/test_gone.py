"""What lists lack is gone only where the provider says so when asked by id, and comes back by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Deployment, Service
from deployments.sandbox.server.faults import Fault
from deployments.sync import gone, poll
from tests import factories
from tests.deployments.conftest import Portal
from tests.deployments.sync.conftest import Teams

BOTH = pytest.mark.parametrize(("name", "one"), [("render", "team2-api"), ("vercel", "team2-web")])
LISTS = {"render": "render.services", "vercel": "vercel.projects"}
PAGES = {"render": "render.deploys", "vercel": "vercel.deployments"}
BY_ID = {"render": "render.service", "vercel": "vercel.project"}
ONE = {"render": "render.deploy", "vercel": "vercel.deployment"}


@BOTH
def test_an_empty_list_removes_no_service(teams: Teams, name: str, one: str) -> None:
    teams.arm(LISTS[name], "empty")

    for _ in range(4):
        teams.read(name)

    assert Service.objects.followed().count() == 8
    assert teams.service(one).error == ""


@BOTH
def test_a_service_that_the_list_lacks_stays_as_long_as_it_is_there_by_id(
    teams: Teams, name: str, one: str
) -> None:
    teams.arm(LISTS[name], "leave_out", detail=teams.service(one).provider_id)
    before = teams.service(one).synced_at

    for _ in range(4):
        teams.read(name)

    service = teams.service(one)
    assert service in Service.objects.followed()
    assert service.synced_at > before  # type: ignore[operator]


@BOTH
def test_a_service_is_gone_after_two_lists_and_a_look_at_it(teams: Teams, name: str, one: str) -> None:
    teams.arm(LISTS[name], "leave_out", detail=teams.service(one).provider_id)
    teams.arm(BY_ID[name], "missing", service=one)

    teams.read(name)
    assert teams.service(one) in Service.objects.followed()
    teams.read(name)
    assert teams.service(one).missing_since is not None
    assert teams.service(one) not in Service.objects.followed()

    teams.sandbox.faults.clear()
    teams.read(name)
    assert teams.service(one) in Service.objects.followed()


@BOTH
def test_a_service_that_was_wrongly_called_gone_comes_back_without_the_list(
    teams: Teams, name: str, one: str
) -> None:
    teams.arm(LISTS[name], "leave_out", detail=teams.service(one).provider_id)
    Service.objects.filter(name=one).update(missing_since=timezone.now(), unlisted=2)

    teams.read(name)

    assert teams.service(one) in Service.objects.followed()


def test_a_look_that_fails_decides_nothing(teams: Teams) -> None:
    teams.arm("render.services", "leave_out", detail=teams.service("team2-api").provider_id)
    teams.arm("render.service", "error", service="team2-api")

    for _ in range(3):
        teams.read("render")

    assert teams.service("team2-api").missing_since is None


def test_a_pin_and_an_operation_keep_their_service_on_the_page_whatever_is_listed(api: Service) -> None:
    Service.objects.filter(pk=api.pk).update(missing_since=timezone.now())
    assert api not in Service.objects.followed()

    pin = factories.pin(api)
    assert api in Service.objects.followed()
    pin.delete()
    change = factories.change(api, status="accepted")
    assert api in Service.objects.for_dashboard()
    type(change).objects.filter(pk=change.pk).update(status="serving")
    assert api in Service.objects.followed()


@BOTH
def test_a_deployment_that_two_lists_lack_stays_as_long_as_it_is_there_by_id(
    teams: Teams, name: str, one: str
) -> None:
    row = not_live(teams.service(one))
    teams.arm(PAGES[name], "leave_out", service=one, detail=row.provider_id)

    for _ in range(4):
        teams.read(name)

    row.refresh_from_db()
    assert row.unlisted == 2
    assert row.looked_at is not None
    assert row.missing_since is None


@BOTH
def test_a_deployment_is_gone_after_two_lists_and_a_look_at_it(teams: Teams, name: str, one: str) -> None:
    row = not_live(teams.service(one))
    teams.arm(PAGES[name], "leave_out", service=one, detail=row.provider_id)
    teams.arm(ONE[name], "gone", service=one)

    teams.read(name)
    assert Deployment.objects.get(pk=row.pk).missing_since is None
    teams.read(name)
    assert Deployment.objects.get(pk=row.pk).missing_since is not None

    teams.sandbox.faults.clear()
    teams.read(name)
    row.refresh_from_db()
    assert (row.missing_since, row.unlisted) == (None, 0)


def test_an_empty_second_page_calls_nothing_gone(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    client = provider("render")
    deployments = type(client).deployments

    def empty_second_page(self: object, service_id: str, *, cursor: str = "", limit: int = 100) -> object:
        page = deployments(client, service_id)
        return type(page)([], "") if cursor else type(page)(page.deployments[:20], "more")

    monkeypatch.setattr(type(client), "deployments", empty_second_page)
    for _ in range(3):
        Service.objects.update(synced_at=None)
        poll.read_provider("render", client)

    assert not portal.api.deployments.filter(missing_since__isnull=False).exists()


def test_rows_beyond_the_first_page_that_were_called_gone_come_back_a_few_in_each_pass(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = provider("render")
    deployments = type(client).deployments

    def first_page(self: object, service_id: str, *, cursor: str = "", limit: int = 100) -> object:
        page = deployments(client, service_id)
        return type(page)(page.deployments[:20], "more")

    monkeypatch.setattr(type(client), "deployments", first_page)
    old = portal.api.deployments.order_by("created_at")[:12]
    Deployment.objects.filter(pk__in=[row.pk for row in old]).update(missing_since=timezone.now())

    left = []
    for _ in range(3):
        poll.read_provider("render", client)
        left.append(portal.api.deployments.filter(missing_since__isnull=False).count())

    assert left == [12 - gone.LOOKS, 12 - 2 * gone.LOOKS, 0]


def test_a_deployment_is_missed_where_only_the_first_page_is_read(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, gone_one = provider("render"), portal.api.deployments.order_by("-created_at")[5]
    deployments = type(client).deployments

    def first_page(self: object, service_id: str, *, cursor: str = "", limit: int = 100) -> object:
        page = deployments(client, service_id)
        listed = [one for one in page.deployments[:20] if one.id != gone_one.provider_id]
        return type(page)(listed, "more")

    monkeypatch.setattr(type(client), "deployments", first_page)
    poll.read_provider("render", client)

    assert list(portal.api.deployments.filter(unlisted__gt=0)) == [gone_one]


def test_what_is_gone_is_looked_up_again_least_recently_looked_up_first(teams: Teams) -> None:
    teams.arm("render.services", "leave_out", detail="nothing")
    first, second = factories.service(name="one"), factories.service(name="two")
    Service.objects.filter(pk=first.pk).update(unlisted=2, looked_at=factories.ago(minutes=20))
    Service.objects.filter(pk=second.pk).update(unlisted=2, looked_at=factories.ago(minutes=40))

    due = gone._due(Service.objects.filter(provider="render"), timezone.now())

    assert [service.name for service in due] == ["two", "one"]


def not_live(service: Service) -> Deployment:
    return next(row for row in service.deployments.order_by("created_at") if row.pk != service.live_id)


@pytest.mark.parametrize("name", ["render", "vercel"])
def test_what_lists_lack_and_a_look_by_id_finds_stays_the_previous_one(portal: Portal, name: str) -> None:
    first = portal.candidate(portal.service(name))
    portal.sandbox.faults.add(Fault(PAGES[name], "leave_out", times=None, detail=first.provider_id))

    for _ in range(4):
        portal.read()
        assert portal.candidate(portal.service(name)) == first

    first.refresh_from_db()
    assert first.looked_at is not None
    assert (first.missing_since, first.unlisted < 3) == (None, True)


@BOTH
def test_the_error_page_of_a_gateway_does_not_say_that_something_is_gone(
    teams: Teams, name: str, one: str
) -> None:
    teams.arm(LISTS[name], "leave_out", detail=teams.service(one).provider_id)
    teams.arm(BY_ID[name], "missing", service=one)
    teams.arm(BY_ID[name], "not_json", service=one)

    for _ in range(4):
        Service.objects.update(read_retry_at=None)
        teams.read(name)

    assert teams.service(one).unlisted == 2
    assert teams.service(one).missing_since is None


def test_a_look_by_id_keeps_what_only_the_list_tells(portal: Portal) -> None:
    """Vercel's view of a single deployment has neither its retention nor whether it can be rolled back to."""
    first, soon = portal.candidate(portal.web), timezone.now() + timedelta(hours=2)
    said = {"expiration": int(soon.timestamp() * 1000), "isRollbackCandidate": False}
    portal.world.provider_says("shop-web", said, first.provider_id)
    portal.read()
    portal.sandbox.faults.add(Fault(PAGES["vercel"], "leave_out", times=None, detail=first.provider_id))

    for _ in range(3):
        portal.read()

    first.refresh_from_db()
    assert first.looked_at is not None
    assert (first.can_roll_back, first.expires_at is not None) == (False, True)
    assert portal.candidate(portal.web) != first
