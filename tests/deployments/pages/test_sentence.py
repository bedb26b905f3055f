"""Sentences made of parts, and the HTML that the template makes of them."""

from __future__ import annotations

from datetime import timedelta

from django.template.loader import render_to_string
from django.utils import timezone

from deployments.pages.sentence import Part, age_of, as_text, code, joined, moment, sentence


def rendered(*parts: Part | str) -> str:
    return render_to_string("deployments/_sentence.html", {"sentence": sentence(*parts)}).strip()


def test_empty_strings_are_left_out() -> None:
    assert sentence("live", "", code("77ab0e1")) == (Part("text", "live"), Part("code", "77ab0e1"))


def test_a_separator_is_only_between_sentences_that_say_something() -> None:
    assert as_text(joined((sentence("Render"), (), sentence("branch main")))) == "Render · branch main"


def test_the_text_of_a_time_is_its_age_or_its_time_of_day() -> None:
    at = timezone.now() - timedelta(minutes=4)
    assert as_text(sentence(age_of(at))) == "4 min"
    assert as_text(sentence(age_of(None), " ", moment(None))) == "unknown unknown"


def test_the_template_adds_no_space_between_parts_that_a_reader_would_see() -> None:
    html = rendered("(", code("77ab0e1"), ")")
    assert "".join(html.split()) == "(<code>77ab0e1</code>)"
    assert "( " not in html
    assert " )" not in html


def test_the_template_escapes_every_part() -> None:
    html = rendered("<b>", code("<i>"), Part("strong", "<u>"), Part("faint", "<s>"))
    assert not [tag for tag in ("<b>", "<i>", "<u>", "<s>") if tag in html]
    assert "&lt;b&gt;" in html


def test_the_address_of_a_link_cannot_leave_its_attribute() -> None:
    html = rendered(Part("link", "#412", url='https://example.com/"onclick="x'))
    assert 'onclick="x' not in html
    assert ">#412</a" in html


def test_an_age_carries_the_name_under_which_a_poll_updates_it() -> None:
    html = rendered(age_of(timezone.now(), "read-render"))
    assert 'data-fresh="read-render"' in html
    assert "data-age" in html
