"""Template filters: times as `<time>` elements, and addresses that may become links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from rollback_portal.templatetags.text import hour, https_only, moment, pull_request_url, ticking


def test_an_age_that_counts_on_carries_its_moment_and_the_exact_time() -> None:
    at = datetime.now(UTC) - timedelta(minutes=3)
    html = ticking(at)
    assert f'datetime="{at.isoformat()}"' in html
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in html
    assert html.endswith(" data-age>3 min</time>")


def test_an_hour_is_that_of_utc_and_carries_the_exact_time() -> None:
    at = datetime(2026, 11, 30, 0, 5, 59, tzinfo=timezone(timedelta(hours=2)))
    html = hour(at)
    assert 'datetime="2026-11-29T22:05:59+00:00"' in html
    assert html.endswith(' title="2026-11-29 22:05:59 UTC">22:05</time>')


def test_an_unknown_moment_is_called_unknown() -> None:
    assert ticking(None) == moment(None) == hour(None) == "unknown"


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
    assert https_only(address) == ""


def test_a_plain_https_address_is_kept() -> None:
    assert https_only("https://example.com/a?b=c#d") == "https://example.com/a?b=c#d"


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
    assert pull_request_url(number, repository) == url
