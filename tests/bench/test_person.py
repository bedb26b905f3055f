"""The benchmark's browser session sends the same requests as htmx."""

from __future__ import annotations

from tests.bench.person import Poll, hidden_fields, poll_of

FRAGMENT = """
<title>x</title><p hx-get="/other/">no poll</p>
<div id="now" hx-get="/?group=a&amp;page=2" hx-trigger="every 500ms, wake from:body"
  hx-headers='{"X-Seen": "abc"}'>…</div>
"""


def test_a_page_says_what_it_asks_for_how_often_and_what_it_shows_already() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "/", "HX-Target": "now", "X-Seen": "abc"}
    assert poll_of(FRAGMENT, "/") == Poll("/?group=a&page=2", 0.5, headers)


def test_a_polling_element_far_down_a_long_page_is_found() -> None:
    assert poll_of("<p>x</p>" * 5000 + FRAGMENT, "/") is not None


def test_a_page_that_does_not_poll_asks_for_nothing_more() -> None:
    assert poll_of('<div id="steps" hx-trigger="click">…</div>', "/") is None


def test_only_hidden_fields_are_taken_over_from_a_form() -> None:
    page = '<input type="hidden" name="token" value="a&amp;b"><input type="radio" name="reason" value="x">'
    assert hidden_fields(page) == {"token": "a&b"}
