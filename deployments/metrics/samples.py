"""A provider's samples → points. What is odd about them is left out, and never becomes a zero."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import fmean

from deployments.metrics.storage import RESOLUTIONS, Point, bucket
from deployments.models import MetricSource
from deployments.providers.base import Metric, Sample

SERVER_ERROR = re.compile(r"5([0-9][0-9]|xx)", re.IGNORECASE)
COLUMNS: Mapping[Metric, str] = {
    Metric.P50: "p50_ms", Metric.P95: "p95_ms", Metric.CPU: "cpu", Metric.MEMORY: "memory",
    Metric.INSTANCES: "instances",
}  # fmt: skip


def points_of(service_id: int, samples: Mapping[Metric, Sequence[Sample]]) -> list[Point]:
    """One point for each bucket in which anything was measured.

    Requests are added up over the status codes; without a code it is unknown how many failed. Of several
    series of a latency the slowest counts; CPU and memory are the mean of the instances.
    """
    values: dict[datetime, dict[str, float]] = defaultdict(dict)
    for metric, several in samples.items():
        for at, found in _by_bucket(several).items():
            if metric is Metric.REQUESTS:
                values[at]["requests"] = sum(one.value for one in found)
                if all(one.label for one in found):
                    failed = [one.value for one in found if SERVER_ERROR.fullmatch(one.label)]
                    values[at]["errors"] = sum(failed)
            elif metric in (Metric.P50, Metric.P95):
                values[at][COLUMNS[metric]] = max(one.value for one in found)
            else:
                values[at][COLUMNS[metric]] = fmean(one.value for one in found)
    return [Point(service_id, MetricSource.PROVIDER, at, **found) for at, found in values.items()]


def _by_bucket(samples: Sequence[Sample]) -> Mapping[datetime, Sequence[Sample]]:
    """Without those below 0. A point that is sent twice counts once, as it came last."""
    latest = {(one.at, one.label): one for one in samples if one.value >= 0}
    found: dict[datetime, list[Sample]] = defaultdict(list)
    for one in latest.values():
        found[bucket(one.at, RESOLUTIONS[MetricSource.PROVIDER])].append(one)
    return found
