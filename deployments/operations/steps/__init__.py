"""The steps of a change: what is done in each status, and where it leads.

A step reads, then moves the row together with its audit entry in one transaction. Only `sending.send`
makes a call that changes traffic, and only after its intent is committed.
"""

from __future__ import annotations

from collections.abc import Callable

from deployments.operations.steps.cancel_builds import clear
from deployments.operations.steps.context import ChangeContext, Next
from deployments.operations.steps.follow import check, follow
from deployments.operations.steps.prepare import begin, pin
from deployments.operations.steps.restore_auto_deploy import restore
from deployments.operations.steps.send_order import find_out, read_back

STEPS: dict[str, Callable[[ChangeContext], Next]] = {
    "queued": begin,
    "clearing": clear,
    "pinning": pin,
    "sending": find_out,
    "unclear": read_back,
    "accepted": follow,
    "serving": check,
    "restoring": restore,
}

__all__ = ["STEPS", "ChangeContext", "Next"]
