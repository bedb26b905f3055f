"""A worker's verb: take one change along its line, one step at a time, each step safe to lose.

Every write is guarded by the lease of the worker that makes it, and a session lock proves that the worker
still lives. The intent to call a provider is committed before the call, so whatever dies, the row says what
may have happened, and nothing is sent twice. The steps themselves are in `steps/`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from deployments import bell, circuit
from deployments.connections import provider
from deployments.models import Change
from deployments.providers.base import ProviderError, Urgency
from deployments.silent import give_up_on_silent_owner
from deployments.steps import STEPS, LeaseLost, Next, Run
from deployments.sync import read_service
from rollback_portal import proof, stopping

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
PATIENT = 5.0  # seconds that a worker waits itself; for longer it hands the change back

Watch = Callable[[Change], None]


def run(pk: int, *, seconds: float, patient: float = PATIENT, watch: Watch = lambda change: None) -> bool:
    """Work on one change until it ends, has to wait for long, or the time is up.

    Args:
        pk: the change.
        seconds: how long to stay with it.
        patient: for a longer wait than this the change is handed back.
        watch: called after each step, for those who look on.

    Returns:
        True where the change is still active, due at once and ours to go on with. A process that was asked
        to stop hands it over between two steps, and takes no other one.
    """
    if stopping.asked():
        return False
    goes_on = _run(pk, seconds, patient, watch)
    if stopping.asked():
        bell.notify()  # only now is the lock gone, and whoever is rung for the change gets it
    return goes_on


def _run(pk: int, seconds: float, patient: float, watch: Watch) -> bool:
    with proof.of_life(f"change:{pk}") as alone:
        if not alone:
            give_up_on_silent_owner(pk)
            return False
        owner = uuid4()
        change = claim(pk, owner)
        if change is None:
            return False
        try:
            return _work(change, owner, time.monotonic() + seconds, patient, watch)
        except LeaseLost:
            log.warning("change %s was taken up by another worker", pk)
            return False


def claim(pk: int, owner: UUID) -> Change | None:
    """Take the change if it is due and nobody else holds it."""
    now = timezone.now()
    taken = Change.objects.due(now).filter(pk=pk).update(lease_owner=owner, lease_until=now + LEASE)
    return Change.objects.shown().get(pk=pk) if taken else None


def _work(change: Change, owner: UUID, deadline: float, patient: float, watch: Watch) -> bool:
    while True:
        pause = step(change, owner)
        watch(change)
        if pause is None:
            read_service(change.service, provider(change.service.provider, Urgency.OPERATION))
            return False
        due_at = timezone.now() + timedelta(seconds=pause)
        too_long = pause > patient or time.monotonic() + pause > deadline
        if too_long or stopping.asked(within=pause):
            _hand_back(change, owner, due_at)
            return pause <= patient and not stopping.asked()
        if not _renew(change, owner):
            return False


def step(change: Change, owner: UUID) -> float | None:
    """Do the next step; return the seconds until the one after it, None where the change has ended."""
    run_ = Run(change, owner, provider(change.service.provider, Urgency.OPERATION))
    try:
        pause: Next = STEPS[change.status](run_)
    except ProviderError as error:  # a read that failed: nothing was changed by it, so ask again
        log.info("change %s, %s: %s", change.pk, change.status, error)
        circuit.failed_in_operation(change.service.provider, error)
        pause = run_.stumble(error)
    return None if not change.active else pause


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


def _hand_back(change: Change, owner: UUID, due_at: datetime) -> None:
    """Whoever is rung for it first may have it from `due_at` on; the wait for that one counts from there."""
    held = Change.objects.filter(pk=change.pk, lease_owner=owner)
    held.update(lease_owner=None, lease_until=None, not_before=due_at, rung_at=None)


def due() -> list[int]:
    """The changes that a worker should take up now: lost messages, ended waits, dead workers."""
    return list(Change.objects.due(timezone.now()).order_by("pk").values_list("pk", flat=True)[:100])


def due_since(change: Change) -> datetime:
    """Since when somebody should have been working on a change that nobody works on."""
    began = change.operation.requested_at
    return max(moment for moment in (began, change.not_before, change.lease_until) if moment is not None)


def wait_until_due(pk: int) -> None:
    """Sleep until a change that was handed back may be taken up again, a second at a time."""
    while pk not in due() and Change.objects.active().filter(pk=pk).exists():
        time.sleep(1.0)
