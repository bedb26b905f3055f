"""The status of an operation in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Change, Deployment, Operation, OperationKind, Service
from deployments.pages.status_text import (
    badge_of,
    headline,
    no_news,
    progress_message,
    status_text,
    still_pinned,
)

NOW = timezone.now()


def change(status: str, kind: str = OperationKind.ROLL_BACK, **fields: Any) -> Change:
    service = Service(name="shop-api", display_name="API", provider="render")
    target = Deployment(service=service, commit_sha="77ab0e1", commit_message="Fix price rounding")
    service.live = Deployment(service=service, commit_sha="9c1f2aa", commit_message="Add gift cards")
    operation = Operation(kind=kind, requested_at=NOW)
    return Change(service=service, operation=operation, to_deployment=target, status=status, **fields)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("accepted", "Rolling API back to 77ab0e1 “Fix price rounding”"),
        ("succeeded", "API was rolled back to 77ab0e1 “Fix price rounding”"),
        ("failed", "API was not rolled back to 77ab0e1 “Fix price rounding”"),
        ("canceled", "The rollback of API to 77ab0e1 “Fix price rounding” was canceled"),
        ("needs_attention", "Whether API was rolled back to 77ab0e1 “Fix price rounding” is not known"),
    ],
)
def test_the_headline_follows_the_status(status: str, text: str) -> None:
    assert headline(change(status)) == text


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("queued", "WAITING FOR A WORKER"),
        ("sending", "RUNNING"),
        ("unclear", "ANSWER LOST"),
        ("failed", "FAILED"),
    ],
)
def test_the_badge_follows_the_status(status: str, word: str) -> None:
    assert badge_of(change(status), NOW).word == word


def test_an_operation_that_simply_runs_has_nothing_more_to_say() -> None:
    text = status_text(change("accepted"), NOW, pinned=True)
    assert (text.now, text.next, text.icon) == ("", "", "icons/busy.svg")


def test_a_failure_says_what_is_live_and_what_to_do() -> None:
    text = status_text(change("failed"), NOW, pinned=False)
    assert text.now == "In front of users: 9c1f2aa “Add gift cards”."
    assert text.next.startswith("Choose another deployment, or do it in Render's own dashboard")


def test_an_unknown_result_asks_to_look_before_anything_else() -> None:
    text = status_text(change("needs_attention"), NOW, pinned=True)
    assert text.now == "Last read from Render: 9c1f2aa “Add gift cards”. It may have changed since."
    assert text.next.startswith("Look at Render's own dashboard before anything else.")


@pytest.mark.parametrize(
    ("pinned", "text"),
    [
        (True, "New commits reach users of API only after somebody leaves the rollback."),
        (False, "API is not pinned now: the next push can go in front of users."),
    ],
)
def test_a_rollback_that_succeeded_says_whether_new_commits_reach_users(pinned: bool, text: str) -> None:
    assert status_text(change("succeeded"), NOW, pinned=pinned).now == text


@pytest.mark.parametrize(
    ("status", "kind", "pinned", "said"),
    [
        ("failed", OperationKind.ROLL_BACK, True, True),
        ("canceled", OperationKind.ROLL_BACK, True, True),
        ("failed", OperationKind.ROLL_BACK, False, False),
        ("failed", OperationKind.PROMOTE, True, False),
        ("succeeded", OperationKind.ROLL_BACK, True, False),
        ("accepted", OperationKind.ROLL_BACK, True, False),
    ],
)
def test_only_a_rollback_that_left_its_pin_behind_warns_about_automatic_deploys(
    status: str, kind: str, pinned: bool, said: bool
) -> None:
    text = still_pinned(change(status, kind), pinned=pinned)
    assert text.startswith("Automatic deploys of API are off: ") is said
    assert bool(text) is said


@pytest.mark.parametrize(("status", "text"), [("sending", "Asked"), ("unclear", ""), ("failed", "")])
def test_the_workers_note_is_shown_only_while_it_runs(status: str, text: str) -> None:
    assert progress_message(change(status, message="Asked")) == text


def test_a_short_wait_is_no_news() -> None:
    assert no_news(change("accepted", provider_answered_at=ago(9)), NOW) == ""
    assert no_news(change("failed", provider_answered_at=ago(900)), NOW) == ""


def test_a_long_wait_for_the_provider_says_how_long_and_when_it_is_asked_again() -> None:
    waiting = change("accepted", provider_answered_at=ago(75), not_before=NOW + timedelta(seconds=8))
    assert no_news(waiting, NOW) == "No news from Render for 1 min: still waiting, next check in 8 s."


def test_a_long_wait_for_a_worker_says_when_it_expires() -> None:
    waiting = change("queued")
    text = no_news(waiting, NOW + timedelta(seconds=40))
    assert text.startswith("No worker has picked it up for 40 s. It stays queued; after ")
