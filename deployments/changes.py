"""A worker's verb: take one change along its line, one step at a time, each step safe to lose.

Every write is guarded by the lease of the worker that makes it. The intent to call a provider is
committed before the call, so whatever dies, the row says what may have happened, and nothing is sent
twice. The steps themselves are in `steps.py`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import close_old_connections, connection
from django.db.models import F
from django.utils import timezone

from deployments.connections import provider
from deployments.models import Change
from deployments.providers.base import ProviderError, Urgency
from deployments.steps import STEPS, LeaseLost, Next, Run
from deployments.sync import read_service

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # longer than the longest call, so that a slow answer is not a lost lease
PATIENT = 5.0  # seconds that a worker waits itself; for longer it hands the change back
STUMBLE = 5.0  # seconds until the next try after an error that no step expected


def claim(pk: int, owner: UUID) -> Change | None:
    """Take the change if it is due and nobody else holds it."""
    now = timezone.now()
    taken = Change.objects.due(now).filter(pk=pk).update(lease_owner=owner, lease_until=now + LEASE)
    return Change.objects.shown().get(pk=pk) if taken else None


def run(
    pk: int,
    *,
    seconds: float,
    patient: float = PATIENT,
    watch: Callable[[Change], None] = lambda change: None,
) -> bool:
    """Work on one change until it ends, has to wait for long, or the time is up.

    Args:
        pk: the change.
        seconds: how long to stay with it.
        patient: for a longer wait than this the change is handed back.
        watch: called after each step, for those who look on.

    Returns:
        True where the change is still active and due at once: ring again.
    """
    owner = uuid4()
    change = claim(pk, owner)
    if change is None:
        return False
    deadline = time.monotonic() + seconds
    try:
        while True:
            pause = step(change, owner)
            watch(change)
            if pause is None:
                read_service(change.service, provider(change.service.provider, Urgency.OPERATION))
                return False
            if pause > patient or time.monotonic() + pause > deadline:
                _hand_back(change, owner, pause)
                return pause <= patient
            time.sleep(pause)
            if not _renew(change, owner):
                return False
    except LeaseLost:
        log.warning("change %s was taken up by another worker", pk)
        return False


def step(change: Change, owner: UUID) -> float | None:
    """Do the next step; return the seconds until the one after it, None where the change has ended."""
    run_ = Run(change, owner, provider(change.service.provider, Urgency.OPERATION))
    try:
        pause: Next = STEPS[change.status](run_)
    except ProviderError as error:  # a read that failed: nothing was changed by it, so ask again
        log.info("change %s, %s: %s", change.pk, change.status, error)
        return run_.stumble(error)
    return None if change.ended else pause


def _renew(change: Change, owner: UUID) -> bool:
    """Prove that we are alive, and see whether somebody has asked to cancel."""
    if not connection.in_atomic_block:
        close_old_connections()  # a connection that PostgreSQL dropped is found out here, not in a write
    held = Change.objects.filter(pk=change.pk, lease_owner=owner, lease_until__gt=timezone.now())
    if not held.update(lease_until=timezone.now() + LEASE):
        return False
    fresh = Change.objects.only("cancel_asked_at", "cancel_asked_by").get(pk=change.pk)
    change.cancel_asked_at, change.cancel_asked_by = fresh.cancel_asked_at, fresh.cancel_asked_by
    return True


def _hand_back(change: Change, owner: UUID, pause: float) -> None:
    wait = timezone.now() + timedelta(seconds=pause) if pause > 0 else None
    Change.objects.filter(pk=change.pk, lease_owner=owner).update(
        lease_owner=None, lease_until=None, not_before=wait
    )


def due() -> list[int]:
    """The changes that a worker should take up now: lost messages, ended waits, dead workers."""
    rows = Change.objects.due(timezone.now()).order_by(F("not_before").asc(nulls_first=True), "pk")
    return list(rows.values_list("pk", flat=True)[:100])


def wait_until_due(pk: int) -> None:
    """Sleep until a change that was handed back may be taken up again, a second at a time."""
    while pk not in due() and Change.objects.active().filter(pk=pk).exists():
        time.sleep(1.0)
