"""The runs: their set-up, their faults, and the expected results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.chaos import answers, commits, plan, points
from tests.chaos.celery_messages import DELIVERED
from tests.chaos.plan import MIXED

IN_FLIGHT = "operations in flight at a fault"
ACKNOWLEDGED = "operations acknowledged"
READ_BACK = "operations read back"


@dataclass(frozen=True)
class Run:
    """One run.

    `setting` is for the processes (see `setting.Setting`). `red` runs have to be caught: they end as soon as
    they are. `every` is the mean time between two faults in seconds. `until` ends the load early, as soon as
    each of these events has happened this often; otherwise the run has fallen short, so `seconds` is three
    times what an idle machine needs, and more.
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
    copies: int = 0  # messages for each operation, at once
    until: Mapping[str, int] = field(default_factory=dict)
    least: int = 10  # operations that have to be acknowledged, or the run proves nothing
    red: bool = False
    blackout: bool = False  # all workers and dispatchers are killed once, at the end of the load
    setting: Mapping[str, Any] = field(default_factory=dict)


KILLS = {plan.WORKER_KILLED: 3, plan.CHILD_KILLED: 1}
RELEASE = {"release": 3.0}  # slow enough that a read in between still returns the old deployment
HELD_AFTER = {"after": 2.0, "trouble": 0.0, "release": 6.0}

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

# Lost answers at production's pace: the work is pending long after the settle time, and no clock is right,
# neither the provider's nor those of the two machines with the workers.
SKEWED = Run(
    "lost answers under skew", 600, services=24, pause=0.2, drain=240.0, until={READ_BACK: 20},
    setting={
        "real_time": True, "trouble": 3.0, "release": 85.0, "aliases": 65.0,
        "skew": -2400.0, "date_skew": 1500.0, "apart": 3600.0,
    },
)  # fmt: skip
NO_DATE = replace(
    SKEWED, name="lost answers, no date",
    setting={**SKEWED.setting, "no_date": True, "skew": -3600.0},
)  # fmt: skip

# A plan that catches each mutant; the whole product has to stay green under the same plan.
FITTING = {
    "intent": Run("intent", 60, KILLS, every=4.0, setting={"die_at": (points.UNANSWERED,), **RELEASE}),
    "lease": Run(
        "lease", 120, {plan.LOCKS_CUT: 1}, every=1.0, services=5,
        setting={"busy": 0.6, "longest": 2.4, "trouble": 0.0, **RELEASE},
    ),
    "readback": Run("readback", 60, KILLS, every=4.0, setting={"trouble": 3.0, **RELEASE}),
    "identity": replace(SKEWED, name="identity"),
    "deadline": Run(
        "deadline", 90, {plan.LOCKS_CUT: 1}, every=3.0, services=12,
        setting={"die_at": (points.HELD_UP,), "share": 0.2, "trouble": 0.0, "release": 8.0},
    ),
    "lock": Run("lock", 90, {plan.WORKER_FROZEN: 1}, every=9.0, longer=1.5, services=20, setting=HELD_AFTER),
    "index": Run("index", 40, {}, clicks=5, services=2, setting={"trouble": 0.0}),
    "dispatcher": Run("dispatcher", 25, {plan.QUEUE_WIPED: 2, plan.WORKER_KILLED: 1}, every=3.0, drain=30),
}  # fmt: skip


def named_points(deaths: int, seconds: float) -> Run:
    """Kill workers at each named point this often."""
    return Run(
        "named points", seconds, services=20, pause=0.1, until=dict.fromkeys(points.NAMES, deaths),
        setting={"die_at": points.NAMES, "deaths": deaths},
    )  # fmt: skip


def storm(deliveries: int, seconds: float) -> Run:
    """Publish eight copies of each message, and storms on top."""
    return Run(
        "storm of deliveries", seconds, {plan.STORM: 1}, copies=8, pause=0.1, until={DELIVERED: deliveries}
    )


POINTS = named_points(20, 900)
STORM_RUN = storm(1_600, 600)
FROZEN = Run("worker frozen", 70, {plan.WORKER_FROZEN: 1}, every=8.0, setting={"before": 0.15})

COMMITS = Run(
    "commits cut", 900, {}, services=24, pause=0.1, until=dict.fromkeys(commits.KINDS, 75),
    setting={"cut": 0.12},
)  # fmt: skip
# Twenty of each kind of answer, from a provider whose clock is ahead of ours, and from one behind.
ANSWERS = Run(
    "answers", 900, {}, services=24, pause=0.05, until=dict.fromkeys(answers.ORDERS, 20),
    setting={"odd": True, "skew": 600.0},
)  # fmt: skip
BEHIND = replace(ANSWERS, name="answers, clock behind", setting={"odd": True, "skew": -600.0})
PROVIDER = Run(
    "provider broken", 60, {plan.PROVIDER_FROZEN: 1, plan.PROVIDER_KILLED: 1}, every=8.0, pause=0.5,
    setting={"keeps": True, "settle": 5},
)  # fmt: skip
