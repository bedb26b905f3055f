"""What PostgreSQL itself refuses to keep of a verdict."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from deployments.analysis.verdict import Word
from deployments.models import ChangeVerdict, Service, VerdictTurn
from tests.deployments.verdicts.story import USUAL, Story, minutes, story


@pytest.fixture
def told(api: Service) -> Story:
    told = story(api)
    told.measured(0, 6, USUAL)
    assert told.judged(6).word == Word.RECOVERED
    return told


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"word": "Fine"}, "verdict_word_is_known"),
        ({"source": "weather"}, "verdict_source_is_known"),
        ({"source": ""}, "a_good_verdict_has_fresh_numbers"),
        ({"requests": 0}, "a_good_verdict_has_fresh_numbers"),
        ({"newest": None}, "a_good_verdict_has_fresh_numbers"),
        ({"judged_at": None}, "a_good_verdict_has_fresh_numbers"),
        ({"share_low": None}, "verdict_interval_has_two_ends"),
        ({"share_low": 0.9, "share_high": 0.1}, "verdict_interval_has_two_ends"),
    ],
)
def test_the_database_refuses(told: Story, fields: dict[str, Any], rule: str) -> None:
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        ChangeVerdict.objects.filter(pk=told.change.pk).update(**fields)


def test_a_good_word_cannot_be_kept_on_numbers_that_stopped(told: Story) -> None:
    row = told.row
    assert row.newest is not None
    good = ChangeVerdict.objects.filter(pk=told.change.pk)
    good.update(judged_at=row.newest + minutes(3))
    with pytest.raises(IntegrityError, match="a_good_verdict_has_fresh_numbers"), transaction.atomic():
        good.update(judged_at=row.newest + minutes(3.1))


def test_a_turn_is_written_once_and_changes_the_word(told: Story) -> None:
    words = {"verdict": told.row, "sentence": "x"}
    with pytest.raises(IntegrityError, match="a_turn_is_written_once"), transaction.atomic():
        VerdictTurn.objects.create(number=1, word_before=Word.CANNOT_TELL, word=Word.RECOVERED, **words)
    with pytest.raises(IntegrityError, match="a_turn_changes_the_word"), transaction.atomic():
        VerdictTurn.objects.create(number=2, word_before=Word.RECOVERED, word=Word.RECOVERED, **words)


def test_nothing_is_closed_before_the_watching_ends(told: Story) -> None:
    with pytest.raises(IntegrityError, match="verdict_is_closed_after_watching"), transaction.atomic():
        ChangeVerdict.objects.filter(pk=told.change.pk).update(closed_at=told.served + minutes(59))
