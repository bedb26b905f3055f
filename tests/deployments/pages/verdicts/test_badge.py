"""A rollback's colour is the verdict's: bad is never green, and what nobody can tell is neutral."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.analysis.verdict import Word
from deployments.models import Change, ChangeVerdict, Deployment, Operation, OperationKind, Service
from deployments.models.operation import FAILING, UNCHECKED
from deployments.pages.status_text import badge_of, headline, status_text
from rollback_portal.web.badges import Badge

NOW = timezone.now()


def change(word: str | None = None, *, judged_at: datetime | None = NOW, **fields: Any) -> Change:
    service = Service(name="shop-api", display_name="API", provider="render")
    target = Deployment(pk=7, service=service, commit_sha="77ab0e1", commit_message="Fix price rounding")
    made = Change(
        service=service,
        operation=Operation(kind=OperationKind.ROLL_BACK, requested_at=NOW),
        to_deployment=target,
        status="succeeded",
        **{"status_times": {"serving": NOW.isoformat()}, "ended_at": NOW, **fields},
    )
    if word is not None:
        made.verdict = ChangeVerdict(
            word=word, served_at=NOW, since=NOW, watched_until=NOW + timedelta(hours=1), judged_at=judged_at
        )
    return made


@pytest.mark.parametrize(
    ("word", "badge"),
    [
        (Word.RECOVERED, Badge("RECOVERED", "good")),
        (Word.STILL_HEALTHY, Badge("STILL HEALTHY", "good")),
        (Word.NOT_RECOVERED, Badge("NOT RECOVERED", "bad", "square")),
        (Word.WORSE, Badge("WORSE THAN BEFORE", "bad", "square")),
        (Word.CANNOT_TELL, Badge("CAN'T TELL YET", "", "circle")),
    ],
)
def test_the_badge_is_the_verdicts(word: str, badge: Badge) -> None:
    assert badge_of(change(word), NOW) == badge
    icons = {"good": "icons/done.svg", "bad": "icons/bad.svg", "": "icons/plain.svg"}
    assert status_text(change(word), NOW, pinned=True).icon == icons[badge.tone]


def test_until_the_first_look_nothing_is_green() -> None:
    assert badge_of(change(), NOW).word == "CAN'T TELL YET"


def test_a_change_from_before_there_were_verdicts_keeps_its_look() -> None:
    long_ago = NOW - timedelta(days=2)
    assert badge_of(change(ended_at=long_ago), NOW) == Badge("DONE", "good", "dot")
    assert badge_of(change(ended_at=long_ago, evidence={FAILING: "9 of 60"}), NOW).tone == "bad"


def test_a_good_word_that_nobody_has_judged_for_three_minutes_is_not_green() -> None:
    judged_at = NOW - timedelta(seconds=181)
    assert badge_of(change(Word.RECOVERED, judged_at=judged_at), NOW).tone == ""


def test_a_good_word_does_not_make_green_what_only_the_provider_confirms() -> None:
    assert badge_of(change(Word.RECOVERED, evidence={UNCHECKED: "no address"}), NOW).tone == "warn"
    assert badge_of(change(Word.NOT_RECOVERED, evidence={UNCHECKED: "no address"}), NOW).tone == "bad"


def test_errors_of_the_first_seconds_count_until_the_numbers_say_that_they_are_gone() -> None:
    failing: dict[str, Any] = {"evidence": {FAILING: "9 of 60 requests failed"}}
    assert badge_of(change(Word.CANNOT_TELL, **failing), NOW).word == "SERVES, AND FAILS"
    assert badge_of(change(Word.RECOVERED, **failing), NOW).word == "RECOVERED"
    assert headline(change(Word.RECOVERED, **failing), NOW).endswith("“Fix price rounding”")
    assert headline(change(Word.CANNOT_TELL, **failing), NOW).endswith("and users get errors")


def test_an_hour_without_an_answer_ends_neutral() -> None:
    ended = change(Word.CANNOT_TELL)
    ended.verdict.closed_at = NOW
    assert badge_of(ended, NOW + timedelta(days=1)) == Badge("COULD NOT TELL", "", "circle")
