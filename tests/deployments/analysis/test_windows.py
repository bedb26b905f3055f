"""The points of each time, also where the incident began late, or before the deployment that was left."""

from __future__ import annotations

from datetime import timedelta

from deployments.analysis.points import count
from deployments.analysis.windows import Windows, windows
from tests.deployments.analysis.series import DEPLOYED, SERVED, after, before, incident, minutes, points

ACTED = SERVED - minutes(1)


def cut(known: list, **more: object) -> Windows:  # type: ignore[type-arg]
    times = {"left_live_since": DEPLOYED, "acted_at": ACTED, "served_at": SERVED}
    return windows(known, **{**times, **more})  # type: ignore[arg-type]


def test_each_point_is_before_in_the_incident_or_after_and_the_minute_of_the_change_is_neither() -> None:
    found = cut(before() + incident() + after(5))
    assert [len(part) for part in (found.before, found.incident, found.after)] == [240, 38, 10]


def test_an_interval_across_the_change_belongs_to_neither_side() -> None:
    odd = timedelta(seconds=10)
    found = cut(before() + incident() + after(5), acted_at=ACTED - odd, served_at=SERVED + odd)
    assert len(found.incident) == 37
    assert len(found.after) == 9


def test_harm_that_began_late_is_not_mixed_with_the_quiet_time_before_it() -> None:
    late = points(DEPLOYED, 14) + points(DEPLOYED + minutes(14), 5, 0.08)
    found = cut(before() + late)
    assert found.incident_since == DEPLOYED + minutes(14)
    assert count(found.incident).share == 0.08


def test_an_incident_that_began_before_the_deployment_is_no_baseline() -> None:
    past = points(DEPLOYED - minutes(160), 120) + points(DEPLOYED - minutes(40), 40, 0.08)
    found = cut(past + incident())
    assert found.incident_since == DEPLOYED - minutes(40)
    assert count(found.before).share == 0.001


def test_a_beginning_that_is_given_is_taken() -> None:
    assert cut(
        before() + incident(), incident_since=DEPLOYED + minutes(3)
    ).incident_since == DEPLOYED + minutes(3)


def test_without_anything_wrong_the_deployments_own_time_is_compared() -> None:
    found = cut(before() + incident(0.001))
    assert found.incident_since == DEPLOYED
    assert len(found.incident) == 38
