"""What holds after every event: rows, audit log and provider agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from django.db import connection

from deployments.models import Change, Pin
from rollback_portal.audit.models import AuditEntry
from tests.deployments.operations.model.stage import Stage

SETTLED = "settled by hand"  # "not applied" ends the change, "applied" goes on to the version check
ENDINGS = {
    "succeeded": {"rollback done", "rollback done, and fails"},
    "failed": {"rollback failed", SETTLED},
    "canceled": {"rollback canceled"},
    "needs_attention": {"rollback needs attention", "worker stalled"},
}
TELLING = set().union(*ENDINGS.values())


def check(stage: Stage, asked: Collection[int]) -> list[Change]:
    """Raise an AssertionError for the first broken invariant, else return all changes.

    Args:
        asked: the changes of all operations that were acknowledged.
    """
    assert len(connection.savepoint_ids) == stage.depth
    rows = list(Change.objects.select_related("operation", "to_deployment").order_by("pk"))
    assert {row.pk for row in rows} == set(asked), "an operation was lost or invented"
    crowded = [count for count in Counter(row.service_id for row in rows if row.active).values() if count > 1]
    assert not crowded, "two changes are active on one service"
    applied = Counter(order.change for order in stage.wire.orders)
    assert max(applied.values(), default=0) <= 1, f"an operation was applied twice: {stage.wire.orders}"
    assert not stage.wire.overlapping_orders, "an order is sent again while the first one is still on its way"
    early = set(stage.late_arrivals) - {"needs_attention"}
    assert not early, f"{early}, and an order of it arrives afterwards"
    undisturbed = not stage.outside_changes
    for row in rows:
        if row.ended and undisturbed:
            _check_truth(stage, row)
        undisturbed = undisturbed and row.status != "needs_attention"  # its order may still take effect
    _check_audit(rows)
    pins = Counter(Pin.objects.standing().values_list("service", flat=True))
    assert max(pins.values(), default=0) <= 1, "two pins stand on one service"
    return rows


def _check_truth(stage: Stage, row: Change) -> None:
    ours = [order for order in stage.wire.orders if order.change == row.pk and stage.reached_users(order)]
    if row.status == "succeeded":
        assert ours or _was_there_already(stage, row), f"it succeeded and users never saw it: {row.message}"
    if row.status in {"failed", "canceled"}:
        assert not ours, f"{row.status}, and users see it all the same: {row.message}"


def _was_there_already(stage: Stage, row: Change) -> bool:
    """Return whether an earlier operation had already made the same deployment live."""
    assert row.to_deployment is not None
    target, orders = row.to_deployment.provider_id, stage.wire.orders
    return any(order.deployment == target and stage.reached_users(order) for order in orders)


def _check_audit(rows: Sequence[Change]) -> None:
    actions_by_operation: defaultdict[object, list[str]] = defaultdict(list)
    entries = AuditEntry.objects.filter(action__in=TELLING).order_by("pk")
    for operation, action in entries.values_list("operation", "action"):
        actions_by_operation[operation].append(action)
    for row in rows:
        actions = actions_by_operation[row.operation_id]
        settled = actions.count(SETTLED)  # each follows an entry “needs attention”
        by_itself = row.ended and actions[-1:] != [SETTLED]
        assert not row.ended or actions[-1] in ENDINGS[row.status], (
            f"{row.status}, the audit log says {actions}"
        )
        assert len(actions) == 2 * settled + by_itself, f"{row.status}, the audit log says {actions}"
