"""Times in words, and untrusted text made fit for a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rollback_portal.text import (
    age,
    clean_line,
    clean_lines,
    duration,
    elapsed,
    one_line,
    says_something,
    time_of_day,
)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "unknown"),
        (-3, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (10 * 3_600 + 60, "10 h"),
        (86_400, "1 d"),
        (3 * 86_400 + 4 * 3_600, "3 d 4 h"),
        (10 * 86_400 + 3_600, "10 d"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_duration_of_a_timedelta_is_the_same() -> None:
    assert duration(timedelta(minutes=14)) == "14 min"


def test_the_time_of_day_says_the_day_only_where_it_is_not_today() -> None:
    now = datetime.now(UTC)
    assert time_of_day(now) == f"{now:%H:%M}"
    assert time_of_day(datetime(2020, 11, 2, 9, 47, tzinfo=UTC)) == "2 Nov 09:47"


def test_an_unknown_time_is_called_unknown() -> None:
    assert age(None) == duration(None) == "unknown"


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (None, ""),
        (timedelta(seconds=0.84), "0.8 s"),
        (timedelta(seconds=38), "0:38"),
        (timedelta(hours=1, minutes=2, seconds=9), "1:02:09"),
    ],
)
def test_a_running_time_is_shown_to_the_second(length: timedelta | None, shown: str) -> None:
    assert elapsed(length) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Fix\nthe\tcart  now", "Fix the cart now"),
        ("a\u202eb\u200bc\x07d\ufeff", "abcd"),
        ("<script>", "<script>"),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_text_from_outside_becomes_one_visible_line(text: str, shown: str) -> None:
    assert clean_line(text) == shown


def test_lines_are_kept_where_lines_are_meant() -> None:
    assert clean_lines("one\n\ntwo\u202e") == "one\n\ntwo"
    assert clean_lines("x" * 9, 5) == "xxxxx…"


def test_an_error_message_becomes_one_line_of_any_length() -> None:
    error = ValueError("line 1:\n  unknown\x00\u2028column " + "x" * 300)
    assert one_line(error) == "line 1: unknown column " + "x" * 300


@pytest.mark.parametrize(
    "reason",
    [
        "Nobody answers the phone at 3 a.m.",
        "Orders lose their price",
        "Никто не отвечает",
        "没有人接电话,现在是凌晨三点",
    ],
)
def test_a_sentence_says_something(reason: str) -> None:
    assert says_something(reason)


@pytest.mark.parametrize(
    "reason",
    ["", " " * 20, "urgent", "aaaaaaaaaaaaaaa", "aaaa bbbb cccc", "ha ha ha ha ha ha", "1234567890 1234",
     "........... !!!", "ёёёёёёёёёёёёё", "urgent urgent urgent", "Urgent URGENT urgent now"],
)  # fmt: skip
def test_one_letter_or_word_again_and_again_says_nothing(reason: str) -> None:
    assert not says_something(reason)
