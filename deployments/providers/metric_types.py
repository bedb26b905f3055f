"""What a provider measures of a service: the names of the series, and their points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Metric(StrEnum):
    """One series, or several with a label each."""

    REQUESTS = "requests"  # in each bucket; the label is the HTTP status
    P50 = "p50"  # latency in ms
    P95 = "p95"
    CPU = "cpu"  # cores in use; a series for each instance
    MEMORY = "memory"  # bytes in use; a series for each instance
    INSTANCES = "instances"


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a series; `label` is what it counts, such as a status code. Units are in `Metric`."""

    at: datetime
    value: float
    label: str = ""
    unit: str = ""  # the provider's own word, from which `value` was converted
