"""A model of a change's life: no order of work, faults, clicks and external changes breaks an invariant.

Hypothesis chooses the order, the rows are in real PostgreSQL, the provider is the sandbox. PORTAL_MODEL_LIVES
is the number of lives (`make model`: 500 of 50 events each). Each commit has its own lives (see
tests/seed.py), unless PORTAL_MODEL_SEED is `new` (as in `make model`) or an earlier run's number.
PORTAL_MODEL_WITHOUT names a safety measure to remove first (see tests/chaos/mutants.py): then a life that
breaks an invariant has to be found.
"""

from __future__ import annotations

import os
import secrets
import sys
import time

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos import mutants
from tests.deployments.operations.model.model import LifeOfAChange
from tests.deployments.operations.model.stage import Stage
from tests.seed import seed_of_this_commit

pytestmark = pytest.mark.long
LIVES = int(os.environ.get("PORTAL_MODEL_LIVES", "40"))
EVENTS = 50
SEED = os.environ.get("PORTAL_MODEL_SEED", "")
WITHOUT = os.environ.get("PORTAL_MODEL_WITHOUT", "")
MANY = 300  # from this many lives on, each of these events has to happen
HAPPENS = {
    "a late order arrives", "a lost answer", "sent again after a read-back", "settled by hand",
    "a worker dies between two statements", "a worker dies at order", "a worker dies at bytes",
    "a worker dies at answer", "a worker stands at bytes", "a worker hands over and stops",
    "a worker was stalled",
    "a clock is wrong", "every clock is right",
    "asked twice", "cancel asked for", "pushed", "rolled back in the dashboard",
    "ended: succeeded", "ended: failed", "ended: canceled", "ended: needs_attention",
}  # fmt: skip


def test_no_order_of_events_breaks_a_promise(stage: Stage) -> None:
    LifeOfAChange.stage = stage
    began = time.monotonic()
    if WITHOUT:
        take_out(WITHOUT, stage)
        with pytest.raises(AssertionError) as failure:
            run_model(HUNT)
        print_summary(
            stage, began, f"without {WITHOUT}, life {stage.lives} breaks a promise: {failure.value}"
        )
        return
    run_model(TRY)
    print_summary(stage, began, f"{stage.lives} lives and {stage.events} events, no promise broken")
    assert LIVES < MANY or stage.seen.keys() >= HAPPENS, HAPPENS - stage.seen.keys()


def run_model(how: settings) -> None:
    chosen = choose_seed(SEED)
    sys.stdout.write(f"\nThe same lives again: make model LIVES={LIVES} SEED={chosen}\n")
    seed(chosen)(LifeOfAChange)
    # Without a minimum, Hypothesis's mutations of earlier lives would end many of them early.
    run_state_machine_as_test(LifeOfAChange, settings=how, _min_steps=EVENTS - 1)


def choose_seed(wanted: str) -> int:
    if wanted == "new":
        return secrets.randbits(32)
    return int(wanted) if wanted else seed_of_this_commit()


def take_out(name: str, stage: Stage) -> None:
    """Remove the measure from this process; an index only from this transaction."""
    mutants.take_out(name)
    if name == "index":
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX one_active_change_per_service")
        stage.save_start()


def print_summary(stage: Stage, began: float, verdict: str) -> None:
    lines = [f"{times:7,}  {what}" for what, times in sorted(stage.seen.items()) if times]
    sys.stdout.write("\n".join(["", *lines, f"{verdict} ({time.monotonic() - began:.0f} s)", ""]))


TRY = settings(
    max_examples=LIVES,
    stateful_step_count=EVENTS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    report_multiple_bugs=False,
)
HUNT = settings(TRY, phases=[Phase.generate])
