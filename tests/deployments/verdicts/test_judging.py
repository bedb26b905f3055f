"""Verdicts: judged again and again, turned in the audit log once, never green without fresh numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deployments.analysis.points import TrafficSource
from deployments.analysis.verdict import Word
from deployments.models import (
    Change,
    ChangeVerdict,
    LivePeriod,
    MetricRollup,
    MetricSource,
    OperationKind,
    Service,
)
from deployments.pages.status_text import badge_of
from deployments.verdicts import judging
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.verdicts.story import INCIDENT, USUAL, entries, minutes, story, turns


def test_errors_that_are_back_to_usual_turn_the_verdict_once_with_its_numbers_in_the_audit_log(
    api: Service,
) -> None:
    told = story(api)
    assert told.judged(0.1).word == Word.CANNOT_TELL
    told.measured(0, 10, USUAL)
    for minute in (4, 5, 6):
        row = told.judged(minute)
    assert (row.word, row.source, row.turns) == (Word.RECOVERED, "provider", 1)
    assert row.sentence.startswith("5xx are back to usual: 0.1% of 360,000 requests before, 8.0% of 60,000")
    assert row.share_incident == pytest.approx(INCIDENT, rel=0.01)
    assert row.share_low is not None
    assert row.share_high is not None
    assert row.share_low <= (row.share_now or 0) <= row.share_high
    assert row.since < told.served + minutes(4.1)
    assert turns(told) == [(1, Word.CANNOT_TELL, Word.RECOVERED)]
    (entry,) = entries()
    assert (entry.outcome, entry.subject, entry.incident) == (Outcome.DONE, api.label, "INC-412")
    assert "Recovered; before, Can't tell yet. 5xx are back to usual: 0.1% of 360,000" in entry.message
    assert entry.operation == told.change.operation_id


def test_errors_that_stay_are_not_recovered_and_lead_further(api: Service) -> None:
    told = story(api)
    factories.deployment(api, "Fix price rounding", created_at=factories.ago(days=2))
    told.measured(0, 6, 0.07)
    row = told.judged(6)
    assert (row.word, row.why) == (Word.NOT_RECOVERED, "stayed")
    assert [one["kind"] for one in row.next_steps] == ["an older candidate", "the database", "look elsewhere"]
    (entry,) = entries()
    assert entry.outcome == Outcome.FAILED
    assert "Go to an older candidate" in entry.message


@pytest.mark.parametrize("kind", [OperationKind.PROMOTE, OperationKind.LEAVE])
def test_promotions_and_leavings_are_judged_too_and_new_harm_is_worse_than_before(
    api: Service, kind: str
) -> None:
    told = story(api, kind=kind, incident=USUAL)
    told.measured(0, 6, 0.06)
    row = told.judged(6)
    assert row.word == Word.WORSE
    assert row.next_steps[0]["kind"] == "take back what was just made live"


def test_harm_that_begins_half_an_hour_later_turns_a_good_verdict_and_both_turns_stay(api: Service) -> None:
    told = story(api)
    told.measured(0, 30, USUAL)
    told.measured(30, 40, 0.08)
    assert told.judged(25).word == Word.RECOVERED
    row = told.judged(36)
    assert (row.word, row.why) == (Word.NOT_RECOVERED, "came back")
    assert turns(told) == [
        (1, Word.CANNOT_TELL, Word.RECOVERED),
        (2, Word.RECOVERED, Word.NOT_RECOVERED),
    ]
    assert [entry.outcome for entry in entries()] == [Outcome.DONE, Outcome.FAILED]


def test_trouble_that_no_deployment_caused_is_not_blamed_on_one(api: Service) -> None:
    told = story(api, before=USUAL)
    told.measured(-61, -1, INCIDENT)  # 40 min before the deployment that was left went live
    told.measured(0, 6, INCIDENT)
    row = told.judged(6)
    assert row.word == Word.NOT_RECOVERED
    assert row.next_steps[0] == {"kind": "look elsewhere", "reason": "the errors began before the deployment"}


@pytest.mark.parametrize("share", [0.0, INCIDENT])
def test_with_little_traffic_no_look_of_the_hour_says_anything(api: Service, share: float) -> None:
    told = story(api, rate=0.05)
    told.measured(0, 60, share, rate=0.05)
    for minute in range(1, 63, 2):
        row = told.judged(minute)
        assert row.word == Word.CANNOT_TELL
        assert row.requests < 300
    assert (turns(told), entries()) == ([], [])
    assert "are too few: 300 are needed" in row.sentence


def test_where_only_the_portals_probes_know_anything_the_source_says_so(web: Service) -> None:
    told = story(web, incident=0.6, source=TrafficSource.PROBE)
    told.measured(0, 15, 0.0, source=TrafficSource.PROBE)
    row = told.judged(14)
    assert (row.word, row.source) == (Word.RECOVERED, "probe")
    assert row.sentence.startswith("The portal's own probes get good answers again")


# --- Numbers that are missing ---


def test_numbers_that_stop_take_the_green_away(api: Service) -> None:
    told = story(api)
    told.measured(0, 10, USUAL)
    assert told.judged(9).word == Word.RECOVERED
    row = told.judged(14)
    assert (row.word, row.why) == (Word.CANNOT_TELL, "numbers stopped")
    assert [word for _, _, word in turns(told)] == [Word.RECOVERED, Word.CANNOT_TELL]


def test_a_verdict_that_nobody_judges_any_more_does_not_stay_green(api: Service) -> None:
    told = story(api)
    told.measured(0, 10, USUAL)
    row = told.judged(9)
    assert row.standing(told.served + minutes(11.9)) == Word.RECOVERED
    assert row.standing(told.served + minutes(12.1)) == Word.CANNOT_TELL


def test_without_any_number_nothing_is_said(api: Service) -> None:
    told = story(api)
    row = told.judged(5)
    assert (row.word, row.source, row.requests) == (Word.CANNOT_TELL, "", 0)
    assert row.sentence == "There are no numbers since the target serves."


def test_before_is_read_by_five_minutes_where_the_finer_points_are_gone(api: Service) -> None:
    """A deployment that was live for three days: the time before it is kept in the five-minute rows only."""
    told = story(api)
    LivePeriod.objects.filter(service=api).delete()
    old = told.served - timedelta(days=3)
    left = told.change.from_deployment
    assert left is not None
    LivePeriod.objects.create(service=api, deployment=left, since=old)
    MetricRollup.objects.bulk_create(
        MetricRollup(
            service=api, source=MetricSource.PROVIDER, at=old - minutes(5 * number), requests=9_000, errors=9
        )
        for number in range(1, 25)
    )
    told.measured(0, 6, USUAL)
    row = told.judged(6)
    errors = row.numbers["errors"][0]
    assert errors["before"] == [24 * 9_000, 24 * 9]
    assert row.word == Word.RECOVERED


# --- What is watched, and for how long ---


def test_only_what_moved_traffic_lately_is_judged(api: Service, web: Service) -> None:
    told = story(api)
    old = factories.change(
        web,
        factories.live(web),
        status="succeeded",
        status_times={"serving": factories.ago(days=2).isoformat()},
        ended_at=factories.ago(days=2),
    )
    unmoved = factories.change(web, None, status="succeeded", ended_at=factories.ago(minutes=1))
    failed = factories.change(
        web,
        web.live,
        status="failed",
        status_times={"serving": factories.ago(minutes=2).isoformat()},
        ended_at=factories.ago(minutes=1),
    )
    judging.judge_due()
    assert set(ChangeVerdict.objects.values_list("pk", flat=True)) == {told.change.pk}
    assert {old.pk, unmoved.pk, failed.pk}.isdisjoint({told.change.pk})


def test_the_last_judgement_comes_after_the_hour_and_is_the_last(api: Service) -> None:
    told = story(api)
    told.measured(0, 60, USUAL)
    assert told.judged(61).closed_at is None
    row = told.judged(63.5)
    assert (row.word, row.closed_at) == (Word.RECOVERED, told.served + minutes(63.5))
    assert not judging.judge_one(told.change.pk, told.served + minutes(65))
    assert row.standing(told.served + timedelta(days=9)) == Word.RECOVERED


def test_what_takes_the_targets_place_ends_the_watching_and_its_errors_are_its_own(api: Service) -> None:
    told = story(api)
    told.measured(0, 20, USUAL)
    told.measured(20, 40, 0.3)
    other = factories.deployment(api, "Add gift cards")
    LivePeriod.objects.create(service=api, deployment=other, since=told.served + minutes(20))
    row = told.judged(30)
    assert (row.word, row.watched_until) == (Word.RECOVERED, told.served + minutes(20))
    assert row.superseded_by == f"deployment {other.short_sha}"
    assert row.closed_at is not None


def test_another_build_of_the_same_commit_is_still_the_target(api: Service) -> None:
    told = story(api)
    again = factories.deployment(api, "Fix login rate limit")
    LivePeriod.objects.create(service=api, deployment=again, since=told.served + minutes(5))
    assert told.judged(10).superseded_by == ""


# --- From the end of a real operation ---


@BOTH
def test_the_end_of_an_operation_begins_the_watching(portal: Portal, name: str) -> None:
    change = portal.roll_back(name)
    judging.judge_due()
    row = ChangeVerdict.objects.get(pk=change.pk)
    assert (row.word, row.served_at) == (Word.CANNOT_TELL, change.ended_at)
    assert row.watched_until - row.served_at == timedelta(hours=1)
    assert badge_of(Change.objects.shown().get(pk=change.pk), clock.now()).tone == ""


def test_a_leaving_is_judged_from_when_it_served_and_not_from_when_settings_were_restored(
    api: Service,
) -> None:
    told = story(api, kind=OperationKind.LEAVE)
    change, served = told.change, told.served
    change.status_times = {**change.status_times, "restoring": (served - minutes(0.02)).isoformat()}
    change.save()
    assert told.judged(1).served_at == served - minutes(0.02)
