"""The steps of a change: one function per status, which does the work and moves the row to the next status.

A step reads first, then moves the row and writes its audit entry in one transaction. Only `send_order.send`
makes a call that changes traffic, and only after the intent to do so has been committed.
"""

from __future__ import annotations

from collections.abc import Callable

from deployments.operations.steps.cancel_builds import cancel_running_builds
from deployments.operations.steps.check_served import check_public_addresses
from deployments.operations.steps.context import ChangeContext, Pause
from deployments.operations.steps.follow import follow_progress
from deployments.operations.steps.prepare import start_change, switch_auto_deploy_off
from deployments.operations.steps.restore_auto_deploy import switch_auto_deploy_back
from deployments.operations.steps.send_order import look_up_order, recover_interrupted_send

STEPS: dict[str, Callable[[ChangeContext], Pause]] = {
    "queued": start_change,
    "clearing": cancel_running_builds,
    "pinning": switch_auto_deploy_off,
    "sending": recover_interrupted_send,
    "unclear": look_up_order,
    "accepted": follow_progress,
    "serving": check_public_addresses,
    "restoring": switch_auto_deploy_back,
}

__all__ = ["STEPS", "ChangeContext", "Pause"]
