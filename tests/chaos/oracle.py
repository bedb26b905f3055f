"""The judge: compares acknowledgments, rows, audit log and the provider's record.

A pure function. People cycle through a dozen targets per service and wait for the end of each operation, so
an order belongs to the newest operation for its service and target that had been requested by then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

EARLY = 0.05  # seconds; tolerated clock difference on one machine
ENDED = ("succeeded", "failed", "canceled", "needs_attention")
ENDINGS = {
    "succeeded": "done", "failed": "failed", "canceled": "canceled", "needs_attention": "needs attention",
}  # fmt: skip
ACTIONS = ("rollback", "promotion", "leaving the rollback")


@dataclass(frozen=True, slots=True)
class Row:
    """A change as the database has it; times in seconds since 1970."""

    operation: str
    service: str
    target: str
    status: str
    asked_for_at: float
    ended_at: float | None = None
    read_back: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A traffic-changing POST as the provider lists it."""

    at: float
    service: str
    target: str
    applied: bool


@dataclass
class Findings:
    """The problems by kind, one sentence each."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)  # the status contradicts the provider
    stuck: list[str] = field(default_factory=list)
    crowded: list[str] = field(default_factory=list)  # two active changes on one service
    unaudited: list[str] = field(default_factory=list)

    @property
    def red(self) -> bool:
        return any(self.all().values())

    def all(self) -> dict[str, list[str]]:
        return {
            "lost": self.lost,
            "doubled": self.doubled,
            "untrue": self.untrue,
            "stuck": self.stuck,
            "crowded": self.crowded,
            "unaudited": self.unaudited,
        }


def judge(
    *,
    acknowledged: Collection[str],
    rows: Sequence[Row],
    orders: Sequence[Order],
    audit: Mapping[str, Sequence[str]],
    crowded: Sequence[str] = (),
    final: bool = True,
) -> Findings:
    """Compare the four records.

    Args:
        acknowledged: the operations that were confirmed to a person.
        audit: the actions of each operation's entries, oldest first.
        crowded: samples with two active changes on one service.
        final: the run is over, so every operation must have ended; otherwise only violations that cannot
            be repaired count.
    """
    found = Findings(crowded=list(crowded))
    known = {row.operation: row for row in rows}
    missing = [operation for operation in acknowledged if operation not in known]
    found.lost += [f"{operation} was acknowledged and has no row" for operation in missing]
    applied = applied_by_operation(rows, orders, found)
    for row in rows:
        _judge_row(row, applied[row.operation], found, final)
    if final:
        for row in rows:
            _judge_audit(row, audit.get(row.operation, ()), found)
    return found


def as_they_were(before: Sequence[Row], after: Sequence[Row]) -> list[Row]:
    """Return the rows of the second query with their state at the first, new ones as queued."""
    first = {row.operation: row for row in before}
    return [first.get(row.operation, replace(row, status="queued")) for row in after]


def applied_by_operation(rows: Sequence[Row], orders: Sequence[Order], found: Findings) -> Counter[str]:
    """Count how often the provider applied each operation."""
    applied: Counter[str] = Counter()
    for order, row in _matched(rows, orders):
        if order.applied and row is not None:
            applied[row.operation] += 1
        elif order.applied:
            found.untrue.append(f"the provider was asked for {order.target}, which nobody had asked for")
    return applied


def received_at(rows: Sequence[Row], orders: Sequence[Order]) -> dict[str, float]:
    """Return when the provider first received each operation's order, even if it refused it."""
    first: dict[str, float] = {}
    for order, row in _matched(rows, orders):
        if row is not None:
            first.setdefault(row.operation, order.at)
    return first


def _matched(rows: Sequence[Row], orders: Sequence[Order]) -> Iterator[tuple[Order, Row | None]]:
    """Yield each order, oldest first, with the row of its operation."""
    candidates: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.asked_for_at):
        candidates[row.service, row.target].append(row)
    for order in sorted(orders, key=lambda order: order.at):
        requested = candidates[order.service, order.target]
        before = [row for row in requested if row.asked_for_at <= order.at + EARLY]
        yield order, before[-1] if before else None


def _judge_row(row: Row, times: int, found: Findings, final: bool) -> None:
    label = f"{row.operation} ({row.status}, {row.service} to {row.target})"
    if times > 1:
        found.doubled.append(f"{label} was applied {times} times")
    if row.status in ("failed", "canceled") and times:
        found.untrue.append(f"{label} was applied all the same: {row.message}")
    if row.status == "succeeded" and not times and "Nothing to do" not in row.message:
        found.lost.append(f"{label} was never applied: {row.message}")
    if final and row.status not in ENDED:
        found.stuck.append(f"{label} has not ended: {row.message}")


def _judge_audit(row: Row, actions: Sequence[str], found: Findings) -> None:
    requests = [action for action in actions if action in {f"{kind} requested" for kind in ACTIONS}]
    if len(requests) != 1:
        found.unaudited.append(f"{row.operation} has {len(requests)} entries “requested”")
    words = {f"{kind} {word}" for kind in ACTIONS for word in ENDINGS.values()} | {"worker stalled"}
    carried_out = [action.removesuffix(", and fails") for action in actions]  # its target may answer errors
    endings = [action for action in carried_out if action in words]
    expected = [ENDINGS[row.status]] if row.status in ENDINGS else []
    results = [
        ending.split(" ", 1)[1] if ending != "worker stalled" else "needs attention" for ending in endings
    ]
    if results != expected:
        found.unaudited.append(f"{row.operation} is {row.status}, the audit log says {endings or 'nothing'}")
