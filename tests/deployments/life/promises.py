"""What holds after every event, whatever the order: rows, audit log and provider tell one story."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from django.db import connection

from deployments.models import Change, Pin
from rollback_portal.audit.models import AuditEntry
from tests.deployments.life.stage import Order, Stage

ENDINGS = {
    "succeeded": "rollback done",
    "failed": "rollback failed",
    "canceled": "rollback canceled",
    "needs_attention": "rollback needs attention",
}
SILENT = "worker silent"  # another word for needing attention: the portal itself saw it
SETTLED = "settled by hand"
TELLING = {*ENDINGS.values(), SILENT, SETTLED}


def check(stage: Stage, asked: Collection[int]) -> list[Change]:
    """Raise an AssertionError for the first promise that is broken; return the changes as they are.

    Args:
        asked: the changes of all operations that were acknowledged.
    """
    assert len(connection.savepoint_ids) == stage.depth
    rows = list(Change.objects.select_related("operation").order_by("pk"))
    assert {row.pk for row in rows} == set(asked), "an operation was lost or invented"
    crowded = [count for count in Counter(row.service_id for row in rows if row.active).values() if count > 1]
    assert not crowded, "two changes are active on one service"
    applied = Counter(order.change for order in stage.wire.orders)
    assert max(applied.values(), default=0) <= 1, f"an operation was applied twice: {stage.wire.orders}"
    undisturbed = not stage.moved_by_others
    for row in rows:
        if row.ended and undisturbed:
            _check_truth(stage, row, [order for order in stage.wire.orders if order.change == row.pk])
        undisturbed = undisturbed and row.status != "needs_attention"  # what it did may still surface
    _check_audit(rows)
    pins = Counter(Pin.objects.filter(left_at=None).values_list("service", flat=True))
    assert max(pins.values(), default=0) <= 1, "two pins stand on one service"
    return rows


def _check_truth(stage: Stage, row: Change, orders: Sequence[Order]) -> None:
    if row.status == "succeeded":
        assert len(orders) == 1, f"it succeeded and was applied {len(orders)} times: {row.sentence}"
        assert stage.took_effect(orders[0]), f"it succeeded and users never saw it: {row.sentence}"
    if row.status in {"failed", "canceled"}:
        seen = [order for order in orders if stage.took_effect(order)]
        assert not seen, f"{row.status}, and users see it all the same: {row.sentence}"


def _check_audit(rows: Sequence[Change]) -> None:
    told: defaultdict[object, list[str]] = defaultdict(list)
    entries = AuditEntry.objects.filter(action__in=TELLING).order_by("pk")
    for operation, action in entries.values_list("operation", "action"):
        told[operation].append(action)
    for row in rows:
        said = told[row.operation_id]
        by_hand = said.count(SETTLED)
        endings = [ENDINGS["needs_attention"] if each == SILENT else each for each in said if each != SETTLED]
        expected = [ENDINGS["needs_attention"]] * by_hand
        expected += [ENDINGS[row.status]] if row.ended else []
        if by_hand and row.status == "failed":
            expected = endings if len(endings) <= by_hand + 1 else expected  # a person's no is the ending
        assert endings == expected, f"{row.status}, and the audit log says {said}"
