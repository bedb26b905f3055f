"""The fault plan: which fault hits which process, and when. The same seed gives the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

WORKER_KILLED = "worker killed"
CHILD_KILLED = "pool child killed"
WORKER_FROZEN = "worker frozen"
WORKER_CUT_OFF = "worker frozen, locks freed"
DISPATCHER_KILLED = "dispatcher killed"
QUEUE_KILLED = "queue killed"
QUEUE_WIPED = "queue wiped"
QUEUE_FROZEN = "queue frozen"
DATABASE_RESTARTED = "database restarted"
LOCKS_CUT = "locks cut, all published again"
STORM = "storm of deliveries"
WEB_KILLED = "web killed"
PROVIDER_FROZEN = "provider frozen"
PROVIDER_KILLED = "provider killed"

# How often each happens in a mixed run.
MIXED: Mapping[str, int] = {
    WORKER_KILLED: 36,
    CHILD_KILLED: 6,
    WORKER_FROZEN: 6,
    DISPATCHER_KILLED: 20,
    QUEUE_KILLED: 9,
    QUEUE_WIPED: 9,
    QUEUE_FROZEN: 4,
    DATABASE_RESTARTED: 9,
    LOCKS_CUT: 6,
    STORM: 5,
    WEB_KILLED: 9,
}
LENGTHS: Mapping[str, tuple[float, float]] = {
    WORKER_FROZEN: (8.0, 13.0),  # longer than the lease of 6 s
    WORKER_CUT_OFF: (14.0, 16.0),  # long enough for another worker to send
    QUEUE_KILLED: (0.0, 3.0),
    QUEUE_WIPED: (0.0, 3.0),
    QUEUE_FROZEN: (3.0, 8.0),
    PROVIDER_FROZEN: (5.0, 5.0),  # less than a call and its settle time together: see `Setting.settle`
    PROVIDER_KILLED: (0.5, 2.5),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One interruption. `at` is in seconds from the start of the load, `seconds` how long it lasts."""

    at: float
    kind: str
    which: int
    seconds: float


def draw_plan(
    seed: int, *, seconds: float, every: float, kinds: Mapping[str, int], most: int = 0, longer: float = 1.0
) -> list[Fault]:
    """Return a random plan for this seed.

    Args:
        seconds: how long faults are injected, in seconds.
        every: the mean of the time between two of them, in seconds.
        kinds: what may happen, with weights; empty for an undisturbed run.
        most: the limit of faults; 0 for no limit.
        longer: factor for the usual length of each.
    """
    random = Random(seed)
    faults: list[Fault] = []
    at = 2.0
    while kinds and at < seconds and (not most or len(faults) < most):
        kind = random.choices(list(kinds), list(kinds.values()))[0]
        shortest, longest = LENGTHS.get(kind, (0.0, 0.0))
        faults.append(Fault(at, kind, random.randrange(1000), random.uniform(shortest, longest) * longer))
        at += random.uniform(0.4, 1.6) * every
    return faults


def counted(faults: list[Fault]) -> dict[str, int]:
    """Return the number of faults of each kind."""
    return {kind: sum(fault.kind == kind for fault in faults) for kind in sorted({f.kind for f in faults})}
