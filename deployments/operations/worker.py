"""Executes one change step by step. The worker may die at any point.

The intent to call a provider is committed before the call. Wherever a worker dies, the row therefore tells
what may have happened, and nothing is sent twice. The steps themselves are in `steps/`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from deployments.clients import provider
from deployments.models import Change
from deployments.operations.stalled import give_up_on_stalled_worker
from deployments.operations.steps import STEPS, ChangeContext
from deployments.providers.base import ProviderError, Urgency
from deployments.sync import circuit_breaker
from deployments.sync.poll import read_service
from rollback_portal.jobs import queue
from rollback_portal.jobs.execution import execute
from rollback_portal.jobs.lease import Lease, LeaseLost
from rollback_portal.jobs.process import shutdown

log = logging.getLogger(__name__)

SECONDS_PER_MESSAGE = 40.0  # that a Celery message keeps a worker busy, well below the task time limit
LONGEST_WAIT = 5.0  # seconds that a worker sleeps between two steps; for longer it hands the change back
LONGEST_STEP = 90.0  # seconds; a step that lasts longer has stalled, so its lease is left to run out

Observer = Callable[[Change], None]


def run(
    pk: int,
    *,
    seconds: float = SECONDS_PER_MESSAGE,
    longest_wait: float = LONGEST_WAIT,
    observe: Observer = lambda change: None,
) -> bool:
    """Lease one change and work on it until it ends, has to wait for long, or the time is up.

    Errors of the provider are saved in the change and never raised. Where another worker takes the change
    over, this one stops writing and returns.

    Args:
        pk: primary key of the change.
        seconds: how long to work on it.
        longest_wait: seconds; the change is handed back before a longer wait.
        observe: called with the change after each step.

    Returns:
        True where the change is still active and due at once; also False where another worker has it.
    """
    deadline = time.monotonic() + seconds

    def work(lease: Lease[Change]) -> bool:
        return _work(lease.row, deadline, longest_wait, observe)

    return execute(Change.objects.shown(), pk, work, when_locked=give_up_on_stalled_worker)


def _work(change: Change, deadline: float, longest_wait: float, observe: Observer) -> bool:
    context = ChangeContext(change, provider(change.service.provider, Urgency.OPERATION))
    while True:
        with context.renewed_in_background(unless=_may_not_last(change)):
            pause = step(context)
        observe(change)
        if pause is None:
            read_service(change.service, context.provider)
            return False
        too_long = pause > longest_wait or time.monotonic() + pause > deadline
        if too_long or shutdown.requested(within=pause):
            context.hand_back(pause)
            return pause <= longest_wait and not shutdown.requested()
        if not context.renew():
            return False


def _may_not_last(change: Change) -> Callable[[], bool]:
    """When a long step does not keep its lease: the reads of a slow provider may take long, an order may not.

    Whoever finds the row in `sending` without a lease looks the order up.
    """
    until = time.monotonic() + LONGEST_STEP
    return lambda: change.status == "sending" or time.monotonic() > until


def step(context: ChangeContext) -> float | None:
    """Do the next step. Returns the seconds until the one after it, None where the change has ended."""
    change = context.change
    try:
        pause = STEPS[change.status](context)
    except ProviderError as error:  # a read failed: that changed nothing, so try again
        log.info("change %s, %s: %s", change.pk, change.status, error)
        circuit_breaker.record_operation_failure(change.service.provider, error)
        pause = context.retry_read(error)
    except (LeaseLost, OperationalError, InterfaceError, AssertionError):
        raise
    except Exception as error:
        log.exception("change %s, %s", change.pk, change.status)
        what = f"This step met an error that nobody foresaw ({type(error).__name__})."
        is_sent = change.status == "sending"
        pause = STEPS["sending"](context) if is_sent else context.retry_read(ProviderError(what))
    return None if not change.active else pause


def wait_until_due(pk: int) -> None:
    """Sleep, a second at a time, until a change that was handed back is due again or has ended."""
    while pk not in queue.due(Change) and Change.objects.active().filter(pk=pk).exists():
        time.sleep(1.0)
