"""The checklist follows from the times at which a change reached each status, in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deployments.models import Change, Operation
from deployments.pages.checklist import checklist
from deployments.pages.sentence import as_text
from tests.factories import STEPS

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def change(status: str, *reached: str, final_status: str = "", ended: bool = False) -> Change:
    """A change that reached these statuses ten seconds apart, from noon on."""
    status_times = {name: (NOON + timedelta(seconds=10 * at)).isoformat() for at, name in enumerate(reached)}
    ended_at = NOON + timedelta(seconds=10 * (len(reached) - 1)) if ended else None
    operation = Operation(plan={"steps": STEPS})
    return Change(
        operation=operation,
        status=status,
        status_times=status_times,
        final_status=final_status,
        ended_at=ended_at,
    )


def states(of: Change, *, still_pinned: bool = True) -> list[str]:
    steps = checklist(of, NOON + timedelta(minutes=5), still_pinned=still_pinned)
    return [step.state for step in steps]


def test_nothing_has_started_while_it_waits_for_a_worker() -> None:
    assert states(change("queued", "queued")) == ["waiting"] * 4


def test_the_step_of_the_current_status_runs_and_those_before_are_done() -> None:
    at_work = change("accepted", "queued", "pinning", "sending", "accepted")
    assert states(at_work) == ["done", "done", "running", "waiting"]


def test_a_lost_answer_belongs_to_the_step_that_sent_the_order() -> None:
    lost = change("unclear", "queued", "pinning", "sending", "unclear")
    assert states(lost) == ["done", "unclear", "waiting", "waiting"]
    found = change("accepted", "queued", "pinning", "sending", "unclear", "accepted")
    steps = checklist(found, NOON + timedelta(minutes=5), still_pinned=True)
    assert steps[1].took == timedelta(seconds=20)


def test_a_success_has_every_step_done_with_its_time() -> None:
    done = change("succeeded", "queued", "pinning", "sending", "accepted", "serving", "succeeded", ended=True)
    steps = checklist(done, NOON + timedelta(days=30), still_pinned=True)
    assert [step.state for step in steps] == ["done"] * 4
    assert {step.took for step in steps} == {timedelta(seconds=10)}
    assert steps[0].started == NOON + timedelta(seconds=10)


def test_a_success_that_needed_nothing_has_done_no_step() -> None:
    assert states(change("succeeded", "queued", "succeeded", ended=True)) == ["skipped"] * 4


def test_the_step_where_it_failed_is_marked_and_later_ones_were_not_done() -> None:
    broken = change("failed", "queued", "pinning", "sending", "accepted", "failed", ended=True)
    assert states(broken) == ["done", "done", "failed", "skipped"]


@pytest.mark.parametrize(("still_pinned", "put_back"), [(False, "done"), (True, "failed")])
def test_restoring_settings_is_a_step_of_its_own_whose_result_shows_in_the_pin(
    still_pinned: bool, put_back: str
) -> None:
    path = ("queued", "pinning", "sending", "accepted", "restoring", "failed")
    undone = change("failed", *path, final_status="failed", ended=True)
    assert states(undone, still_pinned=still_pinned) == ["done", "done", "failed", "skipped", put_back]


def test_the_failed_step_is_known_while_settings_are_still_being_restored() -> None:
    undoing = change("restoring", "queued", "pinning", "sending", "restoring", final_status="failed")
    assert states(undoing) == ["done", "failed", "skipped", "skipped", "running"]


def test_a_canceled_change_says_where_it_stopped() -> None:
    canceled = change(
        "canceled", "queued", "pinning", "restoring", "canceled", final_status="canceled", ended=True
    )
    assert states(canceled, still_pinned=False) == ["canceled", "skipped", "skipped", "skipped", "done"]


def test_a_change_that_needs_a_person_has_a_step_with_an_unknown_result() -> None:
    path = ("queued", "pinning", "sending", "unclear", "needs_attention")
    steps = checklist(change("needs_attention", *path, ended=True), NOON, still_pinned=True)
    assert [step.word for step in steps] == ["done", "not known", "not done", "not done"]


def test_an_earlier_attempt_does_not_count_once_the_change_is_queued_again() -> None:
    again = change("queued", "pinning", "sending", "queued")
    assert states(again) == ["waiting"] * 4


def test_a_running_step_has_lasted_until_now() -> None:
    at_work = change("sending", "queued", "pinning", "sending")
    steps = checklist(at_work, NOON + timedelta(seconds=58), still_pinned=True)
    assert as_text(steps[1].timing).startswith("0:38")
    assert steps[2].took is None


def test_a_clock_that_runs_behind_never_shows_a_negative_time() -> None:
    at_work = change("sending", "queued", "pinning", "sending")
    assert checklist(at_work, NOON, still_pinned=True)[1].took == timedelta()


def test_a_time_that_cannot_be_parsed_does_not_hide_the_page() -> None:
    damaged = change("pinning", "queued", "pinning")
    damaged.status_times["queued"] = "yesterday"
    damaged.status_times["pinning"] = None
    assert states(damaged) == ["running", "waiting", "waiting", "waiting"]


def test_a_step_says_how_long_it_took_and_how_long_that_usually_takes() -> None:
    at_work = change("sending", "queued", "pinning", "sending")
    timing = [
        as_text(step.timing) for step in checklist(at_work, NOON + timedelta(seconds=58), still_pinned=True)
    ]
    assert timing == ["0:10, usually 1 s", "0:38, usually 2 s", "usually 55–70 s", "usually 3 s"]


def test_a_step_that_never_happens_says_no_time() -> None:
    failed = change("failed", "queued", "pinning", "failed", ended=True)
    assert as_text(checklist(failed, NOON, still_pinned=True)[-1].timing) == ""
