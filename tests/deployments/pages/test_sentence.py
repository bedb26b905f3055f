"""Sentences made of parts."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from deployments.pages.sentence import Part, age_of, as_text, code, joined, moment, sentence


def test_empty_strings_are_left_out() -> None:
    assert sentence("live", "", code("77ab0e1")) == (Part("text", "live"), Part("code", "77ab0e1"))


def test_a_separator_is_only_between_sentences_that_say_something() -> None:
    assert as_text(joined((sentence("Render"), (), sentence("branch main")))) == "Render · branch main"


def test_the_text_of_a_time_is_its_age_or_its_time_of_day() -> None:
    at = timezone.now() - timedelta(minutes=4)
    assert as_text(sentence(age_of(at))) == "4 min"
    assert as_text(sentence(age_of(None), " ", moment(None))) == "unknown unknown"
