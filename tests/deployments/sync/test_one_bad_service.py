"""One service that cannot be read stops no other, and is not called the provider's failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Service
from deployments.providers.base import Busy, RateLimited, RemoteDeployment, ShareUsedUp, Unreachable
from deployments.sync import poll
from deployments.sync.reading import ServiceList
from tests.deployments.sync.conftest import Teams

BAD = pytest.mark.parametrize(("name", "bad"), [("render", "team2-api"), ("vercel", "team2-web")])
FAULTS = pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"do": "error"}, "answered 500"),
        ({"do": "forbidden"}, "(403)"),
        ({"do": "unauthorized"}, "(401)"),
        ({"do": "missing"}, "(404)"),
        ({"do": "slow", "seconds": 60}, "time-out"),
        ({"do": "not_json"}, "not JSON"),
        ({"do": "drop_before"}, "did not answer in full"),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else "",
)


@BAD
@FAULTS
def test_a_service_that_always_fails_stops_no_other(
    teams: Teams, name: str, bad: str, fault: dict[str, Any], says: str
) -> None:
    before = {service.name: service.synced_at for service in Service.objects.all()}
    teams.arm(f"{name}.*", service=bad, **fault)

    problems = teams.read(name)[name]

    service, status = teams.service(bad), teams.status(name)
    assert says in service.error
    assert (service.read_failures, service.synced_at) == (1, before[bad])
    assert [other.error for other in teams.others(bad)] == ["", "", ""]
    assert all(other.synced_at > before[other.name] for other in teams.others(bad))  # type: ignore[operator]
    assert (status.error, status.opened_at, status.failures) == ("", None, 0)
    (problem,) = problems
    assert bad in problem
    assert says in problem


def test_it_is_left_alone_for_longer_each_time_and_comes_back_by_itself(teams: Teams) -> None:
    teams.arm("render.deploys", "error", service="team2-api")
    pauses = []
    for _ in range(8):
        teams.read("render")
        service = teams.service("team2-api")
        assert service.read_retry_at is not None
        assert service.read_failed_at is not None
        pauses.append((service.read_retry_at - service.read_failed_at).total_seconds())
        teams.later(minutes=6)
    assert pauses == [15, 30, 60, 120, 240, 300, 300, 300]

    teams.sandbox.faults.clear()
    teams.read("render")

    service = teams.service("team2-api")
    assert (service.error, service.read_failures, service.read_retry_at) == ("", 0, None)


def test_several_services_that_fail_one_after_the_other_are_the_providers_failure(teams: Teams) -> None:
    teams.arm("render.deploys", "error")

    teams.read("render")

    status = teams.status("render")
    assert "answered 500" in status.error
    assert status.failures == poll.SEVERAL
    assert not Service.objects.filter(read_retry_at__isnull=False).exists()  # none of them is to blame
    teams.later(seconds=6)
    teams.read("render")
    assert teams.status("render").opened_at is not None


def test_those_that_are_known_to_fail_prove_nothing_about_the_provider(teams: Teams) -> None:
    for name in ("team1-api", "team2-api", "team3-api"):
        Service.objects.filter(name=name).update(read_failures=4, read_failed_at=timezone.now())
        teams.arm("render.deploys", "error", service=name)
    Service.objects.filter(name="team4-api").update(synced_at=timezone.now() - timedelta(hours=1))

    teams.read("render")

    assert teams.status("render").error == ""
    assert teams.service("team4-api").error == ""


def test_what_the_key_may_not_do_at_some_services_is_never_the_providers_failure(teams: Teams) -> None:
    for name in ("team1-api", "team2-api", "team3-api", "team4-api"):
        teams.arm("render.deploys", "forbidden", service=name)

    for _ in range(2):
        teams.read("render")
        teams.later(minutes=6)

    status = teams.status("render")
    assert (status.error, status.opened_at, status.key_refused) == ("", None, False)


def test_those_that_are_known_to_fail_and_come_first_stop_nobody(teams: Teams) -> None:
    for name in ("team1-api", "team2-api", "team3-api"):
        hour_ago = timezone.now() - timedelta(hours=1)
        Service.objects.filter(name=name).update(read_failures=4, synced_at=hour_ago, read_failed_at=hour_ago)
        teams.arm("render.deploys", "error", service=name)

    teams.read("render")

    assert teams.status("render").error == ""
    assert teams.service("team4-api").error == ""


def test_a_key_that_is_refused_for_the_list_is_the_providers_failure(teams: Teams) -> None:
    teams.arm("render.services", "forbidden")

    teams.read("render")

    assert teams.status("render").key_refused
    assert teams.status("render").opened_at is not None
    assert teams.transport.asked["deploys"] == 0


@BAD
def test_a_list_of_services_that_fails_stops_no_service(teams: Teams, name: str, bad: str) -> None:
    teams.arm("render.services", "error")
    teams.arm("vercel.projects", "not_json")

    teams.read(name)

    status = teams.status(name)
    assert status.services_error
    assert status.error == ""
    assert {service.error for service in Service.objects.all()} == {""}
    teams.sandbox.faults.clear()
    teams.read(name)
    assert teams.status(name).services_error == ""


def test_the_one_that_was_asked_longest_ago_is_read_first(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ["team3-api", "team1-api", "team4-api", "team2-api"]
    for number, name in enumerate(order):
        Service.objects.filter(name=name).update(synced_at=timezone.now() - timedelta(minutes=9 - number))
    Service.objects.filter(name="team1-api").update(read_failures=1, read_failed_at=timezone.now())
    asked = []

    def read_service(service: Service, *rest: object) -> None:
        asked.append(service.name)

    monkeypatch.setattr(poll, "read_service", read_service)
    teams.read("render")

    assert asked == ["team3-api", "team4-api", "team2-api", "team1-api"]


def test_where_the_share_is_used_up_nobody_failed_and_the_next_pass_goes_on_there(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, left = ShareUsedUp("The portal has used up its own share.", retry_after=20), [2]
    client = provider("render")
    deployments = type(client).deployments

    def limited(self: object, service_id: str, **fields: Any) -> Any:
        if not left[0]:
            raise share
        left[0] -= 1
        return deployments(client, service_id, **fields)

    monkeypatch.setattr(type(client), "deployments", limited)
    began = timezone.now()
    for read in (2, 4):
        left[0] = 2
        problems = teams.read("render")["render"]
        assert Service.objects.filter(provider="render", synced_at__gt=began).count() == read
    assert "its own share" in problems[-1] if problems else True
    assert teams.status("render").error == ""
    assert {service.error for service in Service.objects.all()} == {""}


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("Render asks us to slow down (429).", retry_after=30),
        Unreachable("Render cannot be reached (time-out); nothing was sent."),
    ],
    ids=["429", "unreachable"],
)
def test_what_concerns_the_whole_provider_ends_the_pass_and_is_no_services_fault_for_long(
    teams: Teams, error: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: object, service_id: str, **fields: Any) -> Any:
        raise error

    monkeypatch.setattr(type(provider("render")), "deployments", fails)
    teams.read("render")

    assert teams.status("render").error == str(error)
    assert Service.objects.filter(provider="render").exclude(error="").count() == 1


def test_an_exception_in_one_reading_is_that_services_error_and_goes_to_the_log(
    teams: Teams, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = teams.service("team2-api")
    client = provider("render")
    deployments = type(client).deployments

    def odd(self: object, service_id: str, **fields: Any) -> Any:
        if service_id == bad.provider_id:
            raise KeyError("surprise")
        return deployments(client, service_id, **fields)

    monkeypatch.setattr(type(client), "deployments", odd)
    teams.read("render")

    assert "did not understand" in teams.service("team2-api").error
    assert "surprise" in caplog.text
    assert [other.error for other in teams.others("team2-api")] == ["", "", ""]


def test_a_row_that_cannot_be_saved_is_that_services_error_too(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = teams.service("team2-api")

    def no_description(row: Any) -> Any:
        if getattr(row, "service_id", None) == bad.pk:
            row.raw_status = "x" * 200
        return row

    monkeypatch.setattr("deployments.sync.saving.fitted", no_description)
    teams.read("render")

    assert "could not save" in teams.service("team2-api").error
    assert [other.error for other in teams.others("team2-api")] == ["", "", ""]


def test_the_age_of_a_provider_is_that_of_its_oldest_data_without_those_that_fail(teams: Teams) -> None:
    teams.arm("render.deploys", "error", service="team2-api")
    hour_ago = timezone.now() - timedelta(hours=1)
    Service.objects.filter(name="team2-api").update(synced_at=hour_ago)

    teams.read("render")

    ages = [service.synced_at for service in teams.others("team2-api")]
    assert teams.status("render").synced_at == min(ages)  # type: ignore[type-var]


def test_a_background_reading_takes_one_call_for_each_service_and_one_for_the_list(teams: Teams) -> None:
    teams.read("render")

    asked = teams.transport.asked
    assert asked.pop("services") == 1
    assert asked.pop("deploys") == 4
    assert not asked.total() or set(asked) <= {"custom-domains"}


def test_what_is_live_is_asked_for_where_the_page_does_not_show_it(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = teams.service("team1-api").live
    client = provider("render")
    deployments = type(client).deployments

    def without_live(self: object, service_id: str, **fields: Any) -> Any:
        page = deployments(client, service_id, **fields)
        rows: list[RemoteDeployment] = [row for row in page.deployments if row.status != "live"]
        return type(page)(rows, "more")

    monkeypatch.setattr(type(client), "deployments", without_live)
    teams.read("render")

    assert teams.service("team1-api").live == live


def test_an_old_list_of_services_overwrites_no_newer_setting(teams: Teams) -> None:
    client = provider("render")
    listed = ServiceList(timezone.now(), {remote.id: remote for remote in client.services()})
    teams.sandbox.world.somebody_sets_auto_deploy("team1-api", "off")
    assert poll.read_service(teams.service("team1-api"), client) is None

    assert poll.read_service(teams.service("team1-api"), client, listed) is None

    assert teams.service("team1-api").auto_deploy == "off"
