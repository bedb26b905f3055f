from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployments.providers import json_fields


def test_text_loses_what_the_database_cannot_store() -> None:
    assert json_fields.text({"message": "a\x00b\ud800c"}, "message") == "abc"


def test_text_of_any_length_is_cut() -> None:
    assert len(json_fields.text({"message": "x" * 100_000}, "message")) == json_fields.LONGEST_TEXT


@pytest.mark.parametrize(
    "found", [None, 5, "x", [], {"a": None}, {"a": "b"}, {"a": {"b": []}}, {"a": {"b": True}}]
)
def test_a_path_that_leads_nowhere_is_an_empty_text(found: object) -> None:
    assert json_fields.text(found, "a", "b") == ""


def test_a_whole_number_is_a_text_too() -> None:
    assert json_fields.text({"prId": 12}, "prId") == "12"


@pytest.mark.parametrize(
    "value", ["yesterday", "", None, 5, "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_an_unreadable_time_is_no_time(value: object) -> None:
    assert json_fields.moment({"at": value}, "at") is None


def test_a_time_is_given_in_utc() -> None:
    found = json_fields.moment({"at": "2026-03-01T04:00:00.123456789+01:00"}, "at")
    assert found == datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize("value", [True, "1", None, 1e300, float("nan"), float("inf"), [], -1e17])
def test_an_unreadable_time_in_milliseconds_is_no_time(value: object) -> None:
    assert json_fields.moment_ms({"at": value}, "at") is None


def test_a_time_in_milliseconds_is_given_in_utc() -> None:
    assert json_fields.moment_ms({"at": 1767312060000}, "at") == datetime(2026, 1, 2, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "tomorrow", "Mon, 99 Jan 2026 00:00:00 GMT"])
def test_an_unreadable_http_date_is_no_time(value: str) -> None:
    assert json_fields.http_date(value) is None


def test_items_leaves_out_what_is_no_object() -> None:
    assert json_fields.items({"rows": [{"id": 1}, None, "x", []]}, "rows") == [{"id": 1}]
