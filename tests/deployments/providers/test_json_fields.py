"""Reading fields from JSON whose fields may be missing or of the wrong type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployments.providers import json_fields


def test_characters_that_the_database_cannot_store_are_removed() -> None:
    assert json_fields.text({"message": "a\x00b\ud800c"}, "message") == "abc"


def test_long_text_is_cut() -> None:
    assert len(json_fields.text({"message": "x" * 100_000}, "message")) == json_fields.LONGEST_TEXT


@pytest.mark.parametrize(
    "result", [None, 5, "x", [], {"a": None}, {"a": "b"}, {"a": {"b": []}}, {"a": {"b": True}}]
)
def test_a_missing_path_gives_an_empty_text(result: object) -> None:
    assert json_fields.text(result, "a", "b") == ""


def test_an_integer_is_read_as_text() -> None:
    assert json_fields.text({"prId": 12}, "prId") == "12"


@pytest.mark.parametrize(
    "value", ["yesterday", "", None, 5, "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_an_invalid_time_gives_none(value: object) -> None:
    assert json_fields.timestamp({"at": value}, "at") is None


def test_a_time_is_converted_to_utc() -> None:
    result = json_fields.timestamp({"at": "2026-03-01T04:00:00.123456789+01:00"}, "at")
    assert result == datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=UTC)
    assert result.tzinfo is UTC


@pytest.mark.parametrize("value", [True, "1", None, 1e300, float("nan"), float("inf"), [], -1e17])
def test_an_invalid_time_in_milliseconds_gives_none(value: object) -> None:
    assert json_fields.timestamp_ms({"at": value}, "at") is None


def test_a_time_in_milliseconds_is_converted_to_utc() -> None:
    assert json_fields.timestamp_ms({"at": 1767312060000}, "at") == datetime(2026, 1, 2, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "tomorrow", "Mon, 99 Jan 2026 00:00:00 GMT"])
def test_an_invalid_http_date_gives_none(value: str) -> None:
    assert json_fields.http_date(value) is None


def test_items_leaves_out_anything_that_is_not_an_object() -> None:
    assert json_fields.items({"rows": [{"id": 1}, None, "x", []]}, "rows") == [{"id": 1}]
