"""The sentences in the bars at the top of a page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Change, Deployment, Pin, Service
from deployments.pages.bars import (
    PinnedBar,
    RunningBar,
    broker_bar,
    process_bar,
    provider_bar,
)
from deployments.pages.current_state import Freshness
from deployments.pages.sentence import as_text
from rollback_portal.jobs.process.heartbeats import ProcessStatus, RoleStatus


def ago(**length: float) -> datetime:
    return timezone.now() - timedelta(**length)


def pinned(**fields: Any) -> PinnedBar:
    service = Service(name="shop-api", display_name="API")
    live = Deployment(service=service, commit_sha="77ab0e1", commit_message="Fix price rounding")
    defaults = {"pinned_at": ago(minutes=4), "pinned_by": "Ana Ruiz", "auto_deploy_before": "commit"}
    pin = Pin(**{"service": service, "deployment": live, "change": Change(pk=1), **defaults, **fields})
    return PinnedBar(service, pin)


def status(workers: int = 1, dispatchers: int = 1, *, broker: int = 1, seen: bool = True) -> ProcessStatus:
    last = ago(minutes=5) if seen else None
    return ProcessStatus(
        RoleStatus("worker", workers, last),
        RoleStatus("dispatcher", dispatchers, last),
        RoleStatus("queue", broker, last),
    )


def freshness(**fields: Any) -> Freshness:
    defaults = {
        "provider": "render",
        "name": "Render",
        "tone": "bad",
        "read_at": ago(minutes=5),
        "error": "",
        "retry_at": None,
        "services": ("API", "Search"),
    }
    return Freshness(**{**defaults, **fields})


# --- A pin ---


def test_a_pin_says_what_stays_since_when_by_whom_and_why() -> None:
    text = as_text(pinned(reason="500s on checkout", incident="INC-412").message)
    assert text.startswith("API stays on 77ab0e1 “Fix price rounding” since ")
    assert text.endswith(" (4 min) by Ana Ruiz: 500s on checkout, INC-412.")


def test_a_pin_without_a_reason_says_so() -> None:
    assert as_text(pinned().message).endswith(" by Ana Ruiz, no reason given.")


def test_a_pin_that_was_set_outside_the_portal_says_so() -> None:
    assert "by Ana Ruiz, outside the portal, no reason given." in as_text(pinned(change=None).message)


def test_a_pin_whose_deployment_is_unknown_stays_on_what_is_live() -> None:
    assert as_text(pinned(deployment=None).message).startswith("API stays on what is live since ")


@pytest.mark.parametrize(("before", "text"), [("commit", "on every commit"), ("odd", "“odd”")])
def test_the_setting_for_automatic_deploys_before_the_pin_is_named(before: str, text: str) -> None:
    assert pinned(auto_deploy_before=before).auto_deploy_before == text


# --- A running operation ---


def running(step: int, steps: int) -> str:
    return RunningBar(Change(), Service(), "Rolling API back", step, steps, "waiting for a worker").message


def test_a_running_operation_says_which_step_it_is_at() -> None:
    assert running(2, 4) == "Rolling API back, step 2 of 4: waiting for a worker."
    assert running(0, 0) == "Rolling API back, waiting for a worker."


# --- Processes and the queue ---


def test_there_is_no_bar_while_all_processes_are_alive() -> None:
    assert process_bar(status()) is None
    assert broker_bar(status()) is None


def test_without_a_worker_the_dispatcher_does_the_work() -> None:
    bar = process_bar(status(workers=0))
    assert bar is not None
    assert (bar.tone, bar.word) == ("warn", "NO WORKER")
    assert as_text(bar.message) == (
        "has sent a heartbeat for 40 s; the last one came 5 min ago. "
        "The dispatcher carries out operations itself, about 5 s later than usual."
    )


@pytest.mark.parametrize(("workers", "word"), [(1, "NO DISPATCHER"), (0, "NO WORKER AND NO DISPATCHER")])
def test_without_a_dispatcher_nobody_takes_up_an_operation(workers: int, word: str) -> None:
    bar = process_bar(status(workers=workers, dispatchers=0))
    assert bar is not None
    assert (bar.tone, bar.word) == ("bad", word)
    assert "a dispatcher last did 5 min ago. What you start is kept" in as_text(bar.message)
    assert "python manage.py rollback" in as_text(bar.still_works)


def test_processes_that_were_never_seen_have_no_age() -> None:
    no_worker = process_bar(status(workers=0, seen=False))
    no_dispatcher = process_bar(status(dispatchers=0, seen=False))
    assert no_worker is not None
    assert no_dispatcher is not None
    assert as_text(no_worker.message).startswith("has sent a heartbeat for 40 s; none ever has. ")
    assert as_text(no_dispatcher.message).startswith(
        "has sent a heartbeat for 40 s; a dispatcher never has. "
    )


def test_a_queue_that_does_not_answer_says_for_how_long() -> None:
    bar = broker_bar(status(broker=0))
    assert bar is not None
    assert as_text(bar.message).startswith("the dispatcher for 5 min. ")


# --- A provider ---


def test_there_is_no_bar_for_a_provider_with_fresh_data() -> None:
    assert provider_bar(freshness(tone="good"), ()) is None


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "RENDER DATA IS OLD"),
        ({"error": "500"}, "RENDER IS NOT ANSWERING PROPERLY"),
        ({"error": "500", "left_alone": True}, "RENDER READS ARE PAUSED"),
        ({"error": "401", "key": "RENDER_API_KEY"}, "RENDER REFUSES THE PORTAL'S KEY"),
    ],
)
def test_the_bar_of_a_provider_says_what_is_wrong(fields: dict[str, Any], word: str) -> None:
    bar = provider_bar(freshness(**fields), ())
    assert bar is not None
    assert bar.word == word


@pytest.mark.parametrize(("error", "text"), [("Time-out", "Time-out. The"), ("No.", "No. The"), ("", "The")])
def test_the_error_of_a_provider_ends_with_one_full_stop(error: str, text: str) -> None:
    bar = provider_bar(freshness(error=error), ())
    assert bar is not None
    assert as_text(bar.message).startswith(f"{text} data of API, Search was last read from Render ")


def test_a_provider_that_was_never_read_says_what_is_not_known() -> None:
    bar = provider_bar(freshness(read_at=None), ())
    assert bar is not None
    assert as_text(bar.message) == "Render has never been read, so nothing is known about API, Search yet."


def test_a_provider_without_trouble_is_not_affected() -> None:
    vercel = freshness(provider="vercel", name="Vercel", tone="good")
    render = freshness(error="500")
    bar = provider_bar(render, (render, vercel))
    assert bar is not None
    assert as_text(bar.still_works) == (
        "The portal tries again every 15 s. "
        "You can still look, and each operation reads anew before it starts; Vercel is not affected."
    )


def test_a_refused_key_says_which_variable_needs_a_new_one_and_when_the_portal_asks_again() -> None:
    at = timezone.now().replace(hour=13, minute=51, second=7)
    bar = provider_bar(freshness(error="401", key="RENDER_API_KEY", retry_at=at), ())
    assert bar is not None
    text = as_text(bar.still_works)
    assert text.startswith(
        "The portal tries again at 13:51:07 UTC. You can still look. An operation on API, Search "
    )
    assert "set a key that Render accepts in RENDER_API_KEY and restart the workers" in text
