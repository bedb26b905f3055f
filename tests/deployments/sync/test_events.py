"""Events are optional: without them, only the information unique to them is unknown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Service
from deployments.pages.bars import warning_bars
from deployments.pages.current_state import load_current_state
from deployments.pages.sentence import as_text
from deployments.providers.base import ShareUsedUp
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import Portal
from tests.deployments.sync.conftest import Teams

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])
FAULTS = pytest.mark.parametrize(
    "fault",
    [
        {"do": "forbidden", "detail": "The key lacks the scope events:read"},
        {"do": "error"},
        {"do": "not_json"},
        {"do": "slow", "seconds": 60},
        {"do": "rate_limit", "seconds": 30},
        {"do": "rename", "detail": "timestamp=time"},
        {"do": "rename", "detail": "createdAt=created"},
        {"do": "rename", "detail": "event=entry"},
        {"do": "rename", "detail": "events=entries"},
        {"do": "rename", "detail": "type=sort"},
        {"do": "rename", "detail": "details=facts"},
        {"do": "rename", "detail": "payload=facts"},
    ],
    ids=lambda fault: " ".join(str(word) for word in fault.values()),
)


@BOTH
@FAULTS
def test_whatever_happens_to_events_the_column_is_read(
    portal: Portal, name: str, fault: dict[str, Any]
) -> None:
    portal.sandbox.faults.add(Fault(on=f"{name}.events", times=None, **fault))
    target = portal.candidate(portal.service(name))
    portal.world.somebody_rolls_back(f"shop-{'api' if name == 'render' else 'web'}", target.provider_id)
    portal.wait_until_it_serves(portal.service(name).name, target)

    portal.read()

    service = portal.service(name)
    assert service.live is not None
    assert service.live.commit_sha == target.commit_sha
    assert (service.error, service.read_failures) == ("", 0)
    words = [bar.word for bar in warning_bars(load_current_state([service]))]
    assert words in ([], ["EVENTS NOT READ"])


@BOTH
def test_a_rollback_works_while_events_are_refused(portal: Portal, name: str) -> None:
    portal.sandbox.faults.add(Fault(on=f"{name}.events", do="forbidden", times=None))
    assert portal.roll_back(name).status == "succeeded"
    assert portal.service(name).live is not None


@BOTH
def test_the_bar_says_what_is_unknown_and_which_scope_is_missing(portal: Portal, name: str) -> None:
    scope = "The key lacks the scope events:read"
    portal.sandbox.faults.add(Fault(on=f"{name}.events", do="forbidden", times=None, detail=scope))
    Service.objects.update(events_tried_at=None)

    portal.read()

    (bar,) = warning_bars(load_current_state([portal.service(name)]))
    assert bar.word == "EVENTS NOT READ"
    assert scope in as_text(bar.message)
    assert "Who started a deployment" in as_text(bar.still_works)
    portal.sandbox.faults.clear()
    Service.objects.update(events_tried_at=timezone.now() - timedelta(minutes=3))
    portal.read()
    assert portal.service(name).events_error == ""
    assert warning_bars(load_current_state([portal.service(name)])) == ()


@BOTH
def test_events_in_an_unknown_form_are_not_called_none(portal: Portal, name: str) -> None:
    field = "timestamp=time" if name == "render" else "createdAt=created"
    portal.sandbox.faults.add(Fault(on=f"{name}.events", do="rename", times=None, detail=field))
    Service.objects.update(events_tried_at=None, events_read_at=None)

    portal.read()

    assert "unknown form" in portal.service(name).events_error


def test_events_that_failed_are_asked_for_again_after_two_minutes(teams: Teams) -> None:
    Service.objects.update(events_tried_at=None)
    teams.arm("render.events", "error")
    teams.read("render")
    assert teams.transport.asked["events"] == 4
    teams.read("render")
    assert teams.transport.asked["events"] == 4
    teams.later(minutes=3)
    teams.read("render")
    assert teams.transport.asked["events"] == 8


def test_at_render_they_are_asked_for_after_a_change_and_every_five_minutes(teams: Teams) -> None:
    teams.read("render")
    assert teams.transport.asked["events"] == 0
    teams.sandbox.world.somebody_pushes("team1-api")
    teams.read("render")
    assert teams.transport.asked["events"] == 1
    teams.later(minutes=6)
    teams.read("render")
    assert teams.transport.asked["events"] == 5


def test_at_vercel_they_are_asked_for_after_a_change_only(teams: Teams) -> None:
    teams.later(minutes=6)
    teams.read("vercel")
    assert teams.transport.asked["events"] == 0
    teams.sandbox.world.somebody_sets_auto_deploy("team1-web", "off")
    teams.read("vercel")
    assert teams.transport.asked["events"] == 1


def test_events_that_the_portals_own_share_left_no_room_for_are_no_error_and_come_next_time(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = provider("vercel")
    events = type(client).events

    def no_room(self: object, service_id: str, **fields: Any) -> Any:
        raise ShareUsedUp("The portal has used up its own share.", retry_after=20)

    teams.sandbox.world.somebody_sets_auto_deploy("team1-web", "off")
    monkeypatch.setattr(type(client), "events", no_room)
    teams.read("vercel")
    assert teams.service("team1-web").auto_deploy == "off"
    assert teams.service("team1-web").events_error == ""

    monkeypatch.setattr(type(client), "events", events)
    teams.read("vercel")
    assert teams.transport.asked["events"] == 1


def test_events_that_cannot_be_saved_are_unknown_and_the_rest_is_saved(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprised(service: Service, events: Any, rows: Any) -> None:
        if events:
            raise LookupError("surprise")

    monkeypatch.setattr("deployments.sync.saving.save_events", surprised)
    teams.sandbox.world.somebody_pushes("team1-api")
    before = teams.service("team1-api").synced_at
    teams.read("render")

    service = teams.service("team1-api")
    assert "did not understand" in service.events_error
    assert service.error == ""
    assert service.synced_at > before  # type: ignore[operator]
