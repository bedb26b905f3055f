"""Render's metrics of one service, one call for each.

A request for too many points is answered with 500, as is a failure of Render's, so windows are kept short. No
call filters by host, because a request that fails early may have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from deployments.providers.http import ProviderConnection
from deployments.providers.ids import RENDER_SERVICE, checked
from deployments.providers.json_fields import items, number, text, timestamp
from deployments.providers.metric_types import Metric, Sample
from deployments.providers.times import rfc3339

RESOLUTION = 30  # seconds; the finest that Render has
PATHS: Mapping[Metric, tuple[str, Mapping[str, Any]]] = {
    Metric.REQUESTS: ("/metrics/http-requests", {"aggregateBy": "statusCode"}),
    # One quantile a call: nothing documents how the series of several would be labelled.
    Metric.P50: ("/metrics/http-latency", {"quantile": 0.5}),
    Metric.P95: ("/metrics/http-latency", {"quantile": 0.95}),
    Metric.CPU: ("/metrics/cpu", {}),
    Metric.MEMORY: ("/metrics/memory", {}),
    Metric.INSTANCES: ("/metrics/instance-count", {}),
}
LABELS = {Metric.REQUESTS: "statusCode", Metric.CPU: "instance", Metric.MEMORY: "instance"}
FACTORS = {"s": 1e3, "seconds": 1e3, "kb": 1e3, "mb": 1e6, "gb": 1e9}  # to ms, and to bytes


def read_metric(
    connection: ProviderConnection, service_id: str, metric: Metric, since: datetime, until: datetime
) -> Sequence[Sample]:
    """The points of one metric from `since` to `until`; empty where Render has none.

    Reference: https://api-docs.render.com/reference/get-http-requests, `get-http-latency`, `get-cpu`,
        `get-memory` and `get-instance-count` (GET /metrics/…)
    """
    path, params = PATHS[metric]
    sent = {
        "resource": checked(service_id, RENDER_SERVICE),
        "startTime": rfc3339(since),
        "endTime": rfc3339(until),
        "resolutionSeconds": RESOLUTION,
        **params,
    }
    rows = connection.get(path, sent, bucket="metrics").json_objects()
    return [sample for series in rows for sample in _samples(series, LABELS.get(metric, ""))]


def _samples(series: Mapping[str, Any], label_field: str) -> Sequence[Sample]:
    """The points of one series, labelled by the value of `label_field`."""
    labels = {text(label, "field"): text(label, "value") for label in items(series, "labels")}
    label = labels.get(label_field, "")
    if label_field and not label:
        label = text(series, "labels", label_field)  # some of Render's series have an object
    unit = text(series, "unit")
    factor = FACTORS.get(unit.lower(), 1.0)
    return [
        Sample(at=time, value=value * factor, label=label, unit=unit)
        for point in items(series, "values")
        if (time := timestamp(point, "timestamp")) and (value := number(point, "value")) is not None
    ]
