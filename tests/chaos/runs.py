"""The runs: what is set up, what is broken, and what has to come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import plan
from tests.chaos.plan import MIXED


@dataclass(frozen=True)
class Run:
    """One run.

    `setting` is for the processes (see `estate.Setting`). `red` runs have to be caught: they end as soon as
    they are. `every` is the mean of the seconds between two faults.
    """

    name: str
    seconds: float
    kinds: Mapping[str, int] = field(default_factory=dict)
    every: float = 2.5
    most: int = 0
    longer: float = 1.0
    services: int = 16
    clicks: int = 1
    pause: float = 0.2
    drain: float = 90.0
    red: bool = False
    blackout: bool = False  # all workers and dispatchers are killed once, at the end of the load
    setting: Mapping[str, Any] = field(default_factory=dict)


KILLS = {plan.WORKER_KILLED: 3, plan.CHILD_KILLED: 1}
RELEASE = {"release": 3.0}  # slow enough that whoever looks meanwhile still sees the old one
HELD_BEFORE = {"before": 0.4, "trouble": 0.0, **RELEASE}
HELD_AFTER = {"after": 0.8, "trouble": 0.0, **RELEASE}

MIXED_RUN = Run("mixed", 120, MIXED)
UNDISTURBED = Run("undisturbed", 25, services=4, pause=1.0, setting={"trouble": 0.0})
BLACKOUT = Run(
    "one crash, production times",
    12,
    blackout=True,
    services=16,
    setting={"real_time": True, "trouble": 0.0, "longest": 2.0},
)
NO_QUEUE = Run("no queue at all", 20, services=4, pause=1.0, setting={"queue": False, "trouble": 0.0})
NAIVE = Run("usual Celery set-up", 40, KILLS, red=True, drain=35, setting={"naive": True})

# A fitting plan for each part that can be taken out; the whole product has to stay green under the same one.
FITTING = {
    "intent": Run("intent", 60, KILLS, every=2.0, setting=RELEASE),
    "lease": Run(
        "lease", 90, {plan.LOCKS_CUT: 1}, every=1.2, services=8,
        setting={"busy": 0.5, "longest": 2.4, "trouble": 0.0, **RELEASE},
    ),
    "readback": Run("readback", 60, KILLS, every=4.0, setting=RELEASE),
    "deadline": Run("deadline", 90, {plan.WORKER_CUT_OFF: 1}, every=18.0, setting=HELD_BEFORE),
    "lock": Run("lock", 90, {plan.WORKER_FROZEN: 1}, every=18.0, longer=1.5, setting=HELD_AFTER),
    "index": Run("index", 40, {}, clicks=6, setting={"trouble": 0.0}),
    "dispatcher": Run("dispatcher", 25, {plan.QUEUE_WIPED: 2, plan.WORKER_KILLED: 1}, every=3.0, drain=30),
}  # fmt: skip

FULL = (
    Run("worker killed", 420, KILLS, every=2.0),
    Run("dispatcher killed", 150, {plan.DISPATCHER_KILLED: 1}),
    Run("queue killed", 120, {plan.QUEUE_KILLED: 2, plan.QUEUE_WIPED: 2, plan.QUEUE_FROZEN: 1}, every=3.0),
    Run("database restarted", 120, {plan.DATABASE_RESTARTED: 1}, every=6.0),
    Run("worker frozen", 600, {plan.WORKER_FROZEN: 1}, every=11.0, setting={"before": 0.15}),
    Run("storm of deliveries", 60, {plan.STORM: 1}, every=1.0),
    Run("mixed, long", 900, MIXED),
)
