"""Selects the runs for the complete table, for a merge, and for the night."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.chaos import answers, commits, plan
from tests.chaos.runs import (
    ANSWERS,
    BEHIND,
    BLACKOUT,
    COMMITS,
    FITTING,
    FROZEN,
    IN_FLIGHT,
    KILLS,
    MIXED_RUN,
    NAIVE,
    NO_DATE,
    NO_QUEUE,
    POINTS,
    PROVIDER,
    READ_BACK,
    SKEWED,
    STORM_RUN,
    UNDISTURBED,
    Run,
    named_points,
    storm,
)

Chosen = list[tuple[Run, str]]  # each run with the safety measure that is removed

PRODUCT = (
    UNDISTURBED, MIXED_RUN, POINTS, COMMITS, ANSWERS, BEHIND, FROZEN, STORM_RUN, PROVIDER, BLACKOUT, NO_QUEUE,
    SKEWED, NO_DATE,
)  # fmt: skip
SLOWER = 3
SHARE = 0.4  # of the numbers of a complete run that one merge plays
QUICK = tuple(part for part in FITTING if part != "identity")  # mutants that a merge has the time to catch


def complete() -> Chosen:
    """Return every product run, every mutant, its control, and the usual Celery set-up."""
    return [*_product(*PRODUCT, *map(control, FITTING)), *_mutants(), (NAIVE, "")]


def merge(seed: int) -> Chosen:
    """Return the runs of a merge; the seed chooses the one mutant and the one wrong clock.

    Each merge has a seed of its own, so runs that count are over after `SHARE` of the numbers of `complete`.
    The mutants' controls, what takes production's own times and the usual set-up are left to the night.
    """
    mixed = replace(MIXED_RUN, seconds=130, every=1.5)
    frozen = replace(FROZEN, seconds=50)
    part = QUICK[seed % len(QUICK)]
    clock = (ANSWERS, BEHIND)[seed // len(QUICK) % 2]
    counting = map(_shortened, (POINTS, COMMITS, clock, STORM_RUN))
    return [*_product(UNDISTURBED, mixed, *counting, frozen, NO_QUEUE), mutant(part)]


def _shortened(run: Run) -> Run:
    until = {what: math.ceil(number * SHARE) for what, number in run.until.items()}
    deaths = math.ceil(run.setting.get("deaths", 0) * SHARE)
    return replace(run, until=until, setting={**run.setting, "deaths": deaths} if deaths else run.setting)


def full() -> Chosen:
    """Return the runs of a night; each goes on until it has its numbers."""
    mixed = replace(MIXED_RUN, name="mixed, long", seconds=900)
    commits_cut = replace(COMMITS, seconds=3600, until=dict.fromkeys(commits.KINDS, 750))
    clocks = [
        replace(run, seconds=900, until=dict.fromkeys(answers.ORDERS, 200)) for run in (ANSWERS, BEHIND)
    ]
    whole = (
        UNDISTURBED,
        _until("worker killed", KILLS, 2.0, 3600, {IN_FLIGHT: 3_000}),
        named_points(200, 1500),
        _until("dispatcher killed", {plan.DISPATCHER_KILLED: 1}, 1.2, 900, {plan.DISPATCHER_KILLED: 500}),
        _until("queue killed", dict(zip(QUEUE, (4, 3, 2), strict=True)), 3.0, 1800,
               dict(zip(QUEUE, (200, 100, 50), strict=True))),
        _until("database restarted", {plan.DATABASE_RESTARTED: 1}, 6.0, 1800, {plan.DATABASE_RESTARTED: 200}),
        replace(FROZEN, seconds=5400, until={plan.WORKER_FROZEN: 500}),
        commits_cut, *clocks, storm(16_000, 900), replace(PROVIDER, seconds=600), mixed, BLACKOUT, NO_QUEUE,
        replace(SKEWED, seconds=1800, until={READ_BACK: 100}), NO_DATE,
    )  # fmt: skip
    return [*_product(*whole, *map(control, FITTING)), *_mutants(), (NAIVE, "")]


QUEUE = (plan.QUEUE_KILLED, plan.QUEUE_WIPED, plan.QUEUE_FROZEN)


def control(name: str) -> Run:
    """Return a mutant's plan for the unchanged product."""
    return replace(FITTING[name], name=f"control of {name}")


def mutant(name: str) -> tuple[Run, str]:
    """Return the run of a mutant, with extra time for slow machines; it ends once it is caught."""
    return replace(FITTING[name], seconds=FITTING[name].seconds * SLOWER), name


def _until(
    name: str, kinds: Mapping[str, int], every: float, seconds: float, until: Mapping[str, Any]
) -> Run:
    return Run(name, seconds, kinds, every=every, until=until)


def _product(*whole: Run) -> Chosen:
    return [(run, "") for run in whole]


def _mutants() -> Chosen:
    return [mutant(name) for name in FITTING]
