"""What a command prints while its operation runs, and how a person stops waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deployments.models import Change
from deployments.operations.overdue import stop_waiting
from deployments.pages.status_text import waits_too_long
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock


@dataclass
class ProgressLines:
    """Prints each new line once, and once that the provider takes too long.

    Args:
        say: prints a line, or drops it where only the outcome is wanted.
        warn: prints a line that is no part of the outcome.
    """

    say: Callable[[str], object]
    warn: Callable[[str], object]
    last_line: str = ""
    warned: bool = False

    def show(self, change: Change) -> None:
        line = f"{change.status}: {change.message}".rstrip(": ")
        if line != self.last_line:
            self.last_line = line
            self.say(line)
        too_long = "" if self.warned else waits_too_long(change, clock.now())
        if too_long:
            self.warned = True
            page = change.operation.get_absolute_url()
            self.warn(f"{too_long} Ctrl-C stops waiting; {page} has the commands to act by hand.")


def stop_at_once(pk: int) -> None:
    """Give up an order that takes too long.

    Raises:
        NotOverdue: it does not; nothing was changed.
    """
    change = Change.objects.shown().get(pk=pk)
    operation = change.operation
    stop_waiting(
        Actor(operation.requested_by_name, operation.requested_by_role, operation.requested_by_id), change
    )
