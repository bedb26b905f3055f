"""The HTML of a sentence made of parts."""

from __future__ import annotations

from datetime import UTC, datetime

from django.template import Context, Template
from django.utils import timezone

from deployments.pages.sentence import Part, age_of, code, moment, sentence


def rendered(*parts: Part | str) -> str:
    return Template("{{ words|sentence }}").render(Context({"words": sentence(*parts)}))


def test_no_space_is_added_between_parts() -> None:
    html = rendered("(", code("77ab0e1"), ")")
    assert html == "(<code>77ab0e1</code>)"


def test_the_filter_escapes_every_part() -> None:
    html = rendered("<b>", code("<i>"), Part("strong", "<u>"), Part("faint", "<s>"))
    assert not [tag for tag in ("<b>", "<i>", "<u>", "<s>") if tag in html]
    assert "&lt;b&gt;" in html


def test_the_address_of_a_link_cannot_leave_its_attribute() -> None:
    html = rendered(Part("link", "#412", url='https://example.com/"onclick="x'))
    assert 'onclick="x' not in html
    assert ">#412</a>" in html


def test_an_age_carries_the_name_under_which_a_poll_updates_it() -> None:
    html = rendered(age_of(timezone.now(), "read-render"))
    assert 'data-fresh="read-render"' in html
    assert "data-age" in html


def test_a_time_that_is_not_known_says_so() -> None:
    assert rendered(moment(None), ", ", Part("time")) == "unknown, unknown"


def test_a_time_is_an_element_with_its_exact_value() -> None:
    html = rendered(Part("time", at=datetime(2026, 11, 29, 9, 5, tzinfo=UTC)))
    exact = 'datetime="2026-11-29T09:05:00+00:00" title="2026-11-29 09:05:00 UTC"'
    assert html == f"<time {exact}>09:05</time>"
