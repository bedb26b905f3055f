"""The steps of a change: what is done in each status, and where it leads.

A step reads, then moves the row together with its audit entry in one transaction. Only `sending.send`
makes a call that changes traffic, and only after its intent is committed.
"""

from __future__ import annotations

from collections.abc import Callable

from deployments.steps.clearing import clear
from deployments.steps.following import check, follow
from deployments.steps.restoring import restore
from deployments.steps.run import LeaseLost, Next, Run
from deployments.steps.sending import find_out, read_back
from deployments.steps.setting_out import begin, pin

STEPS: dict[str, Callable[[Run], Next]] = {
    "queued": begin,
    "clearing": clear,
    "pinning": pin,
    "sending": find_out,
    "unclear": read_back,
    "accepted": follow,
    "serving": check,
    "restoring": restore,
}

__all__ = ["STEPS", "LeaseLost", "Next", "Run"]
