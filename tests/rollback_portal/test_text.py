"""Times and text from outside, as every page puts them into words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from rollback_portal.templatetags import text as text_filters


@pytest.mark.parametrize(
    ("seconds", "said"),
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
def test_a_duration_has_two_units_at_most(seconds: float | None, said: str) -> None:
    assert text_filters.duration(seconds) == said


def test_a_duration_of_a_timedelta_is_the_same() -> None:
    assert text_filters.duration(timedelta(minutes=14)) == "14 min"


def test_an_age_that_counts_on_carries_its_moment_and_the_exact_time() -> None:
    at = timezone.now() - timedelta(minutes=3)
    html = text_filters.ticking(at)
    assert f'datetime="{at.isoformat()}"' in html
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in html
    assert html.endswith(" data-age>3 min</time>")


def test_an_unknown_moment_is_called_unknown() -> None:
    assert text_filters.ticking(None) == text_filters.moment(None) == text_filters.age(None) == "unknown"


def test_a_clock_says_the_day_only_where_it_is_not_today() -> None:
    now = timezone.now()
    assert text_filters.clock(now) == f"{now:%H:%M}"
    assert text_filters.clock(datetime(2020, 11, 2, 9, 47, tzinfo=UTC)) == "2 Nov 09:47"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://example.com",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com",
        " https://example.com",
        "https://example.com/a b",
        'https://example.com/"onload',
        "https://example.com/<b>",
        "https://example.com\\@evil.example",
        "https://example.com\njavascript:",
    ],
)
def test_only_a_plain_https_address_may_be_followed(address: str) -> None:
    assert text_filters.https_only(address) == ""


def test_a_plain_https_address_is_kept() -> None:
    assert text_filters.https_only("https://example.com/a?b=c#d") == "https://example.com/a?b=c#d"


@pytest.mark.parametrize(
    ("repository", "number", "url"),
    [
        ("https://github.com/example/shop", "812", "https://github.com/example/shop/pull/812"),
        ("https://gitlab.com/a/b/shop", "812", "https://gitlab.com/a/b/shop/-/merge_requests/812"),
        ("https://bitbucket.org/example/shop", "812", "https://bitbucket.org/example/shop/pull-requests/812"),
        ("https://git.example.com/example/shop", "812", ""),
        ("https://github.com/example/shop?x=", "812", ""),
        ("http://github.com/example/shop", "812", ""),
        ("https://github.com/example/shop", "81/../2", ""),
        ("", "812", ""),
    ],
)
def test_a_pull_request_is_linked_only_at_a_host_we_know(repository: str, number: str, url: str) -> None:
    assert text_filters.pull_request_url(number, repository) == url


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
    assert text_filters.harmless(text) == shown


def test_lines_are_kept_where_lines_are_meant() -> None:
    assert text_filters.harmless_lines("one\n\ntwo\u202e") == "one\n\ntwo"
    assert text_filters.harmless_lines("x" * 9, 5) == "xxxxx…"
