"""Graceful shutdown with real processes: a worker or dispatcher ends its step and hands the change over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deployments.models import Change
from deployments.operations import worker as change_worker
from deployments.operations.steps import STEPS
from deployments.sandbox.server.faults import Fault
from rollback_portal.jobs import queue
from rollback_portal.jobs.models import Heartbeat
from rollback_portal.jobs.process import shutdown
from rollback_portal.processes.supervised import Process, wait_until
from tests.deployments.conftest import Portal
from tests.deployments.real_processes import PATIENCE, RealProcesses, ask_to_stop, ended, processes, says

pytestmark = pytest.mark.long
LEASE = 600.0  # seconds; a change that was not handed over is free only after so long
AT_ONCE = 120.0  # seconds; on an idle machine it takes 1 to 3
POOLS = pytest.mark.parametrize("pool", ["threads", "children"])
READY, TAKEN = " ready.", "advance["
RELEASE = 300.0  # seconds


@pytest.fixture
def started(portal: Portal, tmp_path: Path) -> Iterator[RealProcesses]:
    """No process has started yet. The provider does not release until `settled`, so following takes long."""
    portal.world.pace = replace(portal.world.pace, release=RELEASE)
    with processes(tmp_path, portal.sandbox, LEASE_SECONDS=f"{LEASE:.0f}") as started:
        yield started


def start_worker(started: RealProcesses, pool: str) -> Process:
    """A worker that is ready to take the next change, and a dispatcher that publishes it."""
    worker, dispatcher = started.worker(pool), started.dispatcher()
    says(worker, READY)
    assert wait_until(lambda: beats(dispatcher), PATIENCE), dispatcher.log_tail()
    return worker


def asked(portal: Portal) -> Change:
    return portal.ask(portal.api, portal.candidate(portal.api))


def follow(change: Change, status: str) -> Change:
    """Wait until a worker holds the change in this status."""
    now = Change.objects.filter(pk=change.pk)
    held = now.filter(status=status, lease_owner__isnull=False)
    assert wait_until(held.exists, PATIENCE, pause=0.02), now.get().message
    return now.get()


def taken_over(change: Change, since: float, first: UUID | None) -> float:
    """Seconds until another worker holds the change, or the dispatcher where there is none."""
    others = Change.objects.filter(pk=change.pk, lease_owner__isnull=False).exclude(lease_owner=first)
    assert wait_until(others.exists, AT_ONCE, pause=0.02), Change.objects.get(pk=change.pk).message
    return time.monotonic() - since


def beats(process: Process) -> bool:
    """Whether this process has sent a heartbeat."""
    assert process.popen is not None
    return Heartbeat.objects.filter(process__endswith=f":{process.popen.pid}").exists()


def settled(portal: Portal, change: Change) -> Change:
    """Let the provider release, and wait until the change has ended."""
    clock = portal.world.clock
    portal.world.clock = lambda: clock() + timedelta(seconds=RELEASE)
    over = Change.objects.filter(pk=change.pk).exclude(status__in=STEPS)
    wait_until(over.exists, PATIENCE, pause=0.05)
    return Change.objects.shown().get(pk=change.pk)


@POOLS
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_follows_a_change_hands_it_over_at_once(
    portal: Portal, started: RealProcesses, pool: str, capsys: Any
) -> None:
    first = start_worker(started, pool)
    change = follow(asked(portal), "accepted")
    assert TAKEN in first.log.read_text(), "the machine is so busy that the dispatcher was faster"
    says(started.worker(pool), READY)

    since = ask_to_stop(first)
    took = taken_over(change, since, change.lease_owner)

    assert ended(first, AT_ONCE) == 0, first.log_tail()
    change = settled(portal, change)
    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.message
    assert "unclear" not in change.status_times
    with capsys.disabled():
        print(f"\n{pool}: handed over {took:.2f} s after SIGTERM")  # noqa: T201


@POOLS
@pytest.mark.django_db(transaction=True)
def test_a_worker_in_the_middle_of_an_order_waits_for_the_answer_first(
    portal: Portal, started: RealProcesses, pool: str, capsys: Any
) -> None:
    portal.sandbox.faults.add(Fault(on="render.rollback", do="slow", seconds=2))
    first = start_worker(started, pool)
    change = asked(portal)
    assert wait_until(lambda: len(portal.posts()) == 1, PATIENCE, pause=0.02), first.log_tail()
    assert TAKEN in first.log.read_text(), "the machine is so busy that the dispatcher was faster"
    owner = Change.objects.get(pk=change.pk, status="sending").lease_owner

    since = ask_to_stop(first)
    took = taken_over(change, since, owner)
    started.worker(pool)

    assert ended(first, AT_ONCE) == 0, first.log_tail()
    change = settled(portal, change)
    assert (change.status, change.resends, len(portal.posts())) == ("succeeded", 0, 1), change.message
    assert "unclear" not in change.status_times
    with capsys.disabled():
        print(f"\n{pool}: order ended and handed over {took:.2f} s after SIGTERM")  # noqa: T201


@pytest.mark.django_db(transaction=True)
def test_a_dispatcher_that_does_the_work_itself_hands_it_over_at_once(
    portal: Portal, started: RealProcesses
) -> None:
    nowhere = f"unix://{started.folder}/no-redis.sock?db=0"
    first = started.dispatcher(REDIS_URL=nowhere)
    change = follow(asked(portal), "accepted")
    second = started.dispatcher(REDIS_URL=nowhere)
    assert wait_until(lambda: beats(second), PATIENCE), second.log_tail()

    since = ask_to_stop(first)

    taken_over(change, since, change.lease_owner)
    assert ended(first, AT_ONCE) == 0, first.log_tail()
    change = settled(portal, change)
    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.message


@POOLS
@pytest.mark.django_db(transaction=True)
def test_an_idle_worker_ends_at_once(portal: Portal, started: RealProcesses, pool: str) -> None:
    idle = started.worker(pool)
    says(idle, READY)

    ask_to_stop(idle)

    assert ended(idle, AT_ONCE) == 0, idle.log_tail()


# --- Without processes: what is written ---


def test_a_process_that_was_asked_to_stop_takes_nothing(portal: Portal, monkeypatch: Any) -> None:
    monkeypatch.setattr(shutdown, "requested", lambda within=0.0: True)
    change = asked(portal)

    assert change_worker.run(change.pk, seconds=20) is False

    change.refresh_from_db()
    assert (change.status, change.lease_owner, portal.posts()) == ("queued", None, [])


def test_what_is_handed_over_is_due_at_once_and_published_again(portal: Portal, monkeypatch: Any) -> None:
    change = asked(portal)
    stop_after_the_first_step(monkeypatch)

    assert change_worker.run(change.pk, seconds=20) is False

    change.refresh_from_db()
    assert (change.status, change.lease_owner, change.published_at) == ("pinning", None, None)
    assert queue.due(Change) == [change.pk]
    # The next worker gets time to take it before the dispatcher helps.
    assert change.not_before == change.due_since


def test_a_wait_that_was_cut_short_is_kept(portal: Portal, monkeypatch: Any) -> None:
    """An order whose answer was lost is not looked up before it must have shown up at the provider."""
    portal.settings.SETTLE_SECONDS = 4
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="drop_after"))
    change = portal.ask(portal.web, portal.candidate(portal.web))
    stop_after_the_first_step(monkeypatch)

    change_worker.run(change.pk, seconds=20)

    change.refresh_from_db()
    assert (change.status, change.lease_owner) == ("unclear", None)
    assert queue.due(Change) == []
    assert change.not_before is not None
    assert change.order_intent_at is not None
    assert (change.not_before - change.order_intent_at).total_seconds() >= 4


def stop_after_the_first_step(monkeypatch: Any) -> None:
    answers = iter([False])
    monkeypatch.setattr(shutdown, "requested", lambda within=0.0: next(answers, True))
