"""The points of Render's series, in the units that the portal keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from deployments.providers.base import Metric, Sample
from deployments.providers.render.client import open_render

NOW = datetime(2026, 11, 29, 6, 21, tzinfo=UTC)


def read(metric: Metric, *series: Any) -> list[Sample]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=list(series)))
    client = open_render("https://api.example.com/v1", "key", transport=transport)
    return list(client.metrics("srv-1", metric, since=NOW, until=NOW))


def one(value: Any, unit: str = "bytes") -> dict[str, Any]:
    return {"labels": [], "unit": unit, "values": [{"timestamp": "2026-11-29T06:21:00Z", "value": value}]}


@pytest.mark.parametrize(
    ("unit", "value"), [("GB", 2e9), ("MB", 2e6), ("KB", 2e3), ("bytes", 2), ("s", 2e3), ("ms", 2), ("", 2)]
)
def test_a_value_is_converted_from_its_unit(unit: str, value: float) -> None:
    assert [sample.value for sample in read(Metric.MEMORY, one(2, unit))] == [value]


@pytest.mark.parametrize("value", [None, "2", True, 1e300, {}])
def test_what_is_no_number_is_left_out(value: Any) -> None:
    assert read(Metric.MEMORY, one(value)) == []


@pytest.mark.parametrize(
    "labels", [[{"field": "statusCode", "value": "503"}], {"statusCode": "503"}, {"statusCode": 503}]
)
def test_the_status_code_is_the_label_in_either_form(labels: Any) -> None:
    (sample,) = read(Metric.REQUESTS, {**one(2), "labels": labels})
    assert sample.label == "503"
