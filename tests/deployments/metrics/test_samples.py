"""A provider's samples as points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deployments.metrics.samples import points_of
from deployments.metrics.storage import Point
from deployments.providers.base import Metric, Sample

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def only_point(metric: Metric, *samples: tuple[float, str]) -> Point:
    (found,) = points_of(1, {metric: [Sample(NOON, value, label) for value, label in samples]})
    return found


def test_requests_are_added_up_over_the_status_codes() -> None:
    found = only_point(Metric.REQUESTS, (90, "200"), (5, "404"), (3, "500"), (2, "503"))
    assert (found.requests, found.errors) == (100, 5)


def test_a_code_without_errors_is_no_error_and_a_missing_code_is_unknown() -> None:
    assert only_point(Metric.REQUESTS, (90, "200")).errors == 0
    assert only_point(Metric.REQUESTS, (90, "200"), (5, "")).errors is None


@pytest.mark.parametrize("label", ["5xx", "5XX", "599"])
def test_a_class_of_codes_counts_as_errors(label: str) -> None:
    assert only_point(Metric.REQUESTS, (5, label)).errors == 5


@pytest.mark.parametrize("label", ["50", "5000", "x500", "1500"])
def test_what_only_looks_like_a_code_is_no_error(label: str) -> None:
    assert only_point(Metric.REQUESTS, (5, label)).errors == 0


def test_a_point_that_is_sent_twice_counts_once_as_it_came_last() -> None:
    assert only_point(Metric.REQUESTS, (90, "200"), (80, "200")).requests == 80


def test_values_below_zero_are_left_out() -> None:
    assert points_of(1, {Metric.CPU: [Sample(NOON, -0.5)]}) == []
    assert only_point(Metric.REQUESTS, (90, "200"), (-80, "500")).errors == 0


def test_finer_points_are_put_together() -> None:
    samples = [Sample(NOON + timedelta(seconds=10 * number), 5, "200") for number in range(3)]
    (found,) = points_of(1, {Metric.REQUESTS: samples})
    assert (found.at, found.requests) == (NOON, 15)


def test_cpu_is_the_mean_of_the_instances_and_a_latency_the_slowest() -> None:
    assert only_point(Metric.CPU, (0.2, "a"), (0.6, "b")).cpu == 0.4
    assert only_point(Metric.P95, (200, "a"), (600, "b")).p95_ms == 600


def test_metrics_of_one_bucket_are_one_point() -> None:
    one = [Sample(NOON, 5, "200")]
    (found,) = points_of(1, dict.fromkeys(Metric, one))
    assert (found.requests, found.p50_ms, found.p95_ms, found.cpu, found.memory, found.instances) == (5,) * 6
