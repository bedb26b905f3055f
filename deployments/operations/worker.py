"""What a worker does with one change: one step after the other, each of which may be cut off anywhere.

The intent to call a provider is committed before the call, so whatever dies, the row says what may have
happened, and nothing is sent twice. The steps themselves are in `steps/`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from deployments.clients import provider
from deployments.models import Change
from deployments.operations.stalled import give_up_on_stalled_worker
from deployments.operations.steps import STEPS, ChangeContext
from deployments.providers.base import ProviderError, Urgency
from deployments.sync import circuit_breaker
from deployments.sync.poll import read_service
from rollback_portal.jobs import queue
from rollback_portal.jobs.execution import execute
from rollback_portal.jobs.lease import Lease
from rollback_portal.jobs.process import shutdown

log = logging.getLogger(__name__)

SLICE = 40.0  # seconds that one message keeps a worker, well below Celery's time limit
LONGEST_WAIT = 5.0  # seconds that a worker waits itself; for longer it hands the change back

Observer = Callable[[Change], None]


def run(
    pk: int,
    *,
    seconds: float = SLICE,
    longest_wait: float = LONGEST_WAIT,
    observe: Observer = lambda change: None,
) -> bool:
    """Work on one change until it ends, has to wait for long, or the time is up.

    Args:
        pk: the change.
        seconds: how long to stay with it.
        longest_wait: seconds; before a longer wait the change is handed back.
        observe: called after each step.

    Returns:
        True where the change is still active and due at once.
    """
    deadline = time.monotonic() + seconds

    def work(lease: Lease[Change]) -> bool:
        return _work(lease.row, deadline, longest_wait, observe)

    return execute(Change.objects.shown(), pk, work, when_locked=give_up_on_stalled_worker)


def _work(change: Change, deadline: float, longest_wait: float, observe: Observer) -> bool:
    context = ChangeContext(change, provider(change.service.provider, Urgency.OPERATION))
    while True:
        pause = step(context)
        observe(change)
        if pause is None:
            read_service(change.service, context.provider)
            return False
        due_at = timezone.now() + timedelta(seconds=pause)
        too_long = pause > longest_wait or time.monotonic() + pause > deadline
        if too_long or shutdown.requested(within=pause):
            context.hand_back(due_at)
            return pause <= longest_wait and not shutdown.requested()
        if not context.renew():
            return False


def step(context: ChangeContext) -> float | None:
    """Do the next step; return the seconds until the one after it, None where the change has ended."""
    change = context.change
    try:
        pause = STEPS[change.status](context)
    except ProviderError as error:  # a read that failed: nothing was changed by it, so ask again
        log.info("change %s, %s: %s", change.pk, change.status, error)
        circuit_breaker.failed_in_operation(change.service.provider, error)
        pause = context.stumble(error)
    return None if not change.active else pause


def wait_until_due(pk: int) -> None:
    """Sleep until a change that was handed back may be taken up again, a second at a time."""
    while pk not in queue.due(Change, timezone.now()) and Change.objects.active().filter(pk=pk).exists():
        time.sleep(1.0)
