"""Rows as points of traffic: one resolution in a window, and what is not known stays unknown."""

from __future__ import annotations

from datetime import timedelta

from deployments.analysis.points import TrafficSource
from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import MetricSource, Service
from deployments.verdicts.traffic import traffic_as_read, traffic_of
from rollback_portal.jobs import clock
from tests.deployments.verdicts.story import minutes


def test_each_source_has_the_length_of_its_own_interval(api: Service) -> None:
    at = bucket(clock.now(), 300) - minutes(10)
    save_points(
        [
            Point(api.pk, MetricSource.PROVIDER, at, requests=100, errors=8, p95_ms=310),
            Point(api.pk, MetricSource.PROBE, at, requests=5, errors=0, p95_ms=90),
        ]
    )
    found = traffic_of(api.pk, at, at + minutes(5))
    lengths = {(one.source, one.duration, one.requests, one.errors, one.p95_ms) for one in found}
    assert lengths == {
        (TrafficSource.PROVIDER, 30.0, 100, 8, 310),
        (TrafficSource.PROBE, 15.0, 5, 0, 90),
    }
    assert list(traffic_as_read([api.pk], at, at + minutes(5))[api.pk]) == found


def test_a_long_window_is_of_five_minutes_throughout(api: Service) -> None:
    at = bucket(clock.now(), 300) - minutes(10)
    save_points(
        Point(api.pk, MetricSource.PROVIDER, at + timedelta(seconds=30 * number), requests=10, errors=1)
        for number in range(10)
    )
    found = traffic_of(api.pk, at - timedelta(hours=7), at + minutes(10))
    assert [(one.duration, one.requests, one.errors) for one in found] == [(300.0, 100, 10)]


def test_what_is_not_known_is_no_zero(api: Service) -> None:
    at = bucket(clock.now(), 300) - minutes(10)
    save_points([Point(api.pk, MetricSource.PROVIDER, at, cpu=0.5)])
    (point,) = traffic_of(api.pk, at, at + minutes(5))
    assert (point.requests, point.errors, point.p95_ms, point.is_counted) == (None, None, None, False)
