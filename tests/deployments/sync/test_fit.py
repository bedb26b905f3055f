"""A value that does not fit its column never ends a reading."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.models import Deployment, Service
from deployments.providers.base import (
    Current,
    DeploymentStatus,
    ProviderName,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
)
from deployments.providers.json_fields import EPOCH
from deployments.sync.fit import fits, fitted
from deployments.sync.reading import Events, ServiceReading
from deployments.sync.saving import save_reading
from deployments.sync.services import save_services
from tests import factories
from tests.deployments.sync.conftest import Teams

LONG = "x" * 6_000
FIELDS = ("trigger", "status", "createdAt", "finishedAt", "commit.id", "commit.message", "image.ref")
VALUES = (
    "a_trigger_of_27_characters_",
    LONG,
    "\x00\ud800",
    "",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
)

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", LONG, "\x00", "\x00a\x00", "dep-1", "dep-2", "live", "checksPass", "a" * 27]),
)
SURE_TIME = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
TIME = st.one_of(st.none(), SURE_TIME)
DEPLOYMENT = st.builds(
    RemoteDeployment,
    id=TEXT,
    service_id=st.just("srv-1"),
    status=st.sampled_from(DeploymentStatus),
    raw_status=TEXT,
    created_at=SURE_TIME,
    commit_sha=TEXT,
    commit_message=TEXT,
    author=TEXT,
    branch=TEXT,
    pull_request=TEXT,
    trigger=TEXT,
    ready_at=TIME,
    live_from=TIME,
    url=TEXT.map(lambda words: f"https://{words}"),
    image=TEXT,
)
EVENT = st.builds(
    RemoteEvent,
    id=TEXT,
    service_id=st.just("srv-1"),
    at=SURE_TIME,
    kind=st.sampled_from(["rolled_back", "promoted", "deploy_started", "deploy_ended", "auto_deploy_off"]),
    deployment_id=TEXT,
    target_id=TEXT,
    from_id=TEXT,
    actor=TEXT,
    detail=TEXT,
)
CURRENT = st.builds(
    Current,
    live_id=st.one_of(st.none(), TEXT),
    auto_deploy=st.one_of(st.none(), TEXT),
    pinned=st.sampled_from([None, True, False]),
    conflict=TEXT,
)
SERVICE = st.builds(
    RemoteService,
    provider=st.just(ProviderName.RENDER),
    id=TEXT,
    name=TEXT,
    kind=st.sampled_from(["api", "web"]),
    owner_id=TEXT,
    repository=TEXT,
    branch=TEXT,
    dashboard_url=TEXT,
    addresses=st.tuples(TEXT, TEXT),
)
TRIES = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:10] or "empty")
def test_a_value_that_does_not_fit_ends_no_reading(teams: Teams, value: str) -> None:
    for field in FIELDS:
        teams.arm("render.deploys", "replace", service="team2-api", detail=f"deploy.{field}={value}")

    teams.read("render")

    service = teams.service("team2-api")
    assert (service.error, service.read_failures) == ("", 0)
    assert [other.error for other in teams.others("team2-api")] == ["", "", ""]


@TRIES
@given(st.lists(DEPLOYMENT, max_size=4), CURRENT, st.lists(EVENT, max_size=3))
def test_any_reading_can_be_saved(
    api: Service, deployments: list[RemoteDeployment], current: Current, events: list[RemoteEvent]
) -> None:
    Service.objects.filter(pk=api.pk).update(synced_at=None)
    unique = list({deployment.id: deployment for deployment in deployments}.values())
    at = datetime.now(UTC)

    save_reading(api.pk, ServiceReading(at, current, unique, Events("read", events), complete=True))

    assert Service.objects.get(pk=api.pk).synced_at == at
    assert {row.provider_id for row in api.deployments.all()} >= {d.id for d in unique if fits(d.id)}


@TRIES
@given(st.lists(SERVICE, max_size=4))
def test_any_list_of_services_can_be_saved(api: Service, listed: list[RemoteService]) -> None:
    save_services("render", listed)

    kept = set(Service.objects.filter(provider="render").values_list("provider_id", flat=True))
    assert kept >= {remote.id for remote in listed if fits(remote.id)}


def test_a_text_is_cut_to_its_column_and_loses_what_cannot_be_stored() -> None:
    row: Any = fitted(Deployment(trigger="y" * 200, raw_status="li\x00ve", commit_message="a\x00b\nc"))
    assert (len(row.trigger), row.trigger[-1], row.raw_status, row.commit_message) == (
        100,
        "…",
        "live",
        "ab\nc",
    )


def test_an_id_is_never_cut_because_it_would_name_something_else() -> None:
    assert fits("dep-1")
    assert not fits("")
    assert not fits("dep-" + "1" * 80)
    assert not fits("dep-\x00")


def test_events_whose_ids_do_not_fit_hide_no_other_event(api: Service) -> None:
    Service.objects.filter(pk=api.pk).update(history_until=factories.ago(days=1))
    ids = ("evt-" + "a" * 100 + "1", "evt-" + "a" * 100 + "2", "evt-1")
    events = [RemoteEvent(one, api.provider_id, datetime.now(UTC), "environment_changed") for one in ids]

    reading = ServiceReading(
        datetime.now(UTC), Current(None, None), [], Events("read", events), complete=False
    )
    save_reading(api.pk, reading)

    assert [event.id for event in reading.storable().events] == ["evt-1"]
    assert Service.objects.get(pk=api.pk).events_error == ""


def test_what_a_provider_leaves_out_once_is_filled_in_later_and_then_stays_known(api: Service) -> None:
    made = factories.ago(days=3)
    said = [(EPOCH, None), (made, True), (EPOCH, None), (made, False)]
    kept = []
    for created_at, served in said:
        remote = RemoteDeployment(
            "dep-new", api.provider_id, DeploymentStatus.RETIRED, "", created_at, served=served
        )
        Service.objects.filter(pk=api.pk).update(synced_at=None)
        read = ServiceReading(
            datetime.now(UTC), Current(None, None), [remote], Events("not due"), complete=False
        )
        save_reading(api.pk, read)
        row = api.deployments.get(provider_id="dep-new")
        kept.append((row.created_at, row.served))
    assert kept == [(EPOCH, None), (made, True), (made, True), (made, True)]


def test_a_setting_of_27_characters_is_kept_whole(api: Service) -> None:
    setting = "after_checks_and_a_signature"
    remote = Current(None, setting)
    save_reading(api.pk, ServiceReading(datetime.now(UTC), remote, [], Events("not due"), complete=False))
    assert Service.objects.get(pk=api.pk).auto_deploy == setting
    pin = factories.pin(api, auto_deploy_before=setting)
    assert type(pin).objects.get(pk=pin.pk).auto_deploy_before == setting
