"""What is proposed, in which order, and why."""

from __future__ import annotations

from deployments.analysis.blame import WentLive, blame
from deployments.analysis.next_steps import NextStepKind, NextStepReason, next_steps
from deployments.analysis.sentences import STEP_HEADS, STEPS, step_heading, step_sentence
from tests.deployments.analysis.series import DEPLOYED, after, before, by, incident, judged, minutes, points

STAYED = judged(by(before(), incident()), after(5, 0.08))
PARTLY = judged(by(before(), incident()), after(5, 0.03))
OLDER, DATABASE = NextStepKind.OLDER_CANDIDATE, NextStepKind.DATABASE
ELSEWHERE = NextStepKind.LOOK_ELSEWHERE


def test_a_good_verdict_proposes_nothing() -> None:
    said = judged(by(before(), incident()), after(5))
    assert next_steps(said, older_candidate=True, database_changed=True) == ()


def test_a_database_that_changed_comes_first() -> None:
    steps = next_steps(STAYED, older_candidate=True, database_changed=True)
    assert [step.kind for step in steps] == [DATABASE, OLDER, ELSEWHERE]


def test_a_partial_recovery_proposes_an_older_candidate_with_that_reason() -> None:
    first, *_ = next_steps(PARTLY, older_candidate=True, database_changed=False)
    assert (first.kind, first.reason) == (OLDER, NextStepReason.PART_WENT)


def test_errors_that_began_before_the_deployment_say_to_look_elsewhere_first() -> None:
    began = DEPLOYED - minutes(40)
    known = points(began - minutes(600), 600) + points(began, 60, 0.08)
    cause = blame(known, [WentLive("8b019f9", DEPLOYED)])
    first, *others = next_steps(STAYED, older_candidate=True, database_changed=None, cause=cause)
    assert (first.kind, first.reason) == (ELSEWHERE, NextStepReason.BEGAN_BEFORE)
    assert [step.kind for step in others] == [OLDER, DATABASE]


def test_without_an_older_candidate_none_is_proposed() -> None:
    (only,) = next_steps(STAYED, older_candidate=False, database_changed=False)
    assert (only.kind, only.reason) == (ELSEWHERE, NextStepReason.NO_OLDER)


def test_what_is_worse_since_it_was_made_live_is_taken_back() -> None:
    worse = judged(by(before(), incident(0.001)), after(5, 0.05))
    first, *others = next_steps(worse, older_candidate=True, database_changed=False)
    assert first.kind == NextStepKind.UNDO
    assert OLDER not in [step.kind for step in others]


def test_who_cannot_tell_waits_and_in_the_end_asks_a_person() -> None:
    few = after(60, rate=0.07)
    measured_by = by(before(), incident())
    steps = [
        next_steps(judged(measured_by, few, at), older_candidate=True, database_changed=True)[0]
        for at in (5, 61)
    ]
    assert [step.reason for step in steps] == [NextStepReason.TOO_FEW_YET, NextStepReason.WATCH_ENDED]
    assert [step.kind for step in steps] == [NextStepKind.WAIT, NextStepKind.SAY_WHAT_YOU_SEE]


def test_every_step_and_reason_has_its_words() -> None:
    assert set(STEP_HEADS) == set(NextStepKind)
    assert set(STEPS) == set(NextStepReason)
    (step,) = next_steps(STAYED, older_candidate=False, database_changed=False)
    assert step_heading(step) == "Look elsewhere"
    assert step_sentence(step).endswith("the errors are still there.")
